"""Answers that may still come: for commands that ended before the device said anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Owed:
    """Answers that a device owes.

    When the last of them can come is known by two bounds, monotonic: from when the adapter got the command, which is
    too early where it held it back, and from when it was seen to be written, which is a little late.
    """

    adapter: str
    count: int
    earliest: float
    latest: float


class OwedAnswers:
    """Which devices owe answers. It matters where answers have no ids: a late one must not prove a newer command."""

    def __init__(self) -> None:
        self._by_device: dict[str, _Owed] = {}

    def add(self, adapter: str, device: str, earliest: float, latest: float, now: float) -> None:
        """The device owes an answer, which can come no later than a time between these two."""
        self._forget_old(now)
        owed = self._by_device.get(device)
        if owed is None:
            self._by_device[device] = _Owed(adapter, 1, earliest, latest)
        else:
            owed.count += 1
            owed.earliest, owed.latest = max(owed.earliest, earliest), max(owed.latest, latest)

    def may_come(self, adapter: str, device: str | None, now: float) -> bool:
        """Whether an answer of now may be an owed one, though a newer command was written to the wire.

        An adapter writes the newer command only when the owed answer has come, or can come no more. So here the
        early bound counts: with the late one, a quick answer to the newer command would be taken for a late one.
        """
        return any(now < owed.earliest for _, owed in self._of(adapter, device, now))

    def settle(self, adapter: str, device: str | None, now: float) -> bool:
        """Whether an answer of now is an owed one, since no newer command was written; it is owed no more then."""
        due = self._of(adapter, device, now)
        if due:
            id, owed = due[0]
            owed.count -= 1
            if not owed.count:
                del self._by_device[id]
        return bool(due)

    def _of(self, adapter: str, device: str | None, now: float) -> list[tuple[str, _Owed]]:
        self._forget_old(now)
        return [(id, owed) for id, owed in self._by_device.items() if owed.adapter == adapter and device in (None, id)]

    def _forget_old(self, now: float) -> None:
        for id in [id for id, owed in self._by_device.items() if owed.latest <= now]:
            del self._by_device[id]
