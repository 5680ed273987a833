"""Every fault spoils what it says, and nothing else."""

from collections.abc import Callable

import pytest

from device_sims.fault_names import FAULTS, check_faults, describe_faults, parse_fault
from device_sims.faults import (
    MODBUS,
    MQTT,
    RTU,
    SERIAL,
    BadChecksum,
    DoubleAcknowledgement,
    Duplicate,
    Fault,
    Faults,
    Garbage,
    Glued,
    LateAcknowledgement,
    ModbusException,
    NoAcknowledgement,
    OneByteAtATime,
    Reboot,
    Refusal,
    Silence,
    SlowAcknowledgement,
    Split,
    Truncate,
    Unplug,
)


def test_garbage_comes_before_every_nth_frame_and_ends_its_own_line() -> None:
    garbage = Garbage(every=3, size=8)
    noise = [garbage.noise() for _ in range(9)]
    assert [bool(burst) for burst in noise] == [False, False, True] * 3
    assert garbage.bursts == 3
    for burst in filter(None, noise):
        assert len(burst) == 9
        assert burst.count(b"\n") == 1
        assert burst.endswith(b"\n")
        with pytest.raises(UnicodeDecodeError):
            burst.decode()


def test_glued_garbage_has_no_end_of_line() -> None:
    assert b"\n" not in b"".join(Garbage(glued=True, seed=i).burst() for i in range(200))


def test_garbage_repeats_with_its_seed_only() -> None:
    def bursts(seed: int) -> list[bytes]:
        garbage = Garbage(seed=seed)
        return [garbage.burst() for _ in range(20)]

    assert bursts(1) == bursts(1)
    assert bursts(1) != bursts(2)
    assert len(set(bursts(1))) == 20


def test_silence_is_total_by_default_and_comes_in_turns_when_told() -> None:
    assert all(Silence().silent(t) for t in (0, 1, 1e9))
    turns = Silence(after=2, seconds=1)
    assert [turns.silent(t) for t in (0, 1.9, 2, 2.9, 3, 4.9, 5)] == [False, False, True, True, False, False, True]
    late = Silence(after=2)
    assert [late.silent(t) for t in (0, 1.9, 2, 1e9)] == [False, False, True, True]


def test_unplug_comes_in_turns() -> None:
    fault = Unplug(after=10, seconds=3)
    assert [t for t in (0, 9.9, 10, 12.9, 13, 22.9, 23, 26) if fault.unplugged(t)] == [10, 12.9, 23]


def test_every_second_acknowledgement_is_lost() -> None:
    fault = NoAcknowledgement(every=2)
    assert [fault.loses_acknowledgement() for _ in range(4)] == [False, True, False, True]
    assert all(NoAcknowledgement().loses_acknowledgement() for _ in range(4))


def test_every_second_command_is_refused_with_the_error() -> None:
    fault = Refusal(every=2, error="stuck")
    assert [fault.refuses() for _ in range(4)] == [None, "stuck", None, "stuck"]
    assert Refusal().refuses() == "jammed"


def test_one_byte_at_a_time_says_its_pause() -> None:
    assert OneByteAtATime().pause() == 0
    assert OneByteAtATime(0.5).pause() == 0.5
    assert OneByteAtATime().piece() == 1


def test_split_says_its_pause_and_its_piece() -> None:
    assert (Split(size=5, seconds=0.1).pause(), Split(size=5, seconds=0.1).piece()) == (0.1, 5)


def test_faults_that_count_have_their_turns() -> None:
    def turns(ask: Callable[[], object]) -> list[object]:
        return [ask() for _ in range(4)]

    assert turns(BadChecksum(every=2).spoils_checksum) == [False, True, False, True]
    assert turns(Truncate(every=2, lost=3).cut) == [0, 3, 0, 3]
    assert turns(SlowAcknowledgement(seconds=0.5, every=2).acknowledgement_delay) == [0, 0.5, 0, 0.5]
    assert turns(LateAcknowledgement().acknowledgement_delay) == [8, 8, 8, 8]
    assert turns(DoubleAcknowledgement(every=2).repeats_acknowledgement) == [False, True, False, True]
    assert turns(ModbusException(every=2, code=6).exception) == [None, 6, None, 6]


def test_a_reboot_is_told_once_each_time() -> None:
    fault = Reboot(after=2, every=3)
    assert [t for t in (0, 1.9, 2, 2.1, 4.9, 5, 5, 7, 14.5, 14.6) if fault.reboots(t)] == [2, 5, 14.5]
    once = Reboot(after=0, every=float("inf"))
    assert [once.reboots(t) for t in (0, 1, 1e9)] == [True, False, False]


def test_times_count_from_when_a_fault_was_switched_on() -> None:
    faults = Faults([Silence(after=2, seconds=1), Unplug(after=1, seconds=1), Reboot(after=0.5)])
    for fault in faults:
        fault.since = 100
    assert [faults.silent(t) for t in (2, 102, 103)] == [False, True, False]
    assert [faults.unplugged(t) for t in (101, 102)] == [True, False]
    assert [faults.reboots(t) for t in (100, 101)] == [False, True]


def test_no_fault_spoils_what_it_is_not_about() -> None:
    about = [
        (Garbage(every=1), "noise"),
        (Silence(), "silent"),
        (Unplug(after=0), "unplugged"),
        (NoAcknowledgement(), "loses"),
        (Refusal(), "refuses"),
        (OneByteAtATime(), "pause"),
        (Split(), "pause"),
        (Glued(), "held"),
        (BadChecksum(every=1), "checksum"),
        (Truncate(every=1), "cut"),
        (SlowAcknowledgement(), "delay"),
        (DoubleAcknowledgement(), "repeats"),
        (Duplicate(), "doubled"),
        (Reboot(after=0), "reboots"),
        (ModbusException(every=1), "exception"),
        (Fault(), ""),
    ]
    for fault, name in about:
        spoilt = {
            "noise": fault.noise() != b"",
            "silent": fault.silent(1),
            "unplugged": fault.unplugged(1),
            "loses": fault.loses_acknowledgement(),
            "refuses": fault.refuses() is not None,
            "pause": fault.pause() is not None,
            "held": fault.held() != 1,
            "checksum": fault.spoils_checksum(),
            "cut": fault.cut() != 0,
            "delay": fault.acknowledgement_delay() != 0,
            "repeats": fault.repeats_acknowledgement(),
            "doubled": fault.doubled(),
            "reboots": fault.reboots(1),
            "exception": fault.exception() is not None,
        }
        assert [key for key, value in spoilt.items() if value] == ([name] if name else []), fault


def test_several_faults_act_together() -> None:
    faults = Faults([Garbage(every=1), Garbage(every=1, seed=1), OneByteAtATime(0.1), OneByteAtATime(0.2)])
    assert faults.noise().count(b"\n") == 2
    assert faults.pause() == 0.2
    assert not faults.silent(0)
    assert Faults([Split(size=5), Split(size=3), Silence()]).piece() == 3
    assert Faults([Glued(2), Glued(4)]).held() == 4
    assert Faults([Truncate(every=1, lost=2), Truncate(every=1, lost=5)]).cut() == 5
    assert Faults([SlowAcknowledgement(0.5), LateAcknowledgement(0.2)]).acknowledgement_delay() == 0.5
    assert Faults([ModbusException(every=2, code=6), ModbusException(every=1, code=4)]).exception() == 4


def test_all_counting_faults_count_however_many_there_are() -> None:
    faults = Faults([NoAcknowledgement(every=1), NoAcknowledgement(every=2)])
    faults.loses_acknowledgement()
    del faults[0]
    assert faults.loses_acknowledgement()


def test_a_fault_lasts_as_long_as_its_block() -> None:
    faults = Faults()
    with faults.during(Silence()):
        with faults.during(Silence()):
            assert len(faults) == 2
        assert faults.silent(0)
    assert not faults


def test_without_faults_nothing_is_spoilt() -> None:
    faults = Faults()
    assert (faults.noise(), faults.refuses(), faults.pause()) == (b"", None, None)
    assert (faults.held(), faults.cut(), faults.acknowledgement_delay(), faults.exception()) == (1, 0, 0, None)
    assert [faults.doubled(), faults.spoils_checksum(), faults.repeats_acknowledgement()] == [False] * 3
    assert [faults.silent(0), faults.unplugged(0), faults.loses_acknowledgement()] == [False] * 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("garbage", Garbage(seed=9)),
        ("garbage=2,8", Garbage(every=2, size=8, seed=9)),
        ("garbage=size:8,glued:true,seed:3", Garbage(size=8, glued=True, seed=3)),
        ("silence", Silence()),
        ("silence=20,10.5", Silence(after=20.0, seconds=10.5)),
        ("unplug=seconds:1", Unplug(seconds=1.0)),
        ("no-ack=3", NoAcknowledgement(every=3)),
        ("refuse=error:out of order", Refusal(error="out of order")),
        ("one-byte=0.01", OneByteAtATime(0.01)),
        ("split=5,0.1", Split(size=5, seconds=0.1)),
        ("glued=frames:4", Glued(frames=4)),
        ("bad-checksum=2", BadChecksum(every=2)),
        ("truncate=2,9", Truncate(every=2, lost=9)),
        ("slow", SlowAcknowledgement()),
        ("late-ack=every:2", LateAcknowledgement(every=2)),
        ("double-ack", DoubleAcknowledgement()),
        ("duplicate", Duplicate()),
        ("reboot=5", Reboot(after=5.0)),
        ("exception=1,6", ModbusException(every=1, code=6)),
    ],
)
def test_faults_are_read_from_text(text: str, fault: Fault) -> None:
    assert repr(parse_fault(text, seed=9)) == repr(fault)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gremlins", "no fault is named 'gremlins': there are garbage, silence"),
        ("garbage=x", "garbage: every is a whole number, not 'x'"),
        ("garbage=every:0", "garbage: every must be at least 1"),
        ("garbage=size:0", "garbage: size must be at least 1"),
        ("garbage=glued:maybe", "garbage: glued is true or false, not 'maybe'"),
        ("garbage=colour:red", "garbage has no setting 'colour': there are every, size"),
        ("unplug=1,2,3", "unplug takes at most 2 settings"),
        ("silence=-1", "silence: after must be 0 or more"),
        ("unplug=seconds:0", "unplug: after must be 0 or more, and seconds more than 0"),
        ("one-byte=nan", "one-byte: seconds must be 0 or more"),
        ("no-ack=0", "no-ack: every must be at least 1"),
        ("split=0", "split: size must be at least 1"),
        ("split=seconds:-1", "split: seconds must be 0 or more"),
        ("glued=0", "glued: frames must be at least 1"),
        ("truncate=lost:0", "truncate: lost must be at least 1"),
        ("slow=inf", "slow: seconds must be 0 or more"),
        ("reboot=-1", "reboot: after must be 0 or more, and every more than 0"),
        ("exception=code:0", "exception: code must be 1 to 255"),
        ("duplicate=1", "duplicate takes at most 0 settings"),
    ],
)
def test_a_fault_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="^" + says.replace("(", r"\(")):
        parse_fault(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("unplug", Unplug(after=0.0, seconds=float("inf"))),
        ("unplug=5", Unplug(after=5.0)),
        ("reboot", Reboot(after=0.0, every=float("inf"))),
        ("garbage", Garbage(seed=9)),
    ],
)
def test_a_script_switches_a_fault_on_at_once(text: str, fault: Fault) -> None:
    assert repr(parse_fault(text, seed=9, at_once=True)) == repr(fault)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_refused_where_it_cannot_be(name: str) -> None:
    fault = parse_fault(name)
    assert set(fault.where) <= {SERIAL, MQTT, MODBUS, RTU}
    for simulator in ((SERIAL,), (MQTT,), (MODBUS,), (MODBUS, RTU)):
        if set(simulator) & set(fault.where):
            check_faults([fault], *simulator)
        else:
            with pytest.raises(ValueError, match=f"^{name} is a fault of "):
                check_faults([Silence(), fault], *simulator)


def test_every_fault_is_described() -> None:
    described = "".join(describe_faults(simulator) for simulator in (SERIAL, MQTT, MODBUS))
    assert all(f"  {name}" in described for name in FAULTS)
