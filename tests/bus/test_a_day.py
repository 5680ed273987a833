"""A day of the bus in seconds of test: nothing grows, and what was counted adds up to what was sent."""

from __future__ import annotations

import gc
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.bus import Devices, Entry, Link, Log
from gateway.codecs.json import JsonOptions
from gateway.config.models import DeviceSection
from gateway.errors import CodecError
from gateway.framing.lines import LinesOptions
from gateway.model import Quality, Reading
from tests.bus.parts import Clock

TICK = 0.25  # seconds, as the clock of the bus has it
KEEP = 300.0  # seconds of the log
KEEP_READINGS = 4000
STRANGERS = 40  # nodes that nobody declared
HELD_BACK = {("line.n1", "temperature"), ("line.n1", "humidity"), ("line.n2", "level"), ("board", "mode")}

DECLARED: dict[str, Any] = {
    "line.n1": {
        "points": {
            "temperature": {"unit": "Cel", "scale": 0.1, "max": 60, "deadband": 0.5, "stale_after": 30},
            "humidity": {"interval": 20, "stale_after": 60},
        }
    },
    "line.n2": {"points": {"level": {"deadband": 2, "stale_after": "auto"}}},
    "board": {"points": {"mode": {"values": {0: "off", 1: "heating", 2: "cooling"}, "interval": 5}}},
}


class Wire:
    """One serial line: bytes go through a framing and a codec to a link, as an adapter does it."""

    def __init__(self, link: Link, field: str | None, rng: random.Random) -> None:
        self.link = link
        self._field = field
        self._framing = LinesOptions().build()
        self._codec = JsonOptions().build()
        self._rng = rng
        self._rest = b""  # of a line that is cut in two
        self.sent = Counter[str]()

    def open(self) -> None:
        self._framing.reset()
        self._rest = b""
        self.link.up()

    def pull(self) -> None:
        self.link.down("unplugged")
        self.sent["pulled"] += 1

    def say(self, line: bytes) -> None:
        """A line arrives in two chunks, cut anywhere, the second along with the next line."""
        data = self._rest + line + b"\n"
        cut = self._rng.randrange(max(1, len(data) - 6), len(data) + 1)
        self._rest = data[cut:]
        self._receive(data[:cut])

    def settle(self) -> None:
        """What is on its way arrives."""
        rest, self._rest = self._rest, b""
        self._receive(rest)

    def _receive(self, data: bytes) -> None:
        self.sent["bytes"] += len(data)
        self.link.traffic(len(data))
        before = self._framing.errors
        for frame in self._framing.receive_data(data):
            try:
                samples = self._codec.decode(frame)
            except CodecError as error:
                self.link.fault(None, str(error))
                continue
            for sample in samples:
                name = sample.values.pop(self._field) if self._field else None
                self.link.receive(str(name) if self._field else None, sample)
        if self._framing.errors != before:
            self.link.fault(None, "overlong", frames=self._framing.errors - before)


@dataclass
class Client:
    """What a client knows that was told everything, and judges ages by itself."""

    devices: dict[str, Any] = field(default_factory=dict)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)  # values, by device and point

    def take(self, entry: Entry) -> None:
        told = orjson.loads(entry.encoded)
        if "device" not in told:
            self.devices[told["id"]] = told
            return
        values = self.devices[told["device"]]["values"]
        for point, value in told["values"].items():
            quality = told.get("quality", {}).get(point, "good")
            values[point] = {"value": value, "time": told["time"], "quality": quality}
            self.told[told["device"], point] += 1

    def finds_stale(self, device: str, point: str, now: float) -> bool:
        held = self.devices[device]["values"][point]
        limit = self.devices[device]["points"][point].get("stale_after")
        return held["quality"] == "stale" or (limit is not None and now - held["time"] > limit)


class Day:
    """Two lines with their devices, from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.clock = Clock()
        self.log = Log(KEEP_READINGS, KEEP, self.clock.monotonic)
        sections = {id: DeviceSection.model_validate(section) for id, section in DECLARED.items()}
        self.devices = Devices(self.log, sections, self.clock.now, self.clock.monotonic)
        self.client = Client()
        self.log.taps.append(self.client.take)
        self.heard = Counter[tuple[str, str]]()
        self.devices.taps.append(self._heard)
        self.line = Wire(self._link("line", single=False), "node", rng)
        self.board = Wire(self._link("board", single=True), None, rng)
        self.wires = (self.line, self.board)
        for wire in self.wires:
            wire.open()
        self.values = {"temperature": 210.0, "humidity": 50.0, "level": 80.0}
        self.frames = Counter[str]()  # by device: good ones that were sent whole
        self.went_stale = 0
        self.ticks = 0
        self.away: dict[Wire, int] = {}  # the tick at which it comes back
        self.asleep_until = 0  # node n2

    def _link(self, adapter: str, *, single: bool) -> Link:
        return Link(adapter, self.devices, single=single, silence=20, monotonic=self.clock.monotonic)

    def _heard(self, reading: Reading) -> None:
        for point in reading.values:
            self.heard[reading.device, point] += 1

    def run(self, hours: float) -> None:
        for _ in range(round(hours * 3600 / TICK)):
            self.tick()

    def tick(self) -> None:
        self.ticks += 1
        self.clock.seconds += TICK
        self._plug()
        if self.board not in self.away:
            self._say(self.board, "board", {"count": self.ticks, "mode": self.ticks // 400 % 4})
        if self.line not in self.away and self.ticks % 4 == 0:
            self._nodes()
        for wire in self.wires:
            wire.link.judge_silence()
        self.devices.tick()
        if self.ticks % 20 == 0:
            self.log.forget_old()
            self._compare()

    def _plug(self) -> None:
        for wire in self.wires:
            if wire in self.away:
                if self.ticks >= self.away[wire]:
                    del self.away[wire]
                    wire.open()
            elif self.rng.random() < TICK / 1200:
                wire.settle()
                wire.pull()
                self.away[wire] = self.ticks + self.rng.randrange(4, 800)

    def _nodes(self) -> None:
        rng, values = self.rng, self.values
        values["temperature"] += rng.uniform(-2, 2)
        values["humidity"] += rng.uniform(-1, 1)
        values["level"] = min(100.0, max(0.0, values["level"] + rng.uniform(-1, 1)))
        self._say(self.line, "n1", {"temperature": round(values["temperature"]), "humidity": values["humidity"]})
        if self.ticks >= self.asleep_until and self.ticks % 8 == 0:
            self._say(self.line, "n2", {"level": round(values["level"], 2)})
            if rng.random() < 1 / 300:
                self.asleep_until = self.ticks + rng.randrange(100, 2000)
        if rng.random() < 0.02:
            name = f"stranger {rng.randrange(STRANGERS)}"
            self._say(self.line, name, {f"p{rng.randrange(700)}": rng.random(), "fan": rng.random() < 0.5})

    def _say(self, wire: Wire, node: str, values: dict[str, Any]) -> None:
        rng = self.rng
        line = orjson.dumps(values if wire is self.board else {"node": node, **values})
        if rng.random() < 0.01:  # noise
            noise = rng.choice([b"\x00\xff\xfe", line[: len(line) // 2], line.replace(b":", b"\x80", 1), b"x" * 5000])
            wire.say(noise)
            wire.sent["bad"] += 1
        wire.say(line)
        self.frames[node] += 1

    def _compare(self) -> None:
        """What a client holds is what the gateway knows, as far as it is told."""
        now = self.clock.now()
        for device in self.devices:
            held = self.client.devices[device.id]
            assert held["state"] == device.state
            assert held["values"].keys() == device.latest.keys()
            for point, (value, time, quality, _) in device.latest.items():
                told = held["values"][point]
                assert (told["quality"] == "stale") == (quality is Quality.STALE)
                assert self.client.finds_stale(device.id, point, now) == (quality is Quality.STALE)
                self.went_stale += quality is Quality.STALE
                if (device.id, point) not in HELD_BACK:
                    assert (told["value"], told["time"]) == (value, time)
                elif point in ("temperature", "level"):
                    assert abs(told["value"] - value) < DECLARED[device.id]["points"][point]["deadband"]

    def sizes(self) -> dict[str, int]:
        """Of everything that is kept."""
        gc.collect()
        return {
            "log": len(self.log),
            "devices": len(self.devices),
            "points": sum(len(device.points) for device in self.devices),
            "blocks": sys.getallocatedblocks(),
        }

    def check_counts(self) -> None:
        for wire in self.wires:
            wire.settle()
            info = wire.link.info
            assert info.bytes == wire.sent["bytes"]
            assert info.reconnects == wire.sent["pulled"] - (wire in self.away)
        errors = sum(counts["errors"] for _, _, counts in self.devices.counters())
        refused = sum(max(0, device.errors) for device in self.devices if device.id.startswith("line.stranger"))
        assert errors - refused == sum(wire.sent["bad"] for wire in self.wires)
        for name, frames in self.frames.items():
            device = next(d for d in self.devices if name in (d.id, d.wire_name))
            assert device.frames == frames
        for (id, point), heard in self.heard.items():
            told = self.client.told[id, point]
            if (id, point) not in HELD_BACK:
                assert told == heard
        for id, points in {"line.n1": 2, "line.n2": 1, "board": 1}.items():
            filtering = self.devices.get(id)
            assert filtering is not None
            held = [(id, point) for point in filtering.filters]
            assert len(held) == points
            waiting = sum(filter.due is not None for filter in filtering.filters.values())
            told = sum(self.client.told[where] for where in held)
            assert told + filtering.filtered + waiting == sum(self.heard[where] for where in held)
            assert filtering.filtered > told / 2


def live(hours: float, warm_up: float, seed: int) -> None:
    day = Day(seed)
    day.run(warm_up)
    before = day.sizes()
    day.run(hours - warm_up)
    after = day.sizes()
    day.check_counts()
    assert day.went_stale > 0
    assert after["devices"] <= 3 + STRANGERS
    assert after["log"] <= KEEP_READINGS
    oldest = next(day.log.after(day.log.head - len(day.log), day.log.head))
    assert day.clock.monotonic() - oldest.at <= KEEP + 20 * TICK
    # Strangers and their points are new for a while yet; each may cost what it costs, and nothing else may grow.
    new = (after["devices"] - before["devices"]) * 200 + (after["points"] - before["points"]) * 30
    assert after["blocks"] - before["blocks"] < 5000 + new
    assert all(len(device.points) <= 512 for device in day.devices)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_leaves_nothing_behind_and_every_frame_is_accounted_for(seed: int) -> None:
    live(1.0, 0.4, seed)


@pytest.mark.long
def test_a_day_leaves_nothing_behind_and_every_frame_is_accounted_for() -> None:
    live(24.0, 2.0, 3)
