"""Every simulated board is recognised: its framing, its checksum, and its codec."""

from collections.abc import Callable

import pytest

from gateway.detection import Capture, guess
from tests.detection.hearing import (
    READS,
    Chunks,
    combinations,
    heard,
    named,
    rising,
    with_losses,
    with_noise,
    without_pauses,
)

ALL = list(combinations())
# Each framing with each codec, and each with each checksum; all of them together take longer.
SOME = [
    (framing, checksum, codec)
    for framing, checksum, codec in ALL
    if checksum == "none" or codec == "struct" or (framing == "lines" and codec == "delimited")
]


def test_there_are_boards_of_every_kind() -> None:
    assert len({framing for framing, _, _ in ALL}) == 6
    assert len({codec for _, _, codec in ALL}) == 8
    assert len({checksum for _, checksum, _ in ALL}) == 6


@pytest.mark.parametrize(("framing", "checksum", "codec"), SOME)
def test_a_board_is_recognised(framing: str, checksum: str, codec: str) -> None:
    best = guess(Capture.of(heard(framing, checksum, codec)))[0]
    assert best.sure
    assert named(best) == (framing, checksum, READS.get(codec, codec))
    assert best.proven == (codec != "struct" or checksum != "none")
    assert best.read >= 14, "a frame that came whole was not read"
    assert rising(best.times)
    assert best.rate == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("framing", ["lines", "cobs", "slip", "stx_etx", "length_prefixed"])
@pytest.mark.parametrize("damage", [with_noise, with_losses])
def test_damage_on_the_line_does_not_hide_a_board(framing: str, damage: Callable[[Chunks, int], Chunks]) -> None:
    for codec in ("json", "delimited") if framing == "lines" else ("json", "struct"):
        for checksum in ("none", "crc16-ccitt"):
            chunks = damage(heard(framing, checksum, codec, frames=40), 3)
            best = guess(Capture.of(chunks))[0]
            assert (best.sure, named(best)) == (True, (framing, checksum, codec)), best


@pytest.mark.parametrize("framing", ["lines", "cobs", "slip", "stx_etx", "length_prefixed", "fixed"])
def test_a_board_that_never_pauses_is_recognised(framing: str) -> None:
    codec = "delimited" if framing == "lines" else "struct"
    chunks = without_pauses(heard(framing, "sum8", codec, kind="power", frames=40))
    assert named(guess(Capture.of(chunks))[0]) == (framing, "sum8", codec)


@pytest.mark.parametrize("codec", ["json", "key_value", "delimited", "senml", "text"])
def test_the_point_that_names_the_device_is_found(codec: str) -> None:
    best = guess(Capture.of(heard("lines", "none", codec, devices=3, frames=8)))[0]
    assert best.field is not None
    assert best.names == ("n1", "n2", "n3")


def test_one_device_is_no_reason_for_a_field() -> None:
    assert guess(Capture.of(heard("lines", "none", "json")))[0].field is None


@pytest.mark.parametrize("header", [True, False])
def test_columns_are_called_as_the_header_says_where_it_was_heard(header: bool) -> None:
    best = guess(Capture.of(heard("lines", "none", "delimited", header=header)))[0]
    names = best.codec["points"]
    assert names[:2] == (["temperature", "humidity"] if header else ["column1", "column2"])
    assert best.codec.get("header", False) is header


def test_units_are_those_that_the_frames_tell() -> None:
    best = guess(Capture.of(heard("lines", "none", "key_value")))[0]
    assert best.units == {"temperature": "Cel", "humidity": "%", "pressure": "hPa"}


@pytest.mark.parametrize(("kind", "layout"), [("climate", "<BIBHfBf"), ("tank", "<BIHfBf"), ("power", "<BIHBBfBBBBBf")])
def test_the_fields_of_a_record_are_guessed_by_how_they_change(kind: str, layout: str) -> None:
    best = guess(Capture.of(heard("cobs", "crc16-modbus", "struct", kind=kind, frames=20, seed=3)))[0]
    assert best.codec["layout"] == layout


@pytest.mark.long
@pytest.mark.parametrize(("framing", "checksum", "codec"), ALL)
@pytest.mark.parametrize("kind", ["climate", "power", "tank"])
def test_a_board_is_recognised_whatever_becomes_of_its_line(framing: str, checksum: str, codec: str, kind: str) -> None:
    for seed in range(2):
        plain = heard(framing, checksum, codec, kind=None if codec == "nmea0183" else kind, frames=40, seed=seed)
        for chunks in (plain[:9], plain, with_noise(plain, seed), with_losses(plain, seed), without_pauses(plain)):
            best = guess(Capture.of(chunks))[0]
            assert (best.sure, named(best)) == (True, (framing, checksum, READS.get(codec, codec))), best
