"""Publishes the devices on a broker: readings as they come, and states.

Publishing never waits. While the broker takes nothing more, or is away, the newest value of each point is kept, and
those that it replaces are counted; when the broker takes more again, what is newest is published.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from gateway.bus import Devices, Entry, Log
from gateway.config.publish import PublishSection
from gateway.errors import LinkError, worth_saying
from gateway.mqtt import Conversation, MessageProperties, broker
from gateway.northbound.home import Home
from gateway.northbound.orders import NO_PROPERTIES, Orders, Submit
from gateway.northbound.ours import Ours
from gateway.northbound.outlet import Outlet
from gateway.northbound.shown import Shown, bare
from gateway.northbound.topics import Topics
from gateway.supervise import BackOff, supervise

_BACK_OFF = BackOff(first=0.5, longest=30.0)
_STOP_TIME = 1.0  # seconds that saying goodbye may take
_ALL_GOOD: Mapping[str, str] = {}
_MAX_CORRECTIONS = 65_536  # topics of devices that went, until the broker is there to forget them

logger = logging.getLogger(__name__)


class Northbound:
    """One broker on which the devices are published; `run()` keeps the connection.

    `adapters` tells the type of each adapter by its id: devices that came over a broker themselves are published only
    where `devices` names them. `before` are topics of an earlier configuration, which the broker is to forget.
    """

    def __init__(
        self,
        section: PublishSection,
        gateway: str,
        log: Log,
        devices: Devices,
        commands: Submit,
        *,
        adapters: Callable[[], Mapping[str, str]],
        before: Iterable[str] = (),
    ) -> None:
        self.section = section
        self.topics = Topics(section, gateway)
        self.ours = Ours(section, self.topics, adapters)
        self.reason: str | None = "not connected yet"
        self.conflated = 0  # values that a newer one replaced before they could be published
        self._client_id = f"fieldgate-{gateway}-publish-{secrets.token_hex(3)}"
        self._log = log
        self._devices = devices
        self._targets: dict[str, tuple[str, str]] = {}  # device and point by the topic of commands
        self._orders = Orders(
            commands,
            devices,
            section.commands,
            section.url,
            target=self._targets.get,
            answer=self._answer,
            may_answer=self.ours.may_answer,
        )
        self._home = Home(
            self.topics,
            takes=self._orders.may_command,
            belongs=self.ours.belongs,
            restarted=self._tell_all,
            clear=self._correct,
        )
        self._shown: dict[str, Shown] = {}
        self._owners: dict[str, tuple[str, str]] = {self.topics.status: ("the gateway", "its status")}
        # What the broker keeps of what is not there any more, and what it is to keep instead.
        self._before = frozenset(before)
        self._corrections = OrderedDict.fromkeys(self._before, b"")
        self._behind: dict[Shown, None] = {}  # devices of which something waits
        self._outlet: Outlet | None = None
        self._conflated_before = 0
        self._pile_ups = 0
        self._lost = 0
        self._clashes = 0

    # ---- its life

    async def run(self) -> None:
        """Connects, and connects again whenever the broker goes, until cancelled."""
        # In one turn of the loop: no change of a device is missed between.
        self._log.taps.append(self._entry)
        for device in self._devices:
            self._look(device.id)
        if not self.section.retain:
            kept = (topic for shown in self._shown.values() for topic in shown.topics.values() if topic in self._before)
            self._corrections.update(dict.fromkeys(filter(None, kept), b""))
        try:
            await supervise(self._connect, self._down, _BACK_OFF)
        finally:
            self._log.taps.remove(self._entry)
            self._home.close()

    async def _connect(self) -> None:
        """One life of the connection; raises LinkError when it ends."""
        source = broker(self.section, self._client_id, self.topics.status)
        async with source.connect(self._receive, with_properties=self._receive_with) as connection:
            connection.on_drained(self._drain)
            await self._subscribe(connection)
            self._outlet = connection
            self.reason = None
            logger.info("publish: connected to %s", self.section.url)
            try:
                self._home.connected(connection)
                self._tell_all()
                await connection.lost()
            finally:
                self._outlet = None
                self._home.connected(None)

    def _down(self, reason: str) -> None:
        if self.reason != reason:
            logger.warning("publish: %s", reason)
        self.reason = reason

    async def _subscribe(self, connection: Conversation) -> None:
        for topic in self._filters():
            try:
                await connection.subscribe([(topic, 0)])  # with which no broker delivers a command twice
            except LinkError as error:
                # It may be all that this client must not do; where the connection broke, that is found next.
                logger.warning("publish: %s", error)

    def _filters(self) -> Iterable[str]:
        yield self.topics.states  # of devices that went while nobody was here to tell
        if self.topics.has_home:
            yield self.topics.homes
            yield self.topics.home_status
        if self.section.commands:
            yield self.topics.commands

    async def goodbye(self, *, forget: bool) -> None:
        """Says that the devices are not there any more, or has the broker `forget` them; a second at most.

        To be called before `run` is cancelled.
        """
        outlet, self._outlet = self._outlet, None
        self._home.close()
        if outlet is None:
            return
        try:
            async with asyncio.timeout(_STOP_TIME):
                await self._until(lambda: outlet.is_idle)
                for shown in self._shown.values():
                    await self._until(lambda: outlet.takes_more)
                    if forget:
                        for topic in shown.retained:
                            outlet.post(topic, b"", retain=True)
                    elif shown.state_topic is not None:
                        outlet.post(shown.state_topic, b"offline", retain=True)
                await self._until(lambda: outlet.is_idle)
        except TimeoutError:
            logger.warning("publish: the broker did not take the last messages in time")

    @staticmethod
    async def _until(predicate: Callable[[], bool]) -> None:
        while not predicate():
            await asyncio.sleep(0.01)

    def retained(self) -> list[str]:
        """The topics on which the broker keeps something."""
        return [topic for shown in self._shown.values() for topic in shown.retained] + list(self._corrections)

    # ---- from the bus

    def _entry(self, entry: Entry) -> None:
        """The log's tap."""
        try:
            if entry.about_device:
                self._look(entry.device)
            else:
                shown = self._shown.get(entry.device)
                if shown is not None:
                    self._read(shown, entry.encoded)
        except Exception:  # bulkhead: publishing must not cost the bus a reading
            logger.exception("publish: %s", entry.device)

    def _read(self, shown: Shown, encoded: bytes) -> None:
        """A reading was published to clients."""
        reading: dict[str, Any] = orjson.loads(encoded)
        values: dict[str, Any] = reading["values"]
        if shown.told_stale:
            shown.told_stale.difference_update(values)
        outlet = self._outlet
        if not self.topics.has_point:
            self._wait(shown, "")
            self._drain()
        elif outlet is None or shown.waiting or not outlet.takes_more:
            for point in values:
                self._wait(shown, point)
        else:
            qos, retain = self.section.qos, self.section.retain
            quality = reading.get("quality", _ALL_GOOD)
            for point, value in values.items():
                topic = shown.topics.get(point)
                payload = bare(value, quality[point]) if point in quality else bare(value)
                if topic is not None and not outlet.post(topic, payload, qos=qos, retain=retain):
                    self._wait(shown, point)

    def _wait(self, shown: Shown, key: str) -> None:
        """The newest value is to be published as soon as that is possible."""
        if key in shown.waiting:
            self.conflated += 1
        else:
            shown.waiting[key] = None
            self._behind[shown] = None

    def _look(self, id: str) -> None:
        """A device appeared, changed or went."""
        device, shown = self._devices.get(id), self._shown.get(id)
        if shown is not None and shown.device is not device:
            self._forget(shown)
            shown = None
        if device is None or not (shown or self.ours.wants(id)):
            return
        if shown is None:
            shown = self._shown[id] = Shown(device, self.topics, self._claim)
        kept, commanded = shown.let_go()
        for topic in (*kept, *commanded):
            del self._owners[topic]
            self._targets.pop(topic, None)
        for topic in kept:
            self._correct(topic)
        for point, topic in shown.look(takes_commands=bool(self.section.commands)):
            self._targets[topic] = id, point
        if device.state.value != shown.state_told:
            shown.state_told = device.state.value
            shown.state_waits = True
            self._behind[shown] = None
        for key in shown.went_stale():
            self._wait(shown, key)
        self._home.changed(shown)
        self._drain()

    def _claim(self, topic: str, device: str, what: str) -> bool:
        """Whether the topic is this device's alone; one that two would share is the first one's."""
        owner = self._owners.setdefault(topic, (device, what))
        if owner == (device, what):
            self._corrections.pop(topic, None)
            return True
        self._clashes += 1
        if worth_saying(self._clashes):
            logger.warning(
                "publish: %s: %s is not published, because %r is the topic of %s: %s (%d such so far)",
                device, what, topic[:200], *owner, self._clashes,
            )  # fmt: skip
        return False

    def _forget(self, shown: Shown) -> None:
        """The device went: the broker keeps nothing of it."""
        del self._shown[shown.device.id]
        self._behind.pop(shown, None)
        self._home.forget(shown)
        for topic in shown.claimed:
            del self._owners[topic]
            self._targets.pop(topic, None)
        for topic in shown.retained:
            self._correct(topic)

    # ---- to the broker

    def _correct(self, topic: str, payload: bytes = b"") -> None:
        """Replaces what the broker keeps on a topic; nothing takes it away."""
        self._corrections[topic] = payload
        if len(self._corrections) > _MAX_CORRECTIONS:
            self._say_lost(f"the broker was not told to forget {self._corrections.popitem(last=False)[0]!r}")
        self._drain()

    def _say_lost(self, what: str) -> None:
        self._lost += 1
        if worth_saying(self._lost):
            logger.warning("publish: %s (%d messages lost so far)", what, self._lost)

    def _tell_all(self) -> None:
        """Everything is to be published: nobody knows what the broker still has."""
        for shown in self._shown.values():
            shown.state_waits = True
            shown.waiting.update(dict.fromkeys(shown.valued))
            shown.home_told = None
            self._behind[shown] = None
            self._home.changed(shown)
        self._drain()

    def _drain(self) -> None:
        """Publishes what waits, as far as the broker takes it; called again when it takes more."""
        outlet = self._outlet
        if outlet is None:
            return
        while self._corrections and outlet.takes_more:
            topic, payload = next(iter(self._corrections.items()))
            if not outlet.post(topic, payload, retain=True):
                return
            del self._corrections[topic]
        while self._behind and outlet.takes_more:
            shown = next(iter(self._behind))
            if not shown.catch_up(outlet, self.section.qos, self.section.retain):
                return
            del self._behind[shown]
        if not self._behind:
            self._say_conflated()

    def _say_conflated(self) -> None:
        """Says how many values were left out since the last time that all was published."""
        lost, self._conflated_before = self.conflated - self._conflated_before, self.conflated
        if lost:
            self._pile_ups += 1
            if worth_saying(self._pile_ups):
                logger.warning(
                    "publish: %d values were replaced by newer ones before %s took them (%d so far)",
                    lost, self.section.url, self.conflated,
                )  # fmt: skip

    # ---- from the broker

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        self._receive_with(topic, payload, retained, NO_PROPERTIES)

    def _receive_with(self, topic: str, payload: bytes, retained: bool, properties: MessageProperties) -> None:
        """A message arrived; whatever it holds, it ends nothing."""
        device = self.topics.device_of_state(topic)
        if device is not None:
            if retained and payload and device not in self._shown:
                self._told_before(topic, device)
        elif not self._home.heard(topic, payload, retained):
            self._orders.receive(topic, payload, retained, properties)

    def _told_before(self, topic: str, device: str) -> None:
        """The process before this one told of a device that is not there now."""
        self._correct(topic, b"offline" if self.ours.belongs(device) else b"")

    def _answer(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        """Answers a command, where the one who asked can still be reached."""
        outlet = self._outlet
        if outlet is None or not outlet.post(topic, payload, qos=self.section.qos, correlation=correlation):
            self._say_lost(f"no answer to a command could be given on {topic[:200]!r}")
