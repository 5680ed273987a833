"""Interlocks: what other points must show for a command to be sent. What is not known is a no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.bus import Device, Devices
from gateway.config.commanding import RequireSection
from gateway.model import DeviceState, Quality, Value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the conditions saw, by `device.point`, and the reason of the first that does not hold."""

    inputs: dict[str, Value]
    refusal: str | None = None


def judge(conditions: Iterable[RequireSection], devices: Devices, now: float) -> Verdict:
    """Whether all conditions hold at `now` (monotonic seconds)."""
    inputs: dict[str, Value] = {}
    refusal: str | None = None
    for condition in conditions:
        reason = _refusal(condition, devices, now, inputs)
        refusal = refusal or reason
    return Verdict(inputs, refusal and f"interlock: {refusal}")


def _refusal(condition: RequireSection, devices: Devices, now: float, inputs: dict[str, Value]) -> str | None:
    where = condition.point
    inputs[where] = None
    found = _find(where, devices)
    if found is None:
        return f"there is no value of {where}"
    device, point = found
    value, _, quality, heard = device.latest[point]
    inputs[where] = value
    if device.state not in (DeviceState.ONLINE, DeviceState.DEGRADED):
        return f"{device.id} is {device.state.value}"
    if quality is not Quality.GOOD:
        return f"the quality of {where} is {quality.value}"
    age = now - heard
    if age > condition.fresh:
        return f"{where} was heard {age:.1f} s ago, and must be no older than {condition.fresh:g} s"
    return _compared(condition, value)


def _compared(condition: RequireSection, value: Value) -> str | None:
    where = condition.point
    if condition.equals is not None and (
        value != condition.equals or isinstance(value, bool) is not isinstance(condition.equals, bool)
    ):
        return f"{where} is {_shown(value)}, and must be {_shown(condition.equals)}"
    if condition.above is None and condition.below is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{where} is {_shown(value)}, and must be a number"
    if condition.above is not None and not value > condition.above:
        return f"{where} is {value:g}, and must be above {condition.above:g}"
    if condition.below is not None and not value < condition.below:
        return f"{where} is {value:g}, and must be below {condition.below:g}"
    return None


def _find(where: str, devices: Devices) -> tuple[Device, str] | None:
    """The device and point of `device.point`; both may hold dots, so that the longest device id that fits is taken."""
    parts = where.split(".")
    for count in (2, 1):  # a device id has one dot at most
        device = devices.get(".".join(parts[:count]))
        point = ".".join(parts[count:])
        if device is not None and point in device.latest:
            return device, point
    return None


def _shown(value: Value) -> str:
    return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)[:40]
