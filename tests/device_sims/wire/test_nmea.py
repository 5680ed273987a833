"""The sentences of a GPS receiver and a boat are those that others read."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from pynmeagps import NMEAReader  # type: ignore[import-untyped]

from device_sims.device import SimulatedDevice
from device_sims.kinds import FIX_AFTER, KINDS, Value
from device_sims.wire.nmea import Nmea, nmea_framing

NOON = datetime(2026, 11, 26, 12, 0, 5, 250_000, tzinfo=UTC).timestamp()


def device(kind: str) -> SimulatedDevice:
    return SimulatedDevice(kind, KINDS[kind], seed=1, interval=1, record=lambda _: None)


def sentences(kind: str, reading: dict[str, Value]) -> list[bytes]:
    return [nmea_framing().wrap(said) for said in Nmea(KINDS[kind], clock=lambda: NOON).reading(reading, None)]


def read(kind: str, reading: dict[str, Value]) -> dict[str, object]:
    """The sentences as a library of others reads them, by their kind."""
    return {message.msgID: message for message in map(NMEAReader.parse, sentences(kind, reading))}


def fixed() -> dict[str, Value]:
    receiver = device("gps")
    return [receiver.reading() for _ in range(int(FIX_AFTER) + 5)][-1]


@pytest.mark.parametrize("kind", ["gps", "boat"])
def test_every_sentence_has_its_checksum_and_ends_in_both(kind: str) -> None:
    talker = device(kind)
    for sentence in (each for _ in range(60) for each in sentences(kind, talker.reading())):
        assert sentence.endswith(b"\r\n")
        assert len(sentence) <= 82  # NMEA 0183 §5.3
        body, star, seal = sentence[1:-2].rpartition(b"*")
        assert (sentence[:1], star) == (b"$", b"*")
        checksum = 0
        for byte in body:
            checksum ^= byte
        assert seal == b"%02X" % checksum


def test_a_receiver_tells_where_it_is() -> None:
    reading = fixed()
    told = read("gps", reading)
    assert list(told) == ["GGA", "RMC", "GSA", "GSV", "VTG"]
    for name in ("GGA", "RMC"):
        place: object = told[name]
        assert place.lat == pytest.approx(reading["latitude"], abs=1e-6)  # type: ignore[attr-defined]
        assert place.lon == pytest.approx(reading["longitude"], abs=1e-6)  # type: ignore[attr-defined]
    gga, rmc, vtg, gsa = (vars(told[name]) for name in ("GGA", "RMC", "VTG", "GSA"))
    assert (gga["quality"], gga["numSV"], gga["alt"]) == (1, reading["satellites"], reading["altitude"])
    assert (rmc["status"], rmc["posMode"]) == ("A", "A")
    assert rmc["spd"] * 1852 / 3600 == pytest.approx(reading["speed"], abs=0.01)
    assert vtg["sogk"] / 3.6 == pytest.approx(reading["speed"], abs=0.01)
    assert rmc["cog"] == vtg["cogt"] == reading["course"]
    assert gsa["navMode"] == 3
    assert (str(rmc["date"]), str(rmc["time"])) == ("2026-11-26", "12:00:05.250000")


def test_the_stamp_of_a_reading_is_the_time_of_its_sentences() -> None:
    told = read("gps", {**fixed(), "time": NOON + 3600})
    assert str(vars(told["RMC"])["time"]) == "13:00:05.250000"


def test_a_receiver_has_no_fix_at_first() -> None:
    receiver = device("gps")
    fixes = []
    for _ in range(int(FIX_AFTER) + 2):
        told = read("gps", receiver.reading())
        rmc, gga, gsa, vtg = (vars(told[name]) for name in ("RMC", "GGA", "GSA", "VTG"))
        fixes.append(rmc["status"] == "A")
        if not fixes[-1]:
            assert (rmc["lat"], rmc["spd"], gga["lon"], gga["alt"], vtg["cogt"]) == ("",) * 5
            assert (gga["quality"], gsa["navMode"], rmc["posMode"]) == (0, 1, "N")
    assert fixes == [t >= FIX_AFTER for t in range(1, int(FIX_AFTER) + 3)]


def test_a_receiver_goes_where_it_says_as_fast_as_it_says() -> None:
    receiver = device("gps")
    track = [receiver.reading() for _ in range(300)]
    for before, after in pairwise(track):
        latitude, longitude = (float(after[p]) - float(before[p]) for p in ("latitude", "longitude"))
        north = latitude * 111_195
        east = longitude * 111_195 * math.cos(math.radians(float(before["latitude"])))
        assert math.hypot(north, east) == pytest.approx(float(after["speed"]), abs=0.15)
        turned = (math.degrees(math.atan2(east, north)) - float(after["course"]) + 180) % 360 - 180
        assert abs(turned) < 3
    assert len({(reading["latitude"], reading["longitude"]) for reading in track}) == 240  # once around, and on


def test_the_satellites_in_view_are_in_groups_of_four() -> None:
    groups = [NMEAReader.parse(said) for said in sentences("gps", fixed()) if b"GSV" in said]
    assert [vars(group)["msgNum"] for group in groups] == list(range(1, len(groups) + 1))
    assert {vars(group)["numMsg"] for group in groups} == {len(groups)}
    seen = [value for group in groups for name, value in vars(group).items() if name.startswith("svid_") and value]
    assert len(seen) == vars(groups[0])["numSV"] == len(set(seen))


def test_a_boat_tells_wind_depth_water_and_speed() -> None:
    reading = device("boat").reading()
    told = read("boat", reading)
    assert list(told) == ["MWV", "DBT", "MTW", "HDT", "VHW"]
    mwv, dbt, mtw, hdt, vhw = (vars(message) for message in told.values())
    assert (mwv["angle"], mwv["reference"], mwv["speedu"], mwv["status"]) == (reading["wind_angle"], "R", "N", "A")
    assert mwv["speed"] * 1852 / 3600 == pytest.approx(reading["wind_speed"], abs=0.1)
    assert dbt["depthm"] == reading["depth"]
    assert dbt["depthf"] * 0.3048 == pytest.approx(reading["depth"], abs=0.05)
    assert mtw["temp"] == reading["water_temperature"]
    assert hdt["headingT"] == vhw["hdgT"] == reading["heading"]
    assert vhw["spdK"] / 3.6 == pytest.approx(reading["speed"], abs=0.01)


def test_a_talker_takes_no_commands() -> None:
    talker = Nmea(KINDS["boat"], clock=lambda: NOON)
    with pytest.raises(ValueError, match="takes no commands"):
        talker.heard(b"READ")
