"""Tells Home Assistant of the devices: anew when they change and when it starts, and takes back what is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import orjson

from gateway import __version__
from gateway.errors import worth_saying
from gateway.northbound.discovery import Component, components_of, describe, device_of
from gateway.northbound.outlet import Outlet
from gateway.northbound.shown import Shown
from gateway.northbound.topics import Topics

_SETTLE = 0.5  # seconds in which points that are learnt one by one, and what the broker retained, come together
_AGAIN = 5.0  # seconds between two times that Home Assistant, starting, is told everything
_MAX_EARLIER = 16 << 20  # bytes of all that was told of devices before

logger = logging.getLogger(__name__)


class Home:
    """Home Assistant's view of the devices.

    `takes` tells whether commands are taken for a device, `belongs` whether one that is not there may still come.
    `restarted` is called when Home Assistant has started, and knows nothing; `clear` has the broker forget a topic.
    """

    def __init__(
        self,
        topics: Topics,
        *,
        takes: Callable[[str], bool],
        belongs: Callable[[str], bool],
        restarted: Callable[[], None],
        clear: Callable[[str], None],
    ) -> None:
        self._topics = topics
        self._takes = takes
        self._belongs = belongs
        self._restarted = restarted
        self._clear = clear
        self._outlet: Outlet | None = None
        self._changed: dict[Shown, None] = {}
        self._earlier: dict[str, dict[str, Component]] = {}  # by topic: what the process before this one told
        self._held = 0  # bytes of it
        self._timer: asyncio.TimerHandle | None = None
        self._told_again = 0.0
        self._strange = 0

    def connected(self, outlet: Outlet | None) -> None:
        """The connection that is used from now on; None: there is none."""
        self._outlet = outlet
        if outlet is None:
            self._earlier.clear()
            self._held = 0
        self._soon()

    def close(self) -> None:
        """Tells nothing any more."""
        self._outlet = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def changed(self, shown: Shown) -> None:
        """A device appeared, or is another now."""
        self._changed[shown] = None
        self._soon()

    def forget(self, shown: Shown) -> None:
        """A device went."""
        self._changed.pop(shown, None)

    def heard(self, topic: str, payload: bytes, retained: bool) -> bool:
        """A message came; returns whether it was for here."""
        if not self._topics.has_home:
            return False
        if topic == self._topics.home_status:
            now = asyncio.get_running_loop().time()
            # At a connect it is retained, and everything is told anyway.
            if payload == b"online" and not retained and now - self._told_again >= _AGAIN:
                self._told_again = now
                self._restarted()
            return True
        if not self._topics.is_home(topic):
            return self._topics.is_anyones_home(topic)  # the filter brings those of others too
        if retained and payload:
            self._told_before(topic, payload)
        return True

    def _told_before(self, topic: str, payload: bytes) -> None:
        """What the process before this one told of a device, and the broker kept."""
        try:
            told = orjson.loads(payload)
        except orjson.JSONDecodeError:
            told = None
        device = device_of(told, self._topics)
        if device is not None and self._topics.home(device) == topic and self._belongs(device):
            self._held += len(payload)
            if self._held <= _MAX_EARLIER:
                self._earlier[topic] = components_of(told)
            return
        if device is None:
            self._strange += 1
            if worth_saying(self._strange):
                logger.warning("publish: what is retained on %r is none of ours, and is taken away", topic[:200])
        self._clear(topic)

    def _soon(self) -> None:
        if self._timer is None and self._changed and self._outlet is not None:
            self._timer = asyncio.get_running_loop().call_later(_SETTLE, self._tell)

    def _tell(self) -> None:
        self._timer = None
        try:
            while self._changed and self._outlet is not None and self._outlet.takes_more:
                shown = next(iter(self._changed))
                del self._changed[shown]
                self._tell_of(self._outlet, shown)
        except Exception:  # bulkhead: what one device is called must not end what is told of the others
            logger.exception("publish: what Home Assistant is told")
        self._soon()

    def _tell_of(self, outlet: Outlet, shown: Shown) -> None:
        if shown.home is None:
            return
        device = shown.device
        shown.earlier |= self._earlier.pop(shown.home, {})
        told = describe(
            device, self._topics, __version__,
            takes=self._takes(device.id), told=shown.components, earlier=shown.earlier, published=shown.has_topic,
        )  # fmt: skip
        if told is None:
            return
        payload = orjson.dumps(told)
        if payload != shown.home_told:
            if not outlet.post(shown.home, payload, retain=True):
                self._changed[shown] = None
                return
            shown.home_told = payload
        shown.components = list(components_of(told))
