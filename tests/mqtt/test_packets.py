"""Messages taken out of the bytes of a broker, wherever these are cut; the rest as paho would read it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt import packets
from gateway.mqtt.packets import PacketReader
from tests.mqtt.packing import publish

Got = tuple[Any, ...]


class Pieces:
    """A stream that gives these pieces, one each time it is read, and then ends."""

    holds = False

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def receive(self) -> bytes | None:
        return self._pieces.pop(0) if self._pieces else b""

    def send(self, data: bytes) -> int:
        return len(data)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """Nothing is open."""


def read(pieces: list[bytes], *, is_5: bool = True) -> list[Got]:
    """What comes of the pieces, in order: messages, what was passed over, and packets that are paho's."""
    got: list[Got] = []
    reader = PacketReader(
        Pieces(pieces),
        is_5,
        lambda *message: got.append(message),
        lambda *passed: got.append(("too large", *passed)),
    )
    paho = _Paho(reader, lambda packet: got.append(("paho", packet)))
    while reader.fill():
        while paho.busy or reader.take_messages():
            paho.read()
            if not reader.left:
                break
    return got


class _Paho:
    """Reads one packet at a time, as paho does: a byte, its length byte by byte, and the rest."""

    def __init__(self, reader: PacketReader, take: Callable[[bytes], None]) -> None:
        self._reader = reader
        self._take = take
        self._packet = b""
        self._need: int | None = None

    @property
    def busy(self) -> bool:
        return bool(self._packet)

    def read(self) -> None:
        try:
            while self._need is None:
                byte = self._reader.recv(1)
                self._packet += byte
                if len(self._packet) > 1 and byte[0] < 0x80:
                    self._need = sum((part & 0x7F) << 7 * place for place, part in enumerate(self._packet[1:]))
            while self._need:
                data = self._reader.recv(self._need)
                self._packet += data
                self._need -= len(data)
        except BlockingIOError:
            return
        packet, self._packet, self._need = self._packet, b"", None
        self._take(packet)


def test_a_message_of_qos_0_is_delivered_and_everything_else_is_pahos() -> None:
    pong, acknowledged = b"\xd0\0", b"\x40\x02\0\x07"
    first = publish(b"a", b"1", qos=1)
    assert read([publish(b"t", b"p") + pong + first + publish(b"u", b"", retain=True) + acknowledged]) == [
        (b"t", b"p", False, b""),
        ("paho", pong),
        ("paho", first),
        (b"u", b"", True, b""),
        ("paho", acknowledged),
    ]


def test_properties_come_as_they_are_and_many_of_them_are_pahos() -> None:
    some, many = b"\x03\0\x01x", b"\x03\0\x7f" + b"x" * 127
    long = publish(b"t", b"p", properties=many)
    assert read([publish(b"t", b"p", properties=some) + long]) == [(b"t", b"p", False, some), ("paho", long)]


def test_mqtt_3_has_none() -> None:
    assert read([publish(b"t", b"\x04abcd", properties=None)], is_5=False) == [(b"t", b"\x04abcd", False, b"")]


@pytest.mark.parametrize(
    "malformed", [b"\x30\0", b"\x30\x01\0", b"\x30\x03\0\x01a", b"\x30\x03\0\x09a", b"\x30\x05\0\x01a\x05x"]
)
def test_a_malformed_message_is_left_to_paho_who_ends_the_connection(malformed: bytes) -> None:
    assert read([publish(b"t", b"p") + malformed]) == [(b"t", b"p", False, b""), ("paho", malformed)]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_that_is_too_large_is_passed_over_and_nothing_of_it_is_kept(
    qos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "MAX_MESSAGE", 1000)
    data = publish(b"big", b"x" * 100_000, qos=qos, packet=300) + publish(b"t", b"p")
    got: list[Got] = []
    reader = PacketReader(
        Pieces([data[at : at + 700] for at in range(0, len(data), 700)]),
        True,
        lambda *message: got.append(message),
        lambda *passed: got.append(passed),
    )
    while reader.fill():
        assert not reader.take_messages() or reader._ended
        assert len(reader._buffer) <= 2 * 700
    assert got == [(b"big", qos, 300 if qos else 0), (b"t", b"p", False, b"")]


MESSAGE = st.builds(
    publish,
    st.binary(min_size=1, max_size=9),
    st.one_of(st.binary(max_size=50), st.just(b"z" * 3000)),
    qos=st.sampled_from([0, 0, 0, 1, 2]),
    retain=st.booleans(),
    properties=st.sampled_from([b"", b"\x01\x01", b"\x03\0\x01x", b"\x03\0\xc8" + b"y" * 200]),
)
PACKET = st.one_of(MESSAGE, MESSAGE, st.sampled_from([b"\xd0\0", b"\x40\x02\0\x07", b"\x90\x04\0\x01\0\0"]))
CUTS = st.lists(st.integers(0, 20_000), max_size=8)


def check_split(made: list[bytes], cuts: list[int]) -> None:
    data = b"".join(made)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    whole = read(made)
    assert len(whole) == len(made)
    assert read([data]) == whole
    assert read([data[start:end] for start, end in pairwise(places)]) == whole


@given(st.lists(PACKET, max_size=8), CUTS)
@settings(max_examples=100)
def test_packets_come_in_order_and_whole_wherever_they_are_cut(made: list[bytes], cuts: list[int]) -> None:
    check_split(made, cuts)


@pytest.mark.long
@given(st.lists(PACKET, max_size=8), CUTS)
@settings(max_examples=5_000, deadline=None)
def test_packets_come_in_order_and_whole_wherever_they_are_cut_at_length(made: list[bytes], cuts: list[int]) -> None:
    check_split(made, cuts)


@given(st.lists(st.binary(max_size=30), max_size=5), st.booleans())
def test_no_bytes_do_more_than_go_to_paho(pieces: list[bytes], is_5: bool) -> None:
    def told(*passed: Any) -> None:
        """Nobody asks."""

    reader = PacketReader(Pieces(pieces), is_5, told, told)
    while reader.fill():
        while reader.take_messages() and reader.left:
            reader.recv(1)
