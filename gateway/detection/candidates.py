"""What a way of cutting a line into frames found, before anyone knows what the frames say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.detection import evidence
from gateway.detection.capture import Capture
from gateway.detection.checksums import Found
from gateway.detection.trial import Options

_USUAL = 0.3  # seconds, which is a little longer than the framings' own gap
_DEMOTED = 0.8
_SOME = 4.0  # bits


def gap_of(capture: Capture) -> Options:
    """The option `gap`, for frames that a pause parts, where those are too short for the one that is usual."""
    pause = capture.shortest_pause
    return {"gap": f"{pause * 500:.0f}ms"} if pause is not None and pause < _USUAL else {}


@dataclass(frozen=True)
class Candidate:
    """A framing with its evidence in bits, and how much it is to be preferred to others that explain as much.

    `proven` tells that a checksum fits.
    """

    options: Options
    bits: float
    weight: float
    says: tuple[str, ...] = ()
    proven: bool = False
    frames: int = 0  # that the search found, and the framing should find too

    def with_columns(self, frames: Sequence[bytes], by_chance: float) -> Candidate:
        """The same with what its frames have in common, which is no chance either, where its own evidence is some."""
        if self.bits < _SOME:
            return self
        return replace(self, bits=self.bits + evidence.of_columns(frames, by_chance))

    def with_checksum(self, found: Found) -> Candidate:
        """The same with a checksum, which is evidence of its own."""
        return replace(
            self,
            options=self.options | {"checksum": found.options},
            bits=self.bits + found.bits,
            weight=min(1.0, self.weight + 0.05),
            says=(*self.says, found.says),
            proven=True,
        )

    def with_or_without(self, found: Found | None) -> list[Candidate]:
        """With the checksum that was found, and without it: then it would be a part of what is said."""
        if found is None:
            return [self]
        return [self.with_checksum(found), self.demoted()]

    def demoted(self) -> Candidate:
        """The same where something better is known."""
        return replace(self, weight=self.weight * _DEMOTED)
