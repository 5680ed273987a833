"""The Shellies of the first generation: a relay, a roller, a dimmer, a thermometer."""

from __future__ import annotations

from typing import Any

from device_sims.dialects.hardware import compact, parse_object
from device_sims.dialects.shelly.gen1 import Gen1, Told
from device_sims.dialects.travel import Travel
from device_sims.kinds import CURRENT, VOLTAGE, drifting
from device_sims.signals import derive

ROLLER_SECONDS = 18.0  # from closed to open


class _Load:
    """The load behind a relay: its power, and its energy in watt-minutes, as this generation counts it."""

    def __init__(self, seed: int) -> None:
        self._voltage, self._current = VOLTAGE(seed), CURRENT(seed)
        self._energy = float(derive(seed, "energy") % 90_000)
        self._age = 0.0

    def read(self, age: float, share: float) -> tuple[float, int]:
        """Watts and watt-minutes, while that share of the load is on."""
        watts = self._voltage.at(age) * self._current.at(age) * share
        self._energy += watts * max(0.0, age - self._age) / 60
        self._age = max(age, self._age)
        return watts, int(self._energy)

    def volts(self, age: float) -> float:
        """The voltage of the mains."""
        return self._voltage.at(age)


def _switched(text: object, state: bool) -> bool:
    wanted = {"on": True, "off": False, "toggle": not state}.get(text) if isinstance(text, str) else None
    if wanted is None:
        raise ValueError(f"neither on, off nor toggle: {text!r:.40}")
    return wanted


class Shelly1PM(Gen1):
    """A relay that measures its load."""

    prefix, model = "shelly1pm", "SHSW-PM"
    listens = ("relay/0/command",)

    def set_up(self, seed: int) -> None:
        """A relay that was left on."""
        self._on = True
        self._load = _Load(seed)

    def values(self) -> Told:
        """State, load and case."""
        watts, energy = self._load.read(self.age, float(self._on))
        yield "relay/0", "on" if self._on else "off"
        yield "relay/0/power", f"{watts:.2f}"
        yield "relay/0/energy", str(energy)
        yield "input/0", "0"
        yield from self.warmth()
        yield "temperature_status", "Normal"

    def parts(self) -> dict[str, Any]:
        """Relays and meters."""
        watts, energy = self._load.read(self.age, float(self._on))
        return {
            "relays": [{"ison": self._on, "has_timer": False, "overpower": False, "source": "mqtt"}],
            "meters": [{"power": round(watts, 2), "is_valid": True, "total": energy}],
            "inputs": [{"input": 0, "event": "", "event_cnt": 0}],
        }

    def obey(self, end: str, text: str) -> Told:
        """Switches."""
        self._on = _switched(text, self._on)
        self.note("relay/0", self._on)
        return [("relay/0", "on" if self._on else "off")]


class Shelly25(Gen1):
    """Two relays that move a roller together."""

    prefix, model, mode = "shellyswitch25", "SHSW-25", "roller"
    listens = ("roller/0/command", "roller/0/command/pos")

    def set_up(self, seed: int) -> None:
        """A roller that is calibrated."""
        self._travel = Travel(float(seed % 101), seconds=ROLLER_SECONDS)
        self._load = _Load(seed)

    def _doing(self) -> str:
        return {1: "open", -1: "close", 0: "stop"}[self._travel.direction]

    def values(self) -> Told:
        """What it does, where it is, and its load."""
        watts, energy = self._load.read(self.age, 0.1 * abs(self._travel.direction))
        yield "roller/0", self._doing()
        yield "roller/0/pos", str(round(self._travel.position))
        yield "roller/0/power", f"{watts:.2f}"
        yield "roller/0/energy", str(energy)
        yield "roller/0/stop_reason", "normal"
        yield "input/0", "0"
        yield "input/1", "0"
        yield "voltage", f"{self._load.volts(self.age):.2f}"
        yield from self.warmth()
        yield "temperature_status", "Normal"

    def parts(self) -> dict[str, Any]:
        """Rollers and meters."""
        watts, energy = self._load.read(self.age, 0.1 * abs(self._travel.direction))
        roller = {
            "state": self._doing(),
            "source": "mqtt",
            "power": round(watts, 2),
            "is_valid": True,
            "safety_switch": False,
            "overtemperature": False,
            "stop_reason": "normal",
            "last_direction": "open" if self._travel.opened else "close",
            "current_pos": round(self._travel.position),
            "calibrating": False,
            "positioning": True,
        }
        return {"rollers": [roller], "meters": [{"power": round(watts, 2), "is_valid": True, "total": energy}]}

    def advance(self) -> Told:
        """That it has arrived."""
        if self._travel.advance(self.age):
            yield "roller/0", "stop"
            yield "roller/0/pos", str(round(self._travel.position))

    def obey(self, end: str, text: str) -> Told:
        """Moves."""
        if end.endswith("/pos"):
            if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
                raise ValueError(f"not a position: {text!r:.40}")
            self.note("roller/0/pos", int(text))
            self._travel.go(float(text))
        elif text in {"open", "close"}:
            self.note("roller/0", text)
            self._travel.go(100.0 if text == "open" else 0.0)
        elif text == "stop":
            self.note("roller/0", text)
            self._travel.stop()
            return [("roller/0", "stop"), ("roller/0/pos", str(round(self._travel.position)))]
        else:
            raise ValueError(f"neither open, close nor stop: {text!r:.40}")
        return [("roller/0", self._doing())]


class ShellyDimmer2(Gen1):
    """A dimmer for a lamp."""

    prefix, model = "shellydimmer2", "SHDM-2"
    listens = ("light/0/command", "light/0/set")

    def set_up(self, seed: int) -> None:
        """A lamp that was left off."""
        self._on = False
        self._brightness = 1 + seed % 100
        self._load = _Load(seed)

    def _light(self) -> dict[str, Any]:
        return {
            "ison": self._on,
            "source": "mqtt",
            "has_timer": False,
            "timer_started": 0,
            "timer_duration": 0,
            "timer_remaining": 0,
            "mode": "white",
            "brightness": self._brightness,
            "transition": 0,
        }

    def _state(self) -> Told:
        yield "light/0", "on" if self._on else "off"
        yield "light/0/status", compact(self._light()).decode()

    def values(self) -> Told:
        """State, load and case."""
        watts, energy = self._load.read(self.age, 0.05 * self._on * self._brightness / 100)
        yield from self._state()
        yield "light/0/power", f"{watts:.2f}"
        yield "light/0/energy", str(energy)
        yield "input/0", "0"
        yield "input/1", "0"
        yield from self.warmth()
        yield "overload", "0"
        yield "loaderror", "0"

    def parts(self) -> dict[str, Any]:
        """The light."""
        return {"lights": [self._light()]}

    def obey(self, end: str, text: str) -> Told:
        """Switches, or takes `turn` and `brightness` of a JSON object."""
        if end.endswith("/command"):
            self._on = _switched(text, self._on)
            self.note("light/0", self._on)
            return self._state()
        wanted = parse_object(text.encode())
        brightness = wanted.get("brightness", self._brightness)
        if isinstance(brightness, bool) or not isinstance(brightness, int) or not 0 <= brightness <= 100:
            raise ValueError(f"not a brightness: {brightness!r:.40}")
        on = _switched(wanted["turn"], self._on) if "turn" in wanted else self._on
        if "brightness" in wanted:
            self.note("light/0.brightness", brightness)
        if "turn" in wanted:
            self.note("light/0", on)
        self._on, self._brightness = on, brightness
        return self._state()


class ShellyHT(Gen1):
    """A thermometer on a battery, which sleeps between its reports and hears nothing then."""

    prefix, model = "shellyht", "SHHT-1"
    sleeps = True

    def set_up(self, seed: int) -> None:
        """Fresh batteries."""
        self._temperature = drifting("temperature", 20.5, 3, 180, 0.1)(seed)
        self._humidity = drifting("humidity", 50, 9, 240, 0.6)(seed)

    def _battery(self) -> int:
        return max(1, 97 - int(self.age / 86_400))

    def values(self) -> Told:
        """What it measured when it woke up."""
        yield "sensor/temperature", f"{self._temperature.at(self.age):.2f}"
        yield "sensor/humidity", f"{self._humidity.at(self.age):.1f}"
        yield "sensor/battery", str(self._battery())
        yield "sensor/ext_power", "false"
        yield "sensor/error", "0"
        yield "sensor/act_reasons", '["sensor"]'

    def parts(self) -> dict[str, Any]:
        """Sensors and battery."""
        celsius = round(self._temperature.at(self.age), 2)
        fahrenheit = round(celsius * 1.8 + 32, 2)
        return {
            "is_valid": True,
            "tmp": {
                "value": celsius,
                "units": "C",
                "tC": celsius,
                "tF": fahrenheit,
                "is_valid": True,
            },
            "hum": {"value": round(self._humidity.at(self.age), 1), "is_valid": True},
            "bat": {"value": self._battery(), "voltage": 2.92},
            "act_reasons": ["sensor"],
        }
