"""Commands and their acknowledgements as binary frames of fixed layouts.

layout: "<BBIf", fields: [0x10, point, id, value]    10 02 11000000 0000ac41    point 2 to 21.5, as command 17
ack layout: "<BIB", fields: [0x11, id, ok]           11 11000000 01             command 17 is done
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from gateway.codecs.base import CommandCodec, CommandOptions
from gateway.codecs.layout import FLOATS, INTEGERS, PAD, TEXT, Layout, LayoutText, parse_layout
from gateway.codecs.layout import Field as LayoutField
from gateway.codecs.points import PointName, refuse, repeated
from gateway.config.strict import Strict
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Value

_WORDS = ("point", "id", "value", "device")
_ANSWER_WORDS = ("id", "ok")
_WIDE = 32  # bits of an id; in fewer, two commands of one minute could have the same


def _one_of(words: tuple[str, ...], given: object) -> object:
    if type(given) is int or given in words:
        return given
    raise refuse(f"{given!r:.80} is neither a whole number nor one of {', '.join(words)}")


def _schema(*words: str | None) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "integer"}, {"enum": list(words)}]})


# What a field holds: always this number, or what the word says; of an answer, null is passed over.
Content = Annotated[int | str, BeforeValidator(lambda given: _one_of(_WORDS, given)), _schema(*_WORDS)]
AnswerContent = Annotated[
    int | str | None,
    BeforeValidator(lambda given: given if given is None else _one_of(_ANSWER_WORDS, given)),
    _schema(*_ANSWER_WORDS, None),
]


class AckSection(Strict):
    """What the device answers."""

    layout: LayoutText
    fields: Annotated[tuple[AnswerContent, ...], Field(strict=False)]
    ok: int = 1
    errors: Mapping[Annotated[str, StringConstraints(min_length=1, max_length=200)], int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        layout = parse_layout(self.layout)
        _check_fields(layout, self.fields)
        if "ok" not in self.fields:
            raise refuse("`fields` has no `ok`")
        judged = layout.named[self.fields.index("ok")]
        if judged.letter not in INTEGERS + "?":
            raise refuse(f"`ok` needs a field of whole numbers, not {judged}")
        for number in (self.ok, *self.errors.values()):
            _pack(judged, number, "`ok` or `errors`: ")
        if self.ok in self.errors.values():
            raise refuse(f"{self.ok} is both `ok` and one of `errors`")
        return self


class StructCommandOptions(CommandOptions):
    """`struct`"""

    type: str = "struct"
    layout: LayoutText
    fields: Annotated[tuple[Content, ...], Field(strict=False)]
    points: Annotated[Mapping[PointName, int], Field(min_length=1, max_length=512)]
    devices: Annotated[Mapping[str, int], Field(max_length=4096)] = Field(default_factory=dict)
    ack: AckSection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        layout = parse_layout(self.layout)
        _check_fields(layout, self.fields)
        by_content = dict(zip(self.fields, layout.named, strict=True))
        if "point" in by_content:
            for code in self.points.values():
                _pack(by_content["point"], code, "`points`: ")
        elif len(self.points) > 1:
            raise refuse("`fields` has no `point`, so that only one of `points` can be commanded")
        if "device" in by_content:
            for number in self.devices.values():
                _pack(by_content["device"], number, "`devices`: ")
        elif self.devices:
            raise refuse("`devices` means nothing where `fields` has no `device`")
        if self.ack is not None:
            answer = parse_layout(self.ack.layout)
            if "id" in self.ack.fields and "id" not in self.fields:
                raise refuse("`ack` has an `id`, and the command has none")
            known = _known(layout, self.fields, pads=True), _known(answer, self.ack.fields, pads=False)
            told_apart = any(a != b for a, b in zip(*known, strict=False) if None not in (a, b))
            if layout.size == answer.size and not told_apart:
                raise refuse(
                    "a command that the device echoes could be taken for its answer: give the two different lengths, "
                    "or different numbers at the same place"
                )
        return self

    def build(self) -> CommandCodec:
        """The command codec."""
        return StructCommands(self)


def _check_fields(layout: Layout, contents: Sequence[Content | None]) -> None:
    """Raises where the contents do not fit the fields of the layout."""
    fields = layout.named
    if len(fields) != len(contents):
        raise refuse(
            f"the layout has {' '.join(map(str, fields))}, which is {len(fields)}, and `fields` has {len(contents)}"
        )
    for field, content in zip(fields, contents, strict=True):
        if field.values > 1:
            raise refuse(f"{field} in the layout is more than one field; write {field.letter * field.values}")
        if type(content) is int:
            _pack(field, content, "`fields`: ")
        elif content in ("point", "id", "device") and field.letter not in INTEGERS:
            raise refuse(f"`{content}` needs a field of whole numbers, not {field}")
        if content == "id" and field.bits < _WIDE:
            raise refuse(f"`id` needs a field of 4 bytes (I) or 8 (Q), not {field}")
    words = [content for content in contents if isinstance(content, str)]
    if name := repeated(words):
        raise refuse(f"`{name}` stands twice in `fields`")


def _pack(field: LayoutField, number: int, where: str) -> None:
    """Raises where the number does not fit the field."""
    try:
        struct.pack(f"<{field.letter}", number)
    except (struct.error, OverflowError) as error:
        raise refuse(f"{where}{number} does not fit the field {field}") from error


def _known(layout: Layout, contents: Sequence[Content | None], *, pads: bool) -> list[int | None]:
    """The bytes of a frame that are always the same, and None for the others; `pads` are 0 where we write them."""
    known: list[int | None] = []
    rest = iter(contents)
    for field in layout.fields:
        size = field.count * field.bits // 8
        content = next(rest) if field.letter != PAD else 0 if pads else None
        if field.letter == PAD:
            known += [0 if pads else None] * size
        elif isinstance(content, int):
            known += struct.pack(layout.order + field.letter, content)
        else:
            known += [None] * size
    return known


class StructCommands:
    """Commands and acknowledgements in their layouts."""

    def __init__(self, options: StructCommandOptions) -> None:
        layout = parse_layout(options.layout)
        self._packer = layout.packer()
        self._fields = list(zip(layout.named, options.fields, strict=True))
        self._points = options.points
        self._devices = options.devices
        self._addressed = "device" in options.fields
        self._answer = Answers(options.ack) if options.ack is not None else None
        self.answers = options.ack is not None
        self.answers_by_id = options.ack is None or "id" in options.ack.fields

    def encode(self, command: Outgoing, field: str | None) -> bytes:
        """The command's frame; a `device` in it is the number of the device."""
        if field is not None and not self._addressed:
            raise CodecError("the layout has no `device`, so that it would not be told whom the command is for")
        contents = [
            content if isinstance(content, int) else self._content(command, content, field)
            for field, content in self._fields
        ]
        try:
            return self._packer.pack(*contents)
        except (struct.error, OverflowError) as error:
            raise CodecError(f"the command does not fit the layout: {error}") from error

    def _content(self, command: Outgoing, word: str, field: LayoutField) -> int | float | bytes:
        if word == "value":
            return written(command.value, field)
        if word == "id":
            return command.id
        if word == "device":
            return self._device(command.name)
        code = self._points.get(command.point)
        if code is None:
            raise CodecError(f"{command.point!r:.80} is not one of `points`")
        return code

    def _device(self, name: str | None) -> int:
        if name is None:
            raise CodecError("the layout has a `device`, and this line has only one, without a number")
        number = self._devices.get(name)
        if number is None:
            if not (name.isascii() and name.isdigit() and len(name) <= 20):
                raise CodecError(f"the device {name!r:.80} is no number, and not one of `devices`")
            number = int(name)
        return number

    def match(self, frame: bytes) -> Acknowledgement | None:
        """The acknowledgement, recognised by its length and its constant fields."""
        return self._answer.read(frame) if self._answer is not None else None


class Answers:
    """Reads acknowledgements."""

    def __init__(self, options: AckSection) -> None:
        layout = parse_layout(options.layout)
        self._unpack = layout.packer().unpack
        self._size = layout.size
        self._constants = [(at, content) for at, content in enumerate(options.fields) if isinstance(content, int)]
        self._id = options.fields.index("id") if "id" in options.fields else None
        self._ok_at = options.fields.index("ok")
        self._ok = options.ok
        self._errors = {number: error for error, number in options.errors.items()}

    def read(self, frame: bytes) -> Acknowledgement | None:
        """The acknowledgement in the frame.

        Without a constant field to tell it by, only the numbers that are given a meaning are one.
        """
        if len(frame) != self._size:
            return None
        found = self._unpack(frame)
        for at, content in self._constants:
            if found[at] != content:
                return None
        id = found[self._id] if self._id is not None else None
        judged = int(found[self._ok_at])
        if judged == self._ok:
            return Acknowledgement(id, True)
        error = self._errors.get(judged)
        if error is None and not self._constants:
            return None
        return Acknowledgement(id, False, error or f"error {judged}")


def written(value: Value, field: LayoutField) -> int | float | bytes:
    """The value as `struct` writes it into the field, which for an action is 0; raises CodecError where it cannot."""
    letter = field.letter
    if letter == TEXT:
        return _text(value, field.count)
    if isinstance(value, str):
        raise CodecError(f"{value!r:.40} is not a number")
    if value is None:
        return 0
    if isinstance(value, float) and not math.isfinite(value):
        raise CodecError(f"{value} cannot be sent as a number")
    if letter in FLOATS:
        return value
    if letter == "?" and value not in (0, 1):
        raise CodecError("the value is neither true nor false")
    if value != int(value):
        raise CodecError(f"{value} is not a whole number")
    return int(value)


def _text(value: Value, room: int) -> bytes:
    try:
        raw = value.encode("utf-8") if isinstance(value, str) else b"" if value is None else None
    except UnicodeEncodeError:  # half a surrogate pair
        raw = None
    if raw is None or len(raw) > room or b"\0" in raw:
        raise CodecError(f"the value is not a text of at most {room} bytes")
    return raw
