"""Boards that talk NMEA 0183: a GPS receiver, and the instruments of a boat.

The sentences are of version 3.01, without their checksum, which the framing adds (nmea_framing).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from device_sims.device import Command, Poll
from device_sims.kinds import Kind, Value
from device_sims.signals import derive, uniform
from device_sims.wire.checksums import Checksum, xor8
from device_sims.wire.delimited_frames import Lines

KNOTS = 3600 / 1852  # in a metre a second
KMH = 3.6  # in a metre a second
FEET = 1 / 0.3048  # in a metre
FATHOMS = 1 / 1.8288  # in a metre
IN_A_GSV = 4  # satellites
IN_A_GSA = 12  # satellites, or empty fields in their place
FEW = 3  # satellites, with which there is no fix


def nmea_framing() -> Lines:
    """Lines that end in CR LF, with the exclusive or of what stands between `$` and `*`."""
    return Lines(Checksum(1, "big", lambda sentence: xor8(sentence[1:])), end=b"\r\n")


class Nmea:
    """Sentences of a kind that is in TALKERS; `clock` gives seconds since 1970 for a reading that has no time."""

    def __init__(self, kind: Kind, *, clock: Callable[[], float]) -> None:
        self._sentences = TALKERS[kind.name]
        self._clock = clock

    def hello(self) -> list[bytes]:
        """Nothing."""
        return []

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """A burst of sentences."""
        stamp = values.get("time", 0.0)
        now = datetime.fromtimestamp(float(stamp) or self._clock(), UTC)
        numbers = {point: float(value) for point, value in values.items() if not isinstance(value, str)}
        return [f"${sentence}".encode() for sentence in self._sentences(numbers, now)]

    def heard(self, payload: bytes) -> Command | Poll | None:
        """A talker does not listen."""
        raise ValueError("a talker takes no commands")

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """None."""
        return None


def _gps(values: Mapping[str, float], now: datetime) -> list[str]:
    fix = values["fix"] > 0
    used = int(values["satellites"]) if fix else FEW
    time = f"{now:%H%M%S}.{now.microsecond // 10_000:02d}"
    place = f"{_degrees(values['latitude'], 'NS', 2)},{_degrees(values['longitude'], 'EW', 3)}" if fix else ",,,"
    altitude = f"{values['altitude']:.1f},M,44.6,M" if fix else ",M,,M"
    knots, kmh = f"{values['speed'] * KNOTS:.2f}", f"{values['speed'] * KMH:.2f}"
    course = f"{values['course']:.1f}"
    hdop = 8 / used if fix else 99.99
    in_use = [f"{number:02d}" for number in range(2, 2 + used)] if fix else []
    return [
        f"GPGGA,{time},{place},{int(fix)},{used:02d},{hdop:.2f},{altitude},,",
        f"GPRMC,{time},{'A' if fix else 'V'},{place},{knots if fix else ''},{course if fix else ''},{now:%d%m%y},,,"
        f"{'A' if fix else 'N'}",
        f"GPGSA,A,{3 if fix else 1},{','.join(in_use + [''] * (IN_A_GSA - len(in_use)))},"
        f"{hdop * 1.6 if fix else hdop:.2f},{hdop:.2f},{hdop * 1.25 if fix else hdop:.2f}",
        *_in_view(used + 2),
        f"GPVTG,{course},T,,M,{knots},N,{kmh},K,A" if fix else "GPVTG,,T,,M,,N,,K,N",
    ]


def _in_view(count: int) -> list[str]:
    """The GSV sentences of so many satellites, each always at the same place in the sky."""
    sky = []
    for number in range(2, 2 + count):
        elevation, azimuth, strength = (uniform(derive(number, "sky"), i) for i in range(3))
        sky.append(f"{number:02d},{5 + elevation * 80:02.0f},{azimuth * 359:03.0f},{20 + strength * 28:02.0f}")
    messages = math.ceil(count / IN_A_GSV)
    return [
        f"GPGSV,{messages},{i + 1},{count:02d},{','.join(sky[i * IN_A_GSV : (i + 1) * IN_A_GSV])}"
        for i in range(messages)
    ]


def _boat(values: Mapping[str, float], now: datetime) -> list[str]:
    depth, speed = values["depth"], values["speed"]
    return [
        f"WIMWV,{values['wind_angle']:.1f},R,{values['wind_speed'] * KNOTS:.1f},N,A",
        f"SDDBT,{depth * FEET:.1f},f,{depth:.2f},M,{depth * FATHOMS:.2f},F",
        f"YXMTW,{values['water_temperature']:.1f},C",
        f"HEHDT,{values['heading']:.1f},T",
        f"VWVHW,{values['heading']:.1f},T,,M,{speed * KNOTS:.2f},N,{speed * KMH:.2f},K",
    ]


TALKERS: Mapping[str, Callable[[Mapping[str, float], datetime], list[str]]] = {"gps": _gps, "boat": _boat}


def _degrees(angle: float, hemispheres: str, width: int) -> str:
    """An angle as whole degrees and minutes, with the letter of its hemisphere."""
    minutes = round(abs(angle) * 60, 5)
    whole = int(minutes // 60)
    return f"{whole:0{width}d}{minutes - whole * 60:08.5f},{hemispheres[angle < 0]}"
