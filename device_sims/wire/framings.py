"""How a board cuts its line into frames. Each framing writes frames and reads them, from its standard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from device_sims.wire.checksums import Checksum
from device_sims.wire.delimited_frames import Cobs, Lines, Slip, StxEtx
from device_sims.wire.synced_frames import Fixed, LengthPrefixed


class Framing(Protocol):
    """A framing with its checksum.

    `separator` is what ends noise, so that it spoils no frame that follows; empty where frames need none.
    """

    errors: int  # frames received that were damaged, overlong, or had a wrong checksum
    separator: bytes

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload as it goes on the wire; `spoilt`, its checksum is wrong."""

    def receive(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete; never raises, but counts `errors`."""

    def forget(self) -> None:
        """Forgets a half-received frame."""


def framing_named(name: str, checksum: Checksum | None, *, size: int = 0) -> Framing:
    """The framing of that name; `size` is the length of a `fixed` payload."""
    return Fixed(size, checksum) if name == "fixed" else _OF_ANY_SIZE[name](checksum)


_OF_ANY_SIZE: Mapping[str, Callable[[Checksum | None], Framing]] = {
    "lines": Lines,
    "cobs": Cobs,
    "slip": Slip,
    "length_prefixed": LengthPrefixed,
    "stx_etx": StxEtx,
}
FRAMINGS = (*_OF_ANY_SIZE, "fixed")
