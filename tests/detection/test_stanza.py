"""What is proposed runs as it is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.serial import SerialOptions
from gateway.config import Config, parse
from gateway.detection import Capture, Guess, guess
from gateway.detection.stanza import Line, adapter_id, silence, stanza
from tests.detection.hearing import CAPTURES, capture, heard

LINE = Line("uno", "/dev/serial/by-id/usb-Arduino_Uno-if00", 9600, "Arduino Uno")


def parsed(text: str) -> tuple[Config, SerialOptions]:
    config = parse(text, "detected.yaml", Path(), {})
    (options,) = config.adapters
    assert isinstance(options, SerialOptions)
    return config, options


def made(**more: Any) -> Guess:
    given: dict[str, Any] = {
        "framing": {"type": "lines"},
        "codec": {"type": "json"},
        "score": 1.0,
        "rank": 1.0,
        "bits": 90.0,
    }
    return Guess(**given | {"sure": True, "proven": True, "frames": 9, "read": 9} | more)


@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.iterdir() if path.name != "prose.txt"))
def test_the_stanza_of_a_capture_is_what_was_guessed(name: str) -> None:
    best = guess(Capture.of(capture(name)))[0]
    _, options = parsed(stanza(best, LINE))
    assert (options.id, options.port, options.baudrate) == ("uno", LINE.port, 9600)
    assert options.framing.model_dump(exclude_unset=True) == best.framing
    codec = options.codec.model_dump(exclude_unset=True, mode="json")
    assert codec == best.codec


@pytest.mark.parametrize("framing", ["cobs", "slip", "stx_etx", "length_prefixed", "fixed"])
def test_the_stanza_of_a_binary_board_is_what_was_guessed(framing: str) -> None:
    best = guess(Capture.of(heard(framing, "crc16-ccitt", "struct")))[0]
    text = stanza(best, LINE)
    _, options = parsed(text)
    assert options.framing.type == framing
    assert "are a guess" in text


def test_what_was_told_of_points_is_in_it() -> None:
    best = guess(Capture.of(capture("labels.txt")))[0]
    text = stanza(best, LINE)
    config, _ = parsed(text)
    assert config.devices["uno"].name == "Arduino Uno"
    assert {name: point.unit for name, point in config.devices["uno"].points.items()} == {
        "Temp": "Cel",
        "Hum": "%",
        "Lux": "lx",
    }


def test_several_devices_are_told_apart() -> None:
    best = guess(Capture.of(capture("nodes.csv")))[0]
    config, options = parsed(stanza(best, LINE))
    assert options.devices is not None
    assert options.devices.field == "device"
    assert list(config.devices) == ["uno.attic", "uno.cellar", "uno.garage"]


def test_a_socket_has_no_speed() -> None:
    _, options = parsed(stanza(made(), Line("far", "socket://[::1]:4000", None)))
    assert options.port == "socket://[::1]:4000"


names = st.text(min_size=1, max_size=140)


@given(
    values=st.dictionaries(names, st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), names), max_size=8),
    unit=names,
    field=st.one_of(st.none(), st.just("node")),
    devices=st.lists(names, min_size=1, max_size=3, unique=True),
    port=st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=40),
    product=names,
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_board_calls_its_points_the_stanza_runs(
    values: dict[str, Any], unit: str, field: str | None, devices: list[str], port: str, product: str
) -> None:
    one = made(values=values, units=dict.fromkeys(values, unit), field=field, names=tuple(devices) if field else ())
    line = Line(adapter_id(product), "/dev/" + port.replace("${", "").replace("://", ""), 115200)
    config, options = parsed(stanza(one, line))
    assert options.port == line.port
    assert len(config.devices) == (len(devices) if field else 1)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Arduino Uno", "arduino-uno"),
        ("CP2102 USB to UART Bridge Controller", "cp2102-usb-to-uart-bridge-contro"),
        ("ttyACM0", "ttyacm0"),
        ("Größe", "gr-e"),
        ("…", "board"),
        ("", "board"),
    ],
)
def test_an_id_comes_of_what_the_board_is_called(name: str, id: str) -> None:
    assert adapter_id(name) == id


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ((), None),
        ((1.0,), None),
        ((0.0, 0.1, 0.2), 2),
        ((0.0, 1.0, 2.0, 3.0), 5),
        ((0.0, 60.0), 300),
        ((0.0, 9000.0), None),
    ],
)
def test_silence_is_what_is_unusual_by_what_was_heard(times: tuple[float, ...], seconds: int | None) -> None:
    assert silence(made(times=times)) == seconds
