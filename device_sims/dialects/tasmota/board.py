"""One board with Tasmota: what it announces, what it tells, and how it obeys.

The shapes are those of Tasmota 13.4 on an ESP8266 (tasmota.github.io: MQTT, Commands, and the driver for discovery).
"""

from __future__ import annotations

from datetime import UTC, datetime

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import compact, hardware_address, network_address
from device_sims.dialects.tasmota.models import LIGHT, SHUTTER, Meter, Model, Telling
from device_sims.dialects.travel import Travel
from device_sims.kinds import Value
from device_sims.signals import derive, uniform

VERSION = "13.4.0"
GROUP = "tasmotas"
SHUTTER_SECONDS = 10.0  # from closed to open
COLDEST, WARMEST = 153, 500  # mired


class Board:
    """Board number `number` of the fleet. `start` is seconds since 1970 when its age was 0."""

    def __init__(self, number: int, model: Model, seed: int, record: Record, start: float) -> None:
        self.model = model
        self.age = 0.0
        self.address = hardware_address(seed, "tasmota", number).upper()
        self.topic = f"tasmota_{self.address[6:]}"
        self.network = network_address(number)
        own = derive(seed, self.topic)
        self.hostname = f"{self.topic.replace('_', '-')}-{own % 8192:04d}"
        self.power = [kind != SHUTTER and uniform(own, i) < 0.7 for i, kind in enumerate(model.relays)]
        self.dimmer = 1 + own % 100
        self.mired = COLDEST + own % (WARMEST - COLDEST)
        self.shutter = Travel(float(own % 101), seconds=SHUTTER_SECONDS)
        self.signal = -45 - own % 35  # dBm
        self._record = record
        self._start = start
        self._sensors = model.sensors(own) if model.sensors else None
        self._meter = Meter(own, self.time(-86_400 * 30)) if model.metered else None

    def time(self, age: float) -> str:
        """The board's own clock, which goes by UTC and does not say so."""
        return datetime.fromtimestamp(self._start + age, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def record(self, point: str, value: Value) -> None:
        """Notes what an actuator did."""
        self._record(self.topic, point, value)

    def stat(self, name: str, payload: bytes, retain: bool = False) -> Publication:
        """A message below `stat`."""
        return Publication(f"stat/{self.topic}/{name}", payload, retain)

    def result(self, telling: Telling) -> Publication:
        """The answer to a command."""
        return self.stat("RESULT", compact(telling))

    def tele(self, name: str, payload: bytes, retain: bool = False) -> Publication:
        """A message below `tele`."""
        return Publication(f"tele/{self.topic}/{name}", payload, retain)

    # What it tells

    def alive(self, online: bool) -> Publication:
        """Its last will, or the contrary."""
        return Publication(f"tele/{self.topic}/LWT", b"Online" if online else b"Offline", retain=True, qos=1)

    def powers(self) -> Telling:
        """The states of the relays; a single one has no number."""
        if len(self.power) == 1:
            return {"POWER": _on(self.power[0])}
        return {f"POWER{i}": _on(on) for i, on in enumerate(self.power, start=1)}

    def power_messages(self, index: int) -> list[Publication]:
        """What the board says when a relay was switched, or asked for."""
        name = "POWER" if len(self.power) == 1 else f"POWER{index + 1}"
        state = _on(self.power[index])
        return [self.result({name: state}), self.stat(name, state.encode())]

    def light(self) -> Telling:
        """The state of the light: cold and warm white share its brightness."""
        warm = (self.mired - COLDEST) / (WARMEST - COLDEST)
        channels = [round(self.dimmer * (1 - warm)), round(self.dimmer * warm)]
        return {
            **self.powers(),
            "Dimmer": self.dimmer,
            "Color": "".join(f"{(channel * 255 + 50) // 100:02X}" for channel in channels),
            "CT": self.mired,
            "Channel": channels,
        }

    def shutter_state(self) -> Telling:
        """Where the shutter is and where it goes, in % open."""
        position = round(self.shutter.position)
        target = position if self.shutter.target is None else round(self.shutter.target)
        return {
            "Shutter1": {"Position": position, "Direction": self.shutter.direction, "Target": target, "Tilt": 0},
        }

    def state(self) -> Telling:
        """What `tele/…/STATE` says."""
        uptime = int(self.age) + 12
        lamp = self.model.relays == (LIGHT,)
        return {
            "Time": self.time(self.age),
            "Uptime": _span(uptime),
            "UptimeSec": uptime,
            "Heap": 25,
            "SleepMode": "Dynamic",
            "Sleep": 50,
            "LoadAvg": 19,
            "MqttCount": 1,
            **(self.light() if lamp else self.powers()),
            **({"Fade": "OFF", "Speed": 1, "LedTable": "ON"} if lamp else {}),
            "Wifi": {
                "AP": 1,
                "SSId": "workshop",
                "BSSId": "74:83:C2:1D:5E:0A",
                "Channel": 6,
                "Mode": "11n",
                "RSSI": min(100, max(0, 2 * (self.signal + 100))),
                "Signal": self.signal,
                "LinkCount": 1,
                "Downtime": "0T00:00:03",
            },
        }

    def sensors(self, *, period: bool = False) -> Telling:
        """What `tele/…/SENSOR` says; telemetry tells the energy of its period too."""
        return {
            "Time": self.time(self.age),
            **(self._sensors(self.age) if self._sensors else {}),
            **({"ENERGY": self._meter.read(self.age, self.power[0], period)} if self._meter else {}),
            **(self.shutter_state() if self.model.shutters else {}),
        }

    def discovery(self) -> list[Publication]:
        """The two retained messages by which others find it."""
        model = self.model
        relays = [*model.relays, *[0] * (32 - len(model.relays))]
        names = [model.name, *(f"{model.name}{i}" for i in range(2, len(model.relays) + 1))]
        config: Telling = {
            "ip": self.network,
            "dn": model.name,
            "fn": [*names, *[None] * (8 - len(names))],
            "hn": self.hostname,
            "mac": self.address,
            "md": model.module,
            "ty": 0,
            "if": 0,
            "ofln": "Offline",
            "onln": "Online",
            "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": VERSION,
            "t": self.topic,
            "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"],
            "rl": relays,
            "swc": [-1] * 28,
            "swn": [None] * 28,
            "btn": [0] * 32,
            "so": dict.fromkeys(("4", "11", "13", "17", "20", "30", "68", "73", "82", "114", "117"), 0),
            "lk": 0,
            "lt_st": model.light,
            "bat": 0,
            "dslp": 0,
            "sho": [0] * model.shutters,
            "sht": [[0, 0, 0]] * model.shutters,
            "ver": 1,
        }
        base = f"tasmota/discovery/{self.address}"
        return [
            Publication(f"{base}/config", compact(config), retain=True),
            Publication(f"{base}/sensors", compact({"sn": self.sensors(), "ver": 1}), retain=True),
        ]

    def hello(self) -> list[Publication]:
        """What it says once it is connected."""
        infos: list[Telling] = [
            {
                "Module": self.model.module,
                "Version": f"{VERSION}(tasmota)",
                "FallbackTopic": f"cmnd/DVES_{self.address[6:]}_fb/",
                "GroupTopic": f"cmnd/{GROUP}/",
            },
            {"WebServerMode": "Admin", "Hostname": self.hostname, "IPAddress": self.network},
            {"RestartReason": "Power On", "BootCount": 7},
        ]
        said = [self.alive(True)]
        said += [self.tele(f"INFO{i}", compact({f"Info{i}": info})) for i, info in enumerate(infos, start=1)]
        for index in range(len(self.power)):
            said += self.power_messages(index)
        return [*said, *self.discovery(), *self.telemetry()]

    def telemetry(self) -> list[Publication]:
        """State and sensors, as every few minutes; a board without sensors is silent about them."""
        said = [self.tele("STATE", compact(self.state()))]
        sensors = self.sensors(period=True)
        return [*said, self.tele("SENSOR", compact(sensors))] if len(sensors) > 1 else said

    def report(self, age: float) -> list[Publication]:
        """Telemetry at that age, after what the shutter has done since the last."""
        self.age = max(age, self.age)
        moving = self.shutter.target is not None
        arrived = self.shutter.advance(self.age)
        said = self.rest() if arrived else [self.result(self.shutter_state())] if moving else []
        return [*said, *self.telemetry()]

    def rest(self) -> list[Publication]:
        """What the board says when its shutter has stopped."""
        said = [self.stat("SHUTTER1", b"%d" % round(self.shutter.position))]
        for index, on in enumerate(self.power):
            if on:
                self.power[index] = False
                said += self.power_messages(index)
        return [*said, self.result(self.shutter_state())]


def _on(state: bool) -> str:
    return "ON" if state else "OFF"


def _span(seconds: int) -> str:
    """Days and time, as `1T02:03:04`."""
    return f"{seconds // 86_400}T{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
