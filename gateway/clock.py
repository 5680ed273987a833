"""How good the wall clock is. A Raspberry Pi has none of its own: it starts wrong and jumps when NTP answers."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from typing import Literal

ClockQuality = Literal["synced", "unsynced", "unknown"]

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_CHECK_EVERY = 10.0  # seconds

_checked: tuple[float, ClockQuality] | None = None


def clock_quality() -> ClockQuality:
    """Whether the kernel's clock is synchronised, asked at most every ten seconds."""
    global _checked  # noqa: PLW0603  one clock a machine
    now = time.monotonic()
    if _checked is None or now - _checked[0] > _CHECK_EVERY:
        _checked = now, _ask()
    return _checked[1]


@cache
def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.adjtimex  # noqa: B018  raises where there is none
    except (OSError, AttributeError):
        return None
    return libc


def _ask() -> ClockQuality:
    libc = _libc()
    if libc is None:
        return "unknown"
    # struct timex is 208 bytes on 64-bit Linux and less on 32-bit; all zero means "only read".
    buffer = ctypes.create_string_buffer(512)
    state = libc.adjtimex(buffer)
    if state < 0:
        return "unknown"
    return "unsynced" if state == _TIME_ERROR else "synced"
