"""Captures as devices in the field print them."""

from typing import Any

import pytest

from gateway.detection import Capture, guess
from tests.detection.hearing import CAPTURES, capture, named, with_losses, with_noise, without_pauses

EXPECTED: dict[str, tuple[tuple[str, str, str], dict[str, Any]]] = {
    "brackets.txt": (("stx_etx", "none", "delimited"), {"points": ["column1", "column2", "column3"]}),
    "carriage-return.txt": (("lines", "none", "delimited"), {}),
    "columns.txt": (("lines", "none", "delimited"), {"separator": " "}),
    "esp32-json.txt": (("lines", "none", "json"), {}),
    "gps.txt": (("lines", "none", "nmea0183"), {}),
    "json-and-log.txt": (("lines", "none", "json"), {}),
    "json-lines.txt": (("lines", "none", "json"), {}),
    "key-value.txt": (("lines", "none", "key_value"), {}),
    "labels.txt": (("lines", "none", "key_value"), {}),
    "log.txt": (("lines", "none", "text"), {}),
    "nmea-like.txt": (("lines", "xor8", "delimited"), {}),
    "nodes.csv": (("lines", "none", "delimited"), {"points": ["device", "column2", "column3"]}),
    "number.txt": (("lines", "none", "number"), {}),
    "p1.txt": (("lines", "none", "text"), {}),
    "plotter.txt": (("lines", "none", "key_value"), {}),
    "query.txt": (("lines", "none", "key_value"), {"pairs": "&"}),
    "scale.txt": (("lines", "none", "delimited"), {}),
    "semicolons.csv": (("lines", "none", "delimited"), {"separator": ";", "decimal": ","}),
    "sentences.txt": (("lines", "none", "key_value"), {"prefix": "Distance to "}),
    "tabs.tsv": (("lines", "none", "delimited"), {"separator": "\t"}),
    "weather-header.csv": (
        ("lines", "none", "delimited"),
        {"points": ["Time", "Temperature", "Humidity", "Pressure", "Rain"], "header": True},
    ),
}
NOT_SURE = {"prose.txt"}


def test_every_capture_is_expected_to_be_something() -> None:
    assert {path.name for path in CAPTURES.iterdir()} == EXPECTED.keys() | NOT_SURE


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_is_recognised(name: str) -> None:
    expected, options = EXPECTED[name]
    best = guess(Capture.of(capture(name)))[0]
    assert best.sure
    assert best.proven
    assert named(best) == expected
    assert best.codec.items() >= options.items()
    assert guess(Capture.of(without_pauses(capture(name))))[0].codec == best.codec


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - {"json-and-log.txt", "p1.txt", "log.txt"}))
def test_a_capture_with_noise_in_it_is_recognised(name: str) -> None:
    expected, _ = EXPECTED[name]
    for seed in range(3):
        best = guess(Capture.of(with_losses(with_noise(capture(name), seed), seed)))[0]
        assert (best.sure, named(best)) == (True, expected), seed


@pytest.mark.parametrize("name", sorted(NOT_SURE))
def test_what_only_reads_like_something_is_not_sure(name: str) -> None:
    assert not any(one.sure for one in guess(Capture.of(capture(name))))


def test_a_carriage_return_alone_is_a_terminator() -> None:
    assert guess(Capture.of(capture("carriage-return.txt")))[0].framing == {"type": "lines", "terminator": "\r"}


def test_what_is_said_with_its_unit_has_it() -> None:
    units = {
        name: guess(Capture.of(capture(name)))[0].units for name in ("labels.txt", "weather-header.csv", "scale.txt")
    }
    assert units["labels.txt"] == {"Temp": "Cel", "Hum": "%", "Lux": "lx"}
    assert units["weather-header.csv"] == {"Time": "s", "Temperature": "Cel", "Humidity": "%", "Pressure": "hPa"}
    assert units["scale.txt"] == {"column3": "kg"}


def test_the_first_column_is_a_device_where_it_names_several() -> None:
    best = guess(Capture.of(capture("nodes.csv")))[0]
    assert (best.field, best.names) == ("device", ("attic", "cellar", "garage"))


def test_a_line_that_was_torn_at_either_end_counts_as_nothing() -> None:
    whole = b"".join(b'{"t":%d}\n' % number for number in range(10))
    best = guess(Capture.of([(0.0, whole[3:-4])]))[0]
    assert (best.score, best.read) == (1.0, 8)


def test_a_sentence_becomes_a_pattern_with_the_words_as_names() -> None:
    lines = [b"pump %d runs at %d rpm, valve %s\r\n" % (1, 900 + n, b"open" if n % 3 else b"closed") for n in range(12)]
    best = guess(Capture.of([(n / 10, line) for n, line in enumerate(lines)]))[0]
    assert best.codec["type"] == "regex"
    assert list(best.values) == ["pump", "at", "valve"]


def test_two_lines_of_json_are_enough_and_two_words_are_not() -> None:
    assert guess(Capture.of([(0.0, b'{"temperature":21.4}\n{"temperature":21.5}\n')]))[0].sure
    assert not any(made.sure for made in guess(Capture.of([(0.0, b"hello\nworld\n")])))


def test_a_value_that_never_changes_is_no_noise() -> None:
    assert guess(Capture.of([(0.0, b"21.4\r\n" * 20)]))[0].sure
