"""The sections of a scenario, and the simulators and steps that they describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_sims.dialects.registry import read_profiles
from device_sims.fault_names import check_faults, parse_fault
from device_sims.faults import MODBUS, MQTT, RTU, SERIAL, Fault
from device_sims.kinds import KINDS
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import MqttFleet, nodes_or_fleet
from device_sims.mqtt_node import MqttNodes
from device_sims.mqtt_profiles import PROFILES
from device_sims.scenario.errors import ScenarioError, not_one_of
from device_sims.scenario.reading import Reading, Take, anything, duration, number, one_of, switch, text, texts, whole
from device_sims.scenario.yaml_file import load, place_of
from device_sims.serial_board import SerialBoard
from device_sims.wire import CHECKSUMS, CODECS, FRAMINGS

Simulator = SerialBoard | MqttNodes | MqttFleet | ModbusMeter


@dataclass(frozen=True, slots=True)
class Step:
    """A fault that a device has from `at` seconds on, for so many seconds, or to the end of the script."""

    at: float
    device: str
    fault: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Devices by name, and what befalls them; the script begins anew every `repeat` seconds, where that is set."""

    source: str
    devices: Mapping[str, Simulator]
    script: tuple[Step, ...] = ()
    repeat: float | None = None


def _profiles(value: object) -> list[str]:
    return read_profiles([value] if isinstance(value, str) else texts(value), others=tuple(PROFILES))


_COMMON: Mapping[str, Take] = {"name": text, "rate": number, "seed": whole, "devices": whole, "faults": texts}
SERIAL_KEYS: Mapping[str, Take] = {
    "serial": text,
    **_COMMON,
    "board": one_of(KINDS),
    "framing": one_of(FRAMINGS),
    "checksum": one_of(CHECKSUMS),
    "codec": one_of(CODECS),
    "header": switch,
    "poll": switch,
    "dead": texts,
    "stamp": switch,
}
MQTT_KEYS: Mapping[str, Take] = {
    "mqtt": text,
    **_COMMON,
    "kind": one_of(KINDS),
    "prefix": text,
    "profile": _profiles,
    "discovery": switch,
    "wait": duration,
    "stamp": switch,
}
MODBUS_KEYS: Mapping[str, Take] = {"modbus": text, **_COMMON}
STEP_KEYS: Mapping[str, Take] = {"at": duration, "device": text, "fault": text, "for": duration}
SCENARIO_KEYS: Mapping[str, Take] = {"devices": anything, "script": anything, "repeat": duration}


def read_scenario(
    source: str | os.PathLike[str] | Mapping[str, object], *, folder: str | os.PathLike[str] = ""
) -> Scenario:
    """The scenario in a file, or in a mapping as a file would hold it; `ScenarioError` says all that is wrong.

    Links that are no absolute paths are in `folder`.
    """
    if isinstance(source, Mapping):
        name, tree = "scenario", source
    else:
        name, loaded = os.fspath(source), load(Path(source))
        if not isinstance(loaded, Mapping):
            raise ScenarioError([f"{name}: expected a mapping with {', '.join(SCENARIO_KEYS)}"])
        tree = loaded
    reading = Reading(name)
    sections = reading.mapping(tree, "", SCENARIO_KEYS, required=("devices",))
    devices: dict[str, Simulator] = {}
    for path, place, item in reading.sequence(sections.get("devices", ()), "devices", place_of(tree, "devices")):
        _read_device(reading, path, place, item, Path(folder), devices)
    if "devices" in sections and not devices and not reading.errors:
        reading.wrong(place_of(tree, "devices"), "devices", "there is none")
    known = None if reading.errors else devices  # a device that could not be read must not be missed as well
    steps = [
        _read_step(reading, path, place, item, known, sections.get("repeat"))
        for path, place, item in reading.sequence(sections.get("script", ()), "script", place_of(tree, "script"))
    ]
    if sections.get("repeat") == 0:
        reading.wrong(place_of(tree, "repeat"), "repeat", "must be more than 0")
    reading.done()
    return Scenario(name, devices, tuple(step for step in steps if step is not None), sections.get("repeat"))


def _read_device(
    reading: Reading, path: str, place: str, item: object, folder: Path, devices: dict[str, Simulator]
) -> None:
    """Adds the device that the item describes."""
    types = {"serial": SERIAL_KEYS, "mqtt": MQTT_KEYS, "modbus": MODBUS_KEYS}
    found = [key for key in types if isinstance(item, Mapping) and key in item]
    if len(found) != 1:
        reading.wrong(place, path, f"expected a mapping with one of {', '.join(types)}")
        return
    [type_] = found
    before = len(reading.errors)
    keys = reading.mapping(item, path, types[type_], place=place)
    if len(reading.errors) > before:
        return
    try:
        faults = [parse_fault(each, keys.get("seed", 0)) for each in keys.pop("faults", ())]
        name = keys.pop("name", None) or (Path(keys["serial"]).name if type_ == "serial" else type_)
        if name in devices:
            raise ValueError(f"a device before it is named {name!r} too: give it another `name`")
        devices[name] = _MAKERS[type_](keys.pop(type_), folder, {**keys, "faults": faults})
    except ValueError as error:
        reading.wrong(place, path, str(error))


def _board(link: str, folder: Path, keys: dict[str, Any]) -> SerialBoard:
    if "board" in keys:
        keys["kind"] = keys.pop("board")
    return SerialBoard(folder / link, **keys)


def _nodes(url: str, folder: Path, keys: dict[str, Any]) -> MqttNodes | MqttFleet:
    if "wait" in keys:
        keys["start_timeout"] = keys.pop("wait")
    # A switch that says no is as good as none.
    given = {key: value for key, value in keys.items() if value is not False}
    return nodes_or_fleet(url, given.pop("profile", ["telemetry"]), given)


def _meter(where: str, folder: Path, keys: dict[str, Any]) -> ModbusMeter:
    """On a line where a path is given, a slash being what no address has; else on an address."""
    return ModbusMeter(link=folder / where, **keys) if "/" in where else ModbusMeter(where, **keys)


_MAKERS: Mapping[str, Callable[[str, Path, dict[str, Any]], Simulator]] = {
    "serial": _board,
    "mqtt": _nodes,
    "modbus": _meter,
}


def _read_step(
    reading: Reading, path: str, place: str, item: object, devices: Mapping[str, Simulator] | None, repeat: float | None
) -> Step | None:
    """The step, or None where it is wrong."""
    before = len(reading.errors)
    keys = reading.mapping(item, path, STEP_KEYS, required=("at", "device", "fault"), place=place)
    if devices is None or "device" not in keys:
        pass
    elif keys["device"] not in devices:
        reading.wrong(place_of(item, "device"), f"{path}.device", not_one_of(keys["device"], devices))
    elif "fault" in keys:
        try:
            script_fault(keys["fault"], devices[keys["device"]])
        except ValueError as error:
            reading.wrong(place_of(item, "fault"), f"{path}.fault", str(error))
    if keys.get("for") == 0:
        reading.wrong(place_of(item, "for"), f"{path}.for", "must be more than 0")
    if repeat and keys.get("at", 0.0) >= repeat:
        reading.wrong(place_of(item, "at"), f"{path}.at", f"the script begins anew after {repeat:g} s")
    if len(reading.errors) > before:
        return None
    return Step(keys["at"], keys["device"], keys["fault"], keys.get("for"))


def script_fault(given: str, simulator: Simulator) -> Fault:
    """The fault as a script switches it on; `ValueError` where it is none, or none of this simulator."""
    fault = parse_fault(given, at_once=True)
    match simulator:
        case SerialBoard():
            check_faults([fault], SERIAL)
        case MqttNodes() | MqttFleet():
            check_faults([fault], MQTT)
        case ModbusMeter():
            check_faults([fault], *([MODBUS, RTU] if simulator.link is not None else [MODBUS]))
    return fault
