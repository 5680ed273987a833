"""The components of later Shellies that only measure."""

from __future__ import annotations

import math
from typing import Any

from device_sims.dialects.shelly.components import Component
from device_sims.kinds import CURRENT, VOLTAGE, drifting
from device_sims.signals import derive

PHASES = ("a", "b", "c")


class Input(Component):
    """A wall switch that nobody touches."""

    kind, service = "input", "Input"

    def status(self) -> dict[str, Any]:
        """Its state."""
        return {"id": self.id, "state": False}


class Temperature(Component):
    """A thermometer."""

    kind, service = "temperature", "Temperature"
    centre = 21.0  # °C

    def set_up(self, seed: int) -> None:
        """Its signal."""
        self._signal = drifting("temperature", self.centre, 3, 180, 0.1)(seed)

    def readings(self) -> dict[str, Any]:
        """Celsius and Fahrenheit."""
        celsius = self._signal.at(self.age)
        return {"tC": round(celsius, 1), "tF": round(celsius * 1.8 + 32, 1)}


class CaseTemperature(Temperature):
    """The thermometer in the case of a meter."""

    centre = 42.0


class Humidity(Component):
    """A hygrometer."""

    kind, service = "humidity", "Humidity"

    def set_up(self, seed: int) -> None:
        """Its signal."""
        self._signal = drifting("humidity", 48, 9, 240, 0.6)(seed)

    def readings(self) -> dict[str, Any]:
        """Relative humidity in %."""
        return {"rh": round(self._signal.at(self.age), 1)}


class DevicePower(Component):
    """The battery."""

    kind, service = "devicepower", "DevicePower"

    def readings(self) -> dict[str, Any]:
        """Voltage and charge of the battery; nothing else feeds it."""
        percent = max(1, 88 - int(self.age / 86_400))
        return {"battery": {"V": round(4.8 + percent / 100, 2), "percent": percent}, "external": {"present": False}}


class ThreePhases(Component):
    """An energy meter with three phases."""

    kind, service = "em", "EM"

    def set_up(self, seed: int) -> None:
        """Signals of each phase."""
        self._phases = {name: (VOLTAGE(derive(seed, name)), CURRENT(derive(seed, name))) for name in PHASES}

    def watts(self, phase: str) -> float:
        """Active power."""
        voltage, current = self._phases[phase]
        return voltage.at(self.age) * current.at(self.age) * 0.95

    def readings(self) -> dict[str, Any]:
        """Each phase, and the sums."""
        told: dict[str, Any] = {}
        for name, (voltage, current) in self._phases.items():
            told |= {
                f"{name}_current": round(current.at(self.age), 3),
                f"{name}_voltage": round(voltage.at(self.age), 1),
                f"{name}_act_power": round(self.watts(name), 1),
                f"{name}_aprt_power": round(self.watts(name) / 0.95, 1),
                f"{name}_pf": 0.95,
                f"{name}_freq": 50.0,
            }
        sums = {
            what: math.fsum(told[f"{name}_{what}"] for name in PHASES)
            for what in ("current", "act_power", "aprt_power")
        }
        return {
            **told,
            "n_current": None,
            **{f"total_{what}": round(total, 3) for what, total in sums.items()},
            "user_calibrated_phase": [],
        }


class ThreePhaseData(Component):
    """The counters of that meter, in Wh."""

    kind, service = "emdata", "EMData"

    def set_up(self, seed: int) -> None:
        """What it has counted before."""
        self._counted = {name: derive(seed, name) % 9_000_000 / 10 for name in PHASES}
        self._counted_at = 0.0
        self._meter: ThreePhases | None = None

    def follow(self, meter: ThreePhases) -> None:
        """Counts what that meter measures."""
        self._meter = meter

    def readings(self) -> dict[str, Any]:
        """Energy of each phase in both directions, and the sums."""
        elapsed, self._counted_at = self.age - self._counted_at, self.age
        for name in PHASES:
            self._counted[name] += self._meter.watts(name) * elapsed / 3600 if self._meter else 0.0
        told: dict[str, Any] = {}
        for name, counted in self._counted.items():
            told |= {f"{name}_total_act_energy": round(counted, 2), f"{name}_total_act_ret_energy": 0.0}
        return {**told, "total_act": round(math.fsum(self._counted.values()), 2), "total_act_ret": 0.0}
