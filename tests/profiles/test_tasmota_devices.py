"""Tasmota: devices by their discovery messages, and by what they tell alone."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.profiles import Heard, Ignore, Listen, Profile, Publication, Removed
from gateway.profiles.base import MAX_DEVICES
from gateway.profiles.tasmota import TasmotaOptions
from tests.profiles.tasmota_messages import LAMP, POW, SWITCHES, config, discovery, many
from tests.profiles.told import availability, command, complaints, devices, fresh, only, questions, told, values


def build(**options: Any) -> Profile:
    return TasmotaOptions(**options).build()


def plug(**members: Any) -> Profile:
    """A profile that knows one plug, `washer`."""
    profile = build()
    told(profile, [discovery(POW, config(POW, "washer", **members))])
    return profile


def test_the_last_will_says_who_is_there() -> None:
    profile = plug(onln="here", ofln="gone")
    assert availability(fresh(profile, "tele/washer/LWT", b"here")) == [("washer", True)]
    assert availability(fresh(profile, "tele/washer/LWT", b"gone")) == [("washer", False)]
    assert complaints(fresh(profile, "tele/washer/LWT", b"Online"))


def test_a_last_will_that_came_before_its_device_counts() -> None:
    events = told(build(), [("tele/lamp/LWT", b"Offline", True), discovery(LAMP, config(LAMP, "lamp"))])
    assert availability(events) == [("lamp", False)]


def test_local_time_is_no_time() -> None:
    profile = plug()
    (heard,) = only(Heard, fresh(profile, "tele/washer/STATE", b'{"Time":"2026-02-23T19:49:19","POWER":"ON"}'))
    assert heard.sample.device_time is None
    (heard,) = only(Heard, fresh(profile, "tele/washer/STATE", b'{"Time":"2026-02-23T19:49:19+01:00","POWER":"ON"}'))
    assert heard.sample.device_time == 1771872559.0


def test_a_new_device_is_asked_for_its_values_and_so_are_known_ones_at_every_connect() -> None:
    profile = build()
    asked = [Publication("cmnd/washer/STATUS", b"11"), Publication("cmnd/washer/STATUS", b"10")]
    assert questions(told(profile, [discovery(POW, config(POW, "washer"))])) == asked
    assert questions(told(profile, [discovery(POW, config(POW, "washer"))])) == []
    assert list(profile.greetings()) == asked


def test_topics_of_another_form_are_listened_to_and_forgotten_with_the_device() -> None:
    profile = build()
    message = discovery(SWITCHES, config(SWITCHES, "hall", ft="home/%topic%/%prefix%/"))
    filters = (("home/hall/stat/+", 0), ("home/hall/tele/+", 0))
    assert only(Listen, told(profile, [message])) == [Listen(filters)]
    assert set(filters) <= set(profile.subscriptions)
    events = told(profile, [(message[0], b"", False)])
    assert events == [Removed("home/hall"), Ignore(("home/hall/stat/+", "home/hall/tele/+"))]
    assert not set(filters) & set(profile.subscriptions)


def test_a_device_that_is_given_another_topic_moves() -> None:
    profile = plug()
    events = told(profile, [discovery(POW, config(POW, "dryer"))])
    assert only(Removed, events) == [Removed("washer")]
    assert list(devices(events)) == ["dryer"]


def test_a_message_that_claims_another_device_than_its_topic_is_refused() -> None:
    profile = build()
    (complaint,) = complaints(told(profile, [(discovery(POW, {})[0], json.dumps(config(LAMP, "lamp")).encode(), True)]))
    assert "another device" in complaint


def test_a_second_device_on_the_same_topic_is_refused() -> None:
    events = told(plug(), [discovery(LAMP, config(LAMP, "washer"))])
    assert complaints(events)
    assert not devices(events)


@pytest.mark.parametrize(
    "members",
    [
        {"t": "#"}, {"t": "+"}, {"t": ""}, {"t": 1}, {"t": None}, {"ft": "#"}, {"ft": "$SYS/%topic%/%prefix%"},
        {"ft": ""}, {"ft": "%prefix%"}, {"tp": ["cmnd", "stat"]}, {"tp": ["+", "stat", "tele"]},
        {"tp": "abc"}, {"tp": [1, 2, 3]},
    ],
)  # fmt: skip
def test_a_device_without_topics_of_its_own_is_refused(members: dict[str, Any]) -> None:
    profile = build()
    before = list(profile.subscriptions)
    events = told(profile, [discovery(POW, config(POW, "washer", **({"ft": "%prefix%/%topic%/"} | members)))])
    assert complaints(events)
    assert not devices(events)
    assert list(profile.subscriptions) == before


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff", b'"ON"', b"42"])
@pytest.mark.parametrize(
    "topic", ["tele/washer/STATE", "tele/washer/SENSOR", "stat/washer/POWER", "stat/washer/STATUS10"]
)
def test_a_message_that_makes_no_sense_is_counted_for_its_device(topic: str, payload: bytes) -> None:
    (event,) = fresh(plug(), topic, payload)
    assert getattr(event, "device", None) == "washer"
    assert complaints([event])


def test_one_odd_name_costs_nothing_else() -> None:
    events = fresh(plug(), "tele/washer/SENSOR", json.dumps({"x" * 200: 1, "A\nB": 2, "ANALOG": {"A0": 7}}).encode())
    assert values(events) == {"ANALOG.A0": 7}
    assert complaints(events)


def test_state_alone_makes_a_device_known_under_its_topic() -> None:
    profile = build()
    state = b'{"Time":"2026-02-23T19:49:19","Uptime":"0T01:05:10","POWER":"ON"}'
    asked = told(profile, [("tele/shed/LWT", b"Online", True)])
    assert questions(asked)[0] == Publication("cmnd/shed/STATUS", b"11")
    events = fresh(profile, "stat/shed/STATUS11", b'{"StatusSTS":' + state + b"}")
    assert list(devices(events)) == ["shed"]
    assert availability(events) == [("shed", True)]
    assert values(events) == {"POWER": True}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("tele/other/STATE", b'{"POWER":"ON"}'),
        ("tele/other/SENSOR", b'{"Time":"2026-02-23T19:49:19","Temperature":21}'),
        ("tele/other/LWT", b"Offline"),
        ("other/tele/STATE", b'{"Time":"2026-02-23T19:49:19","Uptime":"0T01:05:10","POWER":"ON"}'),
    ],
)
def test_what_may_be_somebody_elses_makes_no_device(topic: str, payload: bytes) -> None:
    assert fresh(build(), topic, payload) == []


def test_devices_without_discovery_may_have_another_full_topic_or_be_left_alone() -> None:
    state = b'{"Time":"2026-02-23T19:49:19","Uptime":"0T01:05:10","POWER":"ON"}'
    profile = build(full_topic="home/%topic%/%prefix%/")
    assert ("home/+/tele/+", 0) in list(profile.subscriptions)
    assert list(devices(fresh(profile, "home/shed/tele/STATE", state))) == ["home/shed"]
    assert profile.encode(command("home/shed", "POWER", True)).topic == "home/shed/cmnd/POWER"
    alone = build(full_topic=None)
    assert fresh(alone, "tele/shed/STATE", state) == []
    assert [filter for filter, _ in alone.subscriptions] == [
        "tasmota/discovery/+/config",
        "tasmota/discovery/+/sensors",
    ]


@pytest.mark.parametrize(
    "full",
    [
        "%topic%",
        "%prefix%",
        "x/%prefix%",
        "%prefix%/dev-%topic%",
        "#/%prefix%/%topic%",
        "%prefix%/%topic%/%topic%",
        "%prefix%//%topic%",
        "%prefix%/%topic%/%hostname",
        "",
    ],
)
def test_a_full_topic_that_tells_nothing_apart_is_refused(full: str) -> None:
    with pytest.raises(ValidationError):
        TasmotaOptions(full_topic=full)


def test_last_wills_of_nobody_are_not_remembered_without_end() -> None:
    profile = build()
    told(profile, [(f"tele/x{number}/LWT", b"Offline", True) for number in range(MAX_DEVICES + 100)])
    assert len(profile._wills) == MAX_DEVICES  # type: ignore[attr-defined]


def test_lists_of_sensors_without_a_device_are_not_remembered_without_end() -> None:
    profile = build()
    events = told(
        profile, [(f"tasmota/discovery/{n:012X}/sensors", b'{"sn":{},"ver":1}', True) for n in range(MAX_DEVICES + 2)]
    )
    assert len(complaints(events)) == 2


def test_a_device_more_than_there_is_room_for_is_counted() -> None:
    events = told(build(), many(MAX_DEVICES + 1))
    assert len(devices(events)) == MAX_DEVICES
    assert len(complaints(events)) == 1
