"""The time in sentences of NMEA 0183, of which only some tell the date."""

from __future__ import annotations

import re
from datetime import date

from gateway.errors import CodecError

_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(\.\d{1,9})?", re.ASCII)
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)
_TIME_AT = {"RMC": 0, "ZDA": 0, "GGA": 0, "GNS": 0, "GST": 0, "GLL": 4}  # the field that holds it
_RMC_DATE_AT = 8

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_YEAR = 80  # a GPS receiver that knows no date says 1980
_DAY = 86400
_NEAR = 10  # seconds: sentences so close to each other are of one fix, or of the next


class Clock:
    """Makes times of day into seconds since the Unix epoch.

    RMC and ZDA tell the date. The others have it from the last of these, where that is only seconds away: so nothing
    jumps at midnight, or after a silence of days.
    """

    def __init__(self) -> None:
        self._date = ""
        self._begin = 0  # when that date began
        self._last: float | None = None  # the last time that came with its date

    def time(self, kind: str, fields: list[str]) -> float | None:
        """The time of the sentence; None where it tells none, or not on which day. Raises CodecError."""
        place = _TIME_AT.get(kind)
        if place is None or place >= len(fields) or not fields[place]:
            return None
        found = _TIME.fullmatch(fields[place])
        if found is None:
            raise CodecError(f"{fields[place][:20]!r} is not a time of day")
        hours, minutes, seconds, fraction = found.groups()
        of_day = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(fraction or 0)
        day = _date(kind, fields)
        if day is not None:
            if day != self._date:
                self._begin = _begin(day)
                self._date = day
            self._last = self._begin + of_day
            return self._last
        if self._last is None:
            return None
        away = (of_day - self._last + _DAY / 2) % _DAY - _DAY / 2  # midnight may lie between
        return round(self._last + away, 6) if abs(away) <= _NEAR else None


def _date(kind: str, fields: list[str]) -> str | None:
    """The date of the sentence as ddmmyy; None where it tells none."""
    if kind == "RMC":
        return fields[_RMC_DATE_AT] or None if len(fields) > _RMC_DATE_AT else None
    if kind == "ZDA":
        day, month, year = (fields + [""] * 4)[1:4]
        return f"{day:0>2}{month:0>2}{year[-2:]}" if day and month and year else None
    return None


def _begin(text: str) -> int:
    """When the day began; raises CodecError where there is no such day."""
    found = _DATE.fullmatch(text)
    try:
        if found is not None:
            day, month, year = map(int, found.groups())
            year += 1900 if year >= _FIRST_YEAR else 2000
            return (date(year, month, day).toordinal() - _EPOCH) * _DAY
    except ValueError:
        pass
    raise CodecError(f"{text[:20]!r} is not a date")
