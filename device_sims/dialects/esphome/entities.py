"""What an ESPHome node has: sensors that are told, and actuators that take commands.

The payloads are those of the MQTT components of ESPHome: bare text, except for lights, which speak JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from device_sims.dialects.hardware import compact, parse_object
from device_sims.dialects.travel import Travel
from device_sims.kinds import Value
from device_sims.signals import Signal

Told = tuple[str, str]  # the end of a topic, and the text on it
Done = tuple[str, Value]  # a point and the value that it was given

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Entity(Protocol):
    """One entity of a node. `component` and `object_id` stand in its topics."""

    component: str
    name: str

    @property
    def described(self) -> dict[str, Any]:
        """What only this kind of entity says of itself to Home Assistant."""

    @property
    def commands(self) -> Sequence[str]:
        """The ends of the topics on which it takes commands."""

    def states(self) -> list[Told]:
        """Its state, as it is told at every connection and after every change."""

    def read(self, age: float) -> list[Told]:
        """What it tells by itself at that age."""

    def obey(self, end: str, text: str) -> list[Done]:
        """Takes a command; ValueError for a text that it only warns of in its log."""


def object_id(name: str) -> str:
    """The name as it stands in topics: small letters, and `_` for what is none."""
    return re.sub(r"[^a-z0-9_-]", "_", name.lower())


def _on(state: bool) -> str:
    return "ON" if state else "OFF"


def _switched(text: object, state: bool) -> bool:
    """The state that a text means to something in that state."""
    word = text.lower() if isinstance(text, str) else ""
    wanted = {"on": True, "true": True, "off": False, "false": False, "toggle": not state}.get(word)
    if wanted is None:
        raise ValueError(f"neither on nor off: {text!r:.40}")
    return wanted


def _number(text: str) -> float:
    found = _NUMBER.fullmatch(text)
    if not found or math.isinf(number := float(text)):
        raise ValueError(f"not a number: {text!r:.40}")
    return number


class Sensor:
    """A number that is measured."""

    component = "sensor"
    commands: Sequence[str] = ()

    def __init__(self, name: str, signal: Signal, unit: str, decimals: int, device_class: str, **more: str) -> None:
        self.name = name
        self.unit = unit
        self.decimals = decimals
        self.described: dict[str, Any] = {
            **({"dev_cla": device_class} if device_class else {}),
            "unit_of_meas": unit,
            "stat_cla": "measurement",
            **more,
        }
        self._signal = signal
        self.value: float | None = None  # before the first reading

    def states(self) -> list[Told]:
        """The last reading, if there is one."""
        return [] if self.value is None else [("state", f"{self.value:.{self.decimals}f}")]

    def read(self, age: float) -> list[Told]:
        """A new reading."""
        self.value = self._signal.at(age)
        return self.states()

    def obey(self, end: str, text: str) -> list[Done]:
        """It does not."""
        raise ValueError("a sensor takes no commands")


class BinarySensor:
    """Something that is or is not; it tells when that changed."""

    component = "binary_sensor"
    commands: Sequence[str] = ()

    def __init__(self, name: str, signal: Signal, device_class: str) -> None:
        self.name = name
        self.described: dict[str, Any] = {"dev_cla": device_class}
        self._signal = signal
        self.state = self._at(0)

    def _at(self, age: float) -> bool:
        return self._signal.at(age) > 0.6

    def states(self) -> list[Told]:
        """ON or OFF."""
        return [("state", _on(self.state))]

    def read(self, age: float) -> list[Told]:
        """ON or OFF, where it is another than before."""
        before, self.state = self.state, self._at(age)
        return self.states() if self.state != before else []

    def obey(self, end: str, text: str) -> list[Done]:
        """It does not."""
        raise ValueError("a binary sensor takes no commands")


class TextSensor:
    """A text about the node; on the wire it is a sensor like any other."""

    component = "sensor"
    commands: Sequence[str] = ()

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.described: dict[str, Any] = {"ent_cat": "diagnostic"}
        self._text = text

    def states(self) -> list[Told]:
        """The text."""
        return [("state", self._text)]

    def read(self, age: float) -> list[Told]:
        """Nothing: the text stays."""
        return []

    def obey(self, end: str, text: str) -> list[Done]:
        """It does not."""
        raise ValueError("a text sensor takes no commands")


class Quiet:
    """What takes commands, and tells nothing by itself."""

    commands: Sequence[str] = ("command",)

    def read(self, age: float) -> list[Told]:
        """Nothing."""
        return []


class Switch(Quiet):
    """A relay."""

    component = "switch"

    def __init__(self, name: str, state: bool) -> None:
        self.name = name
        self.described: dict[str, Any] = {}
        self.state = state

    def states(self) -> list[Told]:
        """ON or OFF."""
        return [("state", _on(self.state))]

    def obey(self, end: str, text: str) -> list[Done]:
        """ON, OFF or TOGGLE."""
        self.state = _switched(text, self.state)
        return [(object_id(self.name), self.state)]


class Light(Quiet):
    """A light with a brightness from 0 to 255."""

    component = "light"

    def __init__(self, name: str, state: bool, brightness: int) -> None:
        self.name = name
        self.described: dict[str, Any] = {
            "schema": "json",
            "clrm": True,
            "supported_color_modes": ["brightness"],
            "brightness": True,
        }
        self.state = state
        self.brightness = brightness

    def states(self) -> list[Told]:
        """The state as JSON."""
        state = {
            "color_mode": "brightness",
            "state": _on(self.state),
            "brightness": self.brightness,
            "color": dict[str, int](),
        }
        return [("state", compact(state).decode())]

    def obey(self, end: str, text: str) -> list[Done]:
        """Takes `state` and `brightness` of a JSON object, and passes over members that mean nothing to it."""
        wanted = parse_object(text.encode())
        done: list[Done] = []
        if isinstance(wanted.get("state"), str):
            self.state = _switched(wanted["state"], self.state)
            done.append((object_id(self.name), self.state))
        brightness = wanted.get("brightness")
        if isinstance(brightness, int) and not isinstance(brightness, bool) and 0 <= brightness <= 255:
            self.state = self.state and brightness > 0
            self.brightness = brightness or self.brightness
            done.append((f"{object_id(self.name)}.brightness", brightness))
        return done


class Number(Quiet):
    """A setting between `low` and `high`; the firmware prints it with six decimals."""

    component = "number"

    def __init__(self, name: str, value: float, low: float, high: float, step: float, unit: str) -> None:
        self.name = name
        self.described: dict[str, Any] = {"min": low, "max": high, "step": step, "unit_of_meas": unit}
        self.value = value
        self._low, self._high = low, high

    def states(self) -> list[Told]:
        """The setting."""
        return [("state", f"{self.value:.6f}")]

    def obey(self, end: str, text: str) -> list[Done]:
        """A number within the limits."""
        wanted = _number(text)
        if not self._low <= wanted <= self._high:
            raise ValueError(f"not from {self._low:g} to {self._high:g}: {text:.40}")
        self.value = wanted
        return [(object_id(self.name), wanted)]


class Select(Quiet):
    """A choice between options."""

    component = "select"

    def __init__(self, name: str, options: Iterable[str]) -> None:
        self.name = name
        self._options = list(options)
        self.described: dict[str, Any] = {"ops": self._options}
        self.option = self._options[0]

    def states(self) -> list[Told]:
        """The option."""
        return [("state", self.option)]

    def obey(self, end: str, text: str) -> list[Done]:
        """One of the options, to the letter."""
        if text not in self._options:
            raise ValueError(f"no option: {text!r:.40}")
        self.option = text
        return [(object_id(self.name), text)]


class Button(Quiet):
    """Something to be pressed; it has no state."""

    component = "button"

    def __init__(self, name: str, device_class: str) -> None:
        self.name = name
        self.described: dict[str, Any] = {"dev_cla": device_class, "ent_cat": "config"}

    def states(self) -> list[Told]:
        """Nothing."""
        return []

    def obey(self, end: str, text: str) -> list[Done]:
        """PRESS."""
        if text != "PRESS":
            raise ValueError(f"no way to press a button: {text!r:.40}")
        return [(object_id(self.name), "PRESS")]


class Cover:
    """A blind that knows its position; it tells it while it moves."""

    component = "cover"
    commands: Sequence[str] = ("command", "position/command")

    def __init__(self, name: str, position: int, seconds: float) -> None:
        self.name = name
        self.described: dict[str, Any] = {"dev_cla": "blind"}
        self._travel = Travel(float(position), seconds=seconds)

    def states(self) -> list[Told]:
        """Position in % open, and what it does."""
        travel = self._travel
        resting = "closed" if travel.position == 0 else "open"
        doing = {1: "opening", -1: "closing", 0: resting}[travel.direction]
        return [("position/state", str(round(travel.position))), ("state", doing)]

    def read(self, age: float) -> list[Told]:
        """Where it is, while it moves and when it has arrived."""
        moved = self._travel.target is not None
        self._travel.advance(age)
        return self.states() if moved else []

    def obey(self, end: str, text: str) -> list[Done]:
        """OPEN, CLOSE, STOP or TOGGLE, or a position in %."""
        name = object_id(self.name)
        if end == "position/command":
            target = round(min(100.0, max(0.0, _number(text))))
        else:
            word = text.upper()
            if word == "TOGGLE":
                moving, opened = self._travel.target is not None, self._travel.opened
                word = "STOP" if moving else "CLOSE" if opened else "OPEN"
            if word == "STOP":
                self._travel.stop()
                return [(name, "STOP")]
            if word not in {"OPEN", "CLOSE"}:
                raise ValueError(f"no way to move a cover: {text!r:.40}")
            target = 100 if word == "OPEN" else 0
        self._travel.go(float(target))
        return [(f"{name}.position", target)]
