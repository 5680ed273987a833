"""Units as firmware prints them, and their UCUM codes (https://ucum.org)."""

from __future__ import annotations

import re

_WORDS = """
Cel: C °C ºC ℃ *C 'C degC deg_C celsius
[degF]: F °F ºF ℉ *F 'F degF deg_F fahrenheit
K: K kelvin
%: % %RH %rH %rh %r.H. percent
V: V volt volts
mV: mV
uV: uV µV μV
kV: kV
A: A amp amps
mA: mA
uA: uA µA μA
W: W watt watts
mW: mW
kW: kW
MW: MW
V.A: VA
kV.A: kVA
W.h: Wh
kW.h: kWh
MW.h: MWh
A.h: Ah
mA.h: mAh
J: J
kJ: kJ
MJ: MJ
Ohm: Ω \u2126 ohm ohms
kOhm: kΩ k\u2126 kohm
MOhm: MΩ M\u2126 Mohm
uF: uF µF μF
Hz: Hz
kHz: kHz
MHz: MHz
GHz: GHz
Pa: Pa
hPa: hPa
kPa: kPa
MPa: MPa
bar: bar
mbar: mbar
[psi]: psi
mm[Hg]: mmHg
N: N
kN: kN
m: m
cm: cm
mm: mm
um: um µm μm
km: km
[in_i]: in inch inches
[ft_i]: ft feet
m2: m2 m² m^2
m3: m3 m³ m^3
m/s: m/s
m/s2: m/s2 m/s² m/s^2
km/h: km/h kmh kph
[mi_i]/h: mph
[kn_i]: kn kt kts knots
deg: deg ° º degrees
deg/s: deg/s °/s dps
rad: rad
rad/s: rad/s
L: L l
mL: mL ml
L/min: L/min l/min lpm
L/h: L/h l/h
m3/h: m3/h m³/h m^3/h
[gal_us]: gal
[gal_us]/min: gpm
s: s sec secs seconds
ms: ms msec
us: us µs μs
min: min mins minute minutes
h: h hr hrs hours
d: d
kg: kg
g: g
mg: mg
t: t
[lb_av]: lb lbs
[oz_av]: oz
[ppm]: ppm
[ppb]: ppb
ug/m3: ug/m3 µg/m3 μg/m3 ug/m³ µg/m³ μg/m³ ug/m^3
mg/m3: mg/m3 mg/m³
mg/L: mg/L mg/l
g/m3: g/m3 g/m³
uS/cm: uS/cm µS/cm μS/cm
mS/cm: mS/cm
uSv/h: uSv/h µSv/h μSv/h
[pH]: pH
{NTU}: NTU
lx: lx lux
MK-1: mired mireds MK⁻¹
lm: lm
W/m2: W/m2 W/m² W/m^2
uT: uT µT μT
mT: mT
G: G gauss
dB: dB
dB{A}: dBA dB(A)
dB[mW]: dBm
{rpm}: rpm rev/min
{lqi}: lqi
1/min: /min bpm cpm
By: B byte bytes
kBy: kB
KiBy: KiB
"""

# What is printed → its code. C is Celsius and F Fahrenheit, as on every sensor, and neither coulomb nor farad.
UNITS = {
    word: code for code, _, words in (line.partition(": ") for line in _WORDS.splitlines()) for word in words.split()
}

_MAX_UNIT = 16  # characters
# No digit but a power, so that dates and addresses are none; and not what may be digits of a hexadecimal number.
_PLAUSIBLE = re.compile(r"(?![a-fA-F]+$)%?[^\W\d_]+[23²³]?(?:[/.*·][^\W\d_]+[23²³]?){0,2}")


def _folded() -> dict[str, str]:
    """The codes by the words in lower case, where there is no doubt: `mW` and `MW` are, and so is a single letter."""
    codes: dict[str, set[str]] = {}
    for word, code in UNITS.items():
        codes.setdefault(word.lower(), set()).add(code)
    return {word: next(iter(found)) for word, found in codes.items() if len(found) == 1 and len(word) > 1}


_FOLDED = _folded()


def known_unit(text: str) -> str | None:
    """The UCUM code of a unit in the table, in its own spelling or all capitals and the like: `degC`, `HPA`."""
    return UNITS.get(text) or (_FOLDED.get(text.lower()) if len(text) <= _MAX_UNIT else None)


def unit_code(text: str) -> str | None:
    """The UCUM code of a unit; what looks like one and is in no table stays as it is. None where it is no unit."""
    known = known_unit(text)
    if known is not None:
        return known
    return text if len(text) <= _MAX_UNIT and _PLAUSIBLE.fullmatch(text) else None


def name_and_unit(text: str) -> tuple[str, str | None]:
    """`Temperature (C)`, `temp[°C]`: the name, and the code of the unit in brackets.

    Brackets that hold no known unit are part of the name.
    """
    if not text.endswith((")", "]")):
        return text, None
    opening = max(text.rfind("("), text.rfind("["))
    name, code = text[: max(opening, 0)].rstrip(), known_unit(text[opening + 1 : -1].strip())
    return (name, code) if name and code is not None else (text, None)
