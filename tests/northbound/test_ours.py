"""Which topics are the gateway's own, so that its adapters pass over them and no answer goes there."""

import pytest

from gateway.config.publish import HomeAssistantSection, PublishSection
from gateway.northbound.ours import Ours
from gateway.northbound.topics import Topics

ADAPTERS = {"board": "serial", "bus": "modbus", "house": "mqtt"}


def ours(**given: object) -> tuple[Ours, Topics]:
    section = PublishSection(url="mqtt://x", homeassistant=HomeAssistantSection(), **given)  # type: ignore[arg-type]
    topics = Topics(section, "workshop")
    return Ours(section, topics, lambda: ADAPTERS), topics


def test_topics_of_our_devices_are_ours_whether_they_have_come_or_not() -> None:
    mine, topics = ours()
    for device in ("board", "bus.never-seen"):
        assert mine.has(topics.values(device, "x"))
        assert mine.has(topics.command(device, "x"))
        assert mine.has(f"{topics.command(device, 'x')}/result")
        assert mine.has(topics.state(device))
        assert mine.has(topics.home(device))
    assert mine.has(topics.status)


def test_topics_of_the_same_shape_that_no_device_of_ours_has_are_others() -> None:
    mine, _ = ours(topic="home/{device}/{point}", state="home/{device}/$state")
    assert mine.has("home/board/temperature")
    assert not mine.has("home/kitchen/temperature")
    assert not mine.has("home/house.lamp/level"), "devices that came over a broker are not published"


@pytest.mark.parametrize(
    ("globs", "published"),
    [
        (None, ["board", "bus.n1"]),
        (("*",), ["board", "bus.n1", "house.lamp"]),
        (("house.*",), ["house.lamp"]),
        ((), []),
    ],
)
def test_devices_are_those_of_the_globs_or_all_that_are_on_no_broker(
    globs: tuple[str, ...] | None, published: list[str]
) -> None:
    mine, _ = ours(devices=globs)
    assert [device for device in ("board", "bus.n1", "house.lamp") if mine.wants(device)] == published
    assert not mine.belongs("attic.stove")


@pytest.mark.parametrize(
    "topic", ["", "$SYS/x", "a/+", "a/#", "a\a", "homeassistant/status", "fieldgate/workshop/status"]
)
def test_no_answer_goes_where_somebody_else_speaks(topic: str) -> None:
    mine, _ = ours(answers=("*",))
    assert not mine.may_answer(topic)
    assert mine.may_answer("panel/answers")


def test_answers_go_only_where_it_is_said_that_they_may() -> None:
    mine, _ = ours()
    assert not mine.may_answer("panel/answers")
    mine, _ = ours(answers=("panel/*",))
    assert mine.may_answer("panel/answers")
    assert not mine.may_answer("cmnd/boiler/Backlog")
