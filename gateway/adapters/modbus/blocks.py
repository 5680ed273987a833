"""Which registers are read together: points of a device, in as few requests as the protocol allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from gateway.adapters.modbus.values import REGISTER, Form
from gateway.model import Value

Kind = Literal["coil", "discrete", "input", "holding"]

ADDRESSES = 1 << 16
MOST_REGISTERS = 125  # of one answer: its length is one byte
MOST_BITS = 2000

_BITS_OF_REGISTER = 16
_NAMES: dict[Kind, str] = {
    "coil": "coil", "discrete": "discrete input", "input": "input register", "holding": "holding register",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point is in its device. `form` reads its registers; coils and discrete inputs have none.

    What is not `polled` is only written.
    """

    name: str
    kind: Kind
    address: int
    form: Form | None = None
    polled: bool = True

    @property
    def end(self) -> int:
        """The address after it."""
        return self.address + (self.form.count if self.form else 1)

    def __str__(self) -> str:
        """`input register 100`"""
        return f"{_NAMES[self.kind]} {self.address}"


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbours that one request reads: `count` registers or bits from `address` on."""

    kind: Kind
    address: int
    count: int
    places: tuple[Place, ...]

    def decode(self, answer: bytes | list[bool]) -> dict[str, Value]:
        """The values of its points: of its registers as they came, or of its bits."""
        first = self.address
        if isinstance(answer, list):
            return {place.name: answer[place.address - first] for place in self.places}
        return {
            place.name: place.form.decode(answer[(place.address - first) * REGISTER : (place.end - first) * REGISTER])
            for place in self.places
            if place.form is not None
        }

    def __str__(self) -> str:
        """`holding registers 100 to 107`"""
        name = _NAMES[self.kind]
        return f"{name} {self.address}" if self.count == 1 else f"{name}s {self.address} to {self._last}"

    @property
    def _last(self) -> int:
        return self.address + self.count - 1


def plan(places: Iterable[Place], bridge: int) -> list[Block]:
    """The fewest requests that read all places, each in exactly one block.

    A gap of up to `bridge` registers, or of 16 times as many bits, is read with its neighbours.
    """
    ordered = sorted(places, key=lambda place: (place.kind, place.address, place.end))
    return [
        cover(run)
        for kind, of_kind in groupby(ordered, key=lambda place: place.kind)
        for run in _runs(kind, of_kind, bridge)
    ]


def _runs(kind: Kind, places: Iterable[Place], bridge: int) -> list[list[Place]]:
    registers = kind in ("input", "holding")
    most = MOST_REGISTERS if registers else MOST_BITS
    gap = bridge if registers else bridge * _BITS_OF_REGISTER
    runs: list[list[Place]] = []
    end = 0
    for place in places:
        if runs and place.address <= end + gap and max(end, place.end) - runs[-1][0].address <= most:
            runs[-1].append(place)
            end = max(end, place.end)
        else:
            runs.append([place])
            end = place.end
    return runs


def cover(places: Iterable[Place]) -> Block:
    """The block from the first of these places to the last; they are of one kind."""
    covered = tuple(places)
    first = min(place.address for place in covered)
    return Block(covered[0].kind, first, max(place.end for place in covered) - first, covered)


def split(block: Block) -> list[Block]:
    """What to ask instead of a block that the device refuses: without its gaps, else in two halves, else nothing."""
    without = plan(block.places, 0)
    if len(without) > 1:
        return without
    if len(block.places) == 1:
        return []
    middle = len(block.places) // 2
    return [cover(block.places[:middle]), cover(block.places[middle:])]
