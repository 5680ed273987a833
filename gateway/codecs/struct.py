"""Binary frames of a fixed layout: `{type: struct, layout: "<Hhf", points: [battery, temperature, wind]}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from gateway.codecs.base import Codec, CodecOptions
from gateway.codecs.layout import FLOATS, INTEGERS, PAD, Layout, LayoutText, parse_layout, reader_of
from gateway.codecs.layout import Field as LayoutField
from gateway.codecs.points import Place, PointName, refuse, repeated
from gateway.codecs.struct_commands import StructCommandOptions
from gateway.codecs.text import MAX_VALUES
from gateway.config.strict import Strict
from gateway.errors import CodecError
from gateway.model import Sample, Value

__all__ = ["StructCodec", "StructCommandOptions", "StructOptions"]

Output = tuple[str, Callable[..., Value] | None]  # a point, and what makes its value of the field's

_BITS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)


def _parse_bits(given: object) -> object:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    found = _BITS.fullmatch(given) if isinstance(given, str) else None
    if found is None or int(found[2] or 63) < int(found[1]):
        raise refuse("expected the number of a bit, counted from 0, or the first and last of several: 2-4")
    return given


# `3`, or `2-4`
Bits = Annotated[
    str,
    BeforeValidator(_parse_bits),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(-\d+)?$"}]}),
]


class FieldSection(Strict):
    """What one field of the layout is called, and how it is read; without a name it is left out."""

    name: Place = None
    scale: float = 1.0
    offset: float = 0.0
    bits: Annotated[Mapping[PointName, Bits], Field(min_length=1, max_length=64)] | None = None


def _as_section(given: object) -> object:
    if given is None or isinstance(given, str):
        return {"name": given}
    if not isinstance(given, dict | FieldSection):
        raise refuse("expected the name of a point, null, or a mapping")
    return given


Point = Annotated[
    FieldSection,
    BeforeValidator(_as_section, json_schema_input_type=str | FieldSection | None),
]


class StructOptions(CodecOptions):
    """`struct`"""

    type: str = "struct"
    layout: LayoutText
    points: Annotated[tuple[Point, ...], Field(strict=False, max_length=MAX_VALUES)]
    trailing: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        layout = parse_layout(self.layout)
        fields = layout.named
        if len(fields) != len(self.points):
            raise refuse(
                f"the layout has {' '.join(map(str, fields))}, which is {len(fields)}, "
                f"and `points` has {len(self.points)}"
            )
        for field, section in zip(fields, self.points, strict=True):
            if wrong := _unfit(field, section):
                raise refuse(f"the point {section.name or '-'} ({field}): {wrong}")
        names = [name for outputs in _outputs(layout, self.points) for name, _ in outputs]
        if not names:
            raise refuse("`points` names no field")
        if name := repeated(names):
            raise refuse(f"the point {name!r} stands twice in `points`")
        if len(names) > MAX_VALUES:
            raise refuse(f"more than {MAX_VALUES} points")
        return self

    def build(self) -> Codec:
        """The codec."""
        return StructCodec(self)


def _unfit(field: LayoutField, section: FieldSection) -> str | None:
    """Why the field cannot be read as the section says."""
    if section.bits is not None:
        if field.letter not in INTEGERS or field.count > 1:
            return "`bits` are those of one whole number"
        if section.scale != 1 or section.offset != 0:
            return "`scale` and `offset` mean nothing beside `bits`"
        highest = max(max(_bits(text)) for text in section.bits.values())
        if highest >= field.bits:
            return f"there is no bit {highest}, they count from 0 to {field.bits - 1}"
    elif section.name is None and section != FieldSection():
        return "`scale` and `offset` mean nothing without a `name`"
    if (section.scale != 1 or section.offset != 0) and field.letter not in INTEGERS + FLOATS:
        return "`scale` and `offset` are for numbers"
    return "`scale` must not be 0" if section.scale == 0 else None


def _outputs(layout: Layout, sections: Sequence[FieldSection]) -> list[list[Output]]:
    """What each value of a frame gives, in order; the values of fields that are left out are none."""
    found: list[list[Output]] = []
    for field, section in zip(layout.named, sections, strict=True):
        name = section.name
        if section.bits is not None:
            below = f"{name}." if name else ""
            found.append([(f"{below}{bit}", _bit_reader(text)) for bit, text in section.bits.items()])
        elif name is not None:
            mend = reader_of(field, section.scale, section.offset)
            names = [name] if field.values == 1 else [f"{name}.{number}" for number in range(field.values)]
            found += [[(each, mend)] for each in names]
    return found


def _bits(text: str) -> tuple[int, int]:
    """The first and last bit."""
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _bit_reader(text: str) -> Callable[[int], Value]:
    first, last = _bits(text)
    if "-" not in text:
        return lambda raw: bool(raw >> first & 1)
    mask = (1 << last - first + 1) - 1
    return lambda raw: raw >> first & mask


class StructCodec:
    """One frame is one sample."""

    def __init__(self, options: StructOptions) -> None:
        layout = parse_layout(options.layout)
        sections = iter(options.points)
        wanted = []  # with the fields that are left out as pads
        for field in layout.fields:
            section = next(sections) if field.letter != PAD else None
            named = section is not None and (section.name is not None or section.bits is not None)
            wanted.append(field if named else LayoutField(PAD, field.count * field.bits // 8))
        self._size = layout.size
        self._trailing = options.trailing
        self._unpack = Layout(layout.order, tuple(wanted)).packer().unpack_from
        self._outputs = _outputs(layout, options.points)
        plain = all(len(outputs) == 1 and outputs[0][1] is None for outputs in self._outputs)
        self._names = [outputs[0][0] for outputs in self._outputs] if plain else None

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample in the frame."""
        length = len(frame)
        if length != self._size and (length < self._size or not self._trailing):
            raise CodecError(f"{length} bytes, where the layout has {self._size}")
        found = self._unpack(frame)
        if self._names is not None:
            return [Sample(dict(zip(self._names, found, strict=True)))]
        values: dict[str, Value] = {}
        for outputs, raw in zip(self._outputs, found, strict=True):
            for name, mend in outputs:
                values[name] = raw if mend is None else mend(raw)
        return [Sample(values)]
