"""Topic templates: what they match, what they publish on, and that one undoes the other."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.adapters.mqtt.templates import PublishText, Template, TopicText

names = st.text(st.characters(blacklist_characters="/+#$", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12)
literals = st.text(st.characters(blacklist_characters="/+#\0{}", blacklist_categories=["Cs"]), max_size=5)
text = TypeAdapter(TopicText)
publish_text = TypeAdapter(PublishText)


@st.composite
def templates(draw: st.DrawFn, *, wildcards: bool) -> str:
    """Levels with `{device}` and `{point}` once at most, each with anything around it."""
    levels = draw(st.lists(literals, min_size=1, max_size=4))
    for field in draw(st.permutations(["{device}", "{point}"]))[: draw(st.integers(0, 2))]:
        place = draw(st.integers(0, len(levels)))
        levels.insert(place, draw(literals) + field + draw(literals))
    if wildcards:
        levels = [draw(st.sampled_from([level, level, "+"])) if "{" not in level else level for level in levels]
        levels += draw(st.sampled_from([[], ["#"]]))
    if "{" in levels[0]:  # what begins with $ is heard only where it is spelt out
        levels[0] = levels[0].lstrip("$")
    return "/".join(levels)


@given(templates(wildcards=False).filter(bool), names, names)
def test_a_published_topic_gives_its_names_back(template: str, device: str, point: str) -> None:
    publish_text.validate_python(template)
    checked = Template(template)
    assert checked.match(checked.topic(device, point)) == (
        device if "{device}" in template else None,
        point if "{point}" in template else None,
    )


@given(templates(wildcards=True).filter(bool), st.text(max_size=40))
def test_matching_never_raises_and_gives_names_that_stand_in_the_topic(template: str, topic: str) -> None:
    text.validate_python(template)
    found = Template(template).match(topic)
    for name in found or ():
        assert name is None or (name and name in topic and "/" not in name)


@given(templates(wildcards=False).filter(bool), st.text(max_size=12), st.text(max_size=12))
def test_no_name_can_change_the_shape_of_a_topic(template: str, device: str, point: str) -> None:
    checked = Template(template)
    try:
        topic = checked.topic(device, point)
    except ValueError:
        return
    assert topic.count("/") == template.count("/")
    assert not set("+#\0\r\n") & set(topic) - set(template)


def mqtt_matches(subscription: str, topic: str) -> bool:
    """MQTT 5 §4.7, level by level: an oracle that shares nothing with the code."""
    filters, levels = subscription.split("/"), topic.split("/")
    for index, level in enumerate(filters):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return index == len(levels) and level == "#"
    return len(filters) == len(levels)


@given(templates(wildcards=True).filter(bool), names, names, st.lists(names, max_size=3))
def test_the_subscription_brings_every_topic_that_matches(
    template: str, device: str, point: str, rest: list[str]
) -> None:
    checked = Template(template)
    filled = template.replace("+", "any").replace("{device}", device, 1).replace("{point}", point, 1)
    topic = "/".join([*filled.removesuffix("#").removesuffix("/").split("/"), *rest])
    if checked.match(topic) is not None:
        assert mqtt_matches(checked.subscription, topic)


@pytest.mark.parametrize(
    ("template", "topic", "names"),
    [
        ("sensors/{device}/telemetry", "sensors/a/telemetry", ("a", None)),
        ("sensors/{device}/telemetry", "sensors//telemetry", None),
        ("sensors/{device}/telemetry", "sensors/a/b/telemetry", None),
        ("sensors/{device}/telemetry", "sensors/a/telemetry/", None),
        ("{device}/{point}", "a/b", ("a", "b")),
        ("tele/dev-{device}/{point}_now", "tele/dev-7/wind_now", ("7", "wind")),
        ("+/{device}/state", "/a/state", ("a", None)),
        ("a/{device}/#", "a/b", ("b", None)),
        ("a/{device}/#", "a/b/c/d", ("b", None)),
        ("a/{device}/#", "a/bc", ("bc", None)),
        ("#", "anything/at/all", (None, None)),
        ("a.c", "abc", None),
        ("a/{device}", "a/x\ny", ("x\ny", None)),
        ("/a/{device}", "/a/x", ("x", None)),
        ("/a/{device}", "a/x", None),
        ("a//{device}", "a//x", ("x", None)),
        ("a/+/{device}", "a//x", ("x", None)),
        ("a/{device}/", "a/x/", ("x", None)),
        ("a/{device}/#", "a//b", None),
        ("a/{device}/#", "a/x/", ("x", None)),
        ("{device}/#", "x", ("x", None)),
        ("a/#", "a", (None, None)),
        ("+", "", (None, None)),
        ("{device}-{point}-now", "a-b-c-now", ("a-b", "c")),
        ("{device}-{point}-now", "a--now", None),
        ("{device}-{point}-now", "a-b-now-", None),
        ("{device}x{point}", "xxx", ("x", "x")),
        ("{device}x{point}", "xx", None),
        ("{device}x{point}/y", "axb/y", ("a", "b")),
        ("sensors/{device}", "sensors/küche \U0001f321", ("küche \U0001f321", None)),
        ("sensors/{device}", "sensors/\udcff", ("\udcff", None)),
    ],
)
def test_a_topic_matches(template: str, topic: str, names: tuple[str | None, str | None] | None) -> None:
    assert Template(template).match(topic) == names


@pytest.mark.parametrize(
    "template", ["#", "+", "+/#", "+/+", "{device}", "{device}/#", "{device}/{point}", "x{device}/#"]
)
@pytest.mark.parametrize("topic", ["$SYS", "$SYS/load", "$SYS/broker/load", "$", "$/x", "fieldgate/a/b", "fieldgate/x"])
def test_a_wildcard_at_the_beginning_stands_for_no_topic_of_the_broker_or_of_a_gateway(
    template: str, topic: str
) -> None:
    """MQTT 5 §4.7.2; and what gateways publish would otherwise come round and round."""
    assert Template(template).match(topic) is None


@pytest.mark.parametrize(
    ("template", "topic", "names"),
    [
        ("$SYS/#", "$SYS/broker/load", (None, None)),
        ("$SYS/{device}/{point}", "$SYS/broker/load", ("broker", "load")),
        ("fieldgate/{device}/#", "fieldgate/a/b", ("a", None)),
        ("fieldgate/+/{device}", "fieldgate/a/b", ("b", None)),
        ("a/{device}", "a/$SYS", ("$SYS", None)),
        ("{device}/{point}", "x/fieldgate", ("x", "fieldgate")),
        ("{device}/{point}", "fieldgates/x", ("fieldgates", "x")),
        ("{device}", "fieldgate", ("fieldgate", None)),
    ],
)
def test_where_it_is_spelt_out_it_is_heard(template: str, topic: str, names: tuple[str | None, str | None]) -> None:
    assert Template(template).match(topic) == names


@pytest.mark.parametrize(
    "template", ["{device}-{point}-state", "{device}x{point}", "x{device}-{point}/y", "+/{device}/+/#"]
)
@pytest.mark.parametrize("piece", ["-", "x", "x-", "/", "-state", "x-/", "-state/"])
def test_the_longest_topics_take_no_time(template: str, piece: str) -> None:
    topic = (piece * 65_535)[:65_535]
    started = time.process_time()
    for end in ("", "/y", "/z", "-", "\n"):
        Template(template).match(topic + end)
    assert time.process_time() - started < 0.25


def test_a_device_that_calls_itself_a_field_stays_itself() -> None:
    """Otherwise a device named `{point}` would receive what is meant for a device named as the point."""
    assert Template("{device}/{point}/set").topic("{point}", "fan") == "{point}/fan/set"


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a\0b", "a\n", "\x7f"])
def test_a_name_that_would_change_the_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a part of a topic"):
        Template("{device}/set").topic(name, "fan")
    with pytest.raises(ValueError, match="cannot be a part of a topic"):
        Template("set/{point}").topic("a", name)


def test_a_point_that_is_not_in_the_topic_may_be_called_anything() -> None:
    assert Template("{device}/set").topic("a", "b/c#+") == "a/set"


def test_a_device_without_a_name_of_its_own_has_no_topic_with_one() -> None:
    with pytest.raises(ValueError, match="no name of its own"):
        Template("{device}/set").topic(None, "fan")


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("a/{node}", "{node} is not one of {device}, {point}"),
        ("{device}/{device}", "may each stand once"),
        ("a/{device", "a brace has no partner"),
        ("a/device}", "a brace has no partner"),
        ("{device}{point}", "{device} and {point} need something between them"),
        ("a+/b", "+ and # must be a whole level"),
        ("a/#/b", "# must be the last level"),
        ("$share/group/a/{device}", "asked for by `share`"),
        ("${device}/a", "its first level is spelt out"),
        ("$x-{point}", "its first level is spelt out"),
        ("", "at least 1 character"),
        ("a\0", "match pattern"),
    ],
)
def test_a_wrong_template_is_refused_with_the_reason(template: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        text.validate_python(template)


def test_a_topic_to_publish_on_has_no_wildcards() -> None:
    with pytest.raises(ValidationError, match="no wildcards"):
        publish_text.validate_python("a/+/set")
