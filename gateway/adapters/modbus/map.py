"""What is where in a Modbus device, as configured: the `points` of a device become places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.adapters.modbus.blocks import ADDRESSES, MOST_REGISTERS, Kind, Place
from gateway.adapters.modbus.values import BitForm, Form, Format, NumberForm, Order, TextForm
from gateway.adapters.serial.sections import wrong
from gateway.config.strict import PositiveDuration, Strict

KINDS: tuple[Kind, ...] = ("coil", "discrete", "input", "holding")
WRITABLE: tuple[Kind, ...] = ("coil", "holding")

PointName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Address = Annotated[int, Field(ge=0, lt=ADDRESSES)]
Period = Annotated[PositiveDuration, Field(ge=0.01)]
UnitNumber = Annotated[int, Field(ge=0, le=255)]


class RegisterSection(Strict):
    """Where one point is, by the address that the protocol has for it, and what stands there."""

    coil: Address | None = None
    discrete: Address | None = None
    input: Address | None = None
    holding: Address | None = None
    format: Format = "uint16"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    registers: Annotated[int, Field(ge=1, le=MOST_REGISTERS)] | None = None
    order: Order | None = None
    read: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise wrong("needs one of `coil`, `discrete`, `input` and `holding`, with its address")
        kind = given[0]
        for key in ("format", "bit", "registers", "order"):
            if key in self.model_fields_set and kind in ("coil", "discrete"):
                raise wrong(f"means nothing here: a `{kind}` is one bit", key)
        if self.bit is not None and "format" in self.model_fields_set:
            raise wrong("means nothing here: a `bit` is true or false", "format")
        if self.format == "text" and self.registers is None:
            raise wrong("a text needs `registers`: how many it takes", "format")
        if self.format != "text" and self.registers is not None:
            raise wrong("only a text has them: a number takes what its `format` says", "registers")
        if not self.read and kind not in WRITABLE:
            raise wrong(f"must be true here: a `{kind}` can only be read", "read")
        if self.place("", "big").end > ADDRESSES:
            raise wrong(f"reaches beyond the last address, {ADDRESSES - 1}", kind)
        return self

    def place(self, name: str, order: Order) -> Place:
        """The place of the point of this name; `order` is its device's."""
        kind, address = next((kind, at) for kind in KINDS if (at := getattr(self, kind)) is not None)
        form = None if kind in ("coil", "discrete") else self._form(self.order or order)
        return Place(name, kind, address, form, self.read)

    def _form(self, order: Order) -> Form:
        if self.bit is not None:
            return BitForm(self.bit, order)
        return TextForm(self.registers or 1, order) if self.format == "text" else NumberForm(self.format, order)


Points = Annotated[Mapping[PointName, RegisterSection], Field(min_length=1, max_length=512)]


class UnitSection(Strict):
    """One of several devices on the line."""

    unit: UnitNumber = 1
    every: Period | None = None
    order: Order | None = None
    points: Points
