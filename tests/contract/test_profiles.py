"""What holds of every profile, whatever its dialect."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Value
from gateway.profiles import Answered, Described, Heard, Removed, Unreadable
from gateway.profiles.base import MAX_DEVICES, MAX_POINTS
from tests.contract.hostile import HOSTILE
from tests.contract.parts import tried
from tests.contract.profile_examples import NAMES, Message, example
from tests.contract.profile_parts import (
    Told,
    candidates,
    checked_description,
    checked_filter,
    command,
    encoded,
    every_place_spoilt,
    matches,
    spoilt,
)

PROFILES = pytest.mark.parametrize("name", NAMES)
EXAMPLES = pytest.mark.parametrize("examples", [25, pytest.param(20_000, marks=pytest.mark.long)])


@PROFILES
def test_the_documented_messages_are_all_readable_and_give_devices(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    devices: set[str] = set()
    heard: set[str] = set()
    for topic, payload, retained in found.messages:
        events = told.receive(topic, payload, retained)
        assert [event for event in events if isinstance(event, Unreadable)] == [], topic
        devices |= {event.device for event in events if isinstance(event, Described)}
        heard |= {event.device for event in events if isinstance(event, Heard)}
    assert devices
    assert heard <= devices, "a device speaks of which nothing is known"


@PROFILES
def test_the_documented_messages_are_subscribed_to_when_they_come(name: str) -> None:
    found = example(name)
    profile = found.build()
    for topic, payload, retained in found.messages:
        assert any(matches(filter, topic) for filter, _ in profile.subscriptions), topic
        list(profile.receive(topic, payload, retained))


@PROFILES
def test_the_same_messages_give_the_same_devices_again(name: str) -> None:
    found = example(name)
    # As text: what is not a number is not equal to itself.
    assert repr(Told(found.build()).all(found.messages)) == repr(Told(found.build()).all(found.messages))


@PROFILES
def test_a_message_that_comes_twice_removes_nothing_and_changes_no_device(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    for message in found.messages:
        told.receive(*message)
        before = dict(told.devices)
        events = told.receive(*message)
        assert not [event for event in events if isinstance(event, Removed | Unreadable)], message[0]
        assert told.devices == before


@PROFILES
def test_all_of_it_again_retained_as_at_every_connect_keeps_the_devices(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    told.all(found.messages)
    before = set(told.devices)
    again = told.all((topic, payload, True) for topic, payload, _ in found.messages)
    assert set(told.devices) == before
    assert not [event for event in again if isinstance(event, Answered)]


@PROFILES
def test_every_writable_point_takes_a_command_that_is_nothing_when_it_comes_back(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    told.all(found.messages)
    for device, description in told.devices.items():
        for point, described in description.points.items():
            sent = [encoded(told.profile, command(device, point, value)) for value in candidates(described)]
            publications = [publication for publication in sent if publication is not None]
            assert bool(publications) == described.writable, f"{device} {point}"
            for publication in publications:
                assert not list(told.profile.receive(publication.topic, publication.payload, False))


@PROFILES
def test_no_name_and_no_value_changes_the_shape_of_a_command(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    told.all(found.messages)
    odd = ["", "+", "#", "a/b", "../x", "\0", "\ud800", "x" * 70_000, "$SYS", "é", "__class__", "0", " "]
    values: list[Value] = [
        *[None, True, 0, -1, 2.5, 1e308, float("nan"), float("inf"), 10**30, 10**5000, *odd],
        *['","state":"ON', "}{", "\n", "<b>", "1;2", "rgb,1,2", "PT", "[" * 2000],
    ]
    topics = {
        publication.topic.count("/")
        for device, description in told.devices.items()
        for point, described in description.points.items()
        for value in candidates(described)
        if (publication := encoded(told.profile, command(device, point, value))) is not None
    }
    for device, description in told.devices.items():
        for point in description.points:
            for value in values:
                publication = encoded(told.profile, command(device, point, value))
                assert publication is None or publication.topic.count("/") in topics
        for point in odd:
            assert encoded(told.profile, command(device, point, True)) is None
    for nobody in (None, *odd):
        assert encoded(told.profile, command(nobody, "state", True)) is None


@EXAMPLES
@PROFILES
def test_no_message_raises_and_whatever_is_told_can_be_carried(name: str, examples: int) -> None:
    found = example(name)

    @tried(examples)
    @given(st.lists(spoilt(found.messages), max_size=12), st.integers(0, len(found.messages)))
    def check(messages: list[Message], known: int) -> None:
        told = Told(found.build())
        told.all(found.messages[:known])
        told.all(messages)
        told.all(found.messages)
        for device, description in told.devices.items():
            for point, described in description.points.items():
                if described.writable:
                    for value in candidates(described):
                        encoded(told.profile, command(device, point, value))

    check()


@PROFILES
def test_a_wrong_kind_at_any_place_of_a_document_is_read_or_counted(name: str) -> None:
    found = example(name)
    told = Told(found.build())
    told.all(found.messages)
    for message in every_place_spoilt(found.messages):
        told.receive(*message)


@PROFILES
@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: f"{payload[:12]!r}-{len(payload)}")
def test_a_hostile_payload_on_any_topic_does_not_hold_the_loop(name: str, payload: bytes) -> None:
    found = example(name)
    told = Told(found.build())
    told.all(found.messages)
    for topic in dict.fromkeys(topic for topic, _, _ in found.messages):
        started = time.process_time()
        told.receive(topic, payload, False)
        assert time.process_time() - started < 0.5


@PROFILES
def test_devices_beyond_the_bound_are_counted_and_known_ones_stay(name: str) -> None:
    found = example(name)
    if found.many is None:
        pytest.skip("the dialect has no message that makes many devices")
    told = Told(found.build(), brief=True)
    events = told.all(found.many(MAX_DEVICES + 5))
    assert len(told.devices) == MAX_DEVICES
    assert [event for event in events if isinstance(event, Unreadable)]
    assert not [event for event in events if isinstance(event, Removed)]


@PROFILES
def test_points_beyond_the_bound_are_counted(name: str) -> None:
    found = example(name)
    if found.wide is None:
        pytest.skip("the dialect has no message that makes many points")
    told = Told(found.build(), brief=True)
    events = told.all(found.wide(MAX_POINTS + 5))
    widest = max(told.devices.values(), key=lambda description: len(description.points))
    checked_description(widest)
    assert len(widest.points) == MAX_POINTS
    assert [event for event in events if isinstance(event, Unreadable)]


@PROFILES
def test_the_first_subscriptions_and_greetings_are_ones_that_a_broker_takes(name: str) -> None:
    profile = example(name).build()
    filters = list(profile.subscriptions)
    assert filters
    for filter, _ in filters:
        checked_filter(filter)
    for publication in profile.greetings():
        assert not list(profile.receive(publication.topic, publication.payload, False))
