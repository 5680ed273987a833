"""Names of devices and points as topics: any name there may be, and none that is another's."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.publish import HomeAssistantSection, PublishSection
from gateway.northbound.topics import Topics

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128).filter(str.isprintable)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{1,20})?", fullmatch=True)


def topics(**given: object) -> Topics:
    given = {"homeassistant": HomeAssistantSection(), **given}
    return Topics(PublishSection(url="mqtt://localhost:1883", **given), "workshop")  # type: ignore[arg-type]


def test_the_topics_are_those_of_the_templates() -> None:
    ours = topics()
    assert ours.values("board.n1", "air.humidity") == "fieldgate/workshop/board.n1/air.humidity"
    assert ours.command("board.n1", "fan") == "fieldgate/workshop/board.n1/fan/set"
    assert ours.state("board.n1") == "fieldgate/workshop/board.n1/$state"
    assert ours.status == "fieldgate/workshop/status"
    assert ours.commands == "fieldgate/workshop/+/+/set"
    assert ours.states == "fieldgate/workshop/+/$state"
    assert ours.device_of_state("fieldgate/workshop/board.n1/$state") == "board.n1"
    assert ours.device_of_state("fieldgate/workshop/board.n1/fan") is None


def test_without_a_point_in_the_template_commands_still_name_theirs() -> None:
    ours = topics(topic="{device}/now", state="{device}/is")
    assert ours.values("board", None) == "board/now"
    assert ours.command("board", "fan") == "board/now/fan/set"
    assert ours.commands == "+/now/+/set"


@pytest.mark.parametrize("name", ["a/b", "a+", "#", "$state", "a\x85b"])
def test_a_name_that_is_no_level_gets_one_of_its_own(name: str) -> None:
    ours = topics()
    topic = ours.values("board", name)
    assert re.fullmatch(r"fieldgate/workshop/board/[A-Za-z0-9_-]+", topic)
    assert topic != ours.values("board", name + "_")


@given(device=IDS, point=NAMES)
@settings(max_examples=300)
def test_whatever_a_point_is_called_its_topics_are_ours_and_lead_nowhere_else(device: str, point: str) -> None:
    for ours in (topics(), topics(topic="{point}/of/{device}", state="{device}/is"), topics(topic="x/{device}")):
        for topic in (ours.values(device, point if ours.has_point else None), ours.command(device, point)):
            assert ours.device_of(topic) == device
            assert not topic.startswith("$")
            assert not set("+#\0") & set(topic)
        assert ours.command(device, point).count("/") == ours.commands.count("/")
        assert ours.is_home(ours.home(device))
        assert re.fullmatch(r"homeassistant/device/[A-Za-z0-9_-]+/config", ours.home(device))
        assert ours.device_of_state(ours.state(device)) == device


def test_topics_of_others_are_not_ours() -> None:
    ours = topics()
    other = Topics(PublishSection(url="mqtt://localhost:1883", homeassistant=HomeAssistantSection()), "workshop_2")
    for topic in (other.values("board", "fan"), other.state("board"), other.status):
        assert ours.device_of(topic) is None
    assert not ours.is_home(other.home("board"))
    for topic in ("sensors/board/fan", "fieldgate/workshop/board", "homeassistant/device/lamp/config"):
        assert ours.device_of(topic) is None
        assert not ours.is_home(topic)
