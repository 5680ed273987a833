"""What topics and their payloads mean where several rules overlap, and that what is remembered has a bound."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.adapters.mqtt import topics as mqtt_topics
from gateway.adapters.mqtt.topics import Message, Routes, Rule, TopicSection
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Sample, Value
from tests.contract.codec_examples import CODECS
from tests.contract.hostile import HOSTILE
from tests.contract.parts import EXAMPLES, frames_like, tried


def rule(readings: str, **more: Any) -> Rule:
    return Rule(TopicSection.model_validate({"readings": readings, **more}))


def commands(topic: str, ack: str | None = None) -> dict[str, Any]:
    return {"commands": {"topic": topic, "ack": ack}}


def heard(routes: Routes, topic: str) -> tuple[str, str | None, str | None] | None:
    found = routes.match(topic)
    return (found.kind, found.device, found.point) if found else None


@pytest.mark.parametrize(
    ("topic", "meaning"),
    [
        ("home/lamp/power", ("readings", "lamp", "power")),
        ("home/lamp/ack", ("ack", "lamp", None)),
        ("home/lamp/status", ("availability", "lamp", None)),
        ("home/lamp/set", None),
        ("home/lamp", None),
        ("home/lamp/power/set", None),
        ("elsewhere", None),
    ],
)
def test_the_most_specific_kind_of_a_topic_wins(topic: str, meaning: tuple[str, str, str] | None) -> None:
    routes = Routes(
        [
            rule(
                "home/{device}/{point}",
                **commands("home/{device}/set", "home/{device}/ack"),
                availability={"topic": "home/{device}/status"},
            )
        ]
    )
    assert heard(routes, topic) == meaning
    assert heard(routes, topic) == meaning, "remembered as it was found"


def test_another_rules_answers_are_nobodys_readings() -> None:
    routes = Routes(
        [rule("+/{device}/{point}"), rule("b/{device}/state", **commands("b/{device}/set", "b/{device}/ack"))]
    )
    assert heard(routes, "b/x/ack") == ("ack", "x", None)
    assert heard(routes, "b/x/set") is None
    assert heard(routes, "b/x/state") == ("readings", "x", "state"), "of two that fit, the first in the file"


def test_each_filter_is_subscribed_once_with_the_best_quality() -> None:
    routes = Routes(
        [
            rule("a/{device}/{point}", qos=0, **commands("a/{device}/set", "a/{device}/ack")),
            rule("a/{device}/x", qos=2, availability={"topic": "a/{device}/ack"}),
            rule("a/+/{point}", qos=1),
        ]
    )
    assert sorted(routes.subscriptions) == [("a/+/+", 1), ("a/+/ack", 1), ("a/+/x", 2)]


def test_a_device_is_commanded_by_the_rule_that_it_was_heard_on() -> None:
    first, second = rule("a/{device}", **commands("a/{device}/set")), rule("b/{device}", **commands("b/{device}/set"))
    routes = Routes([rule("c/{device}"), first, second])
    assert routes.command_rule("x") is first, "not heard yet"
    routes.match("b/x")
    assert routes.command_rule("x") is second
    routes.match("c/y")
    assert routes.command_rule("y") is first, "heard where no commands are taken"


def test_availability_and_answers_also_tell_how_a_device_is_commanded() -> None:
    first = rule("a/{device}", **commands("a/{device}/set", "a/{device}/ack"))
    second = rule("b/{device}", **commands("b/{device}/set"), availability={"topic": "b/{device}/status"})
    routes = Routes([first, second])
    routes.match("b/x/status")
    assert routes.command_rule("x") is second
    routes.match("a/x")
    assert routes.command_rule("x") is first, "readings tell more"


def test_without_commands_no_rule_commands() -> None:
    assert Routes([rule("a/{device}")]).command_rule("x") is None


def test_what_is_remembered_of_topics_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_topics, "_CACHE", 64)
    routes = Routes([rule("a/{device}", **commands("a/{device}/set"), availability={"topic": "s/{device}"})])
    for number in range(1000):
        assert heard(routes, f"a/{number}") == ("readings", str(number), None)
        assert heard(routes, f"s/{number}") == ("availability", str(number), None)
        assert heard(routes, f"nobody/{number}") is None
    assert max(len(vars(routes)[name]) for name in ("_meanings", "_commanded_by", "_answers_by")) <= 64
    longest = "a/" + "x" * 60_000
    assert heard(routes, longest) == ("readings", "x" * 60_000, None)
    assert longest not in vars(routes)["_meanings"], "a thousand of these would be 60 MB"


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b" offline\n", False),
        (b'{"state":"online"}', True),
        (b'{"state": "offline", "since": 3}', False),
    ],
)
def test_availability_comes_bare_or_as_an_object(payload: bytes, online: bool) -> None:
    assert rule("r/{device}", availability={"topic": "s/{device}"}).is_online(payload) is online


@pytest.mark.parametrize("payload", [b"", b"Online", b"\xff\xfe", b"{", b"{}", b'{"state":1}', b"[]", b"x" * 100_000])
def test_availability_that_says_neither_is_an_error(payload: bytes) -> None:
    with pytest.raises(CodecError, match="is neither 'online' nor 'offline'"):
        rule("r/{device}", availability={"topic": "s/{device}"}).is_online(payload)


# ---- payloads


def read(topic: str, payload: bytes, routes: Routes) -> list[Sample]:
    found = routes.match(topic)
    assert found is not None
    return found.read(payload)


@pytest.mark.parametrize(
    ("codec", "payload", "sample"),
    [
        ("json", b'{"a":{"b":1}}', Sample({"p.a.b": 1})),
        ("json", '{"value":21.4,"unit":"°C"}'.encode(), Sample({"p": 21.4}, None, {"p": "Cel"})),
        ("number", b"48 %", Sample({"p": 48}, None, {"p": "%"})),
        ("boolean", b"OFF", Sample({"p": False})),
        ("senml", b'[{"bn":"d:","n":"t","u":"W","v":1}]', Sample({"p.t": 1}, None, {"p.t": "W"})),
        ({"type": "json", "points": {"x": "a.b"}}, b'{"a":{"b":1}}', Sample({"p.x": 1})),
    ],
)
def test_values_stand_below_the_point_that_the_topic_names(codec: Any, payload: bytes, sample: Sample) -> None:
    assert read("t/d/p", payload, Routes([rule("t/{device}/{point}", codec=codec)])) == [sample]


@pytest.mark.parametrize(
    ("codec", "payload", "values"),
    [("boolean", b"on", {"fan": True}), ("json", b'{"speed":3}', {"fan.speed": 3}), ("number", b"7", {"fan": 7})],
)
def test_a_point_may_be_named_where_the_topic_has_no_place_for_it(
    codec: Any, payload: bytes, values: dict[str, Any]
) -> None:
    assert read("hall/d/f", payload, Routes([rule("hall/{device}/f", point="fan", codec=codec)])) == [Sample(values)]


def test_a_switch_that_has_its_point_named_is_told_the_words_it_says() -> None:
    fans = rule("hall/{device}/f", point="fan", codec="boolean", **commands("hall/{device}/{point}/set"))
    routes = Routes([fans])
    read("hall/d/f", b"on", routes)
    message = routes.message(outgoing(False, "fan", "d"))
    assert (message.topic, message.payload) == ("hall/d/fan/set", b"off")


def test_a_point_that_the_topic_names_is_not_named_again() -> None:
    with pytest.raises(ValidationError, match="would name it twice"):
        rule("hall/{device}/{point}", point="fan")


CLAIM = b'{"device":"b","deviceId":"a","t":1}'


@pytest.mark.parametrize(
    ("more", "payload"),
    [
        ({}, CLAIM),
        ({}, b'{"deviceId":"b"}'),
        ({}, b'{"t":1,"device_id":"A"}'),
        ({"claims": ["station"]}, b'{"station":"b"}'),
        ({"codec": {"type": "json", "points": {"t": "t"}}}, CLAIM),
        ({"codec": "senml"}, b'[{"bn":"b:","n":"t","v":1}]'),
        ({"codec": "key_value"}, b"device=b t=1"),
        ({"codec": {"type": "regex", "pattern": "(?P<device>.*),(?P<t>.*)"}}, b"b,1"),
    ],
)
def test_a_payload_that_claims_another_device_than_its_topic_is_refused(more: dict[str, Any], payload: bytes) -> None:
    with pytest.raises(CodecError, match=r"claims the device '.*', and the topic is of 'a'"):
        read("s/a", payload, Routes([rule("s/{device}", **more)]))


@pytest.mark.parametrize(
    ("readings", "more", "payload"),
    [
        ("s/{device}", {}, b'{"device":"a","t":1}'),
        ("s/{device}", {"claims": ["station"]}, CLAIM),
        ("s/{device}", {"claims": []}, CLAIM),
        ("s/{device}", {"claims": [], "codec": "senml"}, b'[{"bn":"b:","n":"t","v":1}]'),
        ("s/{device}", {"codec": "senml"}, b'[{"bn":"s/a/","n":"t","v":1}]'),
        ("s/+", {}, CLAIM),
        ("s/+", {"codec": "senml"}, b'[{"bn":"b:","n":"t","v":1}]'),
    ],
)
def test_a_claim_that_agrees_or_that_nobody_asked_for_is_no_obstacle(
    readings: str, more: dict[str, Any], payload: bytes
) -> None:
    (sample,) = read("s/a", payload, Routes([rule(readings, **more)]))
    assert sample.values["t"] == 1


# ---- commands


def outgoing(value: Value, point: str = "power", name: str | None = "a", id: int = 17) -> Outgoing:
    return Outgoing(device="house.a", name=name, point=point, value=value, id=id, deadline=0.0)


BARE = {"codec": "boolean", **commands("s/{device}/{point}/set")}


@pytest.mark.parametrize(
    ("heard_before", "on"),
    [
        ([], b"ON"),
        ([("s/a/power", b"off")], b"on"),
        ([("s/a/power", b"OFF"), ("s/a/power", b"1")], b"1"),
        ([("s/b/power", b"true"), ("s/a/light", b"true")], b"ON"),
        ([("s/a/power", b"true"), ("s/a/power", b"what")], b"true"),
        ([("s/a/power", b"true" + b" " * 100)], b"ON"),
    ],
)
def test_a_switch_is_told_in_its_own_words(heard_before: list[tuple[str, bytes]], on: bytes) -> None:
    routes = Routes([rule("s/{device}/{point}", **BARE)])
    for topic, payload in heard_before:
        try:
            read(topic, payload, routes)
        except CodecError:
            assert payload == b"what"
    assert routes.message(outgoing(True)) == Message("s/a/power/set", on)


def test_other_values_and_other_codecs_are_written_bare_as_ever() -> None:
    assert Routes([rule("s/{device}/{point}", **BARE)]).message(outgoing(21.5)).payload == b"21.5"
    others = {"codec": "text", **commands("s/{device}/{point}/set")}
    assert Routes([rule("s/{device}/{point}", **others)]).message(outgoing(True)).payload == b"true"


def test_the_words_that_are_remembered_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_topics, "_CACHE", 64)
    only = rule("s/{device}/{point}", **BARE)
    routes = Routes([only])
    for number in range(1000):
        read(f"s/a/{number}", b"off", routes)
    assert len(vars(only)["_said"]) <= 64
    assert routes.message(outgoing(True, "999")).payload == b"on"


@pytest.mark.parametrize(
    ("more", "point", "complaint"),
    [
        ({}, "power", "its topics have no `commands` section"),
        (commands("s/{device}/{point}"), "a/b", "cannot be a part of a topic"),
        (commands("s/{device}/{point}"), "power", "inf cannot be sent as a number"),
        (commands("s/{device}"), "power", "inf cannot be written as JSON"),
    ],
)
def test_what_cannot_be_commanded_is_a_codec_error(more: dict[str, Any], point: str, complaint: str) -> None:
    with pytest.raises(CodecError, match=complaint):
        Routes([rule("r/{device}", **more)]).message(outgoing(float("inf"), point))


# ---- what MQTT 5 adds

RESPONSE = "fieldgate/test/house/response/1a2b3c"


def responding(**more: Any) -> Routes:
    section = {"topic": "s/{device}/set", "response": True, **more}
    return Routes([rule("q/{device}"), rule("s/{device}", commands=section)], RESPONSE)


def test_a_command_asks_for_its_response_with_its_id() -> None:
    routes = responding(properties={"source": "fieldgate", "größe": ""})
    message = routes.message(outgoing(True))
    assert orjson.loads(message.payload) == {"command": "power", "value": True, "id": 17}
    assert message == Message("s/a/set", message.payload, RESPONSE, b"17", (("source", "fieldgate"), ("größe", "")))
    rule_of_a = routes.command_rule("a")
    assert rule_of_a is not None
    assert rule_of_a.has_answers


def test_responses_are_subscribed_where_commands_ask_for_them() -> None:
    assert (RESPONSE, 1) in responding().subscriptions
    assert heard(responding(), RESPONSE) == ("response", None, None)
    without = Routes([rule("s/{device}", **commands("s/{device}/set"))], RESPONSE)
    assert without.subscriptions == [("s/+", 0)]
    assert without.match(RESPONSE) is None
    assert without.message(outgoing(True)).response_topic is None


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"", Acknowledgement(17, True)),
        (b" \n", Acknowledgement(17, True)),
        (b'{"ack":17,"ok":true}', Acknowledgement(17, True)),
        (b'{"ok":true}', Acknowledgement(17, True)),
        (b'{"ok":false,"error":"jammed"}', Acknowledgement(17, False, "jammed")),
    ],
)
def test_a_response_is_known_by_its_correlation_data(payload: bytes, answer: Acknowledgement) -> None:
    routes = responding()
    routes.message(outgoing(True))
    routes.message(outgoing(True, name="b", id=18))
    assert routes.response(payload, b"17") == (answer, "a")


def test_a_response_may_have_the_form_of_the_command_codec() -> None:
    template = {"type": "template", "send": "{point} {value}", "ok": "DONE", "error": "ERR {error}"}
    routes = responding(codec=template)
    routes.message(outgoing(True))
    assert routes.response(b"DONE", b"17") == (Acknowledgement(17, True), "a")
    assert routes.response(b"ERR jammed", b"17") == (Acknowledgement(17, False, "jammed"), "a")


@pytest.mark.parametrize(
    ("payload", "correlation", "complaint"),
    [
        (b"", None, "without the correlation data of a command"),
        (b"", b"", "without the correlation data of a command"),
        (b"", b"18", "without the correlation data of a command"),
        (b'{"ack":17,"ok":true}', b"\xff" * 60_000, "without the correlation data of a command"),
        (b'{"ack":18,"ok":true}', b"17", "no acknowledgement in the response to command 17"),
        (b"done", b"17", "no acknowledgement in the response to command 17"),
        (b"{", b"17", "no acknowledgement in the response to command 17"),
        (b"\xff", b"17", "no acknowledgement in the response to command 17"),
    ],
)
def test_a_response_that_answers_nothing_is_an_error(payload: bytes, correlation: bytes | None, complaint: str) -> None:
    routes = responding()
    routes.message(outgoing(True))
    with pytest.raises(CodecError, match=complaint):
        routes.response(payload, correlation)


def test_of_the_commands_that_may_be_answered_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_topics, "_ASKED", 64)
    routes = responding()
    for number in range(1000):
        routes.message(outgoing(True, id=number))
    assert len(vars(routes)["_asked"]) == 64
    assert routes.response(b"", b"936") == (Acknowledgement(936, True), "a")
    with pytest.raises(CodecError):
        routes.response(b"", b"935")


def test_only_readings_are_shared() -> None:
    section = {"topic": "s/{device}/set", "ack": "s/{device}/ack"}
    routes = Routes(
        [rule("s/{device}", share="pool", qos=1, commands=section, availability={"topic": "s/{device}/up"})]
    )
    assert sorted(routes.subscriptions) == [("$share/pool/s/+", 1), ("s/+/ack", 1), ("s/+/up", 1)]
    assert heard(routes, "s/a") == ("readings", "a", None)


@pytest.mark.parametrize("share", ["", "a/b", "a+", "#", "a b", "a\0", "x" * 65, 5])
def test_a_group_that_would_change_the_filter_is_refused(share: Any) -> None:
    with pytest.raises(ValidationError):
        rule("s/{device}", share=share)


@pytest.mark.parametrize(
    "more",
    [
        {"properties": {"a": 1}},
        {"properties": {"a": "b\0"}},
        {"properties": {"\ud800": "b"}},
        {"properties": {"a": "x" * 257}},
        {"properties": {str(n): "" for n in range(17)}},
        {"response": "yes"},
        {"response": True, "ack": "s/{device}/ack"},
    ],
)
def test_what_no_broker_would_take_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule("s/{device}", commands={"topic": "s/{device}/set", **more})


def test_a_section_says_what_needs_version_5() -> None:
    def keys(**more: Any) -> list[tuple[str, ...]]:
        return TopicSection.model_validate({"readings": "a", **more}).keys_of_version_5()

    assert keys(share="g") == keys(commands={"topic": "b"}) == []
    assert keys(commands={"topic": "b", "response": True, "properties": {"a": "b"}}) == [
        ("commands", "response"),
        ("commands", "properties"),
    ]


# ---- whatever comes

RULES = [
    rule("t/{device}/{point}", codec=codec, **commands("t/{device}/set", "t/{device}/ack"))
    for codec in ("json", "number", "boolean", "text", "senml")
] + [
    rule("{device}/#", availability={"topic": "+/{device}/up"}, share="g"),
    rule("#", codec={"type": "json", "points": {"a": "a", "b": "a.b[0]"}}),
    rule("x{device}-{point}y/+", codec="senml", commands={"topic": "c/{point}", "response": True}),
]
_levels = st.sampled_from(["t", "x", "a", "up", "ack", "set", "", "$SYS", "fieldgate", "x-y", "xa-by", "é ", "\udcff"])
_topics = st.lists(_levels | st.text(max_size=6), min_size=1, max_size=5).map("/".join) | st.text(max_size=30)


@EXAMPLES
def test_whatever_comes_is_read_or_a_codec_error(examples: int) -> None:
    frames = [
        frame for name in ("json", "number", "boolean", "senml") for case in CODECS[name] for frame in case.frames
    ]
    frames += [b"online", b'{"ack":1,"ok":true}', *(frame for frame in HOSTILE if len(frame) < 1000)]

    @tried(examples)
    @given(st.integers(0, len(RULES) - 1), _topics, frames_like(frames))
    def check(first: int, topic: str, payload: bytes) -> None:
        routes = Routes(RULES[first:] + RULES[:first], RESPONSE)
        found = routes.match(topic)
        if found is None:
            return
        for name in (found.device, found.point):
            assert name is None or (name and name in topic and "/" not in name)
        try:
            if found.kind == "readings":
                for sample in found.read(payload):
                    assert all(type(name) is str and name for name in sample.values)
                    assert set(sample.units) <= set(sample.values)
            elif found.kind == "availability":
                found.rule.is_online(payload)
            else:
                found.rule.answer(payload)
            routes.message(outgoing(True, name=found.device, point=found.point or "p"))
            routes.response(payload, b"17")
        except CodecError:
            pass

    check()
