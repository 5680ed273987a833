"""The readings that every benchmark sends: numbered, stamped, and found again in any frame without parsing it."""

from __future__ import annotations

import re
import time

# The stamp is monotonic nanoseconds, the same clock for every process of this machine, with a digit put in
# front: a JSON number of constant width that always starts alike.
_FRONT = 10**18
MARKER = b'"sent":1'  # once in each reading; a snapshot or a description of a device has an object there
FOUND = re.compile(rb'"number":(\d+),"sent":(1\d{18})')
LONGEST = 64  # bytes that FOUND may match


def encode(number: int) -> bytes:
    """A reading as a device sends it, sent now: about 90 bytes of JSON."""
    sent = _FRONT + time.monotonic_ns()
    return b'{"temperature":%d.%02d,"humidity":48.5,"number":%d,"sent":%d}' % (
        20 + number % 7,
        number % 100,
        number,
        sent,
    )


def age(stamp: bytes, now: int) -> int:
    """Nanoseconds since the stamp; `now` is monotonic nanoseconds."""
    return now - (int(stamp) - _FRONT)
