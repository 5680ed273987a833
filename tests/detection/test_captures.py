"""Plain captures are recognised, with noise in them too, and random bytes are never claimed to be anything."""

import random
import time

import pytest

from gateway.detection import Capture, guess
from tests.detection.hearing import CAPTURES, Chunks, capture, with_losses, with_noise, without_pauses

EXPECTED = {
    "brackets.txt": "delimited",
    "carriage-return.txt": "delimited",
    "columns.txt": "delimited",
    "esp32-json.txt": "json",
    "gps.txt": "nmea0183",
    "json-and-log.txt": "json",
    "json-lines.txt": "json",
    "key-value.txt": "key_value",
    "labels.txt": "key_value",
    "log.txt": "text",
    "nmea-like.txt": "delimited",
    "nodes.csv": "delimited",
    "number.txt": "number",
    "p1.txt": "text",
    "plotter.txt": "key_value",
    "query.txt": "key_value",
    "scale.txt": "delimited",
    "semicolons.csv": "delimited",
    "sentences.txt": "key_value",
    "tabs.tsv": "delimited",
    "weather-header.csv": "delimited",
}
NOT_SURE = {"prose.txt"}


def test_every_capture_of_the_folder_is_expected_to_be_something() -> None:
    assert {path.name for path in CAPTURES.iterdir()} == EXPECTED.keys() | NOT_SURE


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_is_recognised(name: str) -> None:
    best = guess(Capture.of(capture(name)))[0]
    assert best.sure
    assert best.framing["type"] == ("stx_etx" if name == "brackets.txt" else "lines")
    assert best.codec["type"] == EXPECTED[name]
    assert guess(Capture.of(without_pauses(capture(name))))[0].codec == best.codec


@pytest.mark.parametrize("name", ["gps.txt", "nodes.csv", "key-value.txt", "json-lines.txt"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_noisy_capture_is_recognised(name: str, seed: int) -> None:
    best = guess(Capture.of(with_losses(with_noise(capture(name), seed), seed)))[0]
    assert best.sure
    assert (best.framing["type"], best.codec["type"]) == ("lines", EXPECTED[name])


@pytest.mark.parametrize("name", sorted(NOT_SURE))
def test_what_only_reads_like_something_is_not_sure(name: str) -> None:
    assert not any(one.sure for one in guess(Capture.of(capture(name))))


def noise(seed: int) -> Chunks:
    draw = random.Random(seed)
    left, at = draw.choice([100, 1000, 4096, 64 * 1024]), 0.0
    chunks = []
    while left > 0:
        piece = draw.randbytes(min(left, draw.randrange(1, 2000)))
        chunks.append((at, piece))
        at += draw.choice([0.001, 0.01, 0.05])
        left -= len(piece)
    return chunks


@pytest.mark.parametrize("seeds", [range(30), pytest.param(range(30, 1000), marks=pytest.mark.long)], ids=len)
def test_random_bytes_are_not_claimed_to_be_anything(seeds: range) -> None:
    for seed in seeds:
        assert not any(one.sure for one in guess(Capture.of(noise(seed)))), seed


def test_the_longest_capture_takes_a_bounded_time() -> None:
    draw = random.Random(7)
    for data in (draw.randbytes(1 << 16), b"\xaa\x55" * (1 << 15), b"1,2\n" * (1 << 14), bytes(1 << 16)):
        began = time.process_time()
        guess(Capture.of([(number / 10, data[at : at + 512]) for number, at in enumerate(range(0, 1 << 16, 512))]))
        assert time.process_time() - began < 10, "it should take a second or two"
