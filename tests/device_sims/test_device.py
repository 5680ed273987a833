"""A device makes the same readings for the same seed, and obeys only what it can."""

import json
import math

import pytest

from device_sims.actuations import LOG_LENGTH, Actuation, ActuationLog
from device_sims.device import Command, SimulatedDevice
from device_sims.faults import Faults, Refusal
from device_sims.kinds import KINDS, RefusedError, Value, kind_named


def device(
    kind: str = "climate", seed: int = 1, name: str = "one", log: list[Actuation] | None = None
) -> SimulatedDevice:
    record = [] if log is None else log
    return SimulatedDevice(name, KINDS[kind], seed=seed, interval=0.5, record=record.append)


def readings(made_by: SimulatedDevice, count: int = 50) -> list[dict[str, Value]]:
    return [made_by.reading() for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_readings_repeat_with_the_seed_and_differ_with_another_or_another_name(kind: str) -> None:
    assert readings(device(kind)) == readings(device(kind))
    assert readings(device(kind)) != readings(device(kind, seed=2))
    assert readings(device(kind)) != readings(device(kind, name="two"))


def test_the_kinds_have_the_points_that_they_say() -> None:
    points = {name: set(device(name).reading()) for name in KINDS}
    assert points == {
        "climate": {"temperature", "humidity", "pressure", "fan", "setpoint", "sequence"},
        "power": {"voltage", "current", "power", "pulses", "relay", "limit", "sequence"},
        "tank": {"level", "flow", "valve", "pump", "sequence"},
        "gps": {"latitude", "longitude", "altitude", "speed", "course", "satellites", "fix", "sequence"},
        "boat": {"wind_angle", "wind_speed", "depth", "water_temperature", "heading", "speed", "sequence"},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_plain_json_and_finite(kind: str) -> None:
    for reading in readings(device(kind)):
        assert json.loads(json.dumps(reading)) == reading
        assert all(math.isfinite(value) for value in reading.values() if not isinstance(value, str))


def test_sequence_counts_from_one_without_a_hole() -> None:
    assert [reading["sequence"] for reading in readings(device(), 5)] == [1, 2, 3, 4, 5]


def test_an_actuator_shows_its_new_state_in_the_next_reading_and_is_recorded() -> None:
    log: list[Actuation] = []
    board = device(log=log)
    board.act(Command("fan", True, 17))
    board.act(Command("setpoint", 19.5, "k"))
    reading = board.reading()
    assert (reading["fan"], reading["setpoint"]) == (True, 19.5)
    assert [(a.id, a.device, a.point, a.value) for a in log] == [
        (17, "one", "fan", True),
        ("k", "one", "setpoint", 19.5),
    ]
    assert log[0].time <= log[1].time


def test_a_command_that_comes_twice_is_recorded_twice() -> None:
    log: list[Actuation] = []
    board = device(log=log)
    board.act(Command("fan", True, 17))
    board.act(Command("fan", True, 17))
    assert len(log) == 2


@pytest.mark.parametrize(
    ("point", "value", "says"),
    [
        ("fan", 1, "fan takes true or false"),
        ("fan", "on", "fan takes true or false"),
        ("fan", None, "fan takes true or false"),
        ("setpoint", True, "setpoint takes a number from 5 to 30"),
        ("setpoint", "20", "setpoint takes a number from 5 to 30"),
        ("setpoint", 4.9, "setpoint takes a number from 5 to 30"),
        ("setpoint", 10**400, "setpoint takes a number from 5 to 30"),
        ("setpoint", float("nan"), "setpoint takes a number from 5 to 30"),
        ("temperature", 3, "temperature is not writable"),
        ("nothing", True, "nothing is unknown"),
        (["fan"], True, "the command names no point"),
        (None, True, "the command names no point"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_and_changes_nothing(point: object, value: object, says: str) -> None:
    log: list[Actuation] = []
    board = device(log=log)
    before = dict(board.state)
    with pytest.raises(RefusedError, match=f"^{says}$"):
        board.act(Command(point, value))
    assert board.state == before
    assert log == []


@pytest.mark.parametrize(
    ("text", "state"), [("ON", True), ("true", True), ("1", True), (" off\n", False), ("0", False), ("False", False)]
)
def test_a_bare_text_switches(text: str, state: bool) -> None:
    board = device()
    board.act(Command("fan", not state))
    board.act(Command("fan", text, bare=True))
    assert board.state["fan"] is state


def test_a_bare_number_dials_and_a_bare_word_is_refused() -> None:
    board = device()
    board.act(Command("setpoint", "19.5", bare=True))
    assert board.state["setpoint"] == 19.5
    for text in ("warm", "nan", "1e9", ""):
        with pytest.raises(RefusedError):
            board.act(Command("setpoint", text, bare=True))


def test_a_load_that_is_off_draws_nothing() -> None:
    board = device("power")
    assert board.reading()["current"] != 0
    board.act(Command("relay", False))
    reading = board.reading()
    assert (reading["current"], reading["power"]) == (0.0, 0.0)
    assert reading["voltage"] != 0


def test_a_refusal_comes_before_obeying() -> None:
    log: list[Actuation] = []
    board = device(log=log)
    assert board.obey(Command("fan", True), Faults([Refusal()])) == "jammed"
    assert board.obey(Command("fan", 3), Faults()) == "fan takes true or false"
    assert log == []
    assert board.obey(Command("fan", True), Faults()) is None
    assert len(log) == 1


def test_an_unknown_kind_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no kind of device is named 'toaster': there are climate, power, tank"):
        kind_named("toaster")


def test_the_log_of_actuations_is_bounded_and_keeps_the_newest() -> None:
    log = ActuationLog()
    for i in range(LOG_LENGTH + 5):
        log.add(Actuation(i, "one", "fan", True, 0.0))
    assert log.total == LOG_LENGTH + 5
    assert len(log.entries()) == LOG_LENGTH
    assert log.entries()[-1].id == LOG_LENGTH + 4
