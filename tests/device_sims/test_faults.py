"""Every fault spoils what it says, and nothing else."""

import pytest

from device_sims.fault_names import FAULTS, describe_faults, parse_fault
from device_sims.faults import (
    Fault,
    Faults,
    Garbage,
    NoAcknowledgement,
    OneByteAtATime,
    Refusal,
    Silence,
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


def test_no_fault_spoils_what_it_is_not_about() -> None:
    about = [
        (Garbage(every=1), "noise"),
        (Silence(), "silent"),
        (Unplug(after=0), "unplugged"),
        (NoAcknowledgement(), "loses"),
        (Refusal(), "refuses"),
        (OneByteAtATime(), "pause"),
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
        }
        assert [key for key, value in spoilt.items() if value] == ([name] if name else []), fault


def test_several_faults_act_together() -> None:
    faults = Faults([Garbage(every=1), Garbage(every=1, seed=1), OneByteAtATime(0.1), OneByteAtATime(0.2)])
    assert faults.noise().count(b"\n") == 2
    assert faults.pause() == 0.2
    assert not faults.silent(0)


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
    ],
)
def test_a_fault_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="^" + says.replace("(", r"\(")):
        parse_fault(text)


def test_every_fault_is_described() -> None:
    assert all(f"  {name}=" in describe_faults() for name in FAULTS)
