"""A fan-out with its log and devices, on a clock that the test moves."""

from __future__ import annotations

from gateway.bus import Devices, Log
from gateway.bus.device import Device, LinkInfo
from gateway.model import Sample
from gateway.server.fanout import FanOut, Subscriber
from gateway.server.frames import text_frame
from gateway.server.stream import Mode, Selection
from tests.server.fakes import FakeClock, FakePeer, Message


class Hall:
    """A fan-out with its log and devices on a clock that the test moves."""

    def __init__(self, keep: int = 1000, max_delay: float = 0.0) -> None:
        self.clock = FakeClock()
        self.log = Log(keep, 3600.0, monotonic=lambda: self.clock.now)
        self.devices = Devices(self.log, {}, now=lambda: self.clock.now, monotonic=lambda: self.clock.now)
        self.fanout = FanOut(self.log, self.devices, self.clock, max_delay)

    def say(self, id: str, **values: float) -> Device:
        device = self.devices.get(id) or self.devices.add(id, None, LinkInfo(), "sent")
        self.devices.receive(device, Sample(dict(values)))
        return device

    def join(self, peer: FakePeer, devices: str = "*", since: str | None = None, **rest: object) -> Subscriber:
        def reply(sub: str, cursor: str, recovered: bool) -> None:
            ok = b'{"type":"ok","sub":"%b","cursor":"%b","recovered":%b}'
            peer.write(text_frame(ok % (sub.encode(), cursor.encode(), str(recovered).lower().encode())))

        return self.fanout.subscribe(peer, select(devices, **rest), since, reply)  # type: ignore[arg-type]


def select(devices: str, points: str = "*", mode: Mode = "all", max_rate: float = 0.0) -> Selection:
    return Selection((devices,), (points,), ("*",), mode, max_rate)


def readings(messages: list[Message]) -> list[tuple[str, dict[str, float]]]:
    return [(r["device"], r["values"]) for m in messages if m["type"] == "update" for r in m["readings"]]


def kinds(peer: FakePeer) -> list[str]:
    return [message["type"] for message in peer.messages]
