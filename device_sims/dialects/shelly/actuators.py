"""The components of later Shellies that do something: switches, covers, lights."""

from __future__ import annotations

from typing import Any

from device_sims.dialects.shelly.components import Component, Meter
from device_sims.dialects.shelly.rpc import INVALID_ARGUMENT, Params, RpcError, boolean, missing, number
from device_sims.dialects.travel import Travel

COVER_SECONDS = 20.0  # from closed to open


class Switch(Component):
    """An output that is on or off, with a meter."""

    kind, service = "switch", "Switch"

    def set_up(self, seed: int) -> None:
        """An output that was left on."""
        self._on = True
        self._source = "init"
        self._meter = Meter(seed)
        self._flip_at: float | None = None
        self.methods |= {"Set": self._set, "Toggle": self._toggle}

    def advance(self, age: float) -> None:
        """Ends a timer whose time has come."""
        super().advance(age)
        if self._flip_at is not None and self.age >= self._flip_at:
            self._turn(not self._on, "timer")

    def status(self) -> dict[str, Any]:
        """State and load."""
        return {"id": self.id, "source": self._source, "output": self._on, **self.readings()}

    def readings(self) -> dict[str, Any]:
        """The load."""
        return self._meter.read(self.age, float(self._on), self.start)

    def control(self, text: str) -> None:
        """on, off or toggle."""
        wanted = {"on": True, "off": False, "toggle": not self._on}.get(text)
        if wanted is None:
            raise ValueError(f"neither on, off nor toggle: {text!r:.40}")
        self._turn(wanted, "MQTT")

    def _turn(self, on: bool, source: str) -> dict[str, Any]:
        was, self._on, self._source, self._flip_at = self._on, on, source, None
        if source != "timer":
            self.note("output", on)
        if was != on:
            self.changes |= {"output": on, "source": source}
        return {"was_on": was}

    def _set(self, params: Params, source: str) -> object:
        on, seconds = boolean(params, "on"), number(params, "toggle_after", 0, 86_400 * 365)
        if on is None:
            raise missing("on")
        result = self._turn(on, source)
        if seconds:
            self._flip_at = self.age + seconds
        return result

    def _toggle(self, _params: Params, source: str) -> object:
        return self._turn(not self._on, source)


class Cover(Component):
    """A cover that is calibrated."""

    kind, service = "cover", "Cover"

    def set_up(self, seed: int) -> None:
        """A cover somewhere between open and closed."""
        self._travel = Travel(float(seed % 101), seconds=COVER_SECONDS)
        self._source = "init"
        self._meter = Meter(seed)
        self.methods |= {
            "Open": lambda _params, source: self._go(100, source),
            "Close": lambda _params, source: self._go(0, source),
            "Stop": lambda _params, source: self._stop(source),
            "GoToPosition": self._go_to_position,
        }

    def advance(self, age: float) -> None:
        """Moves it."""
        super().advance(age)
        moved = self._travel.target is not None
        if self._travel.advance(self.age):
            self.changes |= {"state": self._state(), "current_pos": round(self._travel.position), "target_pos": None}
            self.changes["last_direction"] = self._direction()
        elif moved:
            self.changes["current_pos"] = round(self._travel.position)

    def _state(self) -> str:
        resting = {0: "closed", 100: "open"}.get(round(self._travel.position), "stopped")
        return {1: "opening", -1: "closing", 0: resting}[self._travel.direction]

    def _direction(self) -> str:
        return "open" if self._travel.opened else "close"

    def status(self) -> dict[str, Any]:
        """What it does, where it is, and its load."""
        target = self._travel.target
        return {
            "id": self.id,
            "source": self._source,
            "state": self._state(),
            **self.readings(),
            "pos_control": True,
            "last_direction": self._direction(),
            "current_pos": round(self._travel.position),
            **({} if target is None else {"target_pos": round(target)}),
        }

    def readings(self) -> dict[str, Any]:
        """The load of the motor."""
        return self._meter.read(self.age, 0.1 * abs(self._travel.direction), self.start)

    def control(self, text: str) -> None:
        """open, close, stop, or `pos,` and a position."""
        word, _, position = text.partition(",")
        if word == "pos" and position.isascii() and position.isdigit() and len(position) <= 3 and int(position) <= 100:
            self._go(int(position), "MQTT")
        elif text in {"open", "close"}:
            self._go(100 if text == "open" else 0, "MQTT")
        elif text == "stop":
            self._stop("MQTT")
        else:
            raise ValueError(f"no way to move a cover: {text!r:.40}")

    def _go(self, target: int, source: str) -> object:
        self.note("position", target)
        self._source = source
        if self._travel.go(float(target)):
            started = {"move_timeout": 60.0, "move_started_at": round(self.start + self.age, 2)}
            self.changes |= {"state": self._state(), "target_pos": target, **started, "source": source}
        return None

    def _stop(self, source: str) -> object:
        self.note("state", "stop")
        self._source = source
        if self._travel.target is not None:
            self._travel.stop()
            self.changes |= {"state": self._state(), "current_pos": round(self._travel.position), "source": source}
        return None

    def _go_to_position(self, params: Params, source: str) -> object:
        absolute, relative = number(params, "pos", 0, 100), number(params, "rel", -100, 100)
        if absolute is None and relative is None:
            raise RpcError(INVALID_ARGUMENT, "Either 'pos' or 'rel' is required!")
        if absolute is None:
            absolute = min(100, max(0, self._travel.position + (relative or 0)))
        return self._go(round(absolute), source)


class Light(Component):
    """A dimmed output."""

    kind, service = "light", "Light"

    def set_up(self, seed: int) -> None:
        """A light that was left off."""
        self._on = False
        self._source = "init"
        self._brightness = 1 + seed % 100
        self.methods |= {"Set": self._set, "Toggle": self._toggle}

    def status(self) -> dict[str, Any]:
        """State and brightness in %."""
        return {"id": self.id, "source": self._source, "output": self._on, "brightness": self._brightness}

    def control(self, text: str) -> None:
        """on, off or toggle."""
        wanted = {"on": True, "off": False, "toggle": not self._on}.get(text)
        if wanted is None:
            raise ValueError(f"neither on, off nor toggle: {text!r:.40}")
        self._turn(wanted, None, "MQTT")

    def _turn(self, on: bool | None, brightness: int | None, source: str) -> object:
        before = (self._on, self._brightness)
        if brightness is not None:
            self._brightness = brightness
            self.note("brightness", brightness)
        if on is not None:
            self._on = on
            self.note("output", on)
        self._source = source
        if before != (self._on, self._brightness):
            self.changes |= {"output": self._on, "brightness": self._brightness, "source": source}
        return None

    def _set(self, params: Params, source: str) -> object:
        on, brightness = boolean(params, "on"), number(params, "brightness", 0, 100)
        if on is None and brightness is None:
            raise RpcError(INVALID_ARGUMENT, "At least one of 'on' and 'brightness' is required!")
        return self._turn(on, None if brightness is None else round(brightness), source)

    def _toggle(self, _params: Params, source: str) -> object:
        return self._turn(not self._on, None, source)
