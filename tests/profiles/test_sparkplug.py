"""Sparkplug B: births define devices, deaths end them, and what was missed is asked for."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.errors import CodecError
from gateway.model import Point, Sample, Value
from gateway.profiles import Available, Described, Heard
from gateway.profiles.sparkplug import SparkplugOptions
from tests.contract.parts import EXAMPLES, tried
from tests.profiles.sparkplug_messages import (
    BOOLEAN,
    DEVICE,
    DEVICE_METRICS,
    DOUBLE,
    INT64,
    MESSAGES,
    NODE,
    NODE_METRICS,
    TIME,
    metric,
    payload,
)
from tests.profiles.sparkplug_world import ASKED, REBIRTH, World, asks, available, born, heard, problems

# ---- devices


def test_a_birth_tells_all_of_a_node() -> None:
    told = born().devices[NODE]
    assert (told.description.name, told.description.vendor, told.description.model) == (
        "Raspberry Pi",
        "Raspberry Pi",
        "Pi 3 Model B",
    )
    assert told.topics == {"spBv1.0/Sparkplug B Devices/NDATA/Raspberry Pi"}
    points = told.description.points
    assert "bdSeq" not in points
    for name in ("Rebirth", "Reboot", "Next Server"):
        assert points[f"Node Control.{name}"] == Point("action", writable=True, confirm="sent")
    assert points["Node Control.Scan Rate"] == Point("integer", writable=True, confirm="verified")
    assert points["Supply Voltage"] == Point("number", writable=True, confirm="verified")


def test_properties_tell_unit_range_and_what_is_read_only() -> None:
    points = born().devices[DEVICE].description.points
    assert points["Temperature"] == Point("number", unit="Cel", min=-40.0, max=85.0)
    assert points["Outputs.E"] == Point("boolean", writable=True, confirm="verified")
    assert set(points) == {"Inputs.A", "Inputs.B", "Outputs.E", "Temperature", "Offset", "Properties.Firmware"}


def test_a_birth_has_the_values_of_that_moment() -> None:
    world = World()
    events = world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    assert [type(event) for event in events] == [Described, Available, Heard]
    assert heard(events) == {
        "Node Control.Scan Rate": 3000,
        "Properties.Hardware Make": "Raspberry Pi",
        "Properties.Hardware Model": "Pi 3 Model B",
        "Properties.OS": "Raspbian",
        "Supply Voltage": 12.1,
    }
    assert events[2].sample.device_time == TIME / 1000  # type: ignore[union-attr]


def test_the_same_birth_again_is_no_other_device() -> None:
    world = born()
    assert not [e for e in world.say("NBIRTH", payload(*NODE_METRICS, seq=0)) if isinstance(e, Described)]


def test_data_comes_by_alias_or_by_name() -> None:
    world = born()
    events = world.say("DDATA", payload(metric(alias=13, double_value=22.5), seq=2), DEVICE)
    assert events == [Heard(DEVICE, Sample({"Temperature": 22.5}, TIME / 1000))]
    events = world.say("DDATA", payload(metric("Inputs/A", BOOLEAN, boolean_value=True), seq=3), DEVICE)
    assert events == [Heard(DEVICE, Sample({"Inputs.A": True}, TIME / 1000))]


def test_values_of_several_times_are_samples_in_order() -> None:
    world = born()
    batch = [metric(alias=13, double_value=20.0 + n) | {"timestamp": TIME + 1000 * n} for n in range(3)]
    events = world.say("DDATA", payload(*batch, seq=2), DEVICE)
    assert [event.sample for event in events if isinstance(event, Heard)] == [
        Sample({"Temperature": 20.0 + n}, TIME / 1000 + n) for n in range(3)
    ]


def test_values_of_one_message_keep_their_own_times() -> None:
    world = born()
    later = metric(alias=10, boolean_value=True) | {"timestamp": TIME + 500}
    events = world.say("DDATA", payload(metric(alias=13, double_value=20.0), later, seq=2), DEVICE)
    assert events == [
        Heard(DEVICE, Sample({"Temperature": 20.0}, TIME / 1000)),
        Heard(DEVICE, Sample({"Inputs.A": True}, TIME / 1000 + 0.5)),
    ]


def test_what_is_historical_never_takes_the_place_of_what_is_newer() -> None:
    world = World()
    old = metric(alias=1, double_value=1.0, is_historical=True)
    world.say("NBIRTH", payload(metric("A", DOUBLE, is_null=True, alias=1), seq=0))
    assert world.say("NDATA", payload(old, seq=1)) == [Heard(NODE, Sample({"A": 1.0}, TIME / 1000), retained=True)]
    world.say("NDATA", payload(metric(alias=1, double_value=2.0), seq=2))
    assert world.say("NDATA", payload(old, seq=3)) == []


def test_a_bad_or_stale_value_is_none() -> None:
    world = born()
    for quality, value in ((0, None), (500, None), (192, 22.5)):
        bad = metric(alias=13, double_value=22.5, properties={"Quality": (3, "int_value", quality)})
        assert heard(world.say("DDATA", payload(bad), DEVICE)) == {"Temperature": value}


def test_tables_files_lists_and_templates_are_left_out_quietly() -> None:
    world = World()
    others = [
        metric(f"m{datatype}", datatype, bytes_value=b"x") for datatype in (0, 16, 17, 18, 19, 20, 21, *range(22, 35))
    ]
    events = world.say("NBIRTH", payload(metric("A", DOUBLE, double_value=1.0), *others, seq=0))
    assert set(world.devices[NODE].description.points) == {"A"}
    assert problems(events) == []
    assert problems(world.say("NDATA", payload(*others, seq=1))) == []


# ---- sessions and order


def test_data_before_a_birth_is_counted_and_the_birth_asked_for_once() -> None:
    world = World()
    events = world.say("NDATA", payload(metric(alias=9, float_value=1.0), seq=7))
    assert asks(events) == [ASKED]
    assert len(problems(events)) == 1
    assert asks(world.say("DDATA", payload(metric(alias=10, boolean_value=True), seq=8), DEVICE)) == []
    world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    assert asks(world.say("DDATA", payload(metric(alias=10, boolean_value=True), seq=1), DEVICE)) == [ASKED]


def test_after_a_birth_of_the_node_a_device_is_not_read_before_its_own() -> None:
    world = born()
    world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    events = world.say("DDATA", payload(metric(alias=13, double_value=22.5), seq=1), DEVICE)
    assert heard(events) == {}
    assert asks(events) == [ASKED]


def test_a_death_of_nobody_is_nothing() -> None:
    world = World()
    assert world.say("NDEATH", payload(metric("bdSeq", INT64, long_value=0))) == []
    assert list(world.profile.greetings()) == []


def test_a_gap_asks_for_a_birth_and_until_then_aliases_mean_nothing() -> None:
    world = born()
    events = world.say("DDATA", payload(metric(alias=13, double_value=22.5), seq=4), DEVICE)
    assert "2 messages before it are missing" in problems(events)[0]
    assert asks(events) == [ASKED]
    assert heard(events) == {}
    events = world.say("DDATA", payload(metric("Inputs/A", BOOLEAN, boolean_value=True), seq=5), DEVICE)
    assert heard(events) == {"Inputs.A": True}
    assert asks(events) == []
    world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    world.say("DBIRTH", payload(*DEVICE_METRICS, seq=1), DEVICE)
    assert heard(world.say("DDATA", payload(metric(alias=13, double_value=22.5), seq=2), DEVICE)) == {
        "Temperature": 22.5
    }


def test_after_255_comes_0_and_a_repeated_message_is_no_gap() -> None:
    world = born()
    for seq in [*range(2, 256), 0, 1, 1, 2]:
        events = world.say("DDATA", payload(metric(alias=13, double_value=1.0), seq=seq), DEVICE)
        assert [type(event) for event in events] == [Heard]


def test_a_node_that_breaks_its_own_rules_is_not_asked_for_ever() -> None:
    world = born()
    asked = 0
    for round in range(20):
        asked += len(asks(world.say("NDATA", payload(metric(alias=9, float_value=1.0), seq=50 + round))))
        world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    assert asked == 3


def test_a_metric_that_no_birth_defines_is_counted_and_asked_for() -> None:
    world = born()
    events = world.say("NDATA", payload(metric(alias=77, float_value=1.0), metric(alias=9, float_value=2.0), seq=2))
    assert heard(events) == {"Supply Voltage": 2.0}
    assert len(problems(events)) == 1
    assert asks(events) == [ASKED]
    events = world.say("DDATA", payload(metric(alias=9, float_value=1.0), seq=3), DEVICE)  # the alias of another
    assert heard(events) == {}


def test_a_death_of_the_node_takes_its_devices_along() -> None:
    world = born()
    assert available(world.say("NDEATH", payload(metric("bdSeq", INT64, long_value=0)))) == {NODE: False, DEVICE: False}
    assert asks(world.say("NDATA", payload(metric(alias=9, float_value=1.0), seq=2))) == [ASKED]


def test_a_late_will_of_an_earlier_session_ends_nothing() -> None:
    world = World()
    world.say("NBIRTH", payload(metric("bdSeq", INT64, long_value=4), *NODE_METRICS[1:], seq=0))
    assert world.say("NDEATH", payload(metric("bdSeq", INT64, long_value=3))) == []
    assert available(world.say("NDEATH", payload(metric("bdSeq", INT64, long_value=4)))) == {NODE: False}


def test_a_new_session_ends_devices_until_they_are_born_again_and_a_rebirth_does_not() -> None:
    world = born()
    assert available(world.say("NBIRTH", payload(*NODE_METRICS, seq=0))) == {NODE: True}
    world.say("DBIRTH", payload(*DEVICE_METRICS, seq=1), DEVICE)
    other = [metric("bdSeq", INT64, long_value=1), *NODE_METRICS[1:]]
    assert available(world.say("NBIRTH", payload(*other, seq=0))) == {DEVICE: False, NODE: True}
    assert available(world.say("DBIRTH", payload(*DEVICE_METRICS, seq=1), DEVICE)) == {DEVICE: True}


def test_a_death_of_a_device_is_its_own() -> None:
    world = born()
    assert available(world.say("DDEATH", payload(seq=2), DEVICE)) == {DEVICE: False}
    assert heard(world.say("NDATA", payload(metric(alias=9, float_value=1.0), seq=3))) == {"Supply Voltage": 1.0}


def test_a_new_connection_asks_all_known_nodes_for_their_birth() -> None:
    world = born()
    assert list(world.profile.greetings()) == [ASKED.publication]
    assert list(World().profile.greetings()) == []


def test_it_subscribes_to_what_nodes_say_and_hears_no_commands() -> None:
    world = World("plant-1")
    assert [filter for filter, _ in world.profile.subscriptions] == [
        "spBv1.0/plant-1/NBIRTH/+",
        "spBv1.0/plant-1/NDATA/+",
        "spBv1.0/plant-1/NDEATH/+",
        "spBv1.0/plant-1/DBIRTH/+/+",
        "spBv1.0/plant-1/DDATA/+/+",
        "spBv1.0/plant-1/DDEATH/+/+",
    ]
    assert world.say("NBIRTH", payload(*NODE_METRICS, seq=0)) == []  # another group
    assert born().say("NCMD", REBIRTH) == []
    assert list(born().profile.receive("spBv1.0/STATE/host", b'{"online":true,"timestamp":1}', True)) == []


@pytest.mark.parametrize("group", ["", "a/b", "#", "a+", "x" * 100])
def test_a_group_is_one_level_of_a_topic(group: str) -> None:
    with pytest.raises(ValidationError):
        SparkplugOptions(groups=(group,))


def test_retained_messages_are_marked_and_prove_nothing() -> None:
    world = World()
    events = world.say("NBIRTH", payload(*NODE_METRICS, seq=0), retained=True)
    assert available(events) == {}
    assert all(event.retained for event in events if isinstance(event, Heard))
    assert problems(world.say("NDATA", payload(metric(alias=9, float_value=1.0), seq=9))) == []


# ---- bad input


@pytest.mark.parametrize(
    "metrics",
    [
        [metric(None, DOUBLE, double_value=1.0)],
        [metric("x" * 200, DOUBLE, double_value=1.0)],
        [metric("a\nb", DOUBLE, double_value=1.0)],
        [metric("B", DOUBLE, double_value=1.0), metric("B", DOUBLE, double_value=2.0)],
        [metric("B", DOUBLE, double_value=1.0, alias=1)],
    ],
)
def test_a_metric_that_makes_no_sense_is_counted_and_costs_no_other(metrics: list[dict[str, Any]]) -> None:
    world = World()
    events = world.say("NBIRTH", payload(metric("A", DOUBLE, double_value=1.0, alias=1), *metrics, seq=0))
    assert heard(events)["A"] == 1.0
    assert len(problems(events)) == 1


def test_a_payload_that_is_none_is_counted() -> None:
    world = born()
    for raw in (b"\xff\xff", b"\x12\x05\x0a", payload(*[{}] * 5000)):
        assert len(problems(world.say("DDATA", raw, DEVICE))) == 1
    assert len(problems(world.say("NDATA", b"", f"{'x' * 100}/a"))) == 1


def test_names_that_only_differ_in_slash_and_dot_are_counted_and_the_first_stands() -> None:
    world = World()
    both = (metric("a/b", DOUBLE, double_value=1.0), metric("a.b", DOUBLE, double_value=2.0))
    events = world.say("NBIRTH", payload(*both, seq=0))
    assert heard(events) == {"a.b": 1.0}
    assert "'a/b' and 'a.b'" in problems(events)[0]


VALUES: dict[str, Value] = {"boolean": True, "string": "a", "action": None}
PIECES = st.one_of(
    st.sampled_from([raw for _, raw, _ in MESSAGES]),
    st.binary(max_size=40),
    st.lists(
        st.builds(
            metric,
            st.sampled_from(["A", "bdSeq", "a/b", "", "Node Control/Rebirth", "\n"]) | st.none(),
            st.integers(0, 40),
            alias=st.integers(0, 3),
            int_value=st.integers(0, 2**32 - 1),
        )
        | st.builds(metric, st.just("B"), st.integers(0, 40), float_value=st.floats(width=32))
        | st.builds(metric, st.just("C"), st.integers(0, 40), string_value=st.text(max_size=4)),
        max_size=4,
    ).map(lambda metrics: payload(*metrics, seq=1)),
)


@EXAMPLES
def test_no_message_raises(examples: int) -> None:
    @tried(examples)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "STATE"]),
                PIECES,
                st.integers(0, 60),
                st.binary(max_size=2),
                st.booleans(),
            ),
            max_size=8,
        )
    )
    def check(steps: list[tuple[str, bytes, int, bytes, bool]]) -> None:
        world = born()
        for kind, raw, at, put, retained in steps:
            spoilt = raw[:at] + put + raw[at + len(put) :]
            world.say(kind, spoilt, DEVICE if kind.startswith("D") else NODE, retained=retained)
        for key, told in world.devices.items():
            assert len(told.description.points) <= 512
            for name, point in told.description.points.items():
                if point.writable:
                    with contextlib.suppress(CodecError):
                        world.order(key, name, VALUES.get(point.type, 1))

    check()
