"""What every framing is: bytes in, frames out, and frames in, bytes out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from gateway.config.strict import Strict


class Framing(Protocol):
    """Cuts a byte stream into frames. It never raises on what the wire says: it counts, and gets back in step."""

    errors: int  # frames thrown away so far: damaged, overlong, or with a wrong checksum
    checksum_errors: int  # those of them whose checksum was wrong
    resyncs: int  # times that bytes were passed over to find where the next frame begins
    gap: float | None  # seconds of silence that end a half-received frame; None where its delimiters do

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete, in order, without their delimiters."""
        ...

    def encode(self, frame: bytes) -> bytes:
        """The frame as it goes on the wire; raises CodecError where it would not come back as this one frame."""
        ...

    def break_off(self) -> None:
        """The line was silent for longer than `gap`: a half-received frame is over, and counts as an error."""
        ...

    def reset(self) -> None:
        """Forgets a half-received frame, which counts as nothing: the link was opened anew."""
        ...


class FramingOptions(Strict):
    """The options of a framing, as configured."""

    type: str

    @abstractmethod
    def build(self) -> Framing:
        """A framing with its own buffer, for one port."""
        raise NotImplementedError
