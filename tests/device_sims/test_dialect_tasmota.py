"""The boards say what tasmota.github.io documents, and obey as the firmware does."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.tasmota import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]


def fleet(devices: int = 5, seed: int = 1) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what)), recorded


def by_topic(said: list[Publication]) -> dict[str, Publication]:
    return {publication.topic: publication for publication in said}


def parsed(publication: Publication) -> dict[str, object]:
    value = json.loads(publication.payload)
    assert isinstance(value, dict)
    return value


def heard(said: list[Publication], board: str) -> list[tuple[str, object]]:
    """Topics without their board, and payloads, of answers."""
    return [
        (each.topic.replace(f"/{board}/", "/"), json.loads(each.payload) if each.payload[:1] == b"{" else each.payload)
        for each in said
    ]


def test_a_fleet_is_a_dialect() -> None:
    dialect: Dialect = fleet()[0]
    assert len(dialect.devices) == len(set(dialect.devices)) == 5
    assert list(dialect.subscriptions)[:2] == ["cmnd/tasmotas/+", f"cmnd/{dialect.devices[0]}/+"]


def test_a_thousand_boards_have_a_thousand_names() -> None:
    assert len(fleet(1000)[0].devices) == 1000


def test_the_discovery_has_every_member_and_is_retained() -> None:
    boards, _ = fleet()
    said = by_topic(boards.hello())
    configs = {topic: each for topic, each in said.items() if topic.endswith("/config")}
    assert len(configs) == 5
    for topic, each in configs.items():
        config = parsed(each)
        assert each.retain
        assert topic == f"tasmota/discovery/{config['mac']}/config"
        assert " ".join(config) == (
            "ip dn fn hn mac md ty if ofln onln state sw t ft tp rl swc swn btn so lk lt_st bat dslp sho sht ver"
        )
        assert str(config["mac"]).endswith(str(config["t"]).removeprefix("tasmota_"))
        assert (config["ofln"], config["onln"], config["ver"]) == ("Offline", "Online", 1)
        assert (config["ft"], config["tp"]) == ("%prefix%/%topic%/", ["cmnd", "stat", "tele"])
        lengths = {name: len(value) for name, value in config.items() if isinstance(value, list)}
        assert {name: lengths[name] for name in ("fn", "rl", "btn", "swc")} == {"fn": 8, "rl": 32, "btn": 32, "swc": 28}
        sensors = said[topic.replace("/config", "/sensors")]
        assert sensors.retain
        assert list(parsed(sensors)) == ["sn", "ver"]


def test_the_relays_of_the_discovery_say_what_they_are() -> None:
    boards, _ = fleet()
    configs = [parsed(each) for topic, each in by_topic(boards.hello()).items() if topic.endswith("/config")]
    assert [config["rl"][:3] for config in configs] == [[1, 0, 0], [1, 0, 0], [2, 0, 0], [3, 3, 0], [0, 0, 0]]  # type: ignore[index]
    assert [config["lt_st"] for config in configs] == [0, 0, 2, 0, 0]
    assert [config["sht"] for config in configs] == [[], [], [], [[0, 0, 0]], []]


def test_the_sensors_have_the_names_of_their_parts() -> None:
    boards, _ = fleet()
    fan, plug, lamp, blind, weather = boards.devices
    for board, members in (
        (fan, ["AM2301", "TempUnit"]),
        (plug, ["ENERGY"]),
        (blind, ["Shutter1"]),
        (weather, ["DS18B20", "BME280", "PressureUnit", "TempUnit"]),
    ):
        sensor = parsed(by_topic(boards.report(board, 300))[f"tele/{board}/SENSOR"])
        assert list(sensor) == ["Time", *members]
    assert [each.topic for each in boards.report(lamp, 300)] == [f"tele/{lamp}/STATE"]
    sensor = parsed(by_topic(boards.report(weather, 300))[f"tele/{weather}/SENSOR"])
    assert sensor["Time"] == "2026-01-01T00:05:00"
    assert (sensor["PressureUnit"], sensor["TempUnit"]) == ("hPa", "C")
    air = sensor["BME280"]
    assert isinstance(air, dict)
    assert list(air) == ["Temperature", "Humidity", "DewPoint", "Pressure"]
    assert air["DewPoint"] < air["Temperature"]


def test_the_energy_of_a_plug_grows_while_it_is_on() -> None:
    boards, _ = fleet()
    plug = boards.devices[1]

    def energy(age: float) -> dict[str, float]:
        sensor = parsed(by_topic(boards.report(plug, age))[f"tele/{plug}/SENSOR"])["ENERGY"]
        assert isinstance(sensor, dict)
        return sensor

    boards.receive(f"cmnd/{plug}/POWER", b"ON")
    told = [energy(age) for age in (300, 600, 900)]
    assert " ".join(told[0]) == (
        "TotalStartTime Total Yesterday Today Period Power ApparentPower ReactivePower Factor Voltage Current"
    )
    assert all(before["Total"] < after["Total"] for before, after in pairwise(told))
    assert told[2]["Period"] == pytest.approx(1000 * (told[2]["Total"] - told[1]["Total"]), abs=2)
    boards.receive(f"cmnd/{plug}/POWER", b"OFF")
    assert energy(1200)["Power"] == energy(1200)["Current"] == 0


def test_availability_is_the_last_will_and_is_retained() -> None:
    boards, _ = fleet()
    first = boards.devices[0]
    assert boards.will == Publication(f"tele/{first}/LWT", b"Offline", retain=True, qos=1)
    said = by_topic(boards.hello())
    assert all(
        said[f"tele/{board}/LWT"] == Publication(f"tele/{board}/LWT", b"Online", True, 1) for board in boards.devices
    )
    assert [each.payload for each in boards.goodbye()] == [b"Offline"] * 5


@pytest.mark.parametrize("command", ["POWER", "POWER1", "power", "Power1"])
def test_a_single_relay_answers_without_a_number(command: str) -> None:
    boards, recorded = fleet()
    fan = boards.devices[0]
    assert heard(boards.receive(f"cmnd/{fan}/{command}", b"ON"), fan) == [
        ("stat/RESULT", {"POWER": "ON"}),
        ("stat/POWER", b"ON"),
    ]
    assert heard(boards.receive(f"cmnd/{fan}/{command}", b"2"), fan)[1] == ("stat/POWER", b"OFF")
    assert recorded == [(fan, "POWER", True), (fan, "POWER", False)]


@pytest.mark.parametrize("payload", [b"", b"?", b"maybe", b"7", b"\xff\x00"])
def test_a_word_that_is_no_state_asks_for_the_state(payload: bytes) -> None:
    boards, recorded = fleet()
    fan = boards.devices[0]
    boards.receive(f"cmnd/{fan}/POWER1", b"off")
    assert heard(boards.receive(f"cmnd/{fan}/POWER1", payload), fan)[0] == ("stat/RESULT", {"POWER": "OFF"})
    assert recorded == [(fan, "POWER", False)]


def test_what_a_board_does_not_know_is_unknown_to_it() -> None:
    boards, recorded = fleet()
    fan, _, lamp, _, weather = boards.devices
    unknown = [("stat/RESULT", {"Command": "Unknown"})]
    for board, command in ((fan, "Foo"), (fan, "Dimmer"), (lamp, "ShutterPosition1"), (weather, "CT"), (fan, "12")):
        assert heard(boards.receive(f"cmnd/{board}/{command}", b"1"), board) == unknown
    error = [("stat/RESULT", {"Command": "Error"})]
    assert heard(boards.receive(f"cmnd/{weather}/POWER1", b"ON"), weather) == error
    assert heard(boards.receive(f"cmnd/{fan}/POWER2", b"ON"), fan) == error
    assert heard(boards.receive(f"cmnd/{fan}/Status", b"9"), fan) == error
    assert recorded == []


def test_a_light_answers_with_its_whole_state() -> None:
    boards, recorded = fleet()
    lamp = boards.devices[2]
    boards.receive(f"cmnd/{lamp}/POWER", b"OFF")
    boards.receive(f"cmnd/{lamp}/CT", b"153")
    answers = heard(boards.receive(f"cmnd/{lamp}/Dimmer", b"50"), lamp)
    assert answers == [
        ("stat/RESULT", {"POWER": "ON", "Dimmer": 50, "Color": "8000", "CT": 153, "Channel": [50, 0]}),
        ("stat/POWER", b"ON"),
    ]
    assert heard(boards.receive(f"cmnd/{lamp}/Dimmer", b"+"), lamp)[0][1]["Dimmer"] == 60  # type: ignore[index]
    assert heard(boards.receive(f"cmnd/{lamp}/Dimmer", b""), lamp) == [("stat/RESULT", {"Dimmer": 60})]
    assert heard(boards.receive(f"cmnd/{lamp}/Dimmer", b"101"), lamp) == [("stat/RESULT", {"Dimmer": 60})]
    assert heard(boards.receive(f"cmnd/{lamp}/CT", b"600"), lamp) == [("stat/RESULT", {"CT": 153})]
    assert heard(boards.receive(f"cmnd/{lamp}/Dimmer", b"0"), lamp)[1] == ("stat/POWER", b"OFF")
    assert recorded == [
        (lamp, "POWER", False),
        (lamp, "CT", 153),
        (lamp, "Dimmer", 50),
        (lamp, "Dimmer", 60),
        (lamp, "Dimmer", 0),
    ]


def test_a_shutter_moves_and_says_when_it_has_arrived() -> None:
    boards, recorded = fleet()
    blind = boards.devices[3]
    boards.receive(f"cmnd/{blind}/ShutterClose1", b"")
    boards.report(blind, 100)
    assert heard(boards.receive(f"cmnd/{blind}/ShutterPosition1", b"50"), blind) == [
        ("stat/RESULT", {"POWER1": "ON"}),
        ("stat/POWER1", b"ON"),
        ("stat/RESULT", {"Shutter1": {"Position": 0, "Direction": 1, "Target": 50, "Tilt": 0}}),
        ("stat/RESULT", {"ShutterPosition1": 50}),
    ]
    on_the_way = heard(boards.report(blind, 102), blind)
    assert on_the_way[0] == ("stat/RESULT", {"Shutter1": {"Position": 20, "Direction": 1, "Target": 50, "Tilt": 0}})
    there = {"Shutter1": {"Position": 50, "Direction": 0, "Target": 50, "Tilt": 0}}
    arrived = heard(boards.report(blind, 110), blind)
    assert arrived[:4] == [
        ("stat/SHUTTER1", b"50"),
        ("stat/RESULT", {"POWER1": "OFF"}),
        ("stat/POWER1", b"OFF"),
        ("stat/RESULT", there),
    ]
    assert dict(arrived)["tele/SENSOR"] == {"Time": "2026-01-01T00:01:50", **there}
    assert recorded == [(blind, "ShutterPosition1", 0), (blind, "ShutterPosition1", 50)]


def test_a_shutter_can_be_stopped_and_turned() -> None:
    boards, _ = fleet()
    blind = boards.devices[3]
    boards.receive(f"cmnd/{blind}/ShutterClose1", b"")
    boards.report(blind, 100)
    boards.receive(f"cmnd/{blind}/POWER1", b"ON")
    boards.report(blind, 103)
    turned = heard(boards.receive(f"cmnd/{blind}/ShutterPosition1", b"DOWN"), blind)
    assert [text for topic, text in turned if topic != "stat/RESULT"] == [b"OFF", b"ON"]
    boards.report(blind, 104)
    stopped = heard(boards.receive(f"cmnd/{blind}/ShutterStop1", b""), blind)
    assert (stopped[0], stopped[-1]) == (("stat/SHUTTER1", b"20"), ("stat/RESULT", {"ShutterStop1": "Done"}))
    assert heard(boards.receive(f"cmnd/{blind}/ShutterPosition1", b""), blind) == [
        ("stat/RESULT", {"ShutterPosition1": 20})
    ]


def test_status_is_answered_by_number() -> None:
    boards, _ = fleet()
    plug, blind = boards.devices[1], boards.devices[3]
    topics = [each.topic.rpartition("/")[2] for each in boards.receive(f"cmnd/{plug}/Status", b"0")]
    assert topics == ["STATUS", *(f"STATUS{i}" for i in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11))]
    (eight,) = boards.receive(f"cmnd/{plug}/Status", b"8")
    (ten,) = boards.receive(f"cmnd/{plug}/STATUS", b"10")
    assert (eight.topic, ten.topic) == (f"stat/{plug}/STATUS8", f"stat/{plug}/STATUS10")
    assert list(parsed(eight)) == list(parsed(ten)) == ["StatusSNS"]
    (plain,) = boards.receive(f"cmnd/{plug}/Status", b"")
    assert (plain.topic, list(parsed(plain))) == (f"stat/{plug}/STATUS", ["Status"])
    (together,) = boards.receive(f"cmnd/{blind}/Status0", b"")
    assert together.topic == f"stat/{blind}/STATUS0"
    assert {"Status", "StatusNET", "StatusSNS", "StatusSHT"} < set(parsed(together))


def test_a_group_command_is_for_every_board() -> None:
    boards, recorded = fleet()
    boards.receive("cmnd/tasmotas/POWER0", b"OFF")
    assert [(board, value) for board, _, value in recorded] == [
        (board, False) for board, relays in zip(boards.devices, (1, 1, 1, 2, 0), strict=True) for _ in range(relays)
    ]


def conversation(seed: int) -> list[Publication]:
    boards, _ = fleet(seed=seed)
    said = boards.hello()
    for age in range(0, 3000, 300):
        for board in boards.devices:
            said += boards.receive(f"cmnd/{board}/POWER1", b"TOGGLE")
            said += boards.report(board, age)
    return said


def test_a_seed_is_a_conversation() -> None:
    assert conversation(7) == conversation(7)
    assert conversation(7) != conversation(8)


def test_the_clock_of_a_board_can_be_set() -> None:
    boards = Fleet(1, 1, lambda *_: None, start=1_900_000_000)
    state = parsed(by_topic(boards.report(boards.devices[0], 60))[f"tele/{boards.devices[0]}/STATE"])
    assert state["Time"] == "2030-03-17T17:47:40"


@pytest.mark.parametrize("topic", ["", "cmnd", "cmnd/nobody/POWER", "stat/{0}/POWER", "cmnd/{0}/a/b", "cmnd/{0}/"])
def test_a_message_for_no_board_is_an_error(topic: str) -> None:
    boards, _ = fleet()
    with pytest.raises(ValueError, match="no board"):
        boards.receive(topic.format(boards.devices[0]), b"ON")


EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=pytest.mark.long)])
_NAMES = st.sampled_from(["POWER", "Power0", "Dimmer", "CT", "ShutterPosition", "ShutterStop1", "Status", "STATE"])
_TEXTS = st.sampled_from([b"ON", b"0x" + b"f" * 40, b"-9" * 3000, b"0", b"11", b"+", b"\xe0"]) | st.binary(max_size=20)


@EXAMPLES
def test_no_message_breaks_a_board(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(st.tuples(st.integers(0, 4), _NAMES | st.text(max_size=8), _TEXTS), max_size=6))
    def tried(messages: list[tuple[int, str, bytes]]) -> None:
        boards, _ = fleet()
        for i, (board, command, payload) in enumerate(messages):
            topic = f"cmnd/{boards.devices[board]}/{command}"
            try:
                answers = boards.receive(topic, payload)
            except ValueError:
                assert "/" in command or not command
            else:
                assert all(answer.topic.startswith(f"stat/{boards.devices[board]}/") for answer in answers)
            boards.report(boards.devices[board], i)

    tried()
