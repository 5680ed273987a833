"""What is simulated: the processes that play the devices, and the configuration of the gateway that talks to them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.cli.demo.children import Children, listening, spoken
from gateway.config import Config, parse
from gateway.config.models import Listen

_CLIMATE = """
      temperature: {title: Temperature, unit: Cel, min: -20, max: 60, stale_after: 5s}
      humidity: {title: Humidity, unit: "%", min: 0, max: 100, stale_after: 5s}
      pressure: {title: Air pressure, unit: hPa, min: 800, max: 1100, stale_after: 5s}
      fan: {title: Fan, type: boolean, writable: true}
      setpoint: {title: Set temperature, type: number, unit: Cel, min: 5, max: 30, writable: true}
      sequence: {title: Readings sent, type: integer}"""

# Ordinary configuration, as a person would write it; in brackets what differs from run to run.
_CONFIGURATION = """
gateway: {name: demo}
server: {listen: "[listen]"}
[auth]
audit: {path: audit.db}
adapters:
  - id: greenhouse
    type: serial
    port: [folder]/greenhouse
    silence: 5s
    commands: {timeout: 2s}
  - id: workshop
    type: serial
    port: [folder]/workshop
    silence: 5s
    commands: {timeout: 2s}
  - id: house
    type: mqtt
    url: [broker]
    version: 3.1.1
    silence: 6s
    topics:
      - readings: house/{device}/telemetry
        commands: {topic: "house/{device}/set", ack: "house/{device}/ack", timeout: 2s}
        availability: {topic: "house/{device}/status"}
  - id: garden
    type: mqtt
    url: [broker]
    version: 3.1.1
    silence: 6s
    topics:
      - readings: garden/{device}/{point}
        commands: {topic: "garden/{device}/{point}/set", timeout: 2s}
        availability: {topic: "garden/{device}/status"}
  - id: cellar
    type: mqtt
    url: [broker]
    version: 3.1.1
    silence: 5s
    topics:
      - readings: cellar/{device}/telemetry
        commands: {topic: "cellar/{device}/set", ack: "cellar/{device}/ack", timeout: 2s}
        availability: {topic: "cellar/{device}/status"}
devices:
  greenhouse:
    name: Greenhouse
    points:[climate]
  workshop:
    name: Workshop power
    points:
      voltage: {title: Voltage, unit: V, min: 0, max: 260}
      current: {title: Current, unit: A, min: 0, max: 16}
      power: {title: Power, unit: W, min: 0, max: 3680}
      pulses: {title: Meter pulses, type: integer}
      relay: {title: Main switch, type: boolean, writable: true}
      limit: {title: Power limit, type: number, unit: W, min: 0, max: 3680, writable: true}
      sequence: {title: Readings sent, type: integer}
  house.node1:
    name: Living room
    points:[climate]
  house.node2:
    name: Bedroom
    points:[climate]
  garden.node1:
    name: Rain barrel
    points:
      level: {title: Level, unit: "%", min: 0, max: 100}
      flow: {title: Flow, unit: L/min, min: 0, max: 30}
      valve: {title: Valve, type: boolean, writable: true, confirm: verified}
      pump: {title: Pump power, type: number, unit: "%", min: 0, max: 100, writable: true, confirm: verified}
      sequence: {title: Readings sent, type: integer}
  cellar.node1:
    name: Cellar (weak radio)
    points:[climate]
"""
# Whoever names an address that others can reach wants them to see it; there is nothing to protect.
_FOR_ALL = 'auth: {anonymous: {read: ["*"], command: ["*"]}}'


def configuration(listen: Listen, folder: Path, broker: int) -> Config:
    """The gateway's configuration. `folder` has the links of the serial boards, `broker` is the broker's port."""
    text = _CONFIGURATION
    for name, value in {
        "[listen]": str(listen),
        "[auth]": "" if listen.loopback else _FOR_ALL,
        "[folder]": str(folder),
        "[broker]": f"mqtt://127.0.0.1:{broker}",
        "[climate]": _CLIMATE,
    }.items():
        text = text.replace(name, value)
    return parse(text, "demo", folder)


async def play(children: Children, folder: Path, broker: int) -> None:
    """Starts the broker and the devices; they are all there when it returns. Raises FieldgateError."""

    async def board(name: str, kind: str, rate: int) -> None:
        command = ("serial", "--link", str(folder / name), "--board", kind, "--rate", str(rate), "--seed", "1")
        await children.start(f"the simulated board {name}", "device_sims", *command, ready=spoken)

    async def nodes(name: str, kind: str, rate: int, count: int, *more: str) -> None:
        command = ("mqtt", "--url", f"mqtt://127.0.0.1:{broker}", "--prefix", name, "--kind", kind, "--rate", str(rate))
        counted = ("--devices", str(count), "--seed", str(sum(name.encode())))
        await children.start(f"the simulated node {name}", "device_sims", *command, *counted, *more, ready=spoken)

    # It logs every packet as an error.
    quiet = ("--log-level", "CRITICAL")
    where = ("--listen", "127.0.0.1", "--port", str(broker))
    await children.start("the MQTT broker", "iotcore", *where, *quiet, ready=listening(broker))
    async with asyncio.TaskGroup() as group:
        group.create_task(board("greenhouse", "climate", 4), name="greenhouse")
        group.create_task(board("workshop", "power", 8), name="workshop")
        group.create_task(nodes("house", "climate", 2, 2), name="house")
        group.create_task(nodes("garden", "tank", 2, 1, "--profile", "raw"), name="garden")
        # One that is not quite well, to show how that looks.
        ill = ("--fault", "silence=after:40,seconds:15", "--fault", "refuse=every:3,error:the damper is stuck")
        group.create_task(nodes("cellar", "climate", 2, 1, *ill), name="cellar")
