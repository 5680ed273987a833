"""The devices describe themselves as home-assistant.io documents it, and obey."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.homeassistant import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]


def fleet(devices: int = 3, seed: int = 1) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what)), recorded


def said_by(bridge: Fleet) -> dict[str, Publication]:
    return {each.topic: each for each in bridge.hello()}


def config(bridge: Fleet, path: str) -> Any:
    found = said_by(bridge)[f"homeassistant/{path}/config"]
    assert found.retain
    return json.loads(found.payload)


def test_a_fleet_is_a_dialect() -> None:
    dialect: Dialect = fleet(4)[0]
    assert list(dialect.devices) == ["weather-1", "boiler-1", "desk-1", "weather-2"]
    assert dialect.will == Publication("radio-bridge/status", b"offline", retain=True, qos=1)
    assert dialect.goodbye() == [dialect.will]


def test_a_weather_station_is_described_value_by_value_in_short() -> None:
    bridge, _ = fleet()
    described = [topic for topic in said_by(bridge) if topic.startswith("homeassistant/") and "weather-1" in topic]
    assert len(described) == 5
    wind = config(bridge, "sensor/weather-1/wind")
    assert (wind["~"], wind["stat_t"], wind["val_tpl"]) == (
        "weather/weather-1",
        "~/state",
        "{{ value_json.wind.speed }}",
    )
    assert wind["avty"] == [{"t": "radio-bridge/status"}, {"t": "~/status"}]
    assert (wind["dev_cla"], wind["unit_of_meas"], wind["uniq_id"]) == ("wind_speed", "m/s", "weather-1_wind")
    assert wind["dev"]["ids"] == ["weather-1"]
    state = json.loads(said_by(bridge)["weather/weather-1/state"].payload)
    assert set(state) == {"temperature", "humidity", "wind", "battery", "rain"}
    rain = config(bridge, "binary_sensor/weather-1/rain")
    assert state["rain"] in (rain["pl_on"], rain["pl_off"])


def test_a_boiler_is_described_in_one_message() -> None:
    bridge, _ = fleet()
    whole = config(bridge, "device/boiler-1")
    assert set(whole) == {"dev", "o", "avty", "avty_mode", "cmps", "qos"}
    assert whole["dev"].items() >= {"ids": ["boiler-1"], "mdl": "HeatBox 3", "mf": "Kessel & Co"}.items()
    [[kind, address]] = whole["dev"]["cns"]
    assert (kind, len(address)) == ("mac", 17)
    parts = whole["cmps"]
    assert {key: part["p"] for key, part in parts.items()} == {
        "water": "sensor",
        "pump": "switch",
        "target": "number",
        "mode": "select",
    }
    assert (parts["target"]["min"], parts["target"]["max"], parts["target"]["step"]) == (30, 75, 0.5)
    assert parts["mode"]["ops"] == ["off", "eco", "comfort"]
    assert {part["stat_t"] for part in parts.values()} <= set(said_by(bridge))


def test_a_light_is_described_in_whole_words() -> None:
    light = config(fleet()[0], "light/desk-1")
    assert (light["command_topic"], light["payload_on"]) == ("light/desk-1/set", "on")
    assert (light["brightness_command_topic"], light["brightness_scale"]) == ("light/desk-1/brightness/set", 100)
    assert light["device"]["identifiers"] == ["desk-1"]


def test_every_topic_of_a_description_is_spoken_or_heard() -> None:
    bridge, _ = fleet()
    spoken = set(said_by(bridge))
    for topic, each in said_by(bridge).items():
        if topic.endswith("/config"):
            text = each.payload.decode()
            described = json.loads(text)
            listed = described.get("avty", []) or described.get("availability", [])
            for where in listed:
                name = where.get("t", where.get("topic")).replace("~", described.get("~", ""))
                assert name in spoken


@pytest.mark.parametrize(
    ("topic", "payload", "recorded", "answers"),
    [
        ("boiler/boiler-1/pump/set", b"OFF", ("boiler-1", "pump", "OFF"), {"boiler/boiler-1/pump": b"OFF"}),
        ("boiler/boiler-1/target/set", b"61.5", ("boiler-1", "target", 61.5), {"boiler/boiler-1/target": b"61.5"}),
        ("boiler/boiler-1/target/set", b"60.0", ("boiler-1", "target", 60), {"boiler/boiler-1/target": b"60"}),
        ("boiler/boiler-1/mode/set", b"comfort", ("boiler-1", "mode", "comfort"), {"boiler/boiler-1/mode": b"comfort"}),
        (
            "light/desk-1/set",
            b"on",
            ("desk-1", "state", True),
            {"light/desk-1/state": b"on", "light/desk-1/brightness": b"60"},
        ),
        (
            "light/desk-1/brightness/set",
            b"80",
            ("desk-1", "brightness", 80),
            {"light/desk-1/state": b"on", "light/desk-1/brightness": b"80"},
        ),
    ],
)
def test_a_command_is_answered_by_the_state_retained(
    topic: str, payload: bytes, recorded: tuple[str, str, Value], answers: dict[str, bytes]
) -> None:
    bridge, done = fleet()
    said = bridge.receive(topic, payload)
    assert {each.topic: each.payload for each in said} == answers
    assert all(each.retain for each in said)
    assert done == [recorded]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("boiler/boiler-1/pump/set", b"on"),
        ("boiler/boiler-1/target/set", b"76"),
        ("boiler/boiler-1/target/set", b"nan"),
        ("boiler/boiler-1/target/set", b"warm"),
        ("boiler/boiler-1/water/set", b"1"),
        ("boiler/boiler-9/pump/set", b"ON"),
        ("light/desk-1/set", b"ON"),
        ("light/desk-1/brightness/set", b"101"),
        ("light/desk-1/brightness/set", b"\xff"),
    ],
)
def test_what_cannot_be_obeyed_is_an_error(topic: str, payload: bytes) -> None:
    bridge, done = fleet()
    with pytest.raises(ValueError):  # noqa: PT011 - some of the words are Python's
        bridge.receive(topic, payload)
    assert done == []


@given(st.sampled_from(["boiler/boiler-1/target/set", "light/desk-1/brightness/set", "light/desk-1/set"]), st.binary())
def test_any_payload_is_obeyed_or_an_error(topic: str, payload: bytes) -> None:
    bridge, done = fleet()
    try:
        bridge.receive(topic, payload)
    except ValueError:
        assert done == []
    else:
        assert len(done) == 1


def test_the_birth_of_home_assistant_is_answered_by_all_descriptions() -> None:
    bridge, _ = fleet()
    assert len(bridge.receive("homeassistant/status", b"online")) == 7
    assert bridge.receive("homeassistant/status", b"offline") == []


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    def said(seed: int) -> list[Publication]:
        bridge, _ = fleet(seed=seed)
        return bridge.hello() + bridge.report("weather-1", 3.5) + bridge.report("boiler-1", 3.5)

    assert said(1) == said(1) != said(2)


def test_a_fleet_that_connects_again_says_what_is_measured_now() -> None:
    bridge, _ = fleet()
    [now] = bridge.report("weather-1", 500.0)
    assert said_by(bridge)["weather/weather-1/state"] == now
