"""The edge node is born, tells, obeys and dies as Sparkplug 3.0 has it."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.sparkplug import Fleet
from device_sims.dialects.sparkplug.payload import DataType, Metric, Payload, decode, encode, signed
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]
START = 1_767_225_600_000  # ms since 1970 when the age is 0
BOILER = "spBv1.0/plant/DCMD/edge1/boiler1"
REBIRTH = "spBv1.0/plant/NCMD/edge1"


def fleet(devices: int = 3, seed: int = 1) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what)), recorded


def read(said: list[Publication]) -> list[tuple[str, Payload]]:
    return [(each.topic.removeprefix("spBv1.0/plant/"), decode(each.payload)) for each in said]


def born(said: list[Publication]) -> dict[str, dict[str, Metric]]:
    """The metrics of births by name, by topic."""
    return {topic: {metric.name or "": metric for metric in payload.metrics} for topic, payload in read(said)}


def number(publication: Publication) -> object:
    """The number of the birth that a death or a birth carries."""
    (metric,) = [metric for metric in decode(publication.payload).metrics if metric.name == "bdSeq"]
    assert metric.type == DataType.INT64
    return metric.value


def write(**metric: Any) -> bytes:
    return encode(Payload([Metric(**metric)], seq=None, time=START))


def test_a_payload_has_the_fields_of_the_schema() -> None:
    metric = Metric("T", 7, DataType.FLOAT, 1.0, 300, "bar")
    unit = "0a07656e67556e6974" + "1207" + "080c" + "4203626172"  # keys, values: type String and its value
    inner = "0a0154" + "1007" + "18ac02" + "2009" + "4a12" + unit + "650000803f"
    assert encode(Payload([metric], seq=5, time=300)).hex() == "08ac02" + f"12{len(inner) // 2:02x}" + inner + "1805"


@pytest.mark.parametrize(
    ("type", "value", "field"),
    [
        (DataType.INT32, -1, "50ffffffff0f"),
        (DataType.UINT32, 4294967295, "50ffffffff0f"),
        (DataType.INT64, -1, "58ffffffffffffffffff01"),
        (DataType.UINT64, 300, "58ac02"),
        (DataType.DOUBLE, 1.0, "69000000000000f03f"),
        (DataType.BOOLEAN, True, "7001"),
        (DataType.STRING, "ü", "7a02c3bc"),
    ],
)
def test_a_value_stands_in_the_field_of_its_type(type: DataType, value: Value, field: str) -> None:
    payload = encode(Payload([Metric(alias=1, type=type, value=value)]))
    assert payload.hex().endswith(f"20{int(type):02x}" + field)
    assert decode(payload).metrics[0].value == value


def schema() -> type[Message]:
    """The class of a payload, made of those fields of the public schema that are used here."""
    file = descriptor_pb2.FileDescriptorProto(name="sims_sparkplug.proto", package="sims", syntax="proto2")
    numbers = {"int": 13, "long": 4, "float": 2, "double": 1, "boolean": 8, "string": 9}  # the types of descriptors
    metric = file.message_type.add(name="Metric")
    metric.field.add(name="name", number=1, type=9, label=1)
    metric.field.add(name="alias", number=2, type=4, label=1)
    metric.field.add(name="timestamp", number=3, type=4, label=1)
    metric.field.add(name="datatype", number=4, type=13, label=1)
    metric.field.add(name="is_null", number=7, type=8, label=1)
    for number_, (kind, type_) in enumerate(numbers.items(), start=10):
        metric.field.add(name=f"{kind}_value", number=number_, type=type_, label=1)
    payload = file.message_type.add(name="Payload")
    payload.field.add(name="timestamp", number=1, type=4, label=1)
    payload.field.add(name="metrics", number=2, type=11, label=3, type_name=".sims.Metric")
    payload.field.add(name="seq", number=3, type=4, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sims.Payload"))


def test_the_library_of_others_reads_a_birth_and_writes_what_is_read() -> None:
    birth = fleet()[0].hello()[1]
    theirs: Any = schema()()
    theirs.ParseFromString(birth.payload)
    ours = decode(birth.payload)
    assert (theirs.seq, theirs.timestamp) == (ours.seq, ours.time) == (1, START)
    for their, our in zip(theirs.metrics, ours.metrics, strict=True):
        assert (their.name, their.alias, their.datatype) == (our.name, our.alias, our.type)
        values = [getattr(their, f.name) for f, _ in their.ListFields() if f.name.endswith("_value")]
        assert [signed(value, our.type) for value in values] == [our.value]
    assert decode(theirs.SerializeToString()).metrics == [replace(metric, unit="") for metric in ours.metrics]


def test_a_metric_without_a_value_is_null() -> None:
    payload = encode(Payload([Metric("T", type=DataType.FLOAT)]))
    assert payload.hex() == "12070a015420093801"
    assert decode(payload).metrics[0].value is None


def test_a_fleet_is_a_dialect() -> None:
    dialect: Dialect = fleet(4)[0]
    assert dialect.devices == ["plant/edge1", "plant/edge1/boiler1", "plant/edge1/press1", "plant/edge1/boiler2"]
    assert fleet(1)[0].devices == ["plant/edge1"]
    assert dialect.subscriptions == ["spBv1.0/plant/NCMD/edge1", "spBv1.0/plant/DCMD/edge1/+"]


def test_births_come_first_and_count_from_0() -> None:
    nodes, _ = fleet()
    said = nodes.hello()
    assert [(topic, payload.seq) for topic, payload in read(said)] == [
        ("NBIRTH/edge1", 0),
        ("DBIRTH/edge1/boiler1", 1),
        ("DBIRTH/edge1/press1", 2),
    ]
    assert not any(each.retain for each in said)
    births = born(said)
    assert list(births["NBIRTH/edge1"])[:2] == ["bdSeq", "Node Control/Rebirth"]
    assert births["NBIRTH/edge1"]["Node Control/Rebirth"].value is False
    boiler = births["DBIRTH/edge1/boiler1"]
    assert {name: (metric.type, type(metric.value)) for name, metric in boiler.items()} == {
        "Flow/Temperature": (DataType.DOUBLE, float),
        "Flow/Pressure": (DataType.FLOAT, float),
        "Outside Temperature": (DataType.INT32, int),
        "Burner/Starts": (DataType.UINT32, int),
        "Pump/Running": (DataType.BOOLEAN, bool),
        "Setpoint": (DataType.DOUBLE, float),
        "Mode": (DataType.STRING, str),
    }
    aliases = [metric.alias for metrics in births.values() for metric in metrics.values() if metric.alias]
    assert len(aliases) == len(set(aliases)) == 15


def test_what_follows_a_birth_tells_changes_by_alias() -> None:
    nodes, _ = fleet()
    names = {metric.alias: name for name, metric in born(nodes.hello())["DBIRTH/edge1/boiler1"].items()}
    ((topic, payload),) = read(nodes.report("plant/edge1/boiler1", 40))
    assert (topic, payload.seq, payload.time) == ("DDATA/edge1/boiler1", 3, START + 40_000)
    assert all((metric.name, metric.type) == (None, None) for metric in payload.metrics)
    told = [names[metric.alias] for metric in payload.metrics]
    assert {"Flow/Temperature", "Flow/Pressure", "Burner/Starts"} <= set(told)
    assert "Setpoint" not in told
    assert nodes.report("plant/edge1/boiler1", 40) == []
    ((topic, payload),) = read(nodes.report("plant/edge1", 40))
    assert (topic, payload.seq) == ("NDATA/edge1", 4)


def test_the_sequence_goes_from_255_to_0() -> None:
    nodes, _ = fleet(1)
    nodes.hello()
    seqs = [payload.seq for age in range(1, 300) for _, payload in read(nodes.report("plant/edge1", age))]
    assert seqs == [i % 256 for i in range(1, 300)]


def test_a_signed_metric_goes_below_zero() -> None:
    nodes, _ = fleet()
    alias = born(nodes.hello())["DBIRTH/edge1/boiler1"]["Outside Temperature"].alias
    raw = [
        metric.value
        for age in range(0, 600, 20)
        for _, payload in read(nodes.report("plant/edge1/boiler1", age))
        for metric in payload.metrics
        if metric.alias == alias
    ]
    assert any(isinstance(value, int) and value > 1 << 31 for value in raw)  # two's complement, as no type is told
    assert all(isinstance(value, int) and (value < 10 or value > (1 << 32) - 10) for value in raw)


def test_a_death_belongs_to_its_birth() -> None:
    nodes, _ = fleet()
    for connection in (0, 1, 2):
        will = nodes.will
        birth = nodes.hello()[0]
        assert (will.topic, will.retain, will.qos) == ("spBv1.0/plant/NDEATH/edge1", False, 1)
        assert decode(will.payload).seq is None
        assert number(will) == number(birth) == number(nodes.goodbye()[0]) == connection
    for _ in range(253):
        nodes.hello()
    assert number(nodes.will) == 0


def test_a_node_is_born_again_when_told_to() -> None:
    nodes, _ = fleet()
    first = nodes.hello()
    nodes.report("plant/edge1/boiler1", 40)
    again = nodes.receive(REBIRTH, write(name="Node Control/Rebirth", type=DataType.BOOLEAN, value=True))
    assert [each.topic for each in again] == [each.topic for each in first]
    assert [payload.seq for _, payload in read(again)] == [0, 1, 2]
    assert number(again[0]) == number(first[0])  # the connection is the same


@pytest.mark.parametrize(
    ("name", "type", "value", "result"),
    [
        ("Setpoint", DataType.DOUBLE, 60.5, 60.5),
        ("Setpoint", DataType.INT32, 60, 60.0),
        ("Pump/Running", DataType.BOOLEAN, False, False),
        ("Mode", DataType.STRING, "off", "off"),
    ],
)
def test_a_write_is_answered_by_data(name: str, type: DataType, value: Value, result: Value) -> None:
    nodes, recorded = fleet()
    alias = born(nodes.hello())["DBIRTH/edge1/boiler1"][name].alias
    for metric in ({"name": name}, {"alias": alias}):
        ((topic, payload),) = read(nodes.receive(BOILER, write(**metric, type=type, value=value)))
        assert topic == "DDATA/edge1/boiler1"
        assert [(each.alias, each.value) for each in payload.metrics] == [(alias, result)]
    assert recorded == [("plant/edge1/boiler1", name, result)] * 2
    assert born(nodes.hello())["DBIRTH/edge1/boiler1"][name].value == result


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (BOILER, b""),
        (BOILER, b"\xff"),
        (BOILER, write(name="Setpoint", type=DataType.DOUBLE, value=81.0)),
        (BOILER, write(name="Setpoint", type=DataType.DOUBLE, value=float("nan"))),
        (BOILER, write(name="Setpoint", type=DataType.BOOLEAN, value=True)),
        (BOILER, write(name="Setpoint", type=DataType.DOUBLE)),
        (BOILER, write(name="Pump/Running", type=DataType.INT32, value=1)),
        (BOILER, write(name="Flow/Pressure", type=DataType.FLOAT, value=2.0)),
        (BOILER, write(name="Turbo", type=DataType.BOOLEAN, value=True)),
        (BOILER, write(alias=0, type=DataType.BOOLEAN, value=True)),
        (BOILER, write(alias=99, type=DataType.BOOLEAN, value=True)),
        (f"{BOILER}/x", write(name="Setpoint", type=DataType.DOUBLE, value=60.0)),
        ("spBv1.0/plant/DCMD/edge1/nobody", write(name="Setpoint", type=DataType.DOUBLE, value=60.0)),
        ("spBv1.0/plant/DCMD/edge1/", write(name="Health/Uptime", type=DataType.UINT64, value=60)),
        (REBIRTH, write(name="Node Control/Rebirth", type=DataType.BOOLEAN, value=False)),
        (REBIRTH, write(name="Node Control/Reboot", type=DataType.BOOLEAN, value=True)),
    ],
)
def test_what_cannot_be_done_is_an_error_and_changes_nothing(topic: str, payload: bytes) -> None:
    nodes, recorded = fleet()
    before = [each.payload for each in nodes.hello()[1:]]
    with pytest.raises(ValueError, match=r"."):
        nodes.receive(topic, payload)
    assert recorded == []
    assert [each.payload for each in nodes.hello()[1:]] == before


def test_a_write_need_not_tell_its_type() -> None:
    nodes, recorded = fleet()
    metric = b"\x0a\x0cTarget Force" + b"\x50\xce\xff\xff\xff\x0f"  # int_value, -50 in 32 bits
    nodes.receive("spBv1.0/plant/DCMD/edge1/press1", b"\x12" + bytes([len(metric)]) + metric)
    assert recorded == [("plant/edge1/press1", "Target Force", -50)]


def test_of_a_command_with_one_bad_metric_nothing_is_done() -> None:
    nodes, recorded = fleet()
    good = Metric("Setpoint", type=DataType.DOUBLE, value=60.0)
    with pytest.raises(ValueError, match="cannot be written"):
        nodes.receive(BOILER, encode(Payload([good, Metric("Flow/Pressure", type=DataType.FLOAT, value=1.0)])))
    assert recorded == []


def conversation(seed: int) -> list[Publication]:
    nodes, _ = fleet(seed=seed)
    said = nodes.hello()
    for age in range(0, 300, 10):
        for name in nodes.devices:
            said += nodes.report(name, age)
    return said


def test_a_seed_is_a_conversation() -> None:
    assert conversation(7) == conversation(7)
    assert conversation(7) != conversation(8)


EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=pytest.mark.long)])
_METRICS = st.builds(
    Metric,
    name=st.none() | st.sampled_from(["Setpoint", "Mode", "Pump/Running", "Node Control/Rebirth"]),
    alias=st.none() | st.integers(0, 2**64 - 1),
    type=st.none() | st.sampled_from(DataType),
    value=st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1),
    time=st.none() | st.integers(0, 2**64 - 1),
)
_PAYLOADS = st.binary(max_size=60) | st.lists(_METRICS, max_size=4).map(lambda metrics: encode(Payload(metrics)))


@EXAMPLES
def test_no_message_breaks_a_node(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(st.tuples(st.sampled_from([BOILER, REBIRTH]) | st.text(max_size=9), _PAYLOADS), max_size=5))
    def tried(messages: list[tuple[str, bytes]]) -> None:
        nodes, _ = fleet()
        for age, (topic, payload) in enumerate(messages):
            try:
                nodes.receive(topic, payload)
            except ValueError:
                continue
            finally:
                nodes.report("plant/edge1/boiler1", age)
        assert len(read(nodes.hello())) == 3

    tried()


@given(_PAYLOADS, st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_payload_is_read_or_is_an_error(payload: bytes, place: int, byte: int) -> None:
    damaged = payload[:place] + bytes([byte]) + payload[place + 1 :]
    with suppress(ValueError):
        decode(damaged)
