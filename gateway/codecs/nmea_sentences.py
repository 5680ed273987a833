"""What the sentences of NMEA 0183 say: which of their fields are which points, in which units.

The fields are called as the library calls them that knows their order. A point means the same in every sentence, so
that a chart of `speed` never mixes the speed over ground with that through the water.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

KNOT = 1852 / 3600  # m/s
DEGREES, METRES, HECTOPASCALS, CELSIUS = "deg", "m", "hPa", "Cel"
SPEED = "speed"  # the unit that the options choose

# What the letters of a quantity's units are in the unit that the point has.
FACTORS: dict[str, Mapping[str, float]] = {
    SPEED: {"M": 1.0, "N": KNOT, "K": 1 / 3.6, "S": 0.44704},  # as m/s
    METRES: {"M": 1.0, "f": 0.3048, "F": 1.8288},
    HECTOPASCALS: {"B": 1000.0, "I": 33.86389},
    CELSIUS: {"C": 1.0},
    "[nmi_i]": {"N": 1.0},
}


@dataclass(frozen=True, slots=True)
class Source:
    """A field that may give a value, and its unit: a letter of `FACTORS`, or the name of the field that holds it."""

    field: str
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A point, its unit, and the fields that may give it: the first that is not empty does.

    `sign` is a field that says which way a value counts (`W`, `S` and `L` are negative); `place` is latitude's 90 or
    longitude's 180; `turned` is an angle to port or starboard that becomes one from 0 to 360.
    """

    point: str
    unit: str | None
    sources: tuple[Source, ...]
    sign: str | None = None
    place: int | None = None
    whole: bool = False
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """The items of a sentence. `void` are the field and the test by which it says that `items` are not to be trusted.

    `always` are items that hold all the same.
    """

    items: tuple[Item, ...]
    void: tuple[str, Callable[[str], bool]] | None = None
    always: tuple[Item, ...] = ()


def _number(point: str, unit: str | None, field: str, sign: str | None = None) -> Item:
    return Item(point, unit, (Source(field),), sign)


def _whole(point: str, field: str) -> Item:
    return Item(point, None, (Source(field),), whole=True)


def _measured(point: str, unit: str, *sources: tuple[str, str]) -> Item:
    return Item(point, unit, tuple(Source(field, letter) for field, letter in sources))


def _wind(name: str, angle: str, sign: str | None, *speeds: tuple[str, str]) -> tuple[Item, ...]:
    turned = Item(f"{name}.angle", DEGREES, (Source(angle),), sign, turned=sign is not None)
    return turned, _measured(f"{name}.speed", SPEED, *speeds)


_POSITION = (
    Item("latitude", DEGREES, (Source("lat"),), "NS", place=90),
    Item("longitude", DEGREES, (Source("lon"),), "EW", place=180),
)
_HEIGHT = (_number("altitude", METRES, "alt"), _number("geoid_separation", METRES, "sep"))
_HDOP = _number("hdop", None, "HDOP")
_SATELLITES = _whole("satellites", "numSV")


def _not_a(status: str) -> bool:
    return status != "A"


SENTENCES: dict[str, Sentence] = {
    # ---- position, course and speed over ground
    "GGA": Sentence(
        (*_POSITION, *_HEIGHT, _HDOP),
        void=("quality", lambda quality: quality in ("", "0")),
        always=(_whole("fix", "quality"), _SATELLITES),
    ),
    "GNS": Sentence(
        (*_POSITION, *_HEIGHT, _HDOP), void=("posMode", lambda modes: not modes.strip("N")), always=(_SATELLITES,)
    ),
    "RMC": Sentence(
        (*_POSITION, _measured("speed", SPEED, ("spd", "N")), _number("course", DEGREES, "cog")),
        void=("status", _not_a),
        always=(_number("variation", DEGREES, "mv", "mvEW"),),
    ),
    "GLL": Sentence(_POSITION, void=("status", _not_a)),
    "VTG": Sentence(
        (
            _number("course", DEGREES, "cogt"),
            _number("course.magnetic", DEGREES, "cogm"),
            _measured("speed", SPEED, ("sogn", "N"), ("sogk", "K")),
        ),
        void=("posMode", lambda mode: mode == "N"),
    ),
    "ZDA": Sentence(()),
    "GSA": Sentence(
        (_number("pdop", None, "PDOP"), _HDOP, _number("vdop", None, "VDOP")),
        void=("navMode", lambda mode: mode in ("", "1")),
        always=(_whole("fix.mode", "navMode"),),
    ),
    "GST": Sentence(
        (
            _number("error.latitude", METRES, "stdLat"),
            _number("error.longitude", METRES, "stdLong"),
            _number("error.altitude", METRES, "stdAlt"),
        )
    ),
    # ---- heading and steering
    "HDT": Sentence((_number("heading.true", DEGREES, "headingT"),)),
    "HDM": Sentence((_number("heading.magnetic", DEGREES, "headingM"),)),
    "HDG": Sentence(
        (
            _number("heading.magnetic", DEGREES, "headingM"),
            _number("deviation", DEGREES, "deviation", "deviationEW"),
            _number("variation", DEGREES, "variation", "variationEW"),
        )
    ),
    "THS": Sentence((_number("heading.true", DEGREES, "headt"),), void=("mi", lambda mode: mode == "V")),
    "ROT": Sentence((_number("rate_of_turn", "deg/min", "rot"),), void=("valid", _not_a)),
    "RSA": Sentence((_number("rudder", DEGREES, "stbdangle"),), void=("stbdstatus", _not_a)),
    # ---- wind
    "MWD": Sentence(
        (
            _number("wind.direction", DEGREES, "dirT"),
            _number("wind.direction.magnetic", DEGREES, "dirM"),
            _measured("wind.true.speed", SPEED, ("speedM", "M"), ("speedN", "N")),
        )
    ),
    "MWV": Sentence(_wind("wind", "angle", None, ("speed", "speedu")), void=("status", _not_a)),
    "VWR": Sentence(_wind("wind", "angle", "side", ("speedN", "N"), ("speedM", "M"), ("speedK", "K"))),
    "VWT": Sentence(_wind("wind.true", "angle", "side", ("speedN", "N"), ("speedM", "M"), ("speedK", "K"))),
    # ---- water
    "VHW": Sentence(
        (
            _number("heading.true", DEGREES, "hdgT"),
            _number("heading.magnetic", DEGREES, "hdgM"),
            _measured("water.speed", SPEED, ("spdN", "N"), ("spdK", "K")),
        )
    ),
    "VDR": Sentence(
        (
            _number("current.direction", DEGREES, "dirT"),
            _number("current.direction.magnetic", DEGREES, "dirM"),
            _measured("current.speed", SPEED, ("spd", "N")),
        )
    ),
    "VLW": Sentence(
        (
            _measured("log.total", "[nmi_i]", ("twd", "twdUnit")),
            _measured("log.trip", "[nmi_i]", ("wd", "wdUnit")),
            _measured("log.ground.total", "[nmi_i]", ("tgd", "tgdUnit")),
            _measured("log.ground.trip", "[nmi_i]", ("gd", "gdUnit")),
        )
    ),
    "DPT": Sentence((_number("depth", METRES, "depth"), _number("depth.offset", METRES, "offset"))),
    **{
        sentence: Sentence((_measured(point, METRES, ("depthm", "M"), ("depthf", "f"), ("depthfath", "F")),))
        for sentence, point in (("DBT", "depth"), ("DBS", "depth.surface"), ("DBK", "depth.keel"))
    },
    "MTW": Sentence((_measured("water.temperature", CELSIUS, ("temp", "tempu")),)),
    # ---- air
    "MTA": Sentence((_measured("air.temperature", CELSIUS, ("temp", "tempu")),)),
    "MHU": Sentence(
        (
            _number("air.humidity", "%", "humidity"),
            _measured("air.dew_point", CELSIUS, ("dew", "dewu")),
        )
    ),
    "MMB": Sentence((_measured("air.pressure", HECTOPASCALS, ("bar", "B"), ("inches", "I")),)),
    "MDA": Sentence(
        (
            _measured("air.pressure", HECTOPASCALS, ("bar", "B"), ("inches", "I")),
            _measured("air.temperature", CELSIUS, ("air", "airu")),
            _measured("water.temperature", CELSIUS, ("water", "wateru")),
            _number("air.humidity", "%", "humidity"),
            _measured("air.dew_point", CELSIUS, ("dew", "dewu")),
            _number("wind.direction", DEGREES, "dirT"),
            _number("wind.direction.magnetic", DEGREES, "dirM"),
            _measured("wind.true.speed", SPEED, ("speedM", "M"), ("speedN", "N")),
        )
    ),
}

# MWV with a calculated, true wind instead of the measured, relative one.
TRUE_WIND = Sentence(_wind("wind.true", "angle", None, ("speed", "speedu")), void=("status", _not_a))

# The order of the fields of sentences that the library does not know.
_PRESSURE = "inches inchesu bar baru"
_SIDED = "angle side speedN speedNu speedM speedMu speedK speedKu"
_DEPTH = "depthf depthfu depthm depthmu depthfath depthfathu"
MORE_FIELDS: dict[str, list[str]] = {
    sentence: names.split()
    for sentence, names in {
        "DBS": _DEPTH,
        "DBK": _DEPTH,
        "MDA": f"{_PRESSURE} air airu water wateru humidity absolute dew dewu dirT dirTu dirM dirMu"
        " speedN speedNu speedM speedMu",
        "MHU": "humidity absolute dew dewu",
        "MMB": _PRESSURE,
        "MTA": "temp tempu",
        "VWR": _SIDED,
        "VWT": _SIDED,
    }.items()
}

# The satellites that a talker counts in GSV.
SYSTEMS = {
    "GP": "gps", "GL": "glonass", "GA": "galileo", "GB": "beidou", "BD": "beidou", "GQ": "qzss", "GI": "navic",
}  # fmt: skip

# The transducers of XDR: by type what is measured, and by the letter of the unit the UCUM code.
TRANSDUCERS: dict[str, tuple[str, Mapping[str, str]]] = {
    "A": ("angle", {"D": "deg"}),
    "C": ("temperature", {"C": "Cel", "F": "[degF]", "K": "K"}),
    "D": ("distance", {"M": "m"}),
    "F": ("frequency", {"H": "Hz"}),
    "G": ("generic", {}),
    "H": ("humidity", {"P": "%"}),
    "I": ("current", {"A": "A"}),
    "L": ("salinity", {"S": "[ppth]"}),
    "N": ("force", {"N": "N"}),
    "P": ("pressure", {"B": "bar", "P": "Pa"}),
    "R": ("flow", {"l": "L/s"}),
    "S": ("switch", {}),
    "T": ("rotation", {"R": "/min"}),
    "U": ("voltage", {"V": "V"}),
    "V": ("volume", {"M": "m3"}),
}
