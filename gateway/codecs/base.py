"""What every codec is: frames into samples, commands into frames, frames into acknowledgements."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from gateway.config.strict import Strict
from gateway.model import Acknowledgement, Outgoing, Sample

BARE = ""  # the point name of a frame that is one value without a name


def named(sample: Sample, point: str | None = None) -> Sample:
    """The sample with a name for every value: below the point that the topic names; a bare one without is `value`."""
    if point is None:
        if BARE not in sample.values:
            return sample
        names = {name: name or "value" for name in sample.values}
    else:
        names = {name: f"{point}.{name}" if name else point for name in sample.values}
    return Sample(
        {names[name]: value for name, value in sample.values.items()},
        sample.device_time,
        {names[name]: unit for name, unit in sample.units.items() if name in names},
    )


class Codec(Protocol):
    """Reads the values of one frame."""

    def decode(self, frame: bytes) -> list[Sample]:
        """The samples in the frame, in order; raises CodecError where it cannot be read.

        None at all where it is well formed and no reading, such as the header of a table.
        """
        ...


class CodecOptions(Strict):
    """The options of a codec, as configured."""

    type: str

    @abstractmethod
    def build(self) -> Codec:
        """The codec."""
        raise NotImplementedError


class CommandCodec(Protocol):
    """Writes commands, and recognises their acknowledgements."""

    @property
    def answers(self) -> bool:
        """Whether the form knows acknowledgements at all; without, `sent` is the best proof that it offers."""
        ...

    @property
    def answers_by_id(self) -> bool:
        """Whether every answer repeats the id of its command, or there are no answers.

        Where it is false, the adapter has one unanswered command at a time on its line: so it knows which one an
        answer is for, and gives it that id.
        """
        ...

    def encode(self, command: Outgoing, field: str | None) -> bytes:
        """The command as one frame; `field` carries the device's name where several share the line.

        Raises CodecError where the form cannot carry it.
        """
        ...

    def match(self, frame: bytes) -> Acknowledgement | None:
        """The acknowledgement in the frame, with its id where it repeats one; None where it is something else."""
        ...


class CommandOptions(Strict):
    """The options of a command form, as configured."""

    type: str

    @abstractmethod
    def build(self) -> CommandCodec:
        """The command codec."""
        raise NotImplementedError
