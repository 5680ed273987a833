"""Faults as they are written on a command line: `KIND`, `KIND=5,16` or `KIND=every:5,size:16`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from device_sims.faults import (
    BadChecksum,
    DoubleAcknowledgement,
    Duplicate,
    Fault,
    Garbage,
    Glued,
    LateAcknowledgement,
    ModbusException,
    NoAcknowledgement,
    OneByteAtATime,
    Reboot,
    Refusal,
    Silence,
    SlowAcknowledgement,
    Split,
    Truncate,
    Unplug,
)

FAULTS: Mapping[str, type[Fault]] = {
    "garbage": Garbage,
    "silence": Silence,
    "no-ack": NoAcknowledgement,
    "refuse": Refusal,
    "slow": SlowAcknowledgement,
    "late-ack": LateAcknowledgement,
    "double-ack": DoubleAcknowledgement,
    "one-byte": OneByteAtATime,
    "split": Split,
    "glued": Glued,
    "bad-checksum": BadChecksum,
    "truncate": Truncate,
    "duplicate": Duplicate,
    "reboot": Reboot,
    "unplug": Unplug,
    "exception": ModbusException,
}


def parse_fault(text: str, seed: int = 0, *, at_once: bool = False) -> Fault:
    """The fault that `text` describes; `ValueError` says what is wrong with it.

    `seed` is for faults that have one and are given none. `at_once`, a fault without settings spoils from the start.
    """
    name, _, arguments = text.partition("=")
    if name not in FAULTS:
        raise ValueError(f"no fault is named {name!r}: there are {', '.join(FAULTS)}")
    kind = FAULTS[name]
    fields = _settings(kind)
    given: dict[str, object] = {"seed": seed} if "seed" in fields else {}
    if at_once and not arguments:
        given |= kind.at_once
    for position, argument in enumerate(arguments.split(",") if arguments else ()):
        key, colon, value = argument.partition(":")
        if not colon:
            if position >= len(fields):
                raise ValueError(f"{name} takes at most {len(fields)} settings")
            key, value = list(fields)[position], argument
        if key not in fields:
            raise ValueError(f"{name} has no setting {key!r}: there are {', '.join(fields)}")
        given[key] = _value(f"{name}: {key}", fields[key], value)
    try:
        return kind(**given)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def check_faults(faults: Iterable[Fault], *simulators: str) -> None:
    """Raises `ValueError` for a fault that none of these simulators (SERIAL, MQTT, MODBUS, RTU) can have."""
    for fault in faults:
        if not set(simulators) & set(fault.where):
            name = next((name for name, kind in FAULTS.items() if type(fault) is kind), type(fault).__name__)
            raise ValueError(f"{name} is a fault of {' and '.join(fault.where)}")


def describe_faults(*simulators: str) -> str:
    """Two lines for each fault of these simulators: its name, its settings with their defaults, and what it does."""
    lines = []
    for name, kind in FAULTS.items():
        if set(simulators) & set(kind.where):
            settings = ",".join(f"{key}:{str(default).lower()}" for key, default in _settings(kind).items())
            claim = (kind.__doc__ or "").splitlines()[0]
            lines.append(f"  {name}{'=' if settings else ''}{settings}\n      {claim}")
    return "\n".join(lines)


def _settings(kind: type[Fault]) -> dict[str, object]:
    """Names and defaults of what a fault can be given."""
    return {f.name: f.default for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]


def _value(what: str, default: object, text: str) -> object:
    match default:
        case bool():
            if text not in ("true", "false"):
                raise ValueError(f"{what} is true or false, not {text!r}")
            return text == "true"
        case int() | float():
            try:
                return type(default)(text)
            except ValueError:
                word = "a whole number" if isinstance(default, int) else "a number"
                raise ValueError(f"{what} is {word}, not {text!r}") from None
        case _:
            return text
