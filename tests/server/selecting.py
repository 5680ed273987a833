"""What a selection carries, told from the protocol and not from the gateway's code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from gateway.server.stream import Selection


@cache
def fits(globs: tuple[str, ...], name: str) -> bool:
    """Whether a glob of the protocol takes the name, told in other words than the gateway's."""
    return any(
        re.fullmatch("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob), name)
        for glob in globs
    )


def wants(selection: Selection, device: str) -> bool:
    return fits(selection.devices, device) and fits(selection.readable, device)


def narrowed(selection: Selection, members: dict[str, Any]) -> dict[str, Any]:
    """The points that the selection carries of a mapping by points."""
    return {point: value for point, value in members.items() if fits(selection.points, point)}
