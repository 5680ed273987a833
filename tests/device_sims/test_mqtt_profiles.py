"""Topics and payloads, without a broker."""

import json
from typing import get_args

import pytest

from device_sims.device import Command
from device_sims.kinds import Value
from device_sims.mqtt_profiles import PROFILES, Raw, Telemetry

READING: dict[str, Value] = {"temperature": 21.4, "count": 0, "fan": False, "label": ""}


def test_telemetry_is_one_json_object() -> None:
    ((topic, payload),) = Telemetry().readings("sensors/node1", READING)
    assert topic == "sensors/node1/telemetry"
    assert json.loads(payload) == READING


def test_raw_is_a_bare_value_for_each_point() -> None:
    assert Raw().readings("home/node1", READING) == [
        ("home/node1/temperature", b"21.4"),
        ("home/node1/count", b"0"),
        ("home/node1/fan", b"false"),
        ("home/node1/label", b""),
    ]


def test_every_type_of_value_has_a_bare_form() -> None:
    values: dict[type, Value] = {bool: True, int: 3, float: 0.5, str: "on"}
    assert set(values) == set(get_args(Value))
    messages = Raw().readings("base", {kind.__name__: value for kind, value in values.items()})
    assert [payload for _, payload in messages] == [b"true", b"3", b"0.5", b"on"]


def test_telemetry_commands_are_json_and_answered() -> None:
    profile = Telemetry()
    command = profile.command("sensors/node1/set", b'{"command":"fan","value":true,"id":17}')
    assert command == Command("fan", True, 17)
    assert profile.acknowledgement("sensors/node1", command, None) == (
        "sensors/node1/ack",
        b'{"ack":17,"ok":true}',
    )
    assert profile.acknowledgement("sensors/node1", command, "jammed") == (
        "sensors/node1/ack",
        b'{"ack":17,"ok":false,"error":"jammed"}',
    )
    assert profile.acknowledgement("sensors/node1", Command("fan", True), None) is None


def test_raw_commands_are_bare_and_not_answered() -> None:
    profile = Raw()
    command = profile.command("home/node1/fan/set", b"ON")
    assert command == Command("fan", "ON", bare=True)
    assert profile.acknowledgement("home/node1", command, None) is None


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"[]", b"17", b"[" * 100_000])
def test_a_payload_that_is_no_json_object_is_an_error(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the JSON library's
        Telemetry().command("sensors/node1/set", payload)


def test_a_json_object_that_is_no_command_is_none() -> None:
    assert Telemetry().command("sensors/node1/set", b'{"ack":1}') is None


def test_the_filters_match_what_the_profiles_hear() -> None:
    assert {name: profile.commands("a/+") for name, profile in PROFILES.items()} == {
        "telemetry": "a/+/set",
        "raw": "a/+/+/set",
    }
