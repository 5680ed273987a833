"""Units as Home Assistant spells them, and what it calls a quantity that is measured in one."""

from __future__ import annotations

from typing import NamedTuple

# UCUM code: spelling, the only quantity that is measured in it, and whether it is a state of now: `+` where it is, so
# that means make sense. What counts up, or may, has none: only its firmware knows when it starts again.
_TABLE = """
Cel: °C temperature +
[degF]: °F temperature +
K: K temperature +
%: % - +
V: V voltage +
mV: mV voltage +
uV: µV voltage +
kV: kV voltage +
A: A current +
mA: mA current +
W: W power +
mW: mW power +
kW: kW power +
MW: MW power +
V.A: VA apparent_power +
kV.A: kVA apparent_power +
W.h: Wh energy -
kW.h: kWh energy -
MW.h: MWh energy -
J: J energy -
kJ: kJ energy -
MJ: MJ energy -
Hz: Hz frequency +
kHz: kHz frequency +
MHz: MHz frequency +
GHz: GHz frequency +
Pa: Pa pressure +
hPa: hPa pressure +
kPa: kPa pressure +
bar: bar pressure +
mbar: mbar pressure +
[psi]: psi pressure +
mm[Hg]: mmHg pressure +
lx: lx illuminance +
W/m2: W/m² irradiance +
m/s: m/s speed +
km/h: km/h speed +
[mi_i]/h: mph speed +
[kn_i]: kn speed +
m: m distance -
cm: cm distance -
mm: mm distance -
km: km distance -
[in_i]: in distance -
[ft_i]: ft distance -
L: L volume -
mL: mL volume -
m3: m³ volume -
L/min: L/min volume_flow_rate +
m3/h: m³/h volume_flow_rate +
kg: kg weight -
g: g weight -
mg: mg weight -
[lb_av]: lb weight -
[oz_av]: oz weight -
s: s duration -
ms: ms duration -
min: min duration -
h: h duration -
d: d duration -
uS/cm: µS/cm conductivity +
mS/cm: mS/cm conductivity +
dB[mW]: dBm signal_strength +
dB: dB - +
dB{A}: dBA sound_pressure +
[ppm]: ppm - +
[ppb]: ppb - +
ug/m3: µg/m³ - +
mg/m3: mg/m³ - +
mg/L: mg/L - +
deg: ° - +
[pH]: - ph +
{NTU}: NTU - +
{rpm}: rpm - +
Ohm: Ω - +
kOhm: kΩ - +
m/s2: m/s² - +
uSv/h: µSv/h - +
uT: µT - +
"""


class Quantity(NamedTuple):
    """A unit as it is shown, the class that Home Assistant has for the quantity, and the class of its state."""

    unit: str | None
    device_class: str | None = None
    state_class: str | None = None


def _read(row: str) -> tuple[str, Quantity]:
    code, _, rest = row.partition(": ")
    unit, device_class, of_now = (None if word == "-" else word for word in rest.split())
    return code, Quantity(unit, device_class, "measurement" if of_now else None)


_QUANTITIES = dict(_read(row) for row in _TABLE.split("\n") if row)
# Where the unit alone does not tell, the name of the point may.
_NAMED = {
    ("%", "humidity"): "humidity",
    ("%", "battery"): "battery",
    ("%", "moisture"): "moisture",
    ("[ppm]", "co2"): "carbon_dioxide",
    ("ug/m3", "pm25"): "pm25",
    ("ug/m3", "pm2_5"): "pm25",
    ("ug/m3", "pm10"): "pm10",
}


def quantity(unit: str | None, point: str) -> Quantity:
    """What Home Assistant calls what a point measures; a unit that it does not know stays as it is."""
    if unit is None:
        return Quantity(None)
    known = _QUANTITIES.get(unit)
    if known is None:
        return Quantity(unit)
    named = _NAMED.get((unit, point.rpartition(".")[2].lower()))
    return known._replace(device_class=named) if named else known
