"""Tasmota: points, values and commands."""

import json
from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles import Described, Heard, Profile, Publication
from gateway.profiles.tasmota import TasmotaOptions
from tests.profiles.tasmota_messages import MESSAGES, POW, SWITCHES, config, discovery
from tests.profiles.told import availability, command, complaints, devices, fresh, only, told, values


def build(**options: Any) -> Profile:
    return TasmotaOptions(**options).build()


def plug(**members: Any) -> Profile:
    """A profile that knows one plug, `washer`."""
    profile = build()
    told(profile, [discovery(POW, config(POW, "washer", **members))])
    return profile


def test_the_documented_messages_give_the_devices_with_their_names() -> None:
    found = devices(told(build(), MESSAGES))
    assert {key: (device.name, device.model) for key, device in found.items()} == {
        "washer": ("Washing machine", "Sonoff Pow R2"),
        "lamp": ("Desk lamp", "MagicHome"),
        "blind": ("Blind", "Shelly 2.5"),
        "home/hall": ("Hall", "Sonoff Basic"),
        "fan": ("Fan", "Sonoff Basic"),
        "shed": (None, None),
    }
    assert found["washer"].vendor == "Tasmota"


def test_a_device_is_known_by_its_mac_and_its_three_topics() -> None:
    (event,) = only(
        Described, told(build(), [discovery(SWITCHES, config(SWITCHES, "hall", ft="home/%topic%/%prefix%/"))])
    )
    assert event.identities == {"mac:98f4ab0a0b0c"}
    assert event.topics == {"home/hall/cmnd", "home/hall/stat", "home/hall/tele"}


def test_the_points_of_a_meter_have_their_units() -> None:
    points = devices(told(build(), MESSAGES))["washer"].points
    units = {name: point.unit for name, point in points.items()}
    assert units["ENERGY.Power"] == "W"
    assert units["ENERGY.ApparentPower"] == "V.A"
    assert units["ENERGY.Total"] == units["ENERGY.Today"] == "kW.h"
    assert units["ENERGY.Voltage"] == "V"
    assert units["ENERGY.Current"] == "A"
    assert units["ENERGY.Factor"] is None
    assert units["ESP32.Temperature"] == "Cel"
    assert units["Wifi.Signal"] == "dB[mW]"
    assert points["ENERGY.TotalStartTime"].type == "string"
    assert not any(name in points for name in ("Time", "TempUnit", "ESP32.TempUnit", "Heap", "Wifi.SSId"))


def test_sensors_are_known_before_they_were_measured() -> None:
    events = told(build(), MESSAGES[:2])
    assert devices(events)["washer"].points["ENERGY.Voltage"] == Point("number", unit="V")
    assert not only(Heard, events), "the values of a discovery message are of that hour"


def test_the_sensors_may_be_told_before_their_device() -> None:
    profile = build()
    assert told(profile, [MESSAGES[1]]) == []
    assert "ENERGY.Power" in devices(told(profile, [MESSAGES[0]]))["washer"].points


def test_sensors_that_were_cleared_before_their_device_came_are_none_of_it() -> None:
    profile = build()
    assert told(profile, [MESSAGES[1], (MESSAGES[1][0], b"", True)]) == []
    assert "ENERGY.Power" not in devices(told(profile, [MESSAGES[0]]))["washer"].points


def test_a_relay_among_the_sensors_can_be_commanded_too() -> None:
    profile = plug()
    told(profile, [(f"tasmota/discovery/{POW}/sensors", b'{"sn":{"Shutter1":{"Target":20}},"ver":1}', True)])
    assert profile.encode(command("washer", "Shutter1.Target", 30)).topic == "cmnd/washer/ShutterPosition1"


@pytest.mark.parametrize(("letter", "unit"), [("C", "Cel"), ("F", "[degF]")])
def test_a_temperature_has_the_unit_that_the_device_is_set_to(letter: str, unit: str) -> None:
    payload = json.dumps({"Time": "2026-02-23T19:49:19", "DS18B20": {"Temperature": 21.5}, "TempUnit": letter}).encode()
    point = devices(fresh(plug(), "tele/washer/SENSOR", payload))["washer"].points["DS18B20.Temperature"]
    assert point == Point("number", unit=unit)


def test_a_device_that_is_set_to_another_unit_is_described_anew() -> None:
    profile = plug()
    fresh(profile, "tele/washer/SENSOR", b'{"BMP280":{"Temperature":21.4,"Pressure":1003.9},"TempUnit":"C"}')
    events = fresh(
        profile, "tele/washer/SENSOR", b'{"BMP280":{"Temperature":70.5},"TempUnit":"F","PressureUnit":"mmHg"}'
    )
    points = devices(events)["washer"].points
    assert points["BMP280.Temperature"].unit == "[degF]"
    assert points["BMP280.Pressure"].unit == "mm[Hg]"


def test_values_come_from_every_topic_that_tells_them() -> None:
    profile = plug()
    for topic, payload, expected in [
        ("tele/washer/STATE", b'{"POWER":"OFF","UptimeSec":3910,"Wifi":{"RSSI":70}}',
         {"POWER": False, "UptimeSec": 3910, "Wifi.RSSI": 70}),
        ("stat/washer/RESULT", b'{"POWER":"ON"}', {"POWER": True}),
        ("stat/washer/POWER", b"OFF", {"POWER": False}),
        ("tele/washer/SENSOR", b'{"ENERGY":{"Power":3}}', {"ENERGY.Power": 3}),
        ("stat/washer/STATUS8", b'{"StatusSNS":{"ENERGY":{"Power":4}}}', {"ENERGY.Power": 4}),
        ("stat/washer/STATUS10", b'{"StatusSNS":{"ENERGY":{"Power":[5,6]}}}',
         {"ENERGY.Power.0": 5, "ENERGY.Power.1": 6}),
        ("stat/washer/STATUS11", b'{"StatusSTS":{"POWER":"ON"}}', {"POWER": True}),
        ("stat/washer/DIMMER", b'{"POWER":"OFF"}', {"POWER": False}),
        ("tele/washer/SENSOR", b'{"DHT":{"Temperature":"21.8"},"Switch1":"ON","TempUnit":"C"}',
         {"DHT.Temperature": 21.8, "Switch1": True}),
        ("tele/washer/RESULT", b'{"Button1":{"Action":"SINGLE"}}', {"Button1.Action": "SINGLE"}),
    ]:  # fmt: skip
        assert values(fresh(profile, topic, payload)) == expected, topic


@pytest.mark.parametrize(
    "topic", ["tele/washer/INFO1", "stat/washer/STATUS", "tele/washer/UPTIME", "stat/washer/LOGGING"]
)
def test_what_is_no_value_is_passed_over(topic: str) -> None:
    assert fresh(plug(), topic, b'{"Info1":{"Module":"Sonoff"},"TelePeriod":300}') == []


def test_an_answer_to_a_setting_is_no_point() -> None:
    assert fresh(plug(), "stat/washer/RESULT", b'{"TelePeriod":300,"Timers":"ON"}') == []


def test_retained_values_stay_marked() -> None:
    (event,) = only(Heard, told(plug(), [("stat/washer/POWER", b"ON", True)]))
    assert event.retained


def test_the_number_of_the_only_relay_is_left_out() -> None:
    assert values(fresh(plug(), "stat/washer/RESULT", b'{"POWER1":"ON"}')) == {"POWER": True}


def test_relays_have_the_names_that_people_gave_them() -> None:
    points = devices(told(build(), MESSAGES))["home/hall"].points
    assert {name: point.title for name, point in points.items()} == {"POWER1": "Ceiling", "POWER2": "Mirror"}


def test_the_relays_of_a_shutter_are_not_switched_one_by_one() -> None:
    profile = build()
    told(profile, MESSAGES)
    events = fresh(profile, "tele/blind/STATE", b'{"POWER1":"ON","POWER2":"OFF","POWER3":"ON"}')
    assert values(events) == {"POWER3": True}
    with pytest.raises(CodecError):
        profile.encode(command("blind", "POWER1", True))


def test_relays_that_discovery_does_not_promise_go_when_it_comes() -> None:
    profile = build()
    told(profile, [("tele/blind/STATE", b'{"Time":"2026-02-23T19:49:19","Uptime":"0T01","POWER1":"ON"}', False)])
    profile.encode(command("blind", "POWER1", True))
    told(profile, [message for message in MESSAGES if "blind" in message[1].decode()])
    with pytest.raises(CodecError):
        profile.encode(command("blind", "POWER1", True))


def test_a_relay_with_words_of_its_own_is_read() -> None:
    profile = plug(state=["AUS", "AN", "UM", "HALTEN"])
    assert values(fresh(profile, "stat/washer/POWER", b"AN")) == {"POWER": True}
    assert complaints(fresh(profile, "stat/washer/POWER", b"ON"))


@pytest.mark.parametrize(
    ("device", "point", "value", "topic", "payload"),
    [
        ("washer", "POWER", True, "cmnd/washer/POWER", b"ON"),
        ("washer", "POWER", False, "cmnd/washer/POWER", b"OFF"),
        ("home/hall", "POWER2", True, "home/hall/cmnd/POWER2", b"ON"),
        ("lamp", "Dimmer", 55.0, "cmnd/lamp/Dimmer", b"55"),
        ("lamp", "CT", 250, "cmnd/lamp/CT", b"250"),
        ("lamp", "Color", "0F36", "cmnd/lamp/Color", b"#0F36"),
        ("lamp", "Color", "ff5500", "cmnd/lamp/Color", b"#ff5500"),
        ("lamp", "Color", "#FF55000000", "cmnd/lamp/Color", b"#FF55000000"),
        ("lamp", "Color", "255,85,0", "cmnd/lamp/Color", b"255,85,0"),
        ("fan", "FanSpeed", 3, "cmnd/fan/FanSpeed", b"3"),
        ("fan", "POWER", True, "cmnd/fan/POWER", b"ON"),
        ("blind", "Shutter1.Target", 20, "cmnd/blind/ShutterPosition1", b"20"),
        ("blind", "Shutter1.Stop", None, "cmnd/blind/ShutterStop1", b""),
        ("shed", "POWER", True, "cmnd/shed/POWER", b"ON"),
    ],
)
def test_a_command_is_written_as_the_device_reads_it(
    device: str, point: str, value: Value, topic: str, payload: bytes
) -> None:
    profile = build()
    told(profile, MESSAGES)
    assert profile.encode(command(device, point, value)) == Publication(topic, payload)


@pytest.mark.parametrize(
    ("device", "point", "value"),
    [
        ("nobody", "POWER", True),
        ("washer", "POWER2", True),
        ("washer", "POWER", "ON"),
        ("washer", "ENERGY.Power", 3),
        ("lamp", "Dimmer", 101),
        ("lamp", "Dimmer", 12.5),
        ("lamp", "Color", "red; POWER OFF"),
        ("lamp", "Color", "256,0,0"),
        ("blind", "Shutter1.Position", 20),
    ],
)
def test_what_cannot_be_commanded_is_refused(device: str, point: str, value: Value) -> None:
    profile = build()
    told(profile, MESSAGES)
    with pytest.raises(CodecError):
        profile.encode(command(device, point, value))


def test_without_a_prefix_in_its_topic_only_commands_have_one() -> None:
    profile = plug(ft="dev/%topic%/")
    assert ("dev/washer/+", 0) in list(profile.subscriptions)
    assert values(fresh(profile, "dev/washer/RESULT", b'{"POWER":"ON"}')) == {"POWER": True}
    assert profile.encode(command("dev/washer", "POWER", True)).topic == "dev/washer/cmnd/POWER"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"rl": [2], "lt_st": 1}, {"POWER", "Dimmer"}),
        ({"rl": [2], "lt_st": 2}, {"POWER", "Dimmer", "CT"}),
        ({"rl": [2], "lt_st": 3}, {"POWER", "Dimmer", "Color", "HSBColor"}),
        ({"rl": [2], "lt_st": "1"}, {"POWER"}),
        ({"rl": [1], "lt_st": 1}, {"POWER"}),
        ({"rl": [2, 2], "lt_st": 2, "so": {"68": 1}}, {"POWER1", "POWER2"}),
        ({"rl": [2], "lt_st": 1, "so": None}, {"POWER", "Dimmer"}),
        ({"rl": [0, 1]}, {"POWER2"}),
        ({"rl": None}, set()),
    ],
)
def test_a_device_has_what_its_discovery_promises(members: dict[str, Any], expected: set[str]) -> None:
    points = devices(told(build(), [discovery(POW, config(POW, "washer", **members))]))["washer"].points
    assert set(points) == expected


def test_a_discovery_message_that_comes_again_costs_no_point() -> None:
    profile = plug()
    fresh(profile, "tele/washer/SENSOR", b'{"AM2301":{"Temperature":21.5}}')
    events = told(profile, [discovery(POW, config(POW, "washer", dn="Dryer"))])
    assert "AM2301.Temperature" in devices(events)["washer"].points


@pytest.mark.parametrize(
    "members", [{"onln": 1}, {"ofln": None}, {"onln": "x" * 65}, {"state": "ON"}, {"state": ["AUS"]}, {"state": [1, 2]}]
)
def test_words_that_are_none_leave_the_usual_ones(members: dict[str, Any]) -> None:
    profile = plug(**members)
    assert availability(fresh(profile, "tele/washer/LWT", b"Online")) == [("washer", True)]
    assert values(fresh(profile, "stat/washer/POWER", b"ON")) == {"POWER": True}


@pytest.mark.parametrize(
    ("payload", "name", "point"),
    [
        (b'{"ANALOG":{"Temperature1":-3.2},"TempUnit":"C"}', "ANALOG.Temperature1", Point("number", unit="Cel")),
        (b'{"SI7021-2":{"Humidity":48}}', "SI7021-2.Humidity", Point("number", unit="%")),
        (b'{"COUNTER":{"Total":7}}', "COUNTER.Total", Point("number")),
        (b'{"PMS5003":{"PM2.5":7}}', "PMS5003.PM2.5", Point("number", unit="ug/m3")),
        (b'{"X":{"Open":true}}', "X.Open", Point("boolean")),
        (b'{"X":{"Name":"a"}}', "X.Name", Point("string")),
    ],
)
def test_a_sensor_is_known_by_its_name(payload: bytes, name: str, point: Point) -> None:
    assert devices(fresh(plug(), "tele/washer/SENSOR", payload))["washer"].points[name] == point


def test_names_in_state_are_not_remembered_without_end() -> None:
    profile = plug()
    for number in range(600):
        fresh(profile, "tele/washer/STATE", json.dumps({f"x{number}": 1, f"{number}" * 40: 1}).encode())
    assert len(profile._devices["washer"]._routes) <= 256  # type: ignore[attr-defined]


@pytest.mark.parametrize("colour", ["FF5", "GG5500", "1,2", "1,2,3,4,5,6", "1,,3", "\u00b2,0,0", "", "#"])
def test_only_a_colour_is_written_as_one(colour: str) -> None:
    profile = build()
    told(profile, MESSAGES)
    with pytest.raises(CodecError):
        profile.encode(command("lamp", "Color", colour))


def test_how_success_is_seen_depends_on_what_comes_back() -> None:
    found = devices(told(build(), MESSAGES))
    assert found["washer"].points["POWER"].confirm == "verified"
    assert found["lamp"].points["Dimmer"] == Point(
        "integer", unit="%", min=0, max=100, writable=True, confirm="verified"
    )
    assert found["lamp"].points["Color"].confirm == "sent"
    assert found["washer"].points["ENERGY.Power"].confirm is None
    assert found["blind"].points["Shutter1.Target"].confirm == "verified"
    assert not found["blind"].points["Shutter1.Position"].writable


def test_one_in_deep_sleep_is_not_gone_when_it_says_so() -> None:
    profile = plug(dslp=1)
    assert availability(fresh(profile, "tele/washer/LWT", b"Online")) == [("washer", True)]
    assert fresh(profile, "tele/washer/LWT", b"Offline") == []
    fresh(profile, *discovery(POW, config(POW, "washer", dslp=0))[:2])
    assert availability(fresh(profile, "tele/washer/LWT", b"Offline")) == [("washer", False)]


def test_one_that_leaves_no_discovery_tells_of_its_sleep_itself() -> None:
    profile = build()
    told(profile, [("tele/shed/LWT", b"Offline", True)])
    state = {"Time": "2019-09-04T13:08:48", "Uptime": "0T00:00:14", "DeepSleep": 300}
    assert availability(fresh(profile, "tele/shed/STATE", json.dumps(state).encode())) == []
    assert fresh(profile, "tele/shed/LWT", b"Offline") == []


def test_a_detached_switch_shows_at_once_what_it_did() -> None:
    profile = plug()
    fresh(profile, "tele/washer/SENSOR", b'{"Switch1":"OFF"}')
    acted = fresh(profile, "stat/washer/RESULT", b'{"Switch1":{"Action":"ON"}}')
    assert values(acted) == {"Switch1": True, "Switch1.Action": "ON"}
    assert values(fresh(profile, "stat/washer/RESULT", b'{"Switch1":{"Action":"TOGGLE"}}')) == {
        "Switch1.Action": "TOGGLE"
    }
