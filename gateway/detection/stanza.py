"""A guess as a configuration file that runs as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from gateway.detection.guessing import Guess
from gateway.detection.trial import Options
from gateway.detection.yaml_text import MAX_NAME, flow, is_sayable, scalar
from gateway.model import NAME, Value, safe_name

_POINTS = 64  # that are listed
_NICE = (2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600)  # seconds


@dataclass(frozen=True, slots=True)
class Line:
    """Where it was heard: the port as it is to be configured, and the speed; None where there is none."""

    id: str
    port: str
    baudrate: int | None
    name: str | None = None  # of the board, for people


def adapter_id(name: str) -> str:
    """An id from what a board or a port calls itself: `Arduino Uno` is `arduino-uno`."""
    id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-")
    return id if NAME.fullmatch(id) else "board"


def silence(guess: Guess) -> int | None:
    """Seconds of silence that are not usual: several of the pauses that were; None where too little was heard."""
    longest = guess.longest_pause
    if longest is None:
        return None
    wanted = max(2.0, 3 * longest, 5 / (guess.rate or 1.0))
    return next((nice for nice in _NICE if nice >= wanted), None)


def described(options: Options) -> str:
    """A framing or codec in a few words: `cobs with crc16-modbus`."""
    words = str(options["type"])
    if options["type"] == "fixed":
        words += f" of {options['length']} bytes"
    if "sync" in options:
        words += f" behind {options['sync']}"
    checksum = options.get("checksum")
    if checksum is not None:
        words += f" with {checksum if isinstance(checksum, str) else checksum['type']}"
    return words


def stanza(guess: Guess, line: Line) -> str:
    """The file: `adapters`, and what is known of `devices`."""
    at = f" at {line.baudrate} baud" if line.baudrate is not None else ""
    rate = f", {guess.rate:.3g} frames a second" if guess.rate else ""
    lines = [
        f"# Detected{at}: {described(guess.framing)}, {described(guess.codec)}; "
        f"{guess.read} of {guess.frames} frames read{rate}.",
        *(["# The fields and their types are a guess: look at the values, and correct `layout` and `points`."] if
          guess.codec["type"] == "struct" else []),
        "adapters:",
        f"  - id: {scalar(line.id)}",
        "    type: serial",
        f"    port: {scalar(line.port)}",
    ]  # fmt: skip
    if line.baudrate is not None:
        lines.append(f"    baudrate: {line.baudrate}")
    lines += [f"    framing: {_options(guess.framing)}", f"    codec: {_options(guess.codec)}"]
    quiet = silence(guess)
    if quiet is not None:
        lines.append(f"    silence: {quiet}s")
    if guess.field is not None:
        lines.append(f"    devices: {{field: {scalar(guess.field)}}}")
    lines += ["devices:", *_devices(guess, line)]
    return "\n".join(lines) + "\n"


def _devices(guess: Guess, line: Line) -> Iterator[str]:
    names = [None] if guess.field is None else list(guess.names)
    points = {name: value for name, value in guess.values.items() if name != guess.field and is_sayable(name)}
    for name in names or [None]:
        yield f"  {scalar(line.id if name is None else f'{line.id}.{safe_name(name)}')}:"
        called = (name or line.name or line.id)[:MAX_NAME]
        yield f"    name: {scalar(called if is_sayable(called) else line.id)}"
        yield from _points(points, guess.units)


def _points(points: Mapping[str, Value], units: Mapping[str, str]) -> Iterator[str]:
    """Points with the units that were told; of the others, what they are called, to be completed."""
    numbers = [(name, value) for name, value in points.items() if _is_number(value)][:_POINTS]
    known = [(name, value) for name, value in numbers if is_sayable(units.get(name, ""))]
    open_ = [(name, value) for name, value in numbers if (name, value) not in known]
    if known:
        yield "    points:"
        for name, value in known:
            yield f"      {scalar(name)}: {{unit: {scalar(units[name])}}}  # {_shown(value)}"
    if open_:
        yield "    # Without a known unit, for you to complete:"
        if not known:
            yield "    # points:"
        for name, value in open_:
            yield f"    #   {scalar(name)}: {{unit: …}}  # {_shown(value)}"


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _shown(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _options(options: Options) -> str:
    """The bare name where that says all."""
    if set(options) == {"type"}:
        return scalar(options["type"])
    return flow(options)
