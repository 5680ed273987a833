"""What is checked of everything that a profile says, and how documented messages are spoilt."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

from gateway.errors import CodecError
from gateway.model import Description, Outgoing, Point, Value
from gateway.profiles import (
    Answered,
    Available,
    Described,
    Event,
    Heard,
    Ignore,
    Listen,
    Profile,
    Publication,
    Removed,
    Send,
    Unreadable,
)
from gateway.profiles.base import MAX_DEVICES, MAX_POINTS
from tests.contract.hostile import HOSTILE
from tests.contract.profile_examples import Message

_IDENTITY = re.compile(r"mac:[0-9a-f]{12}|ieee:[0-9a-f]{16}")
_LONGEST_TEXT = 4096  # characters of a name, a title or a complaint


def matches(filter: str, topic: str) -> bool:
    """Whether an MQTT topic filter matches a topic (MQTT 5 §4.7)."""
    wanted, levels = filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or level not in ("+", levels[at]):
            return False
    return len(wanted) == len(levels)


def checked_filter(filter: str) -> None:
    """A topic filter that a broker takes."""
    assert filter
    assert "\0" not in filter
    levels = filter.split("/")
    assert all(level in ("+", "#") or not set("+#") & set(level) for level in levels)
    assert "#" not in levels[:-1]


def checked_publication(publication: Publication) -> Publication:
    """A message that a broker takes, on one topic."""
    assert publication.topic
    assert not set("+#\0") & set(publication.topic)
    assert len(publication.topic.encode()) <= 65535
    assert type(publication.payload) is bytes
    return publication


class Told:
    """Hands messages to a profile, and checks and keeps what it tells.

    Of thousands of messages, `brief` checks what they come to in the end.
    """

    def __init__(self, profile: Profile, *, brief: bool = False) -> None:
        self.profile = profile
        self.brief = brief
        self.devices: dict[str, Description] = {}
        self.filters = {filter for filter, _ in profile.subscriptions}
        for publication in profile.greetings():
            checked_publication(publication)

    def receive(self, topic: str, payload: bytes, retained: bool) -> list[Event]:
        """The events of a message, each as everything behind a profile expects it."""
        events = list(self.profile.receive(topic, payload, retained))
        for event in events:
            self._check(event, retained)
        assert len(self.devices) <= MAX_DEVICES
        for event in events:
            if isinstance(event, Listen):
                self.filters |= {filter for filter, _ in event.filters}
            elif isinstance(event, Ignore):
                self.filters -= set(event.filters)
        if not self.brief:
            self.check_subscriptions()
        return events

    def check_subscriptions(self) -> None:
        """They are what was told of them, and a broker takes them."""
        filters = list(self.profile.subscriptions)
        for filter, qos in filters:
            checked_filter(filter)
            assert qos in (0, 1, 2)
        assert self.filters == {filter for filter, _ in filters}

    def all(self, messages: Iterable[Message]) -> list[Event]:
        """The events of several messages."""
        events = [event for message in messages for event in self.receive(*message)]
        self.check_subscriptions()
        return events

    def _check(self, event: Event, retained: bool) -> None:
        if isinstance(event, Described):
            assert event.device
            assert len(event.device) <= _LONGEST_TEXT
            if not self.brief:
                checked_description(event.description)
            assert all(_IDENTITY.fullmatch(identity) for identity in event.identities)
            assert not any(set("+#\0") & set(topic) for topic in event.topics)
            self.devices[event.device] = event.description
        elif isinstance(event, Removed):
            assert event.device in self.devices
            del self.devices[event.device]
        elif isinstance(event, Heard):
            assert event.device
            assert event.retained or not retained, "what was retained is told as fresh"
            sample = event.sample
            assert len(sample.values) <= MAX_POINTS
            for point, value in sample.values.items():
                assert type(point) is str
                assert value is None or type(value) in (bool, int, float, str)
            assert sample.device_time is None or type(sample.device_time) is float
        elif isinstance(event, Available):
            assert event.device
            assert event.reason is None or 0 < len(event.reason) <= _LONGEST_TEXT
        elif isinstance(event, Answered):
            assert not retained, "a retained answer is of another day"
        elif isinstance(event, Unreadable):
            assert 0 < len(event.message) <= _LONGEST_TEXT
        elif isinstance(event, Send):
            checked_publication(event.publication)
        else:
            assert isinstance(event, Listen | Ignore)


def checked_description(description: Description) -> None:
    """A description that the bus and its clients can carry."""
    for text in (description.name, description.model, description.vendor):
        assert text is None or 0 < len(text) <= _LONGEST_TEXT
    assert len(description.points) <= MAX_POINTS
    for name, point in description.points.items():
        assert 0 < len(name) <= 128
        assert name.isprintable()
        json.dumps(point.to_json(), allow_nan=False)
        assert (point.type == "enum") == (point.values is not None)
        assert point.values is None or (point.values and all(type(value) is str for value in point.values))
        assert point.unit is None or 0 < len(point.unit) <= 32
        assert point.min is None or point.max is None or point.min <= point.max
        assert point.writable == (point.confirm is not None), "how is a command to it seen to succeed?"


def candidates(point: Point) -> list[Value]:
    """Values that the point takes, of those that somebody may send."""
    numbers: list[Value] = [0, 1, 20, 0.5, point.min, point.max]
    by_type: dict[str, list[Value]] = {
        "number": numbers,
        "integer": numbers,
        "boolean": [True, False],
        "enum": list(point.values or ()),
        "action": [None],
        "string": ["on", "", "[1]", "{}", "#ff0000", "rgb,1,2,3", "PT5M", "2026-11-26T12:00:00Z", "1,2,3", "17"],
    }
    return [value for value in by_type[point.type] if (value is not None) == (point.type != "action")]


def command(device: str | None, point: str, value: Value) -> Outgoing:
    """A command on its way to the profile."""
    return Outgoing("house.device", device, point, value, 17, 1e9)


def encoded(profile: Profile, sent: Outgoing) -> Publication | None:
    """The command as a message; None where the profile refuses it."""
    refused = None
    try:
        return checked_publication(profile.encode(sent))
    except CodecError as error:
        refused = str(error)
    assert 0 < len(refused) <= _LONGEST_TEXT
    return None


# ---- spoilt messages

_LEAVES: list[Any] = [
    *[
        None,
        True,
        False,
        0,
        -1,
        2.5,
        1e308,
        -1e308,
        2**63,
        2**64,
        10**30,
        "",
        "0",
        "on",
        "\0",
        "x" * 5000,
        [],
        {},
        [[]],
    ],
    *["<script>alert(1)</script>", "+", "#", "a/b", "../..", "$state", "\u202e\n", "{{ value }}", "null", "1e999"],
    *[[None] * 600, {str(n): n for n in range(600)}, {"": ""}, {"type": {}}, [{"features": []}]],
]


def _deep(depth: int) -> Any:
    """Features within features."""
    node: Any = 1
    for level in range(depth):
        node = {"type": "composite", "name": "a", "features": [node]} if level % 2 else {"a": [node]}
    return node


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(node, dict):
        for key, inner in node.items():
            found += _places(inner, (*path, key))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            found += _places(inner, (*path, index))
    return found


def _put(document: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = leaf
    return document


def every_place_spoilt(messages: list[Message]) -> Iterator[Message]:
    """The messages with something of every other kind at each of their places; of the items of a list, at one."""
    wrong: list[Any] = [None, -1, "x", [], {}, [[{}]]]
    for topic, payload, retained in messages:
        if not _is_document(payload):
            continue
        alike = {
            tuple("*" if type(step) is int else step for step in path): path for path in _places(json.loads(payload))
        }
        for path in alike.values():
            for leaf in wrong:
                yield topic, json.dumps(_put(json.loads(payload), path, leaf)).encode(), retained


@st.composite
def _spoilt_json(draw: st.DrawFn, payload: bytes, others: list[Any]) -> bytes:
    """The document with something else at one to three of its places."""
    document = json.loads(payload)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(document)
        path = places[draw(st.integers(0, len(places) - 1))]
        leaf = draw(st.sampled_from([*_LEAVES, *others]) | (st.integers(1, 60) | st.just(200)).map(_deep))
        document = _put(document, path, json.loads(json.dumps(leaf)))
    return json.dumps(document, ensure_ascii=draw(st.booleans())).encode()


def _is_document(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict | list)
    except ValueError:
        return False


@st.composite
def spoilt(draw: st.DrawFn, messages: list[Message]) -> Message:
    """One of the messages, or something near it: in its payload, in its topic, or in being retained."""
    topic, payload, retained = draw(st.sampled_from(messages))
    names = sorted({level for known, _, _ in messages for level in known.split("/")})
    if _is_document(payload) and draw(st.booleans()):
        payload = draw(_spoilt_json(payload, names))
    else:
        at, cut = draw(st.integers(0, len(payload))), draw(st.integers(0, 6))
        payload = draw(
            st.just(payload)
            | st.just(payload[:at])
            | st.binary(max_size=6).map(lambda put: payload[:at] + put + payload[at + cut :])
            | st.sampled_from([other for _, other, _ in messages])
            | st.sampled_from([hostile for hostile in HOSTILE if len(hostile) < 1000])
            | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))
            | st.binary(max_size=60)
        )
    if draw(st.integers(0, 3)) == 0:
        levels = topic.split("/")
        odd = [*names, "", "$SYS", "set", "get", "availability", "$description", "ü" * 300, "a b", "\x7f", "0", "-"]
        levels[draw(st.integers(0, len(levels) - 1))] = draw(st.sampled_from(odd) | st.text(max_size=8))
        topic = "/".join(levels + draw(st.lists(st.sampled_from(odd), max_size=2)))
    return topic, payload, draw(st.booleans()) if draw(st.booleans()) else retained
