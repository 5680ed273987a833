"""Shelly: the second generation of the firmware and those after it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.errors import CodecError
from gateway.model import Acknowledgement, Value
from gateway.profiles import Answered, Described, Heard, Listen, Profile, Unreadable
from gateway.profiles.shelly import ShellyOptions
from tests.profiles.shelly_messages import (
    INFO,
    MESSAGES,
    OPTIONS,
    PLUS,
    STATUS,
    SWITCH,
    answer,
    notification,
)
from tests.profiles.told import availability, command, complaints, devices, fresh, only, questions, told, values


def build(**options: Any) -> Profile:
    return ShellyOptions.model_validate({**OPTIONS, **options}).build()


def known() -> Profile:
    """A profile that knows every documented device."""
    profile = build()
    told(profile, MESSAGES)
    return profile


def test_a_device_is_recognised_by_the_name_it_was_bought_with_and_asked_who_it_is() -> None:
    events = told(build(), [(f"{PLUS}/online", b"true", True)])
    (described,) = only(Described, events)
    assert described.device == PLUS
    assert described.identities == {"mac:a8032abe54dc"}
    assert described.topics == {PLUS}
    assert availability(events) == [(PLUS, True)]
    assert only(Listen, events) == [Listen(((f"{PLUS}/status/+", 0),))]
    asked = questions(events)
    assert [(q.topic, json.loads(q.payload)) for q in asked] == [
        (f"{PLUS}/rpc", {"id": "info", "src": f"fieldgate/{PLUS}", "method": "Shelly.GetDeviceInfo"}),
        (f"{PLUS}/rpc", {"id": "status", "src": f"fieldgate/{PLUS}", "method": "Shelly.GetStatus"}),
    ]


def test_one_that_is_not_there_is_not_asked() -> None:
    assert questions(told(build(), [(f"{PLUS}/online", b"false", True)])) == []


def test_one_that_comes_back_and_all_at_a_connect_are_asked_again() -> None:
    profile = build()
    told(profile, [(f"{PLUS}/online", b"false", True)])
    assert len(questions(fresh(profile, f"{PLUS}/online", b"true"))) == 2
    assert [q.topic for q in profile.greetings()] == ["shellies/command"] * 2 + [f"{PLUS}/rpc"] * 2


def test_what_is_neither_true_nor_false_is_counted_unless_it_was_cleared() -> None:
    profile = known()
    assert complaints(fresh(profile, f"{PLUS}/online", b"yes"))
    assert fresh(profile, f"{PLUS}/online", b"") == []
    assert fresh(profile, f"{PLUS}/anything/else", b"yes") == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [("no", "an error"), ({}, "an error"), ({"code": -109}, "-109"), ({"message": "shutting down"}, "shutting down")],
)
def test_an_error_of_any_form_is_a_refusal(error: Any, expected: str) -> None:
    assert told(known(), [answer(PLUS, PLUS, 17, error=error)]) == [
        Answered(PLUS, Acknowledgement(17, False, expected))
    ]


def test_its_answers_give_its_name_and_its_points() -> None:
    profile = build()
    told(profile, [(f"{PLUS}/online", b"true", True)])
    description = devices(told(profile, [answer(PLUS, PLUS, "info", result=INFO)]))[PLUS]
    assert (description.name, description.model, description.vendor) == ("Boiler", "Plus1PM", "Shelly")
    events = told(profile, [answer(PLUS, PLUS, "status", result=STATUS)])
    assert {name: point.unit for name, point in devices(events)[PLUS].points.items()} == {
        "input:0.state": None, "switch:0.output": None, "switch:0.apower": "W", "switch:0.voltage": "V",
        "switch:0.current": "A", "switch:0.aenergy.total": "W.h", "switch:0.temperature.tC": "Cel",
        "sys.uptime": "s", "wifi.rssi": "dB[mW]",
    }  # fmt: skip
    assert values(events)["switch:0.aenergy.total"] == 1158.142
    assert values(events)["wifi.rssi"] == -58


def test_a_notification_gives_what_changed_with_the_devices_own_time() -> None:
    profile = known()
    topic, payload, _ = notification(PLUS, PLUS, "NotifyStatus", {"ts": 1631266595.43, "switch:0": {"output": True}})
    (heard,) = fresh(profile, topic, payload)
    assert isinstance(heard, Heard)
    assert heard.sample.values == {"switch:0.output": True}
    assert heard.sample.device_time == 1631266595.43


@pytest.mark.parametrize("ts", [None, 0, 12.5, True, "1631266595", 1e300])
def test_a_clock_that_was_not_set_is_no_time(ts: object) -> None:
    message = notification(PLUS, PLUS, "NotifyStatus", {"ts": ts, "switch:0": {"output": True}})
    (heard,) = only(Heard, told(known(), [message]))
    assert heard.sample.device_time is None


def test_a_status_topic_gives_the_same_points() -> None:
    events = fresh(known(), f"{PLUS}/status/switch:0", json.dumps({**SWITCH, "output": True}).encode())
    assert values(events)["switch:0.output"] is True
    assert not devices(events)


def test_a_button_gives_its_events() -> None:
    assert values(told(build(), MESSAGES))["input:0.event"] == "single_push"


def test_components_of_all_kinds_have_units() -> None:
    found = devices(told(build(), MESSAGES))
    ht, meter = found["shellyhtg3-543204539b34"].points, found["cellar/meter"].points
    assert (ht["humidity:0.rh"].unit, ht["temperature:0.tC"].unit) == ("%", "Cel")
    assert (ht["devicepower:0.battery.percent"].unit, ht["devicepower:0.battery.V"].unit) == ("%", "V")
    assert ht["devicepower:0.external.present"].type == "boolean"
    assert (meter["em:0.a_act_power"].unit, meter["em:0.total_current"].unit) == ("W", "A")
    data = {"ts": 1, "emdata:0": {"id": 0, "a_total_act_energy": 544826.29, "total_act": 1511399.57}}
    energy = devices(told(known(), [notification(PLUS, PLUS, "NotifyStatus", data)]))[PLUS].points
    assert energy["emdata:0.a_total_act_energy"].unit == energy["emdata:0.total_act"].unit == "W.h"
    assert "em:0.n_current" not in meter, "a null does not tell what it is"


def test_a_device_with_a_prefix_of_its_own_is_recognised_by_what_it_notifies() -> None:
    (described,) = [e for e in only(Described, told(build(), MESSAGES)) if e.device == "cellar/meter"]
    assert described.identities == {"mac:34987a45dc00"}


def test_a_device_with_a_prefix_of_many_levels_has_to_be_configured() -> None:
    topic, payload, _ = notification("shellyplus1-08b61fd90730", "a/b/c", "NotifyStatus", {"ts": 1, "cloud": {}})
    profile = build(prefixes=["a/b/c"])
    assert {("a/b/c/events/rpc", 0), ("a/b/c/online", 1), ("a/b/c/status/+", 0)} <= set(profile.subscriptions)
    assert list(devices(fresh(profile, topic, payload))) == ["a/b/c"]


def test_a_prefix_below_that_of_the_first_generation_is_no_device_of_it() -> None:
    profile = build()
    told(profile, [("shellies/attic/online", b"true", True)])
    message = notification("shellyplus1-08b61fd90730", "shellies/attic", "NotifyStatus",
                           {"ts": 1, "switch:0": {"id": 0, "output": True}})  # fmt: skip
    told(profile, [message])
    assert list(devices(told(profile, [("shellies/attic/online", b"true", False), message]))) == []
    assert profile.encode(command("shellies/attic", "switch:0.output", True)).topic == "shellies/attic/rpc"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("kitchen/online", b"true"),
        ("heater-a8032abe54dc/online", b"true"),
        ("shelly-heater/online", b"true"),
        (f"shelly{'x' * 60}-a8032abe54dc/online", b"true"),
        ("shellyplus1pm-a8032abe54dc/rpc", b"{}"),
        ("shellyplus1pm-a8032abe54dc/status/switch:0", b"{}"),
        ("kitchen/events/rpc", b"on"),
        ("kitchen/events/rpc", b'{"src":"kitchen","dst":"kitchen/events","method":"NotifyStatus","params":{}}'),
        ("kitchen/events/rpc", notification("shellyplus1-08b61fd90730", "attic", "NotifyStatus", {})[1]),
        ("a/b/events/rpc", b"{}"),
    ],
)
def test_what_may_be_somebody_elses_makes_no_device(topic: str, payload: bytes) -> None:
    assert fresh(build(), topic, payload) == []


def test_a_payload_from_another_device_than_its_topic_is_refused() -> None:
    for prefix in (PLUS, "cellar/meter"):
        other = notification(
            "shellyplus1-08b61fd90730", prefix, "NotifyStatus", {"ts": 1, "switch:0": {"output": True}}
        )
        (event,) = told(known(), [other])
        assert isinstance(event, Unreadable)
        assert event.device == prefix
        assert "another device" in event.message


@pytest.mark.parametrize("payload", [b"{", b"[]", b"{}", b'{"src":"' + PLUS.encode() + b'","method":"NotifyStatus"}'])
def test_a_notification_that_makes_no_sense_is_counted_for_its_device(payload: bytes) -> None:
    (event,) = fresh(known(), f"{PLUS}/events/rpc", payload)
    assert isinstance(event, Unreadable)
    assert event.device == PLUS


def test_one_odd_component_costs_nothing_else() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = {"a": deep}
    params = {"ts": 1, "switch:9": deep, "x\n": {"a": 1}, "input:1": {"id": 1, "state": True}}
    events = told(known(), [notification(PLUS, PLUS, "NotifyStatus", params)])
    assert values(events) == {"input:1.state": True}
    assert complaints(events) == ["switch:9: nested deeper than 8"]


def test_errors_are_told_while_there_are_some() -> None:
    profile = known()
    for status, expected in [
        ({"id": 0, "errors": ["overpower", "overtemp"]}, {"switch:0.errors": "overpower, overtemp"}),
        ({"id": 0}, {}),
        ({"id": 0, "errors": []}, {"switch:0.errors": ""}),
    ]:
        assert (
            values(told(profile, [notification(PLUS, PLUS, "NotifyStatus", {"ts": 1, "switch:0": status})])) == expected
        )
    fresh(profile, f"{PLUS}/status/switch:0", b'{"id":0,"errors":["overpower"]}')
    assert values(fresh(profile, f"{PLUS}/status/switch:0", b'{"id":0}')) == {"switch:0.errors": ""}


@pytest.mark.parametrize(
    ("device", "point", "value", "method", "params"),
    [
        (PLUS, "switch:0.output", True, "Switch.Set", {"id": 0, "on": True}),
        ("home/attic/heater", "light:0.output", False, "Light.Set", {"id": 0, "on": False}),
        ("home/attic/heater", "light:0.brightness", 40, "Light.Set", {"id": 0, "brightness": 40}),
        ("blinds", "cover:0.current_pos", 30, "Cover.GoToPosition", {"id": 0, "pos": 30}),
        ("blinds", "cover:0.open", None, "Cover.Open", {"id": 0}),
        ("blinds", "cover:0.stop", None, "Cover.Stop", {"id": 0}),
    ],
)
def test_a_command_is_a_request_with_its_id_and_a_src_of_that_device(
    device: str, point: str, value: Value, method: str, params: dict[str, Any]
) -> None:
    published = known().encode(command(device, point, value, id=123))
    assert published.topic == f"{device}/rpc"
    frame = {"id": 123, "src": f"fieldgate/{device}", "method": method, "params": params}
    assert json.loads(published.payload) == frame


@pytest.mark.parametrize(
    ("component", "members", "point", "value", "method", "params"),
    [
        ("rgb:0", {"rgb": [1, 2, 3], "output": True}, "output", True, "RGB.Set", {"id": 0, "on": True}),
        ("cct:1", {"ct": 3000}, "ct", 4000, "CCT.Set", {"id": 1, "ct": 4000}),
        ("boolean:200", {"value": False}, "value", True, "Boolean.Set", {"id": 200, "value": True}),
        ("number:201", {"value": 1.5}, "value", 2.5, "Number.Set", {"id": 201, "value": 2.5}),
        ("enum:202", {"value": "a"}, "value", "b", "Enum.Set", {"id": 202, "value": "b"}),
    ],
)
def test_lamps_and_virtual_components_are_set_by_their_own_methods(
    component: str, members: dict[str, Any], point: str, value: Value, method: str, params: dict[str, Any]
) -> None:
    profile = known()
    told(profile, [notification(PLUS, PLUS, "NotifyStatus", {"ts": 1, component: members})])
    frame = json.loads(profile.encode(command(PLUS, f"{component}.{point}", value)).payload)
    assert (frame["method"], frame["params"]) == (method, params)


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ("switch:1.output", True),
        ("switch:0.output", 1),
        ("switch:0.apower", 1),
        ("input:0.state", True),
        ("sys", 1),
    ],
)
def test_what_cannot_be_commanded_is_refused(point: str, value: Value) -> None:
    with pytest.raises(CodecError):
        known().encode(command(PLUS, point, value))


def test_an_answer_is_that_of_the_command_with_its_id() -> None:
    profile = known()
    assert told(profile, [answer(PLUS, PLUS, 17, result={"was_on": False})]) == [
        Answered(PLUS, Acknowledgement(17, True))
    ]
    assert told(profile, [answer(PLUS, PLUS, 18, result=None)]) == [Answered(PLUS, Acknowledgement(18, True))]
    assert told(profile, [answer(PLUS, PLUS, 19, error={"code": -103, "message": "no such id"})]) == [
        Answered(PLUS, Acknowledgement(19, False, "-103: no such id"))
    ]


@pytest.mark.parametrize("id", [True, None, 1.5, "17"])
def test_an_answer_without_the_id_of_a_command_is_nobodys(id: Any) -> None:
    assert not only(Answered, told(known(), [answer(PLUS, PLUS, id, result={})]))


def test_a_retained_answer_is_of_another_day() -> None:
    topic, payload, _ = answer(PLUS, PLUS, 17, result={})
    assert told(known(), [(topic, payload, True)]) == []


def test_an_answer_that_another_device_gives_is_refused() -> None:
    (event,) = told(known(), [answer("shellyplus1-08b61fd90730", PLUS, 17, result={})])
    assert isinstance(event, Unreadable)


def test_an_answer_below_the_src_of_another_gateway_is_not_heard() -> None:
    topic, payload, _ = answer(PLUS, PLUS, 17, result={})
    profile = build(src="other")
    told(profile, MESSAGES)
    assert told(profile, [(topic, payload, False)]) == []
    assert ("other/#", 1) in list(profile.subscriptions)


def test_a_device_that_wants_a_password_says_so() -> None:
    refused = answer(PLUS, PLUS, "status", error={"code": 401, "message": '{"auth_type": "digest"}'})
    (complaint,) = complaints(told(known(), [refused]))
    assert complaint.startswith("it does not tell its status: 401")


def test_a_src_that_is_not_configured_is_another_one_at_each_start() -> None:
    filters = [
        {filter for filter, _ in ShellyOptions().build().subscriptions if filter.startswith("fieldgate-")} for _ in "12"
    ]
    assert len(filters[0]) == len(filters[1]) == 1
    assert filters[0] != filters[1]


@pytest.mark.parametrize("topic", ["#", "a/+", "", "$SYS", "a//b", "a\0"])
def test_prefixes_and_src_are_topics(topic: str) -> None:
    for options in ({"prefixes": [topic]}, {"src": topic}):
        with pytest.raises(ValidationError):
            ShellyOptions.model_validate(options)


@pytest.mark.parametrize("id", ["shellyplusht-c049ef8b3a44", "shellyhtg3-543204539b34", "shellyplussmoke-80646fd09ed4"])
def test_one_that_sleeps_is_not_gone_when_it_goes(id: str) -> None:
    profile = build()
    assert availability(told(profile, [(f"{id}/online", b"false", True)])) == []
    assert availability(fresh(profile, f"{id}/online", b"true")) == [(id, True)]
    assert fresh(profile, f"{id}/online", b"false") == []


def test_one_tells_itself_whether_it_sleeps() -> None:
    profile = build()
    for period, expected in ((7200, []), (0, [(PLUS, False)])):
        told(profile, [notification(PLUS, PLUS, "NotifyFullStatus", {"ts": 1.0, "sys": {"wakeup_period": period}})])
        assert availability(fresh(profile, f"{PLUS}/online", b"false")) == expected


def test_a_thermostat_and_what_speaks_over_bluetooth_have_their_units() -> None:
    valve = {"id": 200, "target_C": 21, "current_C": 20.5, "pos": 40, "rssi": -60, "battery": 90, "packet_id": 7}
    thermostat = {"id": 0, "target_C": 21.5, "target_F": 70.7, "current_C": 20.1, "current_F": 68.2}
    message = notification(PLUS, PLUS, "NotifyFullStatus", {"ts": 1.0, "blutrv:200": valve, "thermostat:0": thermostat})
    assert {name: point.unit for name, point in devices(told(build(), [message]))[PLUS].points.items()} == {
        "blutrv:200.target_C": "Cel", "blutrv:200.current_C": "Cel", "blutrv:200.pos": "%", "blutrv:200.rssi": "dB[mW]",
        "blutrv:200.battery": "%", "thermostat:0.target_C": "Cel", "thermostat:0.current_C": "Cel",
    }  # fmt: skip
