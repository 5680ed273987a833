"""The units of SenML (RFC 8428 §12.1, RFC 8798) as UCUM codes."""

from __future__ import annotations

# Those that both call the same.
_SAME = (
    "m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 m/s m/s2 m3/s W/m2 cd/m2"
    " bit bit/s dB S/m J/m kg/m3 deg"
    " ms min h MHz kW Wh kWh Wh/km Mbit/s mV mA ug/m3 mm/h m/h hPa mm cm km km/h"
)

UCUM: dict[str, str] = {
    **{unit: unit for unit in _SAME.split()},
    "l": "L",
    "l/s": "L/s",
    "lat": "deg",
    "lon": "deg",
    "pH": "[pH]",
    "dBW": "dB[W]",
    "dBm": "dB[mW]",
    "Bspl": "B[SPL]",
    "count": "1",
    "/": "1",
    "%": "1",  # a ratio from 0 to 1 there, in spite of its name (RFC 8428 §12.1, note 2)
    "%RH": "%",
    "%EL": "%",
    "EL": "s",
    "1/s": "/s",
    "1/min": "/min",
    "beat/min": "/min",
    "beats": "1",
    "B": "By",
    "VA": "V.A",
    "VAs": "V.A.s",
    "var": "V.A{reactive}",
    "vars": "V.A{reactive}.s",
    "kVA": "kV.A",
    "kvar": "kV.A{reactive}",
    "Ah": "A.h",
    "varh": "V.A{reactive}.h",
    "kvarh": "kV.A{reactive}.h",
    "kVAh": "kV.A.h",
    "GB": "GBy",
    "B/s": "By/s",
    "MB/s": "MBy/s",
    "KiB": "KiBy",
    "ppm": "[ppm]",
    "/100": "%",
    "/1000": "[ppth]",
}


def integrated(unit: str) -> str:
    """The unit of a sum, which is one of values over time (RFC 8428 §4.2): `W` gives `W.s`."""
    return "s" if unit == "1" else f"{unit}.s"
