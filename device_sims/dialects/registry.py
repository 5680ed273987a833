"""The dialects by name. One is imported when a fleet of it is made, and not before."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from typing import cast

from device_sims.dialects.base import Dialect, Record

DIALECTS = ("zigbee2mqtt", "tasmota", "esphome", "shelly", "homeassistant", "homie", "sparkplug")
ANNOUNCING = ("zigbee2mqtt", "esphome")  # that can describe their devices to Home Assistant too
SEPARATE = ("tasmota", "esphome", "shelly")  # of which each device has a connection, and a last will, of its own
ALL = "all"


def dialect_of(name: str, devices: int, seed: int, record: Record, *, discovery: bool = False) -> Dialect:
    """A fleet of the dialect; with `discovery`, one that can describe its devices to Home Assistant does so."""
    more = {"discovery": True} if discovery and name in ANNOUNCING else {}
    made = importlib.import_module(f"device_sims.dialects.{name}").Fleet(devices, seed, record, **more)
    return cast(Dialect, made)


def read_profiles(given: Iterable[str], others: Sequence[str] = ()) -> list[str]:
    """The profiles in texts such as `homie`, `homie,tasmota` or `all` (every dialect), each once.

    `others` are known beside the dialects. `ValueError` for one that is unknown.
    """
    profiles: list[str] = []
    known = (*others, *DIALECTS, ALL)
    for name in (part.strip() for text in given for part in text.split(",")):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"no profile is named {name!r}: there are {', '.join(known)}{meant}")
        profiles += DIALECTS if name == ALL else (name,)
    return list(dict.fromkeys(profiles))
