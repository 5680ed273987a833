"""Several profiles on one broker: each device once, under one name, whoever tells of it and in whatever order."""

import logging
import random
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import ClassVar, Literal

import pytest

from gateway.adapters.mqtt.fleet import Fleet
from gateway.errors import CodecError, NotSentError, RefusedError
from gateway.model import Description, Outgoing, Point, Sample, safe_name
from gateway.profiles import (
    Available,
    Described,
    Event,
    Heard,
    Ignore,
    Listen,
    Profile,
    ProfileOptions,
    Publication,
    Removed,
    Send,
    Unreadable,
)
from tests.bus.parts import Bus

MAC = "mac:a1b2c3d4e5f6"


class Spoken(ProfileOptions):
    """A dialect whose messages are events: `PREFIX/NUMBER` is what stands there in `events`."""

    events: ClassVar[list[Event]] = []

    def build(self) -> Profile:
        return Speech(self.type)


class SecondHand(Spoken):
    rank: ClassVar[int] = 1


class Speech:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        return [(f"{self.prefix}/+", 0)]

    def greetings(self) -> Iterable[Publication]:
        return [Publication(f"{self.prefix}/hello", b"")]

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        return [Spoken.events[int(payload)]]

    def encode(self, command: Outgoing) -> Publication:
        if command.point == "stuck":
            raise CodecError("it is stuck")
        return Publication(f"{self.prefix}/{command.name}/set", str(command.value).encode())


class Site:
    """A fleet of profiles, the bus behind it, and events said in their names."""

    def __init__(self, *options: ProfileOptions) -> None:
        self.bus = Bus()
        self.link = self.bus.link(single=False)
        self.link.up()
        self.changes = 0
        self.fleet = Fleet(options, self.link, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def say(self, prefix: str, *events: Event) -> None:
        for event in events:
            Spoken.events.append(event)
            self.fleet.receive(f"{prefix}/x", str(len(Spoken.events) - 1).encode(), False)

    def devices(self) -> dict[str, str | None]:
        """Ids, and the model that each is said to be."""
        return {device.id: device.described.model for device in self.bus.devices}


@pytest.fixture(autouse=True)
def _nothing_said() -> Iterator[None]:
    yield
    Spoken.events.clear()


def described(device: str, model: str, *identities: str, topics: Iterable[str] = ()) -> Described:
    points = {"on": Point("boolean", writable=True, confirm="verified")}
    return Described(device, Description(points, model=model), frozenset(identities), frozenset(topics))


def heard(device: str, **values: bool | int) -> Heard:
    return Heard(device, Sample(dict(values)))


def site(first: bool = True) -> Site:
    """`z` and `t` are native dialects, `h` is second-hand, wherever it stands."""
    h, z, t = SecondHand(type="h"), Spoken(type="z"), Spoken(type="t")
    return Site(h, z, t) if first else Site(z, t, h)


SAME = [
    pytest.param([MAC], [], [MAC], [], id="by its address"),
    pytest.param([], ["z/lamp"], [], ["z/lamp"], id="by its topic"),
    pytest.param([], ["z/lamp"], [], ["x/y", "z/lamp/state/deep"], id="by a topic below"),
]


def test_a_device_whose_own_name_looks_like_one_that_was_made_is_not_mixed_up_with_it() -> None:
    here = site()
    here.say("z", described("lamp (h)", "first"), described("lamp", "second"))
    here.say("h", described("lamp", "third"))
    assert sorted(map(str, here.devices().values())) == ["first", "second", "third"]
    assert dict(here.fleet.held) == {"lamp (h) (z)": "z", "lamp": "z", "lamp (h)": "h"}
    sent = here.fleet.encode(Outgoing("a", "lamp (h)", "on", True, 1, 0.0))
    assert sent.topic == "h/lamp/set"
    here.say("z", Removed("lamp (h)"), Removed("lamp"))
    assert here.devices() == {"a.lamp": "third"}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_told_in_whatever_order_each_device_is_there_once_under_its_name(seed: int) -> None:
    draw = random.Random(seed)
    here = site()
    ranks = {"z": 0, "t": 1, "h": 2}
    told: dict[tuple[str, str], Described] = {}

    def are_kin(one: Described, other: Described) -> bool:
        pairs = [(f"{a}/", f"{b}/") for a in one.topics for b in other.topics]
        return bool(one.identities & other.identities) or any(a.startswith(b) or b.startswith(a) for a, b in pairs)

    for number in range(150):
        prefix, name = draw.choice("zth"), draw.choice(["a", "b", "c", "a (h)", "a (t)", "b (h) (t)"])
        if draw.random() < 0.6:
            ids = draw.sample(["mac:1", "mac:2", "mac:3"], draw.choice([0, 1, 1, 2]))
            topics = draw.sample(["r", "r/x", "r/y", "s", "s/x/y"], draw.choice([0, 0, 1]))
            told[prefix, name] = described(name, f"{prefix} {name} {number}", *ids, topics=topics)
            here.say(prefix, told[prefix, name])
        else:
            told.pop((prefix, name), None)
            here.say(prefix, Removed(name))
        expected = {}
        for (own, device), event in told.items():
            better = {key: other for key, other in told.items() if ranks[key[0]] < ranks[own]}
            if not any(are_kin(event, other) for other in better.values()):
                marked = device.endswith((" (z)", " (t)", " (h)")) or any(key[1] == device for key in better)
                shown = safe_name(f"{device} ({own})" if marked else device)
                expected[f"a.{shown}"] = event.description.model
        assert here.devices() == expected, number
        assert len(here.fleet._names) == len(here.fleet._holders) == len(expected)


@pytest.mark.parametrize(("ids", "topics", "other_ids", "other_topics"), SAME)
@pytest.mark.parametrize("native_first", [True, False])
@pytest.mark.parametrize("name", ["lamp", "0x1234"])
def test_a_device_that_is_told_of_twice_is_one_and_the_native_profile_has_it(
    ids: list[str], topics: list[str], other_ids: list[str], other_topics: list[str], native_first: bool, name: str
) -> None:
    here = site()
    told = [("z", described("lamp", "native", *ids, topics=topics)),
            ("h", described(name, "second", *other_ids, topics=other_topics))]  # fmt: skip
    for prefix, event in told if native_first else reversed(told):
        here.say(prefix, event)
    assert here.devices() == {"a.lamp": "native"}
    here.say("h", heard(name, on=1))
    assert not here.bus.device("a.lamp").latest  # what the other hears is the native one's to say
    here.say("z", heard("lamp", on=1))
    assert here.bus.device("a.lamp").latest["on"][0] is True


def test_the_second_hand_has_a_device_again_when_the_native_profile_lets_go_of_it() -> None:
    here = site()
    here.say("z", described("lamp", "native", MAC), heard("lamp", on=1))
    here.say("h", described("0x12", "second", MAC))
    here.say("z", Removed("lamp"))
    assert here.devices() == {"a.0x12": "second"}
    here.say("h", Removed("0x12"))
    assert here.devices() == {}


def test_a_device_that_turns_out_to_be_known_goes_and_one_that_is_none_any_more_comes_back() -> None:
    here = site()
    here.say("h", described("0x12", "second", "mac:000000000001"))
    here.say("z", described("lamp", "native"))
    assert here.devices() == {"a.0x12": "second", "a.lamp": "native"}
    here.say("z", described("lamp", "native", "mac:000000000001"))
    assert here.devices() == {"a.lamp": "native"}
    here.say("z", described("lamp", "native"))
    assert here.devices() == {"a.0x12": "second", "a.lamp": "native"}


def test_a_takeover_under_one_name_keeps_the_values() -> None:
    here = site()
    here.say("h", described("lamp", "second", MAC), heard("lamp", on=1))
    here.bus.told()
    here.say("z", described("lamp", "native", MAC))
    assert here.devices() == {"a.lamp": "native"}
    assert here.bus.device("a.lamp").latest["on"][0] is True
    assert not any("removed" in told for told in here.bus.told())


@pytest.mark.parametrize("order", list(permutations(["z", "t", "h"])))
def test_devices_of_one_name_that_are_not_one_get_the_same_ids_in_whatever_order_they_come(order: list[str]) -> None:
    here = site()
    for prefix in order:
        here.say(prefix, described("lamp", prefix))
        here.say(prefix, heard("lamp", on=1))
    names = {device.wire_name: device.described.model for device in here.bus.devices}
    assert names == {"lamp": "z", "lamp (t)": "t", "lamp (h)": "h"}
    assert here.bus.device("a.lamp").described.model == "z"


def test_a_device_whose_name_another_takes_leaves_none_of_its_values_behind() -> None:
    here = site()
    here.say("t", described("lamp", "t"), heard("lamp", on=1))
    here.say("z", described("lamp", "z"))
    assert here.bus.device("a.lamp").described.model == "z"
    assert not here.bus.device("a.lamp").latest
    here.say("z", Removed("lamp"))
    assert here.devices() == {"a.lamp": "t"}
    assert not here.bus.device("a.lamp").latest


def test_commands_go_out_in_the_dialect_of_the_device_under_its_own_name() -> None:
    here = site()
    here.say("z", described("lamp", "z"))
    here.say("t", described("lamp", "t"))
    assert here.fleet.encode(outgoing("lamp")) == Publication("z/lamp/set", b"True")
    assert here.fleet.encode(outgoing("lamp (t)")) == Publication("t/lamp/set", b"True")
    with pytest.raises(CodecError, match="stuck"):
        here.fleet.encode(outgoing("lamp", "stuck"))
    assert not here.fleet.holds("node1")
    assert not here.fleet.holds(None)
    with pytest.raises(CodecError, match="no profile knows"):
        here.fleet.encode(outgoing("node1"))


def outgoing(name: str, point: str = "on") -> Outgoing:
    return Outgoing(f"a.{name}", name, point, True, 1, 0.0)


@pytest.mark.parametrize("commands", [True, False])
def test_actuators_are_commanded_where_their_profile_is_allowed_to(commands: bool) -> None:
    here = Site(Spoken(type="z", commands=commands))
    here.say("z", described("lamp", "z"))
    assert here.bus.device("a.lamp").points["on"].writable is commands


def test_what_a_dialect_says_of_availability_is_the_devices_state() -> None:
    here = site()
    here.say("z", described("lamp", "z"), heard("lamp", on=1), Available("lamp", False, "its bridge is offline"))
    assert here.bus.state("a.lamp") == ("offline", "its bridge is offline")
    here.say("z", Available("lamp", True))
    assert here.bus.state("a.lamp") == ("online", None)


def test_what_cannot_be_read_is_counted_for_its_device_and_else_for_the_link() -> None:
    here = site()
    here.say("z", described("lamp", "z"), Unreadable("lamp", "no JSON"), Unreadable(None, "no JSON"))
    here.say("z", Unreadable("nobody", "no JSON"))
    here.say("z", described("lamp", "z", MAC))
    # What a better profile reads is no loss.
    here.say("h", described("0x12", "h", MAC), Unreadable("0x12", "a template"))
    assert here.bus.device("a.lamp").errors == 1
    assert here.link.info.errors == 2


def test_what_is_said_of_devices_that_were_never_described_is_nobodys() -> None:
    here = site()
    here.say("z", heard("ghost", on=1), Available("ghost", True), Removed("ghost"))
    assert here.devices() == {}


class Broker:
    """What a fleet does on its connection."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        self.done += [f"+{topic} {qos}" for topic, qos in filters]

    async def unsubscribe(self, filters: list[str]) -> None:
        self.done += [f"-{topic}" for topic in filters]

    async def publish(self, topic: str, payload: bytes, expiry: Literal[10]) -> None:
        self.done.append(f"{topic}={payload.decode()}")


async def test_a_dialect_is_listened_to_where_it_points_and_asks_what_it_asks() -> None:
    here = site()
    assert here.fleet.connected() == [("z/+", 0), ("t/+", 0), ("h/+", 0)]
    here.fleet.greet()
    here.say("z", Listen((("far/away", 1), ("far/+", 0))), Ignore(("far/away",)), Send(Publication("q", b"?")))
    here.say("t", Listen((("far/+", 0),)), Ignore(("never/wanted",)))
    assert here.changes
    broker = Broker()
    await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert broker.done == ["+far/+ 0", "-far/away", "z/hello=", "t/hello=", "h/hello=", "q=?"]
    broker.done.clear()
    here.say("z", Ignore(("far/+",)))
    await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert broker.done == []  # the other still wants it
    here.say("t", Ignore(("far/+",)))
    await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert broker.done == ["-far/+"]
    here.say("t", Listen((("near", 0),)), Ignore(("near",)), Listen((("near", 1),)))
    await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert broker.done == ["-far/+", "+near 1"]  # the newest wish counts


class Strict(Broker):
    """A broker that has rules: nothing of `secret`."""

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        await super().subscribe([wanted for wanted in filters if "secret" not in wanted[0]])
        if refused := [topic for topic, _ in filters if "secret" in topic]:
            raise RefusedError(refused)

    async def publish(self, topic: str, payload: bytes, expiry: Literal[10]) -> None:
        if "secret" in topic:
            raise NotSentError("the broker refuses the message")
        await super().publish(topic, payload, expiry)


async def test_what_a_broker_refuses_keeps_a_dialect_from_nothing_else() -> None:
    here = site()
    here.say("z", Listen((("gone", 0),)), Ignore(("gone",)), Listen((("secret/a", 0), ("far", 0), ("secret/b", 0))))
    here.say("z", Send(Publication("secret", b"?")), Send(Publication("q", b"?")))
    broker = Strict()
    with pytest.raises(RefusedError, match="secret/a") as raised:
        await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert len(raised.value.reasons) == 2, "each of them is to be counted"
    assert broker.done == ["+far 0", "-gone", "q=?"]


async def test_a_topic_that_somebody_else_needs_too_is_not_let_go_of_and_keeps_its_quality() -> None:
    link = Bus().link(single=False)
    fleet = Fleet([Spoken(type="z")], link, lambda: None, {"far": 1, "z/+": 2})
    assert fleet.connected() == [("z/+", 2)]
    broker = Broker()
    for event in (Listen((("far", 0), ("near", 0))), Ignore(("far", "near"))):
        Spoken.events.append(event)
        fleet.receive("z/x", str(len(Spoken.events) - 1).encode(), False)
        await fleet.follow(broker)  # type: ignore[arg-type]
    assert broker.done == ["+far 1", "+near 0", "-near"]


async def test_questions_that_nobody_takes_are_bounded_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    here = site()
    here.say("z", *(Send(Publication("q", b"?")) for _ in range(1003)))
    broker = Broker()
    with caplog.at_level(logging.WARNING):
        await here.fleet.follow(broker)  # type: ignore[arg-type]
    assert len(broker.done) == 1000
    assert "1 dropped" in caplog.text
