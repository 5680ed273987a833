"""SenML: packs into samples, by the rules and examples of RFC 8428, and commands as packs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs import Codec
from gateway.codecs.senml import SenmlCodec, SenmlCommandOptions, SenmlOptions
from gateway.codecs.senml_units import UCUM
from gateway.errors import CodecError
from gateway.model import Outgoing, Sample, Value
from tests.codecs.recorded import check
from tests.contract.parts import tried

OW = "urn:dev:ow:10e2073a01080063"


def new(**options: Any) -> Codec:
    return SenmlOptions.model_validate(options).build()


def read(*records: dict[str, Any], **options: Any) -> list[Sample]:
    return new(**options).decode(json.dumps(records).encode())


def only(*records: dict[str, Any], **options: Any) -> Sample:
    (sample,) = read(*records, **options)
    return sample


def refusal(*records: Any, **options: Any) -> str:
    with pytest.raises(CodecError) as caught:
        read(*records, **options)
    return str(caught.value)


def test_a_noisy_line_of_a_station_is_read_as_it_should() -> None:
    check(new(), "station.senml")


# ---- the examples of RFC 8428 §5.1


def test_one_data_point() -> None:
    assert only({"n": OW, "u": "Cel", "v": 23.1}) == Sample({"": 23.1}, None, {"": "Cel"})


def test_values_of_several_times_are_samples_in_order_and_the_newest_is_last() -> None:
    base = {"bn": f"{OW}:", "bt": 1.276020076001e09, "bu": "A", "bver": 5, "n": "voltage", "u": "V", "v": 120.1}
    later = [{"n": "current", "t": time, "v": 1.7 + time / 10} for time in (-5, -4, -3, -2, -1)]
    samples = read(base, *later, {"n": "current", "v": 1.7})
    assert [sample.device_time for sample in samples] == [1276020076.001 + time for time in (-5, -4, -3, -2, -1, 0)]
    assert samples[0] == Sample({"current": 1.2}, 1276020071.001, {"current": "A"})
    assert samples[-1] == Sample({"voltage": 120.1, "current": 1.7}, 1276020076.001, {"voltage": "V", "current": "A"})


def test_a_place_and_a_battery_of_a_device_are_not_its_measurement() -> None:
    samples = read(
        {"bn": OW, "bt": 1.320067464e09, "bu": "%RH", "v": 20},
        {"u": "lon", "v": 24.30621},
        {"u": "lat", "v": 60.07965},
        {"t": 60, "v": 20.3},
        {"u": "%EL", "t": 150, "v": 98},
    )
    assert [sample.values for sample in samples] == [
        {"": 20, "longitude": 24.30621, "latitude": 60.07965},
        {"": 20.3},
        {"battery": 98},
    ]
    assert samples[0].units == {"": "%", "longitude": "deg", "latitude": "deg"}


def test_all_kinds_of_values() -> None:
    assert only(
        {"bn": f"{OW}:", "n": "temp", "u": "Cel", "v": 23.1},
        {"n": "label", "vs": "Machine Room"},
        {"n": "open", "vb": False},
        {"n": "nfv-reader", "vd": "aGkgCg"},
    ).values == {"temp": 23.1, "label": "Machine Room", "open": False, "nfv-reader": "aGkgCg"}


COLLECTION = [
    {"bn": "2001:db8::2/", "bt": 1.320078429e09, "n": "temperature", "u": "Cel", "v": 25.2},
    {"n": "humidity", "u": "%RH", "v": 30},
    {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
    {"n": "humidity", "u": "%RH", "v": 67},
]


def test_several_devices_in_one_pack_never_mix() -> None:
    assert "several devices" in refusal(*COLLECTION)
    apart = read(*COLLECTION, device=True)
    assert [sample.values for sample in apart] == [
        {"temperature": 25.2, "humidity": 30, "device": "2001:db8::2"},
        {"temperature": 12.3, "humidity": 67, "device": "2001:db8::1"},
    ]
    assert {sample.device_time for sample in apart} == {1320078429.0}
    assert only(*COLLECTION, names="full").values == {
        "2001:db8::2/temperature": 25.2, "2001:db8::2/humidity": 30,
        "2001:db8::1/temperature": 12.3, "2001:db8::1/humidity": 67,
    }  # fmt: skip


def test_a_record_of_base_fields_alone_is_no_value() -> None:
    assert only({"bn": f"{OW}:", "bv": 1}, {"n": "heat", "u": "/", "v": 1}) == Sample({"heat": 2}, None, {"heat": "1"})


# ---- names


@pytest.mark.parametrize(
    ("base", "name", "short", "device"),
    [
        (f"{OW}:", "voltage", "voltage", OW),
        (OW, "", "", OW),
        ("", f"{OW}:voltage", "voltage", OW),
        ("", f"{OW}_voltage", "voltage", OW),
        ("urn:dev:ow:", "10e2073a01080063:voltage", "voltage", OW),
        ("urn:dev:", "ow:10e2073a01080063:room1:voltage", "room1:voltage", OW),
        (f"{OW}:room1:", "voltage", "voltage", f"{OW}:room1"),
        ("node1/", "voltage", "voltage", "node1"),
        ("node1", "", "", "node1"),
        ("", "voltage", "voltage", None),
        ("", "room1/voltage", "room1/voltage", None),
    ],
)
def test_the_name_of_a_point_is_without_the_device_s_part(base: str, name: str, short: str, device: str | None) -> None:
    record = {label: text for label, text in (("bn", base), ("n", name)) if text} | {"v": 1}
    assert only(record).values == {short: 1}
    assert only(record, names="full").values == {base + name: 1}
    assert only(record, device=True).values.get("device") == device


def test_a_place_with_a_name_keeps_its_two_halves_apart() -> None:
    records = [{"bn": "n1/", "n": "anchor", "u": "lat", "v": 54.0}, {"n": "anchor", "u": "lon", "v": 10.4}]
    assert only(*records).values == {"anchor.latitude": 54.0, "anchor.longitude": 10.4}
    assert only(*records, names="full").values == {"n1/anchor.latitude": 54.0, "n1/anchor.longitude": 10.4}
    assert only({"n": "latitude", "u": "lat", "v": 54.0}).values == {"latitude": 54.0}


def test_a_point_that_comes_again_at_the_same_time_is_a_sample_of_its_own() -> None:
    samples = read({"n": "a", "v": 1}, {"n": "b", "v": 2}, {"n": "a", "v": 3})
    assert [sample.values for sample in samples] == [{"a": 1, "b": 2}, {"a": 3}]


def test_a_value_cannot_pose_as_the_device_s_name() -> None:
    assert "device" in refusal({"bn": "n1/", "n": "device", "vs": "n2"}, device=True)


# ---- base values, sums, times


def test_base_values_and_sums_are_added_and_hold_until_the_next() -> None:
    assert only(
        {"bu": "W", "bv": 100, "bs": 1000, "n": "a", "v": 1.5, "s": 5},
        {"n": "b"},
        {"n": "c", "vb": True},
        {"n": "d", "s": 7},
        {"bv": 0, "bs": 0, "n": "e", "v": 2},
    ).values == {
        "a": 101.5, "a.sum": 1005, "b": 100, "b.sum": 1000, "c": True, "d.sum": 1007, "e": 2, "e.sum": 0,
    }  # fmt: skip


def test_a_sum_is_in_the_unit_times_seconds() -> None:
    assert only({"n": "p", "u": "W", "s": 1}, {"n": "q", "u": "/", "s": 2}, {"s": 3}).units == {
        "p.sum": "W.s", "q.sum": "s",
    }  # fmt: skip


def test_a_time_that_is_relative_to_now_orders_and_is_no_time_of_the_device() -> None:
    samples = read({"n": "a", "v": 3}, {"n": "a", "t": -10, "v": 1}, {"n": "a", "t": -5, "v": 2})
    assert [sample.values["a"] for sample in samples] == [1, 2, 3]
    assert {sample.device_time for sample in samples} == {None}
    assert only({"n": "a", "t": (1 << 28) - 1, "v": 1}).device_time is None
    assert only({"n": "a", "t": 1 << 28, "v": 1}).device_time == float(1 << 28)
    now_last = read({"n": "a", "v": 2}, {"n": "a", "t": 1795338820, "v": 1})
    assert [sample.values["a"] for sample in now_last] == [1, 2]


@pytest.mark.parametrize("time", [1e11, -1e11, 1e300])
def test_a_time_out_of_all_range_is_an_error(time: float) -> None:
    assert "time" in refusal({"n": "a", "t": time, "v": 1})


def test_a_null_and_a_nan_of_firmware_are_values_that_are_not_known() -> None:
    assert only({"n": "a", "v": None}, {"n": "b", "v": 1}).values == {"a": None, "b": 1}
    assert new().decode(b'[{"n":"a","bv":1,"v":nan}]') == [Sample({"a": None})]


# ---- units


def test_units_are_translated_to_ucum_and_unknown_ones_left_out() -> None:
    told = {"%RH": "%", "%": "1", "/": "1", "l": "L", "lon": "deg", "beat/min": "/min", "VA": "V.A", "dBm": "dB[mW]"}
    for unit, code in told.items():
        assert only({"n": "a.lon", "u": unit, "v": 1}).units == {"a.lon": code}
    for unit in ("Cel", "V", "A", "W", "Pa", "m/s", "lx", "hPa", "kWh", "km/h"):
        assert UCUM[unit] == unit
    assert only({"n": "a", "u": "furlong", "v": 1}).units == {}


# ---- what is refused


@pytest.mark.parametrize(
    "records",
    [
        [{"bver": 11, "n": "a", "v": 1}],
        [{"bver": 0, "n": "a", "v": 1}],
        [{"bver": 10.0, "n": "a", "v": 1}],
        [{"n": "a", "v": 1}, {"bver": 11, "n": "b", "v": 1}],
        [{"n": "a", "v": 1, "scale_": 2}],
        [{"b_": 1}],
        [{"n": "a", "v": 1, "vs": "x"}],
        [{"n": "a"}],
        [{"n": "a", "ut": 5}],
        [{"n": "a", "v": "1"}],
        [{"n": "a", "v": True}],
        [{"n": "a", "vb": 1}],
        [{"n": "a", "vs": 1}],
        [{"n": 1, "v": 1}],
        [{"n": "a", "t": "now", "v": 1}],
        [{"bn": None, "v": 1}],
        [[]],
        [1],
        [{"n": "a", "v": 1}] * 5000,
        [{"n": f"p{number}", "v": 1} for number in range(600)],
    ],
    ids=lambda records: str(records)[:40],
)
def test_what_is_no_pack_is_refused_whole(records: list[Any]) -> None:
    refusal(*records)


@pytest.mark.parametrize("frame", [b"", b"{}", b'{"n":"a","v":1}', b"1", b"[", b'[{"n":"a","v":1}] x', b"\xff"])
def test_what_is_no_array_is_refused(frame: bytes) -> None:
    with pytest.raises(CodecError):
        new().decode(frame)


def test_an_empty_pack_and_fields_that_need_not_be_understood_are_no_error() -> None:
    assert read() == []
    assert only({"n": "a", "v": 1, "scale": 2, "ut": 30}).values == {"a": 1}


@given(
    st.dictionaries(
        st.text("abc", min_size=1), st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text("xyz")
    )
)
def test_a_pack_of_any_values_gives_them_back(values: dict[str, Any]) -> None:
    labels = {float: "v", bool: "vb", str: "vs"}
    samples = read(*({"n": name, labels[type(value)]: value} for name, value in values.items()))
    assert {name: value for sample in samples for name, value in sample.values.items()} == values


_RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("bn", "n"), st.sampled_from(["", "a", "urn:dev:ow:1:", "urn:dev:", "device", "n1/"])),
            **dict.fromkeys(("bu", "u"), st.sampled_from(["Cel", "lat", "%EL", "x"])),
            **dict.fromkeys(("bt", "t"), st.integers(-(1 << 34), 1 << 34) | st.floats(-1e12, 1e12)),
            **dict.fromkeys(
                ("bv", "v", "bs", "s"),
                st.integers(-(1 << 63), 1 << 63) | st.floats(allow_nan=False, allow_infinity=False),
            ),
            "vb": st.booleans(),
        },
    ),
    max_size=6,
)


@tried(300)
@given(_RECORDS, st.booleans(), st.sampled_from(["short", "full"]))
def test_whatever_records_hold_gives_values_or_an_error(records: list[Any], device: bool, names: str) -> None:
    try:
        samples = read(*records, device=device, names=names)
    except CodecError:
        return
    given_ = sum(label in record for record in records for label in ("v", "vb"))
    assert sum(len(sample.values) for sample in samples) >= given_
    for sample in samples:
        assert set(sample.units) <= set(sample.values)
        assert all(type(value) in (bool, int, float, str) for value in sample.values.values())


# ---- whom a pack names, and whom its topic

NO_MEMBERS: frozenset[str] = frozenset()


def read_of(device: str, *records: dict[str, Any], **options: Any) -> list[Sample]:
    return SenmlCodec(**{"full": False, "device": False, **options}).decode_of(
        json.dumps(records).encode(), device, NO_MEMBERS
    )


@pytest.mark.parametrize(
    ("device", "base"),
    [
        ("node1", "node1:"),
        ("node1", "node1/"),
        ("node1", "node1"),
        ("node1", "sensors/node1/"),
        ("node1", "node1:air:"),
        ("node.1-", "node.1-"),
        ("node1", ""),
        ("node1", f"{OW}:"),
        ("node1", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:"),
        ("10e2073a01080063", f"{OW}:"),
        ("10:E2:07:3A:01:08:00:63", f"{OW}:"),
        ("0024BE804FF1", "urn:dev:mac:0024befffe804ff1:"),
    ],
)
def test_a_pack_of_the_topics_own_device_is_read(device: str, base: str) -> None:
    assert read_of(device, {"bn": base, "n": "t", "v": 1}) == [Sample({"t": 1})]


@pytest.mark.parametrize(
    ("device", "base"),
    [
        ("node1", "node2:"),
        ("node1", "node11/"),
        ("node1", "Node1:"),
        ("node1", "node1x/node/"),
        ("10e2073a01080064", f"{OW}:"),
        ("0024be804ff2", "urn:dev:mac:0024befffe804ff1:"),
    ],
)
def test_a_pack_that_names_another_device_than_its_topic_is_refused(device: str, base: str) -> None:
    with pytest.raises(CodecError, match=f"the pack claims the device '{base}', and the topic is of '{device}'"):
        read_of(device, {"bn": base, "n": "t", "v": 1})


def test_a_device_urn_as_the_name_is_compared_too() -> None:
    assert read_of("10e2073a01080063", {"n": OW, "v": 1}) == [Sample({"": 1})]
    with pytest.raises(CodecError, match="claims"):
        read_of("10e2073a01080064", {"n": OW, "v": 1})


def test_one_foreign_record_refuses_the_pack() -> None:
    with pytest.raises(CodecError, match="claims the device 'n2:'"):
        read_of("n1", {"bn": "n1:", "n": "t", "v": 1}, {"bn": "n2:", "n": "h", "v": 1}, full=True)


# ---- commands


def outgoing(value: Value, point: str = "fan", name: str | None = None) -> Outgoing:
    return Outgoing(device="d", name=name, point=point, value=value, id=1, deadline=0.0)


@pytest.mark.parametrize(
    ("value", "record"),
    [
        (True, {"vb": True}), (False, {"vb": False}), (None, {"vb": True}), (21.5, {"v": 21.5}), (0, {"v": 0}),
        ("auto", {"vs": "auto"}),
    ],
)  # fmt: skip
def test_a_command_is_a_pack_of_one_record(value: Value, record: dict[str, Any]) -> None:
    frame = SenmlCommandOptions().build().encode(outgoing(value), None)
    assert json.loads(frame) == [{"n": "fan", **record}]


def test_a_command_is_read_by_the_codec_as_what_it_says() -> None:
    frame = SenmlCommandOptions().build().encode(outgoing(21.5, name="node1"), "device")
    assert new(device=True).decode(frame) == [Sample({"fan": 21.5, "device": "node1"})]


def test_a_command_knows_no_answer() -> None:
    form = SenmlCommandOptions().build()
    assert not form.answers
    assert form.answers_by_id
    assert form.match(b'{"ack":1,"ok":true}') is None


@pytest.mark.parametrize(
    ("value", "point", "name", "field"),
    [
        (float("nan"), "a", None, None),
        (1 << 70, "a", None, None),
        ("\ud800", "a", None, None),
        (1, "größe", None, None),
        (1, "", None, None),
        (1, "a b", None, None),
        (1, "a", None, "device"),
        (1, "a", "living room", "device"),
    ],
)
def test_what_senml_cannot_carry_is_refused(value: Value, point: str, name: str | None, field: str | None) -> None:
    with pytest.raises(CodecError):
        SenmlCommandOptions().build().encode(outgoing(value, point, name), field)
