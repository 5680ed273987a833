"""Shows a person what was found on a broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import orjson

from gateway.bus import Device
from gateway.cli.discover.survey import Found
from gateway.detection.topics import Proposal
from gateway.model import Point

_POINTS = 40  # of a device that are shown
_NAMES = 6  # of devices in a line
_EXAMPLE = 60  # characters
_LEFT_OUT = 8  # topics


def told(found: Sequence[Found], adapter: str) -> Iterator[str]:
    """Lines: each profile, its devices with their ids below `adapter`, and the points of each with an example."""
    for profile, of_profile in groupby(found, key=lambda one: one.profile):
        devices = [one.device for one in of_profile]
        yield f"{profile}: {count(len(devices), 'device')}"
        for device in devices:
            yield f"  {device.name}{_make(device)}  {adapter}.{device.id.partition('.')[2]}"
            yield from _points(device)


def _make(device: Device) -> str:
    made = " ".join(text for text in (device.described.vendor, device.described.model) if text)
    return f" ({made})" if made else ""


def _points(device: Device) -> Iterator[str]:
    shown = list(device.points.items())[:_POINTS]
    rows = [(name, _kind(point, device.described.points.get(name)), _value(device, name)) for name, point in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    for name, kind, value in rows:
        yield f"    {name:<{widths[0]}}  {kind:<{widths[1]}}  {value}".rstrip()
    if len(device.points) > _POINTS:
        yield f"    … and {len(device.points) - _POINTS} more"


def _kind(point: Point, said: Point | None) -> str:
    words: list[str] = [point.type]
    if point.values:
        words.append(f"of {', '.join(point.values)}"[:_EXAMPLE])
    if point.min is not None and point.max is not None:
        words.append(f"{point.min:g} to {point.max:g}")
    if point.unit:
        words.append(point.unit)
    # Commands are not allowed here, whatever the device takes.
    return " ".join(words) + (", takes commands" if said is not None and said.writable else "")


def _value(device: Device, point: str) -> str:
    latest = device.latest.get(point)
    return "" if latest is None else cut(orjson.dumps(latest[0]).decode())


def proposed(proposals: Sequence[Proposal]) -> Iterator[str]:
    """Lines: each template, whose topics it brings, and an example."""
    width = max((len(proposal.readings) for proposal in proposals), default=0)
    for proposal in proposals:
        names = ", ".join(proposal.devices[:_NAMES]) + (", …" if len(proposal.devices) > _NAMES else "")
        whose = f"{count(len(proposal.devices), 'device')}: {names}" if proposal.devices else "no device in the topic"
        yield f"  {proposal.readings:<{width}}  {proposal.codec}, {whose}"
        topic, payload = proposal.example
        yield f"    {topic}  {cut(payload.decode('utf-8', 'replace'))}"


def listed(topics: Sequence[str]) -> Iterator[str]:
    """Lines: the first of some topics."""
    for topic in topics[:_LEFT_OUT]:
        yield f"  {topic}"
    if len(topics) > _LEFT_OUT:
        yield f"  … and {len(topics) - _LEFT_OUT} more"


def cut(text: str) -> str:
    """The text in one line of bounded length."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXAMPLE else f"{flat[: _EXAMPLE - 1]}…"


def count(number: int, what: str) -> str:
    """`1 device`, `2 devices`"""
    return f"{number} {what}{'' if number == 1 else 's'}"
