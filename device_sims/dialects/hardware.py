"""What every board in a house has: a hardware address, an address in the network, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from device_sims.signals import derive

START = 1_767_225_600.0  # seconds since 1970 when a fleet's age is 0, unless it is told another time


def hardware_address(seed: int, dialect: str, number: int) -> str:
    """The MAC address of a fleet's device number `number`, as 12 lower-case hexadecimal digits."""
    # An odd step goes through all 24 bits before it comes back: no two devices of a fleet share an address.
    own = derive(seed, "mac", dialect) + number * 0x9E3779
    return f"a4cf12{own & 0xFFFFFF:06x}"


def network_address(number: int) -> str:
    """The IPv4 address of a house's device number `number`, counted from 0."""
    return f"192.168.{20 + number // 240 % 230}.{10 + number % 240}"


def compact(value: Mapping[str, object]) -> bytes:
    """JSON without spaces, letters outside ASCII as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload; ValueError for anything else."""
    try:
        value = json.loads(payload)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
