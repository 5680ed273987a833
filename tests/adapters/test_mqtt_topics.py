"""What topics mean where several rules and kinds overlap, and that what is remembered has a bound."""

from typing import Any

import pytest

from gateway.adapters.mqtt import topics as mqtt_topics
from gateway.adapters.mqtt.topics import Routes, Rule, TopicSection
from gateway.errors import CodecError


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
