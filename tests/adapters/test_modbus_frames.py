"""Requests and answers on the wire: literals, damage, and what belongs to somebody else."""

from binascii import unhexlify

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from gateway.adapters.modbus.blocks import Kind, Place, cover
from gateway.adapters.modbus.frames import (
    Answer,
    DamagedError,
    Frames,
    RefusedError,
    Request,
    RtuFrames,
    TcpFrames,
    read,
    write_coil,
    write_mask,
    write_registers,
)
from gateway.adapters.modbus.values import NumberForm, TextForm
from gateway.errors import LinkError


def block(kind: Kind, address: int, count: int) -> Request:
    form = TextForm(count, "big") if kind in ("input", "holding") else None
    places = [Place("a", kind, address, form)] + ([Place("b", kind, address + count - 1)] if form is None else [])
    return read(1, cover(places))


def rtu(message: str, unit: int = 1) -> bytes:
    """A message as RTU frames it."""
    frame = bytes([unit]) + unhexlify(message)
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def tcp(message: str, transaction: int = 1, unit: int = 1) -> bytes:
    """A message as Modbus TCP frames it."""
    data = unhexlify(message)
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(data) + 1).to_bytes(2, "big") + bytes([unit]) + data


def whole(frames: Frames, data: bytes, size: int = 10_000) -> Answer | None:
    """What comes of the data, in pieces of a size."""
    for start in range(0, len(data), size):
        answer = frames.receive_data(data[start : start + size])
        if answer is not None:
            return answer
    return None


REQUESTS = [
    (block("coil", 19, 19), "0100130013", "0103cd6b05", [True, False, True, True, False, False, True, True]),
    (block("discrete", 196, 3), "0200c40003", "020105", [True, False, True, False, False, False, False, False]),
    (block("holding", 107, 3), "03006b0003", "0306022b00000064", bytes.fromhex("022b00000064")),
    (block("input", 8, 1), "0400080001", "0402000a", b"\x00\x0a"),
    (write_coil(1, 172, True), "0500acff00", "0500acff00", b""),
    (write_coil(1, 172, False), "0500ac0000", "0500ac0000", b""),
    (write_registers(1, 1, b"\0\3"), "0600010003", "0600010003", b""),
    (write_registers(1, 1, b"\0\x0a\1\2"), "100001000204000a0102", "1000010002", b""),
    (write_registers(1, 1, b"\0\3", several=True), "10000100010200 03".replace(" ", ""), "1000010001", b""),
    (write_mask(1, 4, 0xF2, 0x25), "16000400f20025", "16000400f20025", b""),
]


@pytest.mark.parametrize(("request_", "sent", "answer", "value"), REQUESTS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_the_examples_of_the_specification(request_: Request, sent: str, answer: str, value: Answer, size: int) -> None:
    for frames, framed in ((TcpFrames(), tcp), (RtuFrames(), rtu)):
        assert frames.ask(request_) == framed(sent)
        got = whole(frames, framed(answer), size)
        assert got is not None
        assert got[: len(value)] == value
        assert frames.strays == frames.resyncs == 0
        assert not frames.give_up()


@pytest.mark.parametrize(
    ("code", "name"),
    [(1, "illegal function"), (2, "illegal data address"), (3, "illegal data value"), (4, "device failure"),
     (6, "device busy"), (11, "the gateway's target device does not answer"), (77, "exception 77")],
)  # fmt: skip
def test_a_refusal_has_its_plain_name(code: int, name: str) -> None:
    for frames, framed in ((TcpFrames(), tcp), (RtuFrames(), rtu)):
        frames.ask(block("holding", 0, 1))
        with pytest.raises(RefusedError) as refusal:
            frames.receive_data(framed(f"83{code:02x}"))
        assert str(refusal.value) == name
        assert refusal.value.code == code


def test_a_late_answer_on_tcp_is_not_taken_for_that_of_the_next_request() -> None:
    frames = TcpFrames()
    frames.ask(block("input", 0, 1))
    assert frames.receive_data(tcp("04020001")[:5]) is None
    assert frames.give_up()
    frames.ask(block("input", 0, 1))
    assert frames.receive_data(tcp("04020001")[5:] + tcp("04020002", 2)) == b"\0\2"
    assert frames.strays == 1


def test_two_answers_at_once_are_one_answer_and_one_that_nobody_waits_for() -> None:
    frames = TcpFrames()
    frames.ask(block("input", 0, 1))
    assert frames.receive_data(tcp("04020001") + tcp("04020002")) == b"\0\1"
    assert frames.strays == 1
    frames.ask(block("input", 0, 1))
    assert frames.receive_data(tcp("04020003", 2)) == b"\0\3"


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request", b"\0\1\0\0\0\1\1", b"\0\1\0\0\4\0\1", b"\0\1\0\7\0\3\1\3\2"]
)
def test_a_stream_that_is_no_modbus_ends(data: bytes) -> None:
    frames = TcpFrames()
    frames.ask(block("input", 0, 1))
    with pytest.raises(LinkError, match="no Modbus TCP"):
        frames.receive_data(data)


def test_transactions_are_numbered_and_begin_again() -> None:
    frames = TcpFrames()
    assert frames.ask(block("input", 0, 1))[:2] == b"\0\1"
    frames._transaction = 0xFFFE
    assert [frames.ask(block("input", 0, 1))[:2] for _ in range(2)] == [b"\xff\xff", b"\0\1"]


def test_an_answer_on_rtu_is_found_behind_noise_which_is_counted() -> None:
    frames = RtuFrames()
    for noise in (b"\xff", b"\0\0\0", b"\1", b"\1\3", b"\1\3\2\0", rtu("03020009", unit=2), rtu("030400090001")):
        frames.resyncs = 0
        frames.ask(block("holding", 0, 1))
        assert whole(frames, noise + rtu("03020007") + b"\0", 3) == b"\0\7", noise
        assert frames.resyncs == 1


def test_a_damaged_answer_on_rtu_is_none_and_is_known_as_damage() -> None:
    frames = RtuFrames()
    good = rtu("03020007")
    for place in range(len(good)):
        frames.ask(block("holding", 0, 1))
        assert frames.receive_data(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :]) is None
        assert frames.give_up()
    frames.ask(block("holding", 0, 1))
    assert not frames.give_up()  # silence is no damage
    sent = frames.ask(block("holding", 0, 1))
    frames.receive_data(sent + b"\0\xff")
    assert not frames.give_up()  # and a glitch is silence


def test_what_comes_on_rtu_unasked_counts_once_and_is_not_an_answer() -> None:
    frames = RtuFrames()
    for _ in range(3):
        assert frames.receive_data(rtu("03020007")) is None
    assert frames.strays == 1
    frames.ask(block("holding", 0, 1))
    assert frames.receive_data(rtu("03020008")) == b"\0\x08"
    for _ in range(4):
        frames.receive_data(b"\0")
    assert frames.strays == 1  # nothing of the length of an answer
    frames.receive_data(b"\0")
    assert frames.strays == 2


def test_the_echo_of_a_two_wire_line_is_no_answer_not_even_to_a_write() -> None:
    frames = RtuFrames()
    for _ in range(2):  # the first read shows that the line echoes
        sent = frames.ask(block("holding", 0, 1))
        assert whole(frames, sent + rtu("03020007"), 4) == b"\0\7"
    sent = frames.ask(write_registers(1, 0, b"\0\5"))
    assert whole(frames, sent, 3) is None
    assert not frames.give_up()  # it is only the echo
    sent = frames.ask(write_registers(1, 0, b"\0\5"))
    assert whole(frames, sent + sent, 3) == b""
    assert frames.resyncs == 0


def test_a_line_that_does_not_echo_confirms_a_write_by_the_very_request() -> None:
    frames = RtuFrames()
    frames.ask(block("holding", 0, 1))
    assert frames.receive_data(rtu("03020007")) == b"\0\7"
    sent = frames.ask(write_coil(1, 3, True))
    assert frames.receive_data(sent) == b""


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (block("holding", 0, 2), "03020007"),
        (block("holding", 0, 1), "04020007"),
        (block("holding", 0, 1), "03010007"),
        (block("holding", 0, 1), "0302"),
        (block("holding", 0, 1), "83"),
        (block("holding", 0, 1), "ff"),
        (block("coil", 0, 9), "010101"),
        (write_registers(1, 1, b"\0\3"), "0600020003"),
        (write_registers(1, 1, b"\0\3\0\4"), "1000010003"),
        (write_mask(1, 4, 0xF2, 0x25), "16000400f20024"),
        (write_coil(1, 0, True), "0500"),
    ],
)
def test_an_answer_on_tcp_that_does_not_fit_its_request_is_damage(asked: Request, answer: str) -> None:
    frames = TcpFrames()
    frames.ask(asked)
    with pytest.raises(DamagedError):
        frames.receive_data(tcp(answer))


def test_a_device_may_say_that_it_set_another_value_than_it_was_given() -> None:
    frames = TcpFrames()
    frames.ask(write_registers(1, 1, b"\0\3"))
    assert frames.receive_data(tcp("0600010002")) == b""


@given(data=st.lists(st.binary(max_size=40), max_size=30))
def test_nothing_that_comes_raises_anything_else_and_nothing_grows(data: list[bytes]) -> None:
    for frames in (TcpFrames(), RtuFrames()):
        frames.ask(block("coil", 0, 9))
        for piece in data:
            try:
                frames.receive_data(piece * 50)
            except (DamagedError, RefusedError, LinkError):
                break
        assert len(frames._buffer) <= 2100


@given(
    noise=st.binary(max_size=30),
    size=st.integers(1, 40),
    values=st.lists(st.integers(0, 65535), min_size=1, max_size=20),
)
def test_an_answer_on_rtu_is_read_whatever_is_before_it(noise: bytes, size: int, values: list[int]) -> None:
    frames = RtuFrames()
    frames.ask(block("holding", 0, len(values)))
    data = b"".join(NumberForm("uint16", "big").encode(value) for value in values)
    assert whole(frames, noise + rtu(f"03{len(data):02x}{data.hex()}"), size) == data
