"""Shelly: the first generation of the firmware, and how both share one profile."""

import json
from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles import Described, Profile, Publication, Unreadable
from gateway.profiles.base import MAX_DEVICES
from gateway.profiles.shelly import ShellyOptions
from tests.profiles.shelly_messages import (
    DIMMER,
    INFO,
    MESSAGES,
    OPTIONS,
    PM,
    announce,
    many,
    notification,
)
from tests.profiles.told import availability, command, complaints, devices, fresh, only, told, values


def build(**options: Any) -> Profile:
    return ShellyOptions.model_validate({**OPTIONS, **options}).build()


def known() -> Profile:
    """A profile that knows every documented device."""
    profile = build()
    told(profile, MESSAGES)
    return profile


def test_a_device_has_the_model_and_the_address_that_it_announces() -> None:
    (*_, event) = [event for event in only(Described, told(build(), MESSAGES)) if event.device == PM]
    assert (event.description.model, event.description.vendor) == ("SHSW-PM", "Shelly")
    assert event.identities == {"mac:84cca8ae2f66"}
    assert event.topics == {f"shellies/{PM}"}


def test_points_are_named_after_their_topics_and_have_units() -> None:
    found = devices(told(build(), MESSAGES))
    units = {name: point.unit for name, point in found[PM].points.items()}
    assert units == {
        "relay.0": None, "relay.0.overpower": None, "relay.0.power": "W", "relay.0.energy": "W.min",
        "input.0": None, "input_event.0.event": None, "input_event.0.event_cnt": None, "longpush.0": None,
        "temperature": "Cel",
        "overtemperature": None, "temperature_status": None,
    }  # fmt: skip
    assert found["shellyem3-485519D9"].points["emeter.0.total"].unit == "W.h"
    assert found["shellyswitch25-C45BBE"].points["voltage"].unit == "V"
    assert found["shellyuni-98CDAC"].points["adc.0"].unit == "V"


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("relay/0", b"on", {"relay.0": True, "relay.0.overpower": False}),
        ("relay/0", b"overpower", {"relay.0": False, "relay.0.overpower": True}),
        ("relay/0/power", b"20.18", {"relay.0.power": 20.18}),
        ("input/0", b"1", {"input.0": True}),
        ("input_event/0", b'{"event":"L","event_cnt":7}',
         {"input_event.0.event": "L", "input_event.0.event_cnt": 7}),
        ("roller/0", b"open", {"roller.0": "open"}),
        ("roller/0/pos", b"42", {"roller.0.pos": 42}),
        ("roller/0/pos", b"-1", {"roller.0.pos": None}),
        ("sensor/flood", b"true", {"sensor.flood": True}),
        ("sensor/vibration", b"-1", {"sensor.vibration": None}),
        ("sensor/tilt", b"12", {"sensor.tilt": 12}),
        ("sensor/state", b"close", {"sensor.state": "close"}),
        ("sensor/of_a_later_kind", b"7", {"sensor.of_a_later_kind": 7}),
        ("sensor/of_a_later_kind", b"false", {"sensor.of_a_later_kind": False}),
        ("sensor/of_a_later_kind", b"low", {"sensor.of_a_later_kind": "low"}),
        ("sensor/temperature", b"null", {"sensor.temperature": None}),
        ("light/0/status", b'{"ison":true,"mode":"white","brightness":5,"has_timer":false}',
         {"light.0": True, "light.0.mode": "white", "light.0.brightness": 5}),
        ("emeter/2/returned_energy", b"3.5", {"emeter.2.returned_energy": 3.5}),
        ("ext_temperature/0", b"21.5", {"ext_temperature.0": 21.5}),
    ],
)  # fmt: skip
def test_a_topic_gives_its_values(topic: str, payload: bytes, expected: dict[str, Value]) -> None:
    assert values(fresh(build(), f"shellies/shelly-1/{topic}", payload)) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "temperature_f",
        "relay/0/command",
        "color/0/set",
        "roller/0/command/pos",
        "command",
        "ext_temperatures",
        "relay/0/foo",
        "input_event/0/x",
        "roller/0/x",
        "sensor/a/b",
        "relay/10",
        "relay",
    ],
)
def test_what_tells_nothing_new_makes_no_device(topic: str) -> None:
    assert fresh(build(), f"shellies/shelly-1/{topic}", b"1") == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [("relay/0", b"maybe"), ("relay/0/power", b"lots"), ("input_event/0", b"S"), ("roller/0", b"up"),
     ("relay/0", b"\xff"), ("light/0/status", b"[]"), ("announce", b"{}"), ("online", b"yes")],
)  # fmt: skip
def test_what_makes_no_sense_is_counted_for_its_device(topic: str, payload: bytes) -> None:
    (event,) = fresh(known(), f"shellies/{PM}/{topic}", payload)
    assert isinstance(event, Unreadable)
    assert event.device == PM


def test_a_thermometer_has_a_unit_once_its_device_says_which() -> None:
    profile = build()
    reading = fresh(profile, "shellies/shellyht-1/sensor/temperature", b"85.3")
    assert devices(reading)["shellyht-1"].points["sensor.temperature"].unit is None
    told_so = fresh(profile, "shellies/shellyht-1/info", b'{"tmp":{"value":85.3,"units":"F","tC":29.6}}')
    assert devices(told_so)["shellyht-1"].points["sensor.temperature"].unit == "[degF]"


def test_an_announcement_to_all_makes_a_device_known_until_it_speaks_for_itself() -> None:
    profile = build()
    found = devices(fresh(profile, "shellies/announce", announce(PM, "SHSW-PM", "84CCA8AE2F66")))
    assert found[PM].model == "SHSW-PM"
    again = devices(fresh(profile, f"shellies/{PM}/announce", announce(PM, "SHSW-PM-2", "84CCA8AE2F66")))
    assert again[PM].model == "SHSW-PM-2"


@pytest.mark.parametrize("name", ["", "a\0b", "+", "x" * 300])
def test_a_name_that_no_topic_can_hold_is_nobodys(name: str) -> None:
    assert fresh(build(), f"shellies/{name}/relay/0", b"on") == []
    assert complaints(fresh(build(), "shellies/announce", announce(name, "SHSW-PM", "84CCA8AE2F66")))


def test_a_device_that_announces_another_is_refused() -> None:
    (complaint,) = complaints(fresh(build(), f"shellies/{PM}/announce", announce(DIMMER, "SHDM-2", "E09806966EFB")))
    assert "another device" in complaint


def test_what_a_device_said_on_its_own_topic_stands_against_the_shared_one() -> None:
    profile = known()
    assert fresh(profile, "shellies/announce", announce(PM, "SHXX", "000000000000")) == []


def test_a_newer_device_that_announces_itself_in_the_old_way_is_none_of_the_old() -> None:
    assert fresh(build(), "shellies/announce", json.dumps(INFO).encode()) == []


def test_online_alone_makes_no_device_but_is_remembered() -> None:
    profile = build()
    assert told(profile, [(f"shellies/{PM}/online", b"false", True)]) == []
    assert availability(fresh(profile, f"shellies/{PM}/relay/0", b"on")) == [(PM, False)]
    assert availability(fresh(profile, f"shellies/{PM}/online", b"true")) == [(PM, True)]
    told(profile, [(f"shellies/{DIMMER}/online", b"true", True)])
    announced = fresh(profile, f"shellies/{DIMMER}/announce", announce(DIMMER, "SHDM-2", "E09806966EFB"))
    assert availability(announced) == [(DIMMER, True)]


def test_a_device_that_never_said_online_is_neither_there_nor_gone() -> None:
    assert availability(fresh(build(), f"shellies/{PM}/relay/0", b"on")) == []


def test_a_cleared_topic_and_a_status_of_nobody_make_no_device() -> None:
    assert fresh(build(), "shellies/attic/relay/0", b"") == []
    assert fresh(build(), "shellies/attic/status", b'{"mac":"84CCA8AE2F66"}') == []


def test_at_every_connect_devices_are_asked_who_they_are_and_what_they_measure() -> None:
    assert list(build().greetings()) == [
        Publication("shellies/command", b"announce"),
        Publication("shellies/command", b"update"),
    ]


@pytest.mark.parametrize(
    ("device", "point", "value", "topic", "payload"),
    [
        (PM, "relay.0", True, "relay/0/command", b"on"),
        (PM, "relay.0", False, "relay/0/command", b"off"),
        (DIMMER, "light.0", True, "light/0/command", b"on"),
        (DIMMER, "light.0.brightness", 40.0, "light/0/set", b'{"brightness":40}'),
        ("shellyrgbw2-A1B2C3", "color.0.red", 255, "color/0/set", b'{"red":255}'),
        ("shellyrgbw2-A1B2C3", "color.0.gain", 20, "color/0/set", b'{"gain":20}'),
        ("shellyswitch25-C45BBE", "roller.0", "stop", "roller/0/command", b"stop"),
        ("shellyswitch25-C45BBE", "roller.0.pos", 30, "roller/0/command/pos", b"30"),
    ],
)
def test_a_command_goes_to_the_topic_of_its_point(
    device: str, point: str, value: Value, topic: str, payload: bytes
) -> None:
    profile = known()
    assert profile.encode(command(device, point, value)) == Publication(f"shellies/{device}/{topic}", payload)


@pytest.mark.parametrize(
    ("device", "point", "value"),
    [
        (PM, "relay.1", True),
        (PM, "relay.0", "on"),
        (PM, "relay.0.power", 1),
        (PM, "relay.0.overpower", False),
        (DIMMER, "light.0.brightness", 101),
        (DIMMER, "light.0.mode", "color"),
        ("shellyswitch25-C45BBE", "roller.0", "up"),
        ("shelly-9", "relay.0", True),
    ],
)
def test_what_cannot_be_commanded_is_refused(device: str, point: str, value: Value) -> None:
    with pytest.raises(CodecError):
        known().encode(command(device, point, value))


def test_relays_show_what_became_of_a_command() -> None:
    points = devices(told(build(), MESSAGES))[PM].points
    assert points["relay.0"] == Point("boolean", writable=True, confirm="verified")


def test_devices_of_both_generations_share_the_room() -> None:
    profile = build()
    told(profile, many(MAX_DEVICES - 1))
    plugs = [(f"shellyplus1-{number:012x}/online", b"true", True) for number in range(3)]
    events = told(profile, plugs)
    assert len(devices(events)) == 1
    assert len(complaints(events)) == 2


def test_no_two_devices_have_the_same_name() -> None:
    profile = build()
    fresh(profile, "shellies/blinds/relay/0", b"on")
    message = notification("shellyplus2pm-441793a1b2c3", "blinds", "NotifyStatus", {"ts": 1, "cover:0": {"id": 0}})
    assert complaints(told(profile, [message]))


@pytest.mark.parametrize(
    ("id", "model"),
    [("shellyht-3CBD1F", None), ("cellar", "SHWT-1"), ("shellydw2-A1B2C3", None), ("bell", "SHBTN-2")],
)
def test_one_that_sleeps_is_not_gone_when_it_goes(id: str, model: str | None) -> None:
    profile = build()
    told(profile, [(f"shellies/{id}/online", b"false", True)])
    if model is not None:
        fresh(profile, f"shellies/{id}/announce", announce(id, model, "ECFABC3CBD1F"))
    assert availability(fresh(profile, f"shellies/{id}/sensor/battery", b"88")) == []
    assert availability(fresh(profile, f"shellies/{id}/online", b"true")) == [(id, True)]
    assert fresh(profile, f"shellies/{id}/online", b"false") == []


def test_one_that_could_sleep_and_has_power_does_not() -> None:
    profile = build()
    fresh(profile, "shellies/shellyht-3CBD1F/sensor/ext_power", b"true")
    assert availability(fresh(profile, "shellies/shellyht-3CBD1F/online", b"false")) == [("shellyht-3CBD1F", False)]
