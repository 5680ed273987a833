"""What every framing is: bytes in, frames out, and frames in, bytes out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from gateway.config.strict import Strict


class Framing(Protocol):
    """Cuts a byte stream into frames. It never raises on what the wire says: it counts, and gets back in step."""

    errors: int  # damaged or overlong frames thrown away so far

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete, in order, without their delimiters."""
        ...

    def encode(self, frame: bytes) -> bytes:
        """The frame as it goes on the wire; raises CodecError where it would not come back as this one frame."""
        ...

    def reset(self) -> None:
        """Forgets a half-received frame: the link was opened anew."""
        ...


class FramingOptions(Strict):
    """The options of a framing, as configured."""

    type: str

    @abstractmethod
    def build(self) -> Framing:
        """A framing with its own buffer, for one port."""
        raise NotImplementedError
