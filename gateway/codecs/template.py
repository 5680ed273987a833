"""Commands as lines of text after a template, and answers by patterns: no user's regular expression, no injection.

SET fan 1             the gateway's command, after `SET {point} {value}`
OK                    the device did it
ERR jammed            it did not; after `ERR {error}`
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.codecs.base import CommandCodec, CommandOptions
from gateway.config.strict import Strict
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Value

_PLAIN = frozenset("_-.+:")  # what a text without quotes may hold beside letters and digits
_MAX_NUMBER = 32  # characters
_MAX_ANSWER = 1024  # bytes
_MAX_ERROR = 200  # characters

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+")
_PLACES = {"id": rb"(?P<id>\d{1,10})", "error": rb"(?P<error>.*)"}  # as an answer has them

Pieces = list[tuple[bool, str]]  # the name of a place, or literal text


def _pieces(template: str) -> Pieces:
    """The template's pieces; `{{` and `}}` are braces that are sent."""
    pieces = []
    for piece in _PIECE.findall(template):
        if piece in ("{", "}"):
            raise PydanticCustomError("template", "a brace on its own; {two} is one that is sent", {"two": piece * 2})
        is_place = piece[0] == "{" and piece != "{{"
        pieces.append((is_place, piece[1:-1] if is_place else {"{{": "{", "}}": "}"}.get(piece, piece)))
    return pieces


def _places(template: str) -> list[str]:
    return [text for is_place, text in _pieces(template) if is_place]


def _check(template: str, known: tuple[str, ...]) -> None:
    for place in _places(template):
        if place not in known:
            raise PydanticCustomError(
                "template",
                "{place} is none of {known}",
                {"place": f"{{{place}}}", "known": ", ".join(f"{{{name}}}" for name in known)},
            )


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("template", "expected printable characters only")
    return text


def _to_send(template: str) -> str:
    _check(_printable(template), ("point", "value", "id", "device"))
    return template


def _to_match(pattern: str) -> str:
    _check(_printable(pattern), ("id", "error"))
    places = _places(pattern)
    if len(set(places)) < len(places):
        raise PydanticCustomError("template", "a place stands twice")
    if not any(text.strip() for is_place, text in _pieces(pattern) if not is_place):
        raise PydanticCustomError("template", "expected some text beside the places, by which the answer is known")
    return pattern


_Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
_Send = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_to_send)]
_Answer = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_to_match)]


class PointTemplate(Strict):
    """What is other for one point."""

    send: _Send | None = None
    on: _Word | None = None
    off: _Word | None = None


class TemplateOptions(CommandOptions):
    """`{type: template, send: "SET {point} {value}", ok: OK, error: "ERR {error}"}`"""

    type: str = "template"
    send: _Send | None = None
    on: _Word = "1"
    off: _Word = "0"
    points: dict[str, PointTemplate] = Field(default_factory=dict)
    quote: Literal["'", '"'] | None = None
    allow: Annotated[str, Field(max_length=32), AfterValidator(_printable)] = ""
    ok: _Answer | None = None
    error: _Answer | None = None

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        sends = [send for send in (self.send, *(point.send for point in self.points.values())) if send is not None]
        answers = [answer for answer in (self.ok, self.error) if answer is not None]
        problem = None
        if not sends:
            problem = "needs `send`, or `points` with their own"
        elif self.send is not None and "point" not in _places(self.send):
            problem = "a `send` for all points needs {point}; for one point, it stands below `points`"
        elif self.error is not None and self.ok is None:
            problem = "an `error` without an `ok`: no command would ever be acknowledged"
        elif self.ok is not None and "error" in _places(self.ok):
            problem = "an {error} has its place in `error`, not in `ok`"
        elif any("id" in _places(answer) for answer in answers) and not all("id" in _places(send) for send in sends):
            problem = "an answer with an {id} needs {id} in every `send`, or the device would not know it"
        if problem is not None:
            raise PydanticCustomError("template", "{problem}", {"problem": problem})
        return self

    def build(self) -> CommandCodec:
        """The template command codec."""
        return TemplateCommands(self)


class _Form:
    """How commands to a point are written: the template in pieces, and the words for true and false."""

    def __init__(self, send: str, on: str, off: str, quote: str | None, allow: str) -> None:
        self.pieces = _pieces(send)
        self.places = frozenset(_places(send))
        self._on, self._off, self._quote = on, off, quote
        own = {character for is_place, text in self.pieces if not is_place for character in text}
        self._allowed = (_PLAIN - own) | set(allow)

    def name(self, text: str) -> str:
        """A name as it goes into the line; raises CodecError where it would be more than one word of it."""
        if text and all(character.isalnum() or character in self._allowed for character in text):
            return text
        raise CodecError(f"{text[:40]!r} has characters that could mean something to the device, or none at all")

    def value(self, value: Value) -> str:
        """A value as it goes into the line; raises CodecError where it has no safe form."""
        if isinstance(value, bool):
            return self._on if value else self._off
        if isinstance(value, int | float):
            return _number(value)
        if value is None:
            raise CodecError("the template has a {value}, and the command none: give the point a `send` of its own")
        if self._quote is None:
            return self.name(value)
        if not value.isprintable() or self._quote in value or "\\" in value:
            raise CodecError(f"{value[:40]!r} cannot stand between quotes")
        return f"{self._quote}{value}{self._quote}"


def _number(value: float) -> str:
    """A number in plain decimals, without an exponent: 1e-05 is `0.00001`, 21.0 is `21`."""
    if isinstance(value, int):
        text = str(value) if abs(value) < 10**_MAX_NUMBER else "9" * (_MAX_NUMBER + 1)
    elif math.isfinite(value):
        text = format(Decimal(repr(value)), "f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    else:
        raise CodecError(f"{value} cannot be written as a number")
    if len(text) > _MAX_NUMBER:
        raise CodecError("the number is too long in plain decimals")
    return "0" if text == "-0" else text


class TemplateCommands:
    """Writes each command as one line, and recognises answers by their patterns."""

    def __init__(self, options: TemplateOptions) -> None:
        def form(own: PointTemplate) -> _Form | None:
            send = own.send or options.send
            if send is None:
                return None
            return _Form(send, own.on or options.on, own.off or options.off, options.quote, options.allow)

        self._form = form(PointTemplate())
        self._forms = {point: form(own) for point, own in options.points.items()}
        self._patterns = [
            (*_compiled(pattern), ok)
            for pattern, ok in ((options.ok, True), (options.error, False))
            if pattern is not None
        ]
        self.answers = bool(self._patterns)
        self.answers_by_id = all("id" in pattern.groupindex for _, pattern, _ in self._patterns)

    def encode(self, command: Outgoing, field: str | None) -> bytes:
        """The line; with `field`, the template must have a place for the device's name."""
        form = self._forms.get(command.point, self._form)
        if form is None:
            raise CodecError("there is no `send` for this point")
        if field is not None and "device" not in form.places:
            raise CodecError("several devices share the line, and the template has no {device}")
        if command.value is not None and "value" not in form.places:
            raise CodecError("the command has a value, and the template no {value}")
        line = "".join(_filled(form, text, command) if is_place else text for is_place, text in form.pieces)
        frame = line.encode("utf-8")
        if self.match(frame) is not None:
            raise CodecError("the command reads like an answer")
        return frame

    def match(self, frame: bytes) -> Acknowledgement | None:
        """The acknowledgement that the whole frame is, white space around it or not."""
        if len(frame) > _MAX_ANSWER:
            return None
        line = frame.strip()
        for prefix, pattern, ok in self._patterns:
            found = pattern.fullmatch(line) if line.startswith(prefix) else None
            if found is not None:
                groups = found.groupdict()
                error = (groups.get("error") or b"").decode("utf-8", "replace").strip()[:_MAX_ERROR]
                return Acknowledgement(int(groups["id"]) if "id" in groups else None, ok, error or None)
        return None


def _filled(form: _Form, place: str, command: Outgoing) -> str:
    if place == "value":
        return form.value(command.value)
    if place == "id":
        return str(command.id)
    return form.name(command.point if place == "point" else command.name or command.device)


def _compiled(pattern: str) -> tuple[bytes, re.Pattern[bytes]]:
    """The text that the answer begins with, and the whole answer: linear, since it has one run of any length."""
    pieces = _pieces(pattern.strip())
    text = "" if pieces[0][0] else pieces[0][1].rstrip()
    parts = [_PLACES[piece] if is_place else re.escape(piece.encode()) for is_place, piece in pieces]
    if pieces[-1] == (True, "error") and not pieces[-2][0] and pieces[-2][1].endswith(" "):
        # A device may refuse without a reason, and white space at the end of a line is not seen anyway.
        parts[-2:] = [re.escape(pieces[-2][1].rstrip().encode()), rb"(?:\s+" + parts[-1] + b")?"]
    return text.encode(), re.compile(b"".join(parts), re.DOTALL)
