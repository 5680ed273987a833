"""Zigbee devices as a bridge sees them: what they expose, measure, and obey. They know no topic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from device_sims.dialects.travel import Travel
from device_sims.dialects.zigbee_exposes import (
    ALL,
    GET,
    SET,
    STATE,
    Expose,
    binary,
    composite,
    enum,
    features,
    numeric,
    specific,
)
from device_sims.kinds import RefusedError, Value
from device_sims.signals import Counter, Drifting, Noisy, Signal, Stepping, derive

COVER_TRAVEL = 10.0  # seconds from closed to open
LINKQUALITY = numeric("linkquality", STATE, "lqi", 0, 255)
BATTERY = numeric("battery", STATE, "%", 0, 100)


@dataclass(frozen=True, slots=True)
class Measured:
    """A property that is measured."""

    signal: Callable[[int], Signal]
    decimals: int = 0


def _around(centre: float, swing: float, period: float, noise: float) -> Callable[[int], Signal]:
    return lambda seed: Noisy(seed, Drifting(seed, centre, swing, period), noise)


@dataclass(frozen=True, slots=True)
class Model:
    """What is printed on a device, and what the bridge knows of its kind."""

    name: str  # what its owner calls it
    vendor: str
    model: str
    model_id: str
    description: str
    oui: str  # the first half of its address
    exposes: Sequence[Expose]
    initial: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Measured] = field(default_factory=dict)
    mains: bool = True


class Device:
    """One device; `state` is what the bridge remembers of it."""

    model: ClassVar[Model]

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        own = derive(seed, name)
        self.address = f"0x{self.model.oui}{own & 0xFFFFFFFFFF:010x}"
        self.features = {feature["property"]: feature for feature in features(self.model.exposes)}
        self.state: dict[str, Any] = dict(self.model.initial)
        measured = {**self.model.measured, "linkquality": Measured(lambda seed: Stepping(seed, 40, 220, 15))}
        self._signals = [(key, each.signal(derive(own, key)), each.decimals) for key, each in measured.items()]
        self.measure(0.0)

    def measure(self, age: float) -> None:
        """Brings the state to `age` seconds after the start."""
        for key, signal, decimals in self._signals:
            value = signal.at(age)
            self.state[key] = round(value, decimals) if decimals else round(value)

    def obey(self, attribute: str, value: object) -> Value:
        """Sets an attribute, and gives what it was set to; `RefusedError` says why it was not."""
        feature = self.features.get(attribute)
        if feature is None or not feature["access"] & SET:
            raise RefusedError(f"no converter available for '{attribute}'")
        taken = self._taken(feature, value)
        if feature["access"] & STATE:
            self.state[attribute] = taken
        return taken

    def _taken(self, feature: Expose, value: object) -> Value:
        match feature["type"]:
            case "binary":
                values = [feature["value_on"], feature["value_off"]]
                given = value.upper() if isinstance(value, str) else value
                if "value_toggle" in feature and given == feature["value_toggle"]:
                    return bool_or_text(values[self.state[feature["property"]] == values[0]])
                if given in values and isinstance(given, bool | str):
                    return given
            case "enum" if isinstance(value, str):
                given = value.upper() if feature["values"][0].isupper() else value
                if given in feature["values"]:
                    return given
            case "numeric" if isinstance(value, int | float) and not isinstance(value, bool):
                if feature.get("value_min", value) <= value <= feature.get("value_max", value):
                    return value
        raise RefusedError(f"'{feature['property']}' does not take {value!r}")


def bool_or_text(value: object) -> bool | str:
    """The value, of which it is known that it is one."""
    return value if isinstance(value, bool) else str(value)


class Lamp(Device):
    """A colour light: a brightness switches it on, and 0 off."""

    model = Model(
        "living room/lamp",
        "Philips",
        "9290012573A",
        "LCT015",
        "Hue white and color ambiance E26/E27/E14",
        "001788",
        (
            specific(
                "light",
                binary("state"),
                numeric("brightness", ALL, None, 0, 254),
                numeric("color_temp", ALL, "mired", 153, 500),
                composite("color_xy", "color", numeric("x", ALL), numeric("y", ALL)),
            ),
            enum("effect", SET, "blink", "breathe", "okay", "channel_change", "finish_effect", "stop_effect"),
            enum("power_on_behavior", ALL, "off", "on", "toggle", "previous"),
            LINKQUALITY,
        ),
        {
            "state": "OFF",
            "brightness": 254,
            "color": {"x": 0.4575, "y": 0.4099},
            "color_mode": "color_temp",
            "color_temp": 366,
            "power_on_behavior": "previous",
        },
    )

    def obey(self, attribute: str, value: object) -> Value:
        """Sets an attribute; a colour is `{"x":…,"y":…}`."""
        if attribute == "color":
            return self._colour(value)
        whole = round(value) if isinstance(value, float) and math.isfinite(value) else value
        taken = super().obey(attribute, whole)
        match attribute:
            case "brightness":
                self.state["state"] = "ON" if taken else "OFF"
            case "color_temp":
                self.state["color_mode"] = "color_temp"
        return taken

    def _colour(self, value: object) -> str:
        x, y = (value.get("x"), value.get("y")) if isinstance(value, Mapping) else (None, None)
        if not (isinstance(x, int | float) and isinstance(y, int | float) and 0 <= x <= 1 and 0 <= y <= 1):
            raise RefusedError(f"'color' does not take {value!r}")
        self.state["color"] = {"x": round(x, 4), "y": round(y, 4)}
        self.state["color_mode"] = "xy"
        return f"{x:g},{y:g}"


class Plug(Device):
    """A plug that meters; while it is off, nothing flows."""

    model = Model(
        "workshop/plug",
        "Tuya",
        "TS011F_plug_1",
        "TS011F",
        "Smart plug (with power monitoring)",
        "a4c138",
        (
            specific("switch", binary("state")),
            numeric("power", STATE | GET, "W"),
            numeric("current", STATE | GET, "A"),
            numeric("voltage", STATE | GET, "V"),
            numeric("energy", STATE, "kWh"),
            enum("power_outage_memory", ALL, "on", "off", "restore"),
            specific("lock", binary("state", STATE | SET, "LOCK", "UNLOCK", property="child_lock")),
            LINKQUALITY,
        ),
        {"state": "ON", "power_outage_memory": "restore", "child_lock": "UNLOCK"},
        {
            "voltage": Measured(_around(231, 3, 300, 1)),
            "current": Measured(lambda seed: Stepping(seed, 0.2, 6, 40), 2),
            "energy": Measured(lambda seed: Counter(start=120, step=1, every=30)),
        },
    )

    def measure(self, age: float) -> None:
        """Brings the state to `age` seconds after the start."""
        super().measure(age)
        if self.state["state"] == "OFF":
            self.state["current"] = 0
        self.state["power"] = round(self.state["voltage"] * self.state["current"], 1)
        self.state["energy"] = round(self.state["energy"] / 100, 2)


class Climate(Device):
    """A battery-powered sensor."""

    model = Model(
        "garden/sensor",
        "Aqara",
        "WSDCGQ11LM",
        "lumi.weather",
        "Temperature and humidity sensor",
        "00158d",
        (
            BATTERY,
            numeric("temperature", STATE, "°C"),
            numeric("humidity", STATE, "%"),
            numeric("pressure", STATE, "hPa"),
            numeric("voltage", STATE, "mV"),
            LINKQUALITY,
        ),
        {"battery": 87, "voltage": 2985},
        {
            "temperature": Measured(_around(18, 6, 3600, 0.1), 2),
            "humidity": Measured(_around(55, 15, 2700, 0.4), 2),
            "pressure": Measured(_around(1010, 12, 5400, 0.2), 1),
        },
        mains=False,
    )


class Blind(Device):
    """A blind that takes its time; a movement shows in the reports that follow."""

    model = Model(
        "bedroom/blind",
        "IKEA",
        "E1926",
        "KADRILJ roller blind",
        "KADRILJ roller blind",
        "842e14",
        (
            BATTERY,
            specific(
                "cover", enum("state", STATE | SET, "OPEN", "CLOSE", "STOP"), numeric("position", ALL, "%", 0, 100)
            ),
            LINKQUALITY,
        ),
        {"battery": 71, "state": "OPEN", "position": 100},
        mains=False,
    )

    def __init__(self, name: str, seed: int) -> None:
        self._travel = Travel(100, seconds=COVER_TRAVEL)
        super().__init__(name, seed)

    def measure(self, age: float) -> None:
        """Brings the state to `age` seconds after the start."""
        super().measure(age)
        self._travel.advance(age)
        self.state["position"] = round(self._travel.position)
        self.state["state"] = "OPEN" if self.state["position"] else "CLOSE"

    def obey(self, attribute: str, value: object) -> Value:
        """Begins a movement, or stops one."""
        before = {key: self.state[key] for key in ("state", "position")}
        taken = super().obey(attribute, value)
        self.state |= before  # it has not moved yet
        match attribute, taken:
            case "state", "STOP":
                self._travel.stop()
            case "state", _:
                self._travel.go(100 if taken == "OPEN" else 0)
            case "position", int() | float():
                self._travel.go(taken)
        return taken


class Radiator(Device):
    """A radiator valve, which heats while its room is colder than it is told."""

    model = Model(
        "bathroom/radiator",
        "Eurotronic",
        "SPZB0001",
        "SPZB0001",
        "Spirit Zigbee wireless heater thermostat",
        "00158d",
        (
            BATTERY,
            specific(
                "climate",
                numeric("occupied_heating_setpoint", ALL, "°C", 5, 30, 0.5),
                numeric("local_temperature", STATE | GET, "°C"),
                enum("system_mode", ALL, "off", "auto", "heat"),
                enum("running_state", STATE | GET, "idle", "heat"),
                numeric("local_temperature_calibration", ALL, "°C", -5, 5, 0.5),
                numeric("pi_heating_demand", STATE | GET, "%", 0, 100),
            ),
            specific("lock", binary("state", STATE | SET, "LOCK", "UNLOCK", property="child_lock")),
            LINKQUALITY,
        ),
        {
            "battery": 55,
            "occupied_heating_setpoint": 21,
            "system_mode": "auto",
            "local_temperature_calibration": 0,
            "child_lock": "UNLOCK",
        },
        {"local_temperature": Measured(_around(20.5, 1.5, 1800, 0.05), 2)},
        mains=False,
    )

    def measure(self, age: float) -> None:
        """Brings the state to `age` seconds after the start."""
        super().measure(age)
        self._heat()

    def obey(self, attribute: str, value: object) -> Value:
        """Sets an attribute, and heats accordingly."""
        taken = super().obey(attribute, value)
        self._heat()
        return taken

    def _heat(self) -> None:
        lacking = self.state["occupied_heating_setpoint"] - self.state["local_temperature"]
        demand = 0 if self.state["system_mode"] == "off" else min(100, max(0, round(40 * lacking)))
        self.state |= {"pi_heating_demand": demand, "running_state": "heat" if demand else "idle"}


class TwoGang(Device):
    """A wall switch with two lamps on it."""

    model = Model(
        "hall switch",
        "Aqara",
        "QBKG12LM",
        "lumi.ctrl_ln2",
        "Smart wall switch (with neutral, double rocker)",
        "00158d",
        (
            specific("switch", binary("state", at="left"), at="left"),
            specific("switch", binary("state", at="right"), at="right"),
            numeric("power", STATE | GET, "W"),
            numeric("device_temperature", STATE, "°C"),
            LINKQUALITY,
        ),
        {"state_left": "OFF", "state_right": "ON"},
        {"device_temperature": Measured(_around(31, 4, 1200, 0.5))},
    )

    def measure(self, age: float) -> None:
        """Brings the state to `age` seconds after the start."""
        super().measure(age)
        self.state["power"] = 24.5 * (self.state["state_left"] == "ON") + 11 * (self.state["state_right"] == "ON")


class Remote(Device):
    """A remote, of which each report is a press of a button."""

    ACTIONS = ("on", "off", "brightness_move_up", "brightness_move_down", "brightness_stop", "arrow_left_click")
    model = Model(
        "bedside remote",
        "IKEA",
        "E2001/E2002",
        "Remote Control N2",
        "STYRBAR remote control",
        "540f57",
        (BATTERY, enum("action", STATE, *ACTIONS), LINKQUALITY),
        {"battery": 93},
        mains=False,
    )

    def __init__(self, name: str, seed: int) -> None:
        super().__init__(name, seed)
        self._presses = 0

    def press(self) -> str:
        """The button that is pressed next."""
        self._presses += 1
        return self.ACTIONS[(self._presses - 1) % len(self.ACTIONS)]


KINDS: Sequence[type[Device]] = (Lamp, Plug, Climate, Blind, Radiator, TwoGang, Remote)
