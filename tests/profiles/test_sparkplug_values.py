"""Sparkplug B: values and commands on the wire."""

from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Outgoing, Sample, Value
from gateway.profiles import Available, Heard, Publication
from gateway.profiles.sparkplug import SparkplugOptions
from gateway.profiles.sparkplug.payload import Payload, parse
from tests.profiles.sparkplug_messages import (
    DEVICE,
    DEVICE_METRICS,
    DOUBLE,
    NODE,
    NODE_METRICS,
    TIME,
    metric,
    payload,
    topic,
)
from tests.profiles.sparkplug_world import ASKED, World, born, heard, problems

# ---- the wire format, by hand


def test_a_birth_is_read_from_its_bytes() -> None:
    raw = bytes.fromhex(
        "08 e807"  # timestamp (1): 1000
        "12 0e 0a05 6264536571 18e807 2004 5803"  # metric (2): name bdSeq, timestamp, Int64, long_value (11): 3
        "12 25 0a01 41 1005 18e807 200a"  # metric: name A, alias (2): 5, timestamp (3), datatype (4): Double
        "4a10 0a07 656e67556e6974 1205 080c 4201 56"  # properties (9): keys engUnit, values a String (8): V
        "69 000000000000f83f"  # double_value (13): 1.5
        "12 0d 0a01 42 18e807 2009 65 0000c03f"  # metric: name B, Float, float_value (12): 1.5
        "12 0a 0a01 43 18e807 200b 7001"  # metric: name C, Boolean, boolean_value (14)
        "12 0c 0a01 44 18e807 200c 7a02 6869"  # metric: name D, String, string_value (15): hi
        "12 0b 0a01 45 18e807 2001 50fe01"  # metric: name E, Int8, int_value (10): 254, which is -2
        "12 0a 0a01 46 18e807 2001 3801"  # metric: name F, Int8, is_null (7)
        "18 00"  # seq (3)
    )
    world = World()
    events = world.say("NBIRTH", raw)
    assert events[0] == world.devices[NODE]
    assert {name: (point.type, point.unit) for name, point in world.devices[NODE].description.points.items()} == {
        "A": ("number", "V"),
        "B": ("number", None),
        "C": ("boolean", None),
        "D": ("string", None),
        "E": ("integer", None),
        "F": ("integer", None),
    }
    assert events[1:] == [
        Available(NODE, True),
        Heard(NODE, Sample({"A": 1.5, "B": 1.5, "C": True, "D": "hi", "E": -2, "F": None}, 1.0)),
    ]


def test_data_by_alias_and_what_is_historical_are_read_from_their_bytes() -> None:
    world = World()
    birth = bytes.fromhex("12 09 0a01 41 1005 2003 3801 1800")  # A, alias 5, Int32, is_null (7)
    world.say("NBIRTH", birth)
    data = bytes.fromhex(
        "12 0d 1005 18d00f 2003 50feffffff0f"  # alias 5, timestamp 2000, Int32, int_value: -2 in 32 bits
        "12 09 1005 18e807 2801 5007"  # alias 5, timestamp 1000, is_historical (5), int_value: 7
        "18 01"
    )
    assert world.say("NDATA", data) == [Heard(NODE, Sample({"A": -2}, 2.0))]


def test_a_command_is_the_bytes_that_the_schema_has() -> None:
    world = born()
    assert world.order(NODE, "Node Control.Rebirth", None) == ASKED.publication
    assert world.order(DEVICE, "Outputs.E", True) == Publication(
        "spBv1.0/Sparkplug B Devices/DCMD/Raspberry Pi/Pibrella",
        # metric { name "Outputs/E", alias (2) 12, datatype 11, boolean_value (14) true }
        bytes.fromhex("12 11 0a09 4f7574707574732f45 100c 200b 7001"),
    )
    assert world.order(DEVICE, "Offset", -2).payload == bytes.fromhex("12 0f 0a06 4f6666736574 100e 2001 50fe01")
    stamped = world.profile.encode(Outgoing("x", DEVICE, "Offset", -2, 1, 0.0, time=2.0))
    assert stamped.payload == bytes.fromhex("08d00f 12 0f 0a06 4f6666736574 100e 2001 50fe01")  # timestamp (1): 2000 ms


def test_only_the_metrics_that_are_named_take_commands_where_some_are() -> None:
    world = born()
    assert {point for point, each in world.devices[DEVICE].description.points.items() if each.writable} > {"Outputs.E"}
    world.profile = SparkplugOptions(writable=("Outputs/*",)).build()
    world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    world.say("DBIRTH", payload(*DEVICE_METRICS, seq=1), DEVICE)
    writable = [point for point, each in world.devices[DEVICE].description.points.items() if each.writable]
    assert writable
    assert all(point.startswith("Outputs.") for point in writable)


# ---- values


@pytest.mark.parametrize(
    ("datatype", "field", "wire", "value"),
    [
        (1, "int_value", 0x80, -128),
        (1, "int_value", 0xFFFFFF80, -128),
        (1, "int_value", 127, 127),
        (2, "int_value", 0xFFFF, -1),
        (3, "int_value", 0xFFFFFFFF, -1),
        (3, "long_value", 0xFFFFFFFFFFFFFFFF, -1),
        (4, "long_value", 0x8000000000000000, -(1 << 63)),
        (5, "int_value", 255, 255),
        (6, "int_value", 65535, 65535),
        (7, "int_value", 0xFFFFFFFF, 0xFFFFFFFF),
        (7, "long_value", 0xFFFFFFFF, 0xFFFFFFFF),
        (8, "long_value", 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
        (9, "float_value", 21.4, 21.4),
        (9, "float_value", 16777216.0, 16777216.0),
        (10, "double_value", 21.4, 21.4),
        (11, "boolean_value", True, True),
        (12, "string_value", "é", "é"),
        (13, "long_value", TIME, TIME),
        (14, "string_value", "text", "text"),
        (15, "string_value", "669f1b2c-0d2b-4a58-a7b5-2a3b5a3a0e5f", "669f1b2c-0d2b-4a58-a7b5-2a3b5a3a0e5f"),
    ],
)
def test_each_data_type_has_its_value(datatype: int, field: str, wire: Any, value: Value) -> None:
    world = World()
    events = world.say("NBIRTH", payload(metric("A", datatype, **{field: wire}), seq=0))
    assert problems(events) == []
    assert heard(events) == {"A": value}
    assert type(heard(events)["A"]) is type(value)


@pytest.mark.parametrize(
    ("datatype", "fields"),
    [
        (1, {"int_value": 300}),
        (2, {"int_value": 0xFFFF0000}),
        (5, {"int_value": 256}),
        (3, {"double_value": 1.0}),
        (11, {"int_value": 1}),
        (12, {"boolean_value": True}),
        (12, {"string_value": "x" * 5000}),
        (10, {}),
    ],
)
def test_a_value_that_is_none_of_its_type_is_counted_and_costs_no_other(datatype: int, fields: dict[str, Any]) -> None:
    world = World()
    events = world.say("NBIRTH", payload(metric("A", datatype, **fields), metric("B", DOUBLE, double_value=1.0), seq=0))
    assert heard(events) == {"B": 1.0}
    assert len(problems(events)) == 1


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (1, -128),
        (2, -1),
        (3, -5),
        (4, -(1 << 62)),
        (5, 255),
        (7, 0xFFFFFFFF),
        (8, 1 << 62),
        (9, 21.4),
        (10, 21.4),
        (12, "é"),
    ],
)
def test_a_command_says_what_data_of_that_value_would(datatype: int, value: Value) -> None:
    world = World()
    world.say("NBIRTH", payload(metric("A", datatype, is_null=True, alias=1), seq=0))
    sent = world.order(NODE, "A", value)
    assert sent.topic == topic("NCMD")
    assert heard(world.say("NDATA", sent.payload)) == {"A": value}


@pytest.mark.parametrize(
    ("datatype", "value"),
    [(1, 128), (1, -129), (5, -1), (5, 256), (5, 1.5), (8, 1 << 64), (9, 1e300), (11, 1), (12, "\ud800"), (3, True)],
)
def test_a_value_that_the_data_type_cannot_hold_is_refused(datatype: int, value: Value) -> None:
    world = World()
    world.say("NBIRTH", payload(metric("A", datatype, is_null=True), seq=0))
    with pytest.raises(CodecError):
        world.order(NODE, "A", value)


def test_a_command_stands_in_the_member_that_the_birth_had() -> None:
    world = World()
    world.say("NBIRTH", payload(metric("A", 7, long_value=1), seq=0))
    assert parse(world.order(NODE, "A", 5).payload).metrics[0].WhichOneof("value") == "long_value"


def test_what_takes_no_commands_is_refused() -> None:
    world = born()
    for device, point in ((DEVICE, "Temperature"), (DEVICE, "nothing"), ("nobody", "A"), (NODE, "bdSeq")):
        with pytest.raises(CodecError):
            world.order(device, point, 1)


def test_the_schema_has_what_the_specification_has() -> None:
    messages = Payload.DESCRIPTOR.file.message_types_by_name
    held = messages["Metric"].oneofs_by_name["value"].fields
    assert [(field.number, field.name) for field in held] == [
        (10, "int_value"),
        (11, "long_value"),
        (12, "float_value"),
        (13, "double_value"),
        (14, "boolean_value"),
        (15, "string_value"),
        (16, "bytes_value"),
        (17, "dataset_value"),
        (18, "template_value"),
    ]
    assert {name: field.number for name, field in messages["PropertyValue"].fields_by_name.items()} == {
        "type": 1,
        "is_null": 2,
        "int_value": 3,
        "long_value": 4,
        "float_value": 5,
        "double_value": 6,
        "boolean_value": 7,
        "string_value": 8,
        "propertyset_value": 9,
        "propertysets_value": 10,
    }
