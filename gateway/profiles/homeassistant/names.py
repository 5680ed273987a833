"""What the points of a device are called: by what the sender calls its entities, whatever order they come in."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from gateway.profiles.homeassistant.discovery import Configured, DeviceInfo

_LONGEST = 80  # characters


def names_of(entities: Iterable[Configured], device: DeviceInfo) -> dict[str, str]:
    """The name of each entity by its id.

    It is the object id without what repeats the device's own name: `temperature`. Where two have the same, both have
    their component before it (`sensor_temperature`), then the whole of their topic's names, then a stable hash.
    """
    # The longest first: it leaves the least.
    repeated = sorted(
        {_plain(text).lower() for text in (*device.keys, device.name or "")} - {""}, key=len, reverse=True
    )
    waiting = list(entities)
    names: dict[str, str] = {}
    for level in range(4):
        tried = {entity.id: _name(entity, repeated, level) for entity in waiting}
        taken = Counter(tried.values())
        taken.update(names.values())
        names.update({id: name for id, name in tried.items() if taken[name] == 1 or level == 3})
        waiting = [entity for entity in waiting if entity.id not in names]
    return names


def _name(entity: Configured, repeated: list[str], level: int) -> str:
    whole = _plain(entity.object)
    if level == 0:
        rest = _without(whole, repeated)
        return (_without(whole, [_plain(entity.node).lower()]) if rest == whole else rest) or entity.component
    if level == 1:
        return f"{entity.component}_{_without(whole, repeated) or whole}"[:_LONGEST]
    name = "_".join(part for part in (entity.component, _plain(entity.node), whole) if part)[:_LONGEST]
    return name if level == 2 else f"{name}_{hashlib.sha256(entity.id.encode()).hexdigest()[:8]}"


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "_", text).strip("_")[:_LONGEST]


def _without(whole: str, repeated: list[str]) -> str:
    """The name without the first of the repeated ones that it begins with; empty where it is nothing else."""
    lower = whole.lower()
    for start in repeated:
        if lower == start:
            return ""
        if start and lower.startswith(f"{start}_"):
            return whole[len(start) + 1 :]
    return whole
