"""How values stand in registers: one way undoes the other, in every order of bytes."""

import math
import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.modbus.values import BitForm, Format, NumberForm, Order, TextForm, switch
from gateway.errors import CodecError
from gateway.model import Value

ORDERS: tuple[Order, ...] = get_args(Order)
FORMATS: tuple[Format, ...] = tuple(name for name in get_args(Format) if name != "text")
RANGES: dict[Format, tuple[int, int]] = {
    "uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1),
    "uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "two", "four", "eight"),
    [
        ("big", "0102", "01020304", "0102030405060708"),
        ("little", "0201", "04030201", "0807060504030201"),
        ("big-swapped", "0201", "02010403", "0201040306050807"),
        ("little-swapped", "0102", "03040102", "0708050603040102"),
    ],
)
def test_an_order_is_what_manuals_call_it(order: Order, two: str, four: str, eight: str) -> None:
    assert NumberForm("uint16", order).decode(bytes.fromhex(two)) == 0x0102
    assert NumberForm("uint32", order).decode(bytes.fromhex(four)) == 0x01020304
    assert NumberForm("int64", order).decode(bytes.fromhex(eight)) == 0x0102030405060708


@given(format=st.sampled_from(list(RANGES)), order=st.sampled_from(ORDERS), data=st.data())
def test_a_whole_number_that_is_written_is_read_again(format: Format, order: Order, data: st.DataObject) -> None:
    form = NumberForm(format, order)
    value = data.draw(st.integers(*RANGES[format]))
    written = form.encode(value)
    assert len(written) == form.count * 2
    assert form.decode(written) == value


@given(order=st.sampled_from(ORDERS), value=st.floats(width=32), wide=st.floats())
def test_a_float_that_is_written_is_read_again_nan_and_infinities_too(order: Order, value: float, wide: float) -> None:
    for form, number in ((NumberForm("float32", order), value), (NumberForm("float64", order), wide)):
        written = form.encode(number)
        read = form.decode(written)
        assert isinstance(read, float)
        assert form.encode(read) == written or (math.isnan(read) and math.isnan(number))
        assert read == pytest.approx(number, rel=1e-6, abs=1e-45, nan_ok=True)


@given(number=st.decimals(-9999, 9999, places=2).map(float))
def test_a_narrow_float_is_told_as_short_as_the_device_meant_it(number: float) -> None:
    form = NumberForm("float32", "big")
    assert form.decode(form.encode(number)) == number


@given(format=st.sampled_from(FORMATS), order=st.sampled_from(ORDERS), data=st.data())
def test_whatever_registers_hold_is_a_value(format: Format, order: Order, data: st.DataObject) -> None:
    form = NumberForm(format, order)
    raw = data.draw(st.binary(min_size=form.count * 2, max_size=form.count * 2))
    value = form.decode(raw)
    if not (isinstance(value, float) and math.isnan(value)):  # of which there are many forms
        assert form.encode(value) == raw


@given(order=st.sampled_from(ORDERS), text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_that_is_written_is_read_again(order: Order, text: str) -> None:
    form = TextForm(20, order)
    if len(text.encode()) > 40:
        with pytest.raises(CodecError, match="hold 40 bytes"):
            form.encode(text)
    else:
        assert form.decode(form.encode(text)) == text


def test_a_text_ends_at_the_first_nul_and_need_not_be_utf_8() -> None:
    assert TextForm(3, "big").decode(b"AB\0XYZ") == "AB"
    assert TextForm(2, "little").decode(b"BADC") == "ABCD"
    assert TextForm(1, "big").decode(b"\xe9\0") == "é"
    assert TextForm(1, "big").decode(b"\0\0") == ""


@given(bit=st.integers(0, 15), order=st.sampled_from(ORDERS), register=st.integers(0, 0xFFFF), on=st.booleans())
def test_a_bit_is_set_alone(bit: int, order: Order, register: int, on: bool) -> None:
    form, number = BitForm(bit, order), NumberForm("uint16", order)
    value = number.decode(register.to_bytes(2, "big"))
    assert isinstance(value, int)
    assert form.decode(register.to_bytes(2, "big")) is bool(value >> bit & 1)
    and_mask, or_mask = form.masks(on)
    after = number.decode(((register & and_mask) | (or_mask & ~and_mask)).to_bytes(2, "big"))
    assert after == (value | 1 << bit if on else value & ~(1 << bit))
    assert form.decode(form.encode(on)) is on


@pytest.mark.parametrize(
    ("format", "value", "told"),
    [
        ("uint16", 65536, "65536 does not fit into uint16"),
        ("uint16", -1, "-1 does not fit into uint16"),
        ("int16", 40000, "does not fit into int16"),
        ("int16", 21.5, "takes whole numbers, not 21.5"),
        ("uint32", math.nan, "does not fit"),
        ("uint64", math.inf, "does not fit"),
        ("float32", 1e39, "does not fit into float32"),
        ("float64", 10**400, "does not fit into float64"),
        ("uint16", "12", "takes a number, not '12'"),
        ("uint16", None, "takes a number, not nothing"),
    ],
)
def test_what_does_not_fit_is_refused_and_said(format: Format, value: Value, told: str) -> None:
    with pytest.raises(CodecError) as refusal:
        NumberForm(format, "big").encode(value)
    assert told in str(refusal.value)


def test_a_truth_value_is_one_and_nought_in_a_register() -> None:
    assert NumberForm("uint16", "big").encode(True) == b"\0\1"
    assert NumberForm("int32", "little-swapped").encode(2.0) == struct.pack(">HH", 2, 0)


@pytest.mark.parametrize("value", [2, -1, 0.5, "on", None])
def test_one_bit_takes_nothing_but_on_and_off(value: Value) -> None:
    with pytest.raises(CodecError, match="true or false"):
        switch(value)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 7, None, "ü" * 5])
def test_a_text_of_another_kind_is_refused(value: Value) -> None:
    with pytest.raises(CodecError):
        TextForm(4, "big").encode(value)
