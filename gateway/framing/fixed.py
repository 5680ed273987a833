"""Frames of one length."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.plugged import located
from gateway.config.strict import PositiveDuration
from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import BinaryChecksum, Checksum
from gateway.framing.layout import Layout, refuse_length
from gateway.framing.octets import Octets
from gateway.framing.paced import Paced
from gateway.framing.scanner import Scanner

_UNMARKED = 250  # bytes; without a sync word, the checksum of each place where a frame might begin is computed


class FixedChecksum(BinaryChecksum):
    """`{type: sum8, covers: frame}`"""

    covers: Literal["payload", "frame"] = "payload"


class FixedOptions(FramingOptions):
    """`{type: fixed, length: 6, sync: "5959", checksum: sum8}`; `length` is in bytes of payload."""

    type: str = "fixed"
    length: Annotated[int, Field(ge=1, le=65000)]
    sync: Octets | None = None
    gap: PositiveDuration | None = None
    checksum: FixedChecksum | None = None

    @model_validator(mode="after")
    def _found_again(self) -> Self:
        if self.sync is None and self.checksum is not None and self.length > _UNMARKED:
            message = "without a `sync`, frames of at most {most} bytes are found by their checksum"
            error = PydanticCustomError("length", message, {"most": _UNMARKED})
            raise located(("length",), error, self.length)
        return self

    def build(self) -> Framing:
        """A framing with an empty buffer."""
        sync = bytes.fromhex(self.sync or "")
        covered = 0 if self.checksum and self.checksum.covers == "frame" else len(sync)
        layout = FixedLayout(self.length, sync, self.checksum.build() if self.checksum else None, covered)
        return Scanner(layout, self.gap) if self.sync or self.checksum else Paced(layout, self.gap)


class FixedLayout(Layout):
    """A payload of so many bytes."""

    def __init__(self, length: int, sync: bytes, checksum: Checksum | None, covered: int) -> None:
        super().__init__(sync, 0, checksum, covered)
        self._payload = length
        self._length = self.empty + length

    def length(self, buffer: bytes, start: int) -> int:
        """Always the same."""
        return self._length

    def may_hold_others(self, buffer: bytes, start: int, end: int) -> bool:
        """All are of its own length."""
        return False

    def wrap(self, payload: bytes) -> bytes:
        """Sync word, payload, checksum."""
        refuse_length(payload, self._payload, self._payload)
        return self._closed(self.sync + payload)
