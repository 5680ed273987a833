"""Sentences of NMEA 0183: every kind that has points, what is void, and what time it is."""

import math
import subprocess
import sys
from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynmeagps import NMEAMessage  # type: ignore[import-untyped]

from gateway.codecs import Codec
from gateway.codecs.nmea0183 import NmeaOptions
from gateway.codecs.nmea_named import NAMED
from gateway.codecs.nmea_sentences import MORE_FIELDS, SENTENCES
from gateway.errors import CodecError
from gateway.model import Sample, Value
from tests.codecs.recorded import check
from tests.contract.parts import tried


def new(**options: Any) -> Codec:
    return NmeaOptions.model_validate(options).build()


def sentence(text: str) -> bytes:
    """The sentence with its checksum."""
    body = text.encode()
    return b"$%s*%02X" % (body, reduce(xor, body, 0))


def read(text: str, codec: Codec | None = None) -> Sample:
    (sample,) = (codec or new()).decode(sentence(text))
    return sample


def values(text: str, **options: Any) -> dict[str, Value]:
    return read(text, new(**options)).values


def stamp(text: str, codec: Codec) -> float | None:
    return read(text, codec).device_time


def refusal(frame: bytes, **options: Any) -> str:
    with pytest.raises(CodecError) as caught:
        new(**options).decode(frame)
    return str(caught.value)


def test_a_noisy_line_of_a_boat_is_read_as_it_should() -> None:
    check(new(), "boat.nmea")


# ---- kinds of sentences


@pytest.mark.parametrize(
    ("text", "points", "units"),
    [
        ("GNGLL,5402.7152,N,01026.9061,W,235959.00,A,A", {"latitude": 54.0452533333, "longitude": -10.448435}, None),
        ("GPGLL,5402.7152,S,01026.9061,E", {"latitude": -54.0452533333, "longitude": 10.448435}, None),
        (
            "GNGNS,014035.00,4332.69262,S,17235.48549,E,RR,13,0.9,25.63,11.24,,",
            {
                "latitude": -43.544877, "longitude": 172.5914248333, "altitude": 25.63, "geoid_separation": 11.24,
                "hdop": 0.9, "satellites": 13,
            },
            None,
        ),
        ("GPVTG,,T,,M,,N,18.0,K", {"speed": 5.0}, {"speed": "m/s"}),
        ("GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1", {"fix.mode": 3, "pdop": 2.5, "hdop": 1.3, "vdop": 2.1}, {}),
        (
            "GPGST,024603.00,3.2,6.6,4.7,47.3,5.8,5.6,22.0",
            {"error.latitude": 5.8, "error.longitude": 5.6, "error.altitude": 22.0},
            {"error.latitude": "m", "error.longitude": "m", "error.altitude": "m"},
        ),
        ("HEHDT,274.07,T", {"heading.true": 274.07}, {"heading.true": "deg"}),
        ("HCHDM,093.8,M", {"heading.magnetic": 93.8}, None),
        (
            "HCHDG,101.1,2.0,W,7.1,E",
            {"heading.magnetic": 101.1, "deviation": -2.0, "variation": 7.1},
            {"heading.magnetic": "deg", "deviation": "deg", "variation": "deg"},
        ),
        ("HETHS,77.52,E", {"heading.true": 77.52}, None),
        ("TIROT,-12.5,A", {"rate_of_turn": -12.5}, {"rate_of_turn": "deg/min"}),
        ("AGRSA,-3.5,A,,V", {"rudder": -3.5}, {"rudder": "deg"}),
        (
            "WIMWD,289.0,T,292.0,M,10.0,N,5.1,M",
            {"wind.direction": 289.0, "wind.direction.magnetic": 292.0, "wind.true.speed": 5.1},
            {"wind.direction": "deg", "wind.direction.magnetic": "deg", "wind.true.speed": "m/s"},
        ),
        ("WIMWV,214.8,R,36.0,K,A", {"wind.angle": 214.8, "wind.speed": 10.0}, None),
        ("WIMWV,214.8,T,10.0,S,A", {"wind.true.angle": 214.8, "wind.true.speed": 4.4704}, None),
        ("IIVWR,030.0,L,,N,5.0,M,,K", {"wind.angle": 330.0, "wind.speed": 5.0}, None),
        ("IIVWT,030.0,R,,N,,M,18.0,K", {"wind.true.angle": 30.0, "wind.true.speed": 5.0}, None),
        (
            "VWVHW,090.0,T,086.0,M,,N,18.0,K",
            {"heading.true": 90.0, "heading.magnetic": 86.0, "water.speed": 5.0},
            {"heading.true": "deg", "heading.magnetic": "deg", "water.speed": "m/s"},
        ),
        (
            "IIVDR,180.0,T,177.0,M,1.2,N",
            {"current.direction": 180.0, "current.direction.magnetic": 177.0, "current.speed": 0.6173},
            None,
        ),
        (
            "VWVLW,2704.1,N,12.6,N",
            {"log.total": 2704.1, "log.trip": 12.6},
            {"log.total": "[nmi_i]", "log.trip": "[nmi_i]"},
        ),
        ("SDDPT,2.4,-0.5,100.0", {"depth": 2.4, "depth.offset": -0.5}, {"depth": "m", "depth.offset": "m"}),
        ("SDDBT,10.0,f,,M,,F", {"depth": 3.048}, {"depth": "m"}),
        ("SDDBS,,f,4.5,M,,F", {"depth.surface": 4.5}, None),
        ("SDDBK,,f,,M,1.0,F", {"depth.keel": 1.8288}, None),
        ("YXMTW,17.75,C", {"water.temperature": 17.75}, {"water.temperature": "Cel"}),
        ("WIMTA,25.0,C", {"air.temperature": 25.0}, {"air.temperature": "Cel"}),
        (
            "WIMHU,48.5,,11.2,C",
            {"air.humidity": 48.5, "air.dew_point": 11.2},
            {"air.humidity": "%", "air.dew_point": "Cel"},
        ),
        ("WIMMB,29.9870,I,1.0155,B", {"air.pressure": 1015.5}, {"air.pressure": "hPa"}),
        ("WIMMB,29.9870,I,,B", {"air.pressure": 1015.4765}, None),
        (
            "WIMDA,30.05,I,1.0176,B,21.4,C,,C,48.0,,9.9,C,214.0,T,212.0,M,12.5,N,6.4,M",
            {
                "air.pressure": 1017.6, "air.temperature": 21.4, "air.humidity": 48.0, "air.dew_point": 9.9,
                "wind.direction": 214.0, "wind.direction.magnetic": 212.0, "wind.true.speed": 6.4,
            },
            None,
        ),
        ("ERRPM,S,2,120.5,,A", {"shaft.2.rpm": 120.5}, {"shaft.2.rpm": "/min"}),
        (
            "YXXDR,C,21.5,C,,U,13.1,V,BATT#1,S,1,,DOOR,Q,3,X,ODD,C,,C,LOST",
            {"temperature": 21.5, "voltage.BATT#1": 13.1, "switch.DOOR": 1.0, "generic.ODD": 3.0},
            {"temperature": "Cel", "voltage.BATT#1": "V"},
        ),
        ("GLGSV,1,1,04,65,10,040,30,66,,,", {"satellites_in_view.glonass": 4}, {}),
        ("GNGSV,1,1,00", {"satellites_in_view": 0}, {}),
    ],
)  # fmt: skip
def test_a_sentence_gives_its_points(text: str, points: dict[str, Value], units: dict[str, str] | None) -> None:
    sample = read(text)
    assert sample.values == points
    assert {type(sample.values[point]) is type(value) for point, value in points.items()} == {True}
    if units is not None:
        assert sample.units == units
    assert set(sample.units) <= set(sample.values)


def test_the_order_of_the_fields_is_the_library_s() -> None:
    """So that its numbers are found where a sentence of its own making has them."""
    message = NMEAMessage("GP", "GGA", 0, lat=54.5, lon=-10.25, quality=1, numSV=7, HDOP=1.5, alt=3.5, sep=42.0)
    (sample,) = new().decode(message.serialize())
    assert sample.values == {
        "latitude": 54.5, "longitude": -10.25, "altitude": 3.5, "geoid_separation": 42.0, "hdop": 1.5, "fix": 1,
        "satellites": 7,
    }  # fmt: skip


def test_what_the_library_does_not_know_is_known_here() -> None:
    from pynmeagps import NMEA_PAYLOADS_GET

    assert not MORE_FIELDS.keys() & NMEA_PAYLOADS_GET.keys()
    assert SENTENCES.keys() <= MORE_FIELDS.keys() | NMEA_PAYLOADS_GET.keys()


@pytest.mark.parametrize(
    "text", ["GPTXT,01,01,02,ANTSTATUS=OK", "XXFOO,1", "PUBX,00,1", "PGRME,3.1,M", "CCGPQ,GGA", "GPS"]
)
def test_a_sentence_without_points_is_no_reading_and_no_error(text: str) -> None:
    assert new().decode(sentence(text)) == []


def test_a_sentence_of_ais_is_no_reading_and_no_error() -> None:
    body = b"AIVDM,1,1,,B,13u?etPv2;0n:dDPwUM1U1Cb069D,0"
    assert new().decode(b"!%s*%02X" % (body, reduce(xor, body, 0))) == []
    assert refusal(b"!" + body + b"*00") == "wrong checksum"


@pytest.mark.parametrize("text", ["GPRMC", "GPRMC,,", "GPGGA,", "IIMWV", "IIMWV,", "SDDBT", "GPZDA,,,,,", "IIXDR,C,1"])
def test_a_sentence_that_is_empty_says_that_the_device_is_there_and_no_more(text: str) -> None:
    assert set(values(text).values()) <= {None, 0}


def test_only_the_first_part_and_the_first_signal_tell_how_many_satellites_are_in_view() -> None:
    codec = new()
    parts = ("GPGSV,2,1,05,03,45,111,38,04,15,270,,06,01,010,,13,06,292,21,1", "GPGSV,2,2,05,22,12,081,19,1")
    assert [len(codec.decode(sentence(part))) for part in parts] == [1, 0]
    assert codec.decode(sentence("GPGSV,1,1,03,03,45,111,38,04,15,270,,06,01,010,,6")) == []
    assert read("GAGSV,1,1,01,08,33,190,30,7").values == {"satellites_in_view.galileo": 1}
    assert codec.decode(sentence("GAGSV,1,1,01,08,33,190,30,2")) == []


# ---- void


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("GPRMC,,V,,,,,,,,,,N", {"latitude", "longitude", "speed", "course"}),
        ("GPRMC,120000,V,5402.7,N,01026.9,E,5.2,083.4,010127,,,N", {"latitude", "longitude", "speed", "course"}),
        ("GPGLL,5402.7152,N,01026.9061,W,235959.00,V", {"latitude", "longitude"}),
        ("GPVTG,083.1,T,080.0,M,5.2,N,9.6,K,N", {"course", "course.magnetic", "speed"}),
        ("WIMWV,214.8,R,12.5,N,V", {"wind.angle", "wind.speed"}),
        ("WIMWV,214.8,T,12.5,N,V", {"wind.true.angle", "wind.true.speed"}),
        ("WIMWV,,,,,V", {"wind.angle", "wind.speed"}),
        ("TIROT,3.5,V", {"rate_of_turn"}),
        ("HETHS,77.52,V", {"heading.true"}),
        ("ERRPM,E,1,2418.2,10.5,V", {"engine.1.rpm", "engine.1.pitch"}),
    ],
)
def test_what_is_void_is_null_and_not_what_the_sentence_still_holds(text: str, points: set[str]) -> None:
    sample = read(text)
    assert sample.values == dict.fromkeys(points)
    assert sample.device_time is None


def test_a_void_fix_still_tells_what_holds() -> None:
    assert values("GPGGA,120000,5402.7,N,01026.9,E,0,03,99.9,3.4,M,42.1,M,,") == {
        "latitude": None, "longitude": None, "altitude": None, "geoid_separation": None, "hdop": None, "fix": 0,
        "satellites": 3,
    }  # fmt: skip
    assert values("GNGNS,120000,,,,,NN,02,99.9,,,,")["satellites"] == 2
    assert values("GPGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9") == {"pdop": None, "hdop": None, "vdop": None, "fix.mode": 1}
    assert values("GPRMC,,V,,,,,,,010127,3.1,W,N")["variation"] == -3.1


def test_an_empty_field_of_a_good_sentence_is_left_out() -> None:
    assert values("GPRMC,120000,A,5402.7152,N,01026.9061,E,,,010127,,,A").keys() == {"latitude", "longitude"}


# ---- time

NEW_YEAR = 1798761600.0  # 2027-01-01


def test_the_date_of_the_last_sentence_that_told_one_serves_the_others_over_midnight_too() -> None:
    codec = new()
    assert stamp("GPGGA,235958,5402.7,N,01026.9,E,1,,,,,,,,", codec) is None
    assert stamp("GPRMC,235959,A,5402.7,N,01026.9,E,,,311226,,,A", codec) == NEW_YEAR - 1
    assert stamp("GPGGA,235959,5402.7,N,01026.9,E,1,,,,,,,,", codec) == NEW_YEAR - 1
    assert stamp("GPGGA,000000,5402.7,N,01026.9,E,1,,,,,,,,", codec) == NEW_YEAR
    assert stamp("GPRMC,000000,A,5402.7,N,01026.9,E,,,010127,,,A", codec) == NEW_YEAR
    assert stamp("GPGLL,5402.7,N,01026.9,E,235959.5,A", codec) == NEW_YEAR - 0.5


def test_a_time_that_is_far_from_the_last_date_has_no_date() -> None:
    codec = new()
    assert stamp("GPZDA,120000,01,01,2027,00,00", codec) == NEW_YEAR + 43200
    assert stamp("GPGGA,120010,5402.7,N,01026.9,E,1,,,,,,,,", codec) == NEW_YEAR + 43210
    assert stamp("GPGGA,120011,5402.7,N,01026.9,E,1,,,,,,,,", codec) is None
    assert stamp("GPGGA,000000,5402.7,N,01026.9,E,1,,,,,,,,", codec) is None


def test_a_void_time_dates_nothing() -> None:
    codec = new()
    assert stamp("GPRMC,120000,V,,,,,,,060180,,,N", codec) is None
    assert stamp("GPGGA,120000,5402.7,N,01026.9,E,1,,,,,,,,", codec) is None


def test_fractions_leap_seconds_and_old_years() -> None:
    assert stamp("GPZDA,235960.25,31,12,2026,,", new()) == NEW_YEAR + 0.25
    assert stamp("GPRMC,000000.5,A,,,,,,,060180,,,A", new()) == 315964800.5
    assert stamp("GPZDA,000000,1,1,2027", new()) == NEW_YEAR


@pytest.mark.parametrize(
    "text",
    [f"GPRMC,{time},A,,,,,,,010127,,,A" for time in ("240000", "126000", "120061", "1200", "12000a", "-12000")]
    + [f"GPRMC,120000,A,,,,,,,{date},,,A" for date in ("310227", "000127", "1", "01012027", "-10127")],
)
def test_what_is_no_time_is_an_error(text: str) -> None:
    assert "is not a" in refusal(sentence(text))


# ---- options


def test_two_talkers_on_one_line_stay_apart_by_talker_or_sentence() -> None:
    text = "GPVTG,084.4,T,,M,,N,,K"
    assert values(text, by="talker") == {"GP.course": 84.4}
    assert values(text, by="sentence") == {"GPVTG.course": 84.4}
    assert read(text, new(by="talker")).units == {"GP.course": "deg"}


def test_talker_and_sentence_are_points_where_that_is_asked_for() -> None:
    text = "GPVTG,084.4,T,,M,,N,,K"
    assert values(text, origin=True) == {"course": 84.4, "talker": "GP", "sentence": "VTG"}
    assert values(text) == {"course": 84.4}


@pytest.mark.parametrize(
    ("unit", "code", "speed"), [("m/s", "m/s", 5.1444), ("kn", "[kn_i]", 10.0), ("km/h", "km/h", 18.52)]
)
def test_all_speeds_are_in_the_unit_that_is_asked_for(unit: str, code: str, speed: float) -> None:
    for text, point in (("IIMWV,1,R,10.0,N,A", "wind.speed"), ("IIVHW,,,,,10.0,N,,", "water.speed")):
        sample = read(text, new(speed=unit))
        assert sample.values[point] == speed
        assert sample.units[point] == code
    assert values("IIMWV,1,R,5.0,M,A", speed="kn")["wind.speed"] == 9.7192


# ---- damage


def test_a_sentence_with_a_wrong_checksum_or_without_one_is_an_error() -> None:
    good = sentence("HEHDT,274.07,T")
    assert new().decode(
        good.lower().replace(b"$hehdt", b"$HEHDT").replace(b",t", b",T")
    )  # the checksum in small letters
    for at in range(1, len(good)):
        for bit in range(8):
            bent = bytearray(good)
            bent[at] ^= 1 << bit
            if bytes(bent).upper() != good:
                with pytest.raises(CodecError):
                    new().decode(bytes(bent))
    assert refusal(b"$HEHDT,274.07,T") == "no checksum"
    assert refusal(b"$HEHDT,274.07,T*") == "wrong checksum"
    assert new(checksum="optional").decode(b"$HEHDT,274.07,T") == new().decode(good)
    assert refusal(b"$HEHDT,274.07,T*00", checksum="optional") == "wrong checksum"


def test_noise_and_a_torn_sentence_before_a_whole_one_cost_only_themselves() -> None:
    good = sentence("HEHDT,274.07,T")
    for noise in (b"\x00\xff", b"$GPRMC,1200", b"\\s:r003669945,c:1241544035*4A\\", b"!"):
        assert new().decode(noise + good) == new().decode(good)


@pytest.mark.parametrize(
    "text",
    [
        "GPGLL,9100.0,N,01026.9,E,120000,A",
        "GPGLL,5460.0,N,01026.9,E,120000,A",
        "GPGLL,5402.7,N,18100.0,E,120000,A",
        "GPGLL,5402.7,X,01026.9,E,120000,A",
        "GPGLL,5402.7,,01026.9,E,120000,A",
        "GPGLL,-402.7,N,01026.9,E,120000,A",
        "GPGLL,02.7,N,01026.9,E,120000,A",
        "HEHDT,nan,T", "HEHDT,1e3,T", "HEHDT,1_0,T", "HEHDT, 1,T", "HEHDT,1.2.3,T", "HEHDT,--1,T", "HEHDT,.,T",
        "HCHDG,1,2,,3,", "IIVWR,030.0,X,,,,,,", "IIMWV,1,X,1,N,A", "IIMWV,1,,1,N,A", "IIMWV,1,R,1,X,A", "YXMTW,63,F",
        "ERRPM,X,1,1,1,A", "GPGGA,120000,,,,,x,,,,,,,,", "GPGSV,1,1,x", "IIXDR,C,x,C,T",
        "GPTXT,\x00", "GPTXT,\x7f", "gpgga,1", "GP", "", "GP GGA,1",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_an_error_in_spite_of_its_checksum(text: str) -> None:
    refusal(sentence(text))


_FIELD = st.sampled_from(
    ["", "", *"AVNSEWRTMKCLF01", "12.5", "-3", "120000", "010127", "1234.5", "01234.5"]
) | st.text("0123456789.-+ANx", max_size=7)  # fmt: skip
_KINDS = st.sampled_from(sorted({*SENTENCES, *NAMED}))


@tried(300)
@given(
    st.lists(st.tuples(_KINDS, st.lists(_FIELD, max_size=24)), min_size=1, max_size=4),
    st.sampled_from(["none", "talker"]),
)
def test_whatever_a_sentence_holds_gives_values_or_an_error(sentences: list[tuple[str, list[str]]], by: str) -> None:
    """With checksums that are right, so that it is the fields that are tried."""
    codec = new(by=by)
    for kind, fields in sentences:
        try:
            samples = codec.decode(sentence(",".join([f"II{kind}", *fields])))
        except CodecError:
            continue
        for sample in samples:
            assert set(sample.units) <= set(sample.values)
            assert all(value is None or type(value) in (int, float) for value in sample.values.values())
            assert all(math.isfinite(value) for value in sample.values.values() if isinstance(value, float))
            assert sample.device_time is None or math.isfinite(sample.device_time)


def test_the_library_is_not_imported_before_the_codec_is_used() -> None:
    code = (
        "import sys, gateway.app, gateway.cli, gateway.adapters.serial;"
        "from gateway import plugins; plugins.find('codecs', 'json');"
        "assert not any(name.startswith('pynmeagps') for name in sys.modules);"
        "plugins.find('codecs', 'nmea0183'); assert 'pynmeagps' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
