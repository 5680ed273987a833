"""Which request of a polled line is due. No clock and no wire: times are given, in monotonic seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SHARE = 9  # a device that does not answer is left alone for so many times what waiting for it took
_LONGEST = 60.0  # seconds at most that it is left alone


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a device, every so many seconds; `data` is the frame as it goes on the wire.

    `name` is the device whose answer it is; None is the adapter as its one device, or any device that answers.
    """

    name: str | None
    frame: bytes
    data: bytes
    every: float
    timeout: float


class _Asked:
    """A request, and when it is due again."""

    __slots__ = ("due", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.due = -math.inf


class _Quiet:
    """A device that did not answer: how many requests in a row, and until when it is left alone."""

    __slots__ = ("misses", "until")

    def __init__(self) -> None:
        self.misses = 0
        self.until = -math.inf


class Schedule:
    """Requests in the order in which they are due. A device that does not answer is asked ever more rarely.

    So one that is dead costs the line a tenth of its time at first, and soon next to nothing.
    """

    def __init__(self, requests: Sequence[Request]) -> None:
        self._asked = {request: _Asked(request) for request in requests}
        self._quiet: dict[str | None, _Quiet] = {}

    def restart(self, now: float) -> None:
        """The link is open: everything is due, in the order given."""
        self._quiet.clear()
        for asked in self._asked.values():
            asked.due = now

    def next(self) -> tuple[Request, float]:
        """The next request, and when it is due."""
        asked = min(self._asked.values(), key=self._time)
        return asked.request, self._time(asked)

    def answered(self, request: Request, now: float) -> int:
        """It was answered; returns how many requests before it were not."""
        misses = self.heard(request.name)
        if misses:
            self._asked[request].due = now + request.every
        else:
            self._put_off(request, now)
        return misses

    def missed(self, request: Request, now: float, took: float) -> int:
        """It was not answered, which took so many seconds; returns how many in a row were not."""
        self._put_off(request, now)
        quiet = self._quiet.setdefault(request.name, _Quiet())
        quiet.misses += 1
        least = max(request.every, _SHARE * took)
        quiet.until = now + min(least * 2.0 ** min(quiet.misses - 1, 30), max(_LONGEST, least))
        return quiet.misses

    def unsent(self, request: Request, now: float) -> None:
        """It could not be written, which says nothing of its device."""
        self._put_off(request, now)

    def heard(self, name: str | None) -> int:
        """The device spoke, and is asked as ever from now on; returns how many requests it had not answered."""
        quiet = self._quiet.pop(name, None)
        return quiet.misses if quiet is not None else 0

    def _put_off(self, request: Request, now: float) -> None:
        # In step with its own past, but not in a rush after a time in which the line was full.
        asked = self._asked[request]
        asked.due = max(asked.due + request.every, now)

    def _time(self, asked: _Asked) -> float:
        quiet = self._quiet.get(asked.request.name)
        return asked.due if quiet is None else max(asked.due, quiet.until)
