"""What the components of later Shellies have in common (shelly-api-docs, Gen2+, Components and Services)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from device_sims.dialects.shelly.rpc import Params
from device_sims.kinds import CURRENT, VOLTAGE, Value, drifting
from device_sims.signals import derive

Method = Callable[[Params, str], object]  # takes the parameters and the source of the call


class Component:
    """A part of a device: `<kind>:<number>` in its status, and `<service>.<method>` in calls.

    `changes` is what has changed since the last notification. `note` records an actuation.
    """

    kind = ""
    service = ""

    def __init__(self, id: int, seed: int, note: Callable[[str, Value], None]) -> None:
        self.id = id
        self.key = f"{self.kind}:{id}"
        self.age = 0.0
        self.changes: dict[str, Any] = {}
        self.methods: dict[str, Method] = {"GetStatus": lambda _params, _source: self.status()}
        self.start = 0.0  # seconds since 1970 when the age was 0
        self._note = note
        self.set_up(derive(seed, self.key))

    def set_up(self, seed: int) -> None:
        """Makes its parts."""

    def advance(self, age: float) -> None:
        """Lets time pass, and sees what it changes."""
        self.age = max(age, self.age)

    def status(self) -> dict[str, Any]:
        """The whole status."""
        return {"id": self.id, **self.readings()}

    def readings(self) -> dict[str, Any]:
        """What is measured, and told again and again."""
        return {}

    def control(self, text: str) -> None:
        """Takes a text on the control topic; ValueError for one that it does not know."""
        raise ValueError(f"{self.key} takes no commands")

    def note(self, what: str, value: Value) -> None:
        """Notes what an actuator did."""
        self._note(f"{self.key}.{what}", value)


class Meter:
    """Power and energy behind an output."""

    def __init__(self, seed: int) -> None:
        self._voltage, self._current = VOLTAGE(seed), CURRENT(seed)
        self._case = drifting("case", 44, 5, 600, 0.2)(seed)
        self._total = derive(seed, "total") % 900_000 / 1000  # Wh
        self._by_minute = [0.0, 0.0, 0.0]  # mWh, the minute that is not over first
        self._age = 0.0

    def read(self, age: float, share: float, start: float) -> dict[str, Any]:
        """What it says at that age while that share of the load is on."""
        volts, amperes = self._voltage.at(age), self._current.at(age) * share
        watts = volts * amperes * 0.96
        for _ in range(min(3, int(age // 60) - int(self._age // 60))):
            self._by_minute = [0.0, *self._by_minute[:2]]
        grown = watts * max(0.0, age - self._age) / 3600
        self._total += grown
        self._by_minute[0] += grown * 1000
        self._age = max(age, self._age)
        celsius = self._case.at(age)
        return {
            "apower": round(watts, 1),
            "voltage": round(volts, 1),
            "freq": 50.0,
            "current": round(amperes, 3),
            "pf": 0.96 if share else 0.0,
            "aenergy": {
                "total": round(self._total, 3),
                "by_minute": [round(each, 3) for each in self._by_minute],
                "minute_ts": int(start + age) // 60 * 60,
            },
            "temperature": {"tC": round(celsius, 1), "tF": round(celsius * 1.8 + 32, 1)},
        }
