"""What the scanner promises of any layout, in streams that are full of what looks like a frame."""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodecError
from gateway.framing import scanner
from gateway.framing.checksum import Checksum
from gateway.framing.fixed import FixedLayout
from gateway.framing.layout import Layout
from gateway.framing.length_prefixed import PrefixedLayout
from gateway.framing.scanner import Scanner
from tests.contract.parts import pieces, tried

EXAMPLES = pytest.mark.parametrize("examples", [25, pytest.param(5_000, marks=pytest.mark.long)])

XOR, CRC = Checksum("xor8"), Checksum("crc16-modbus")
BYTE, SHORT = Struct(">B"), Struct("<H")
LAYOUTS: dict[str, Layout] = {
    "sync and crc": PrefixedLayout(BYTE, "payload", 40, b"\xaa\x55", CRC, 2),
    "long sync of one byte, and xor": PrefixedLayout(SHORT, "frame", 40, b"\xaa\xaa", XOR, 0),
    "short sync and xor": PrefixedLayout(BYTE, "rest", 40, b"\xaa", XOR, 1),
    "sync": PrefixedLayout(SHORT, "payload", 40, b"\xaa\x55", None, 4),
    "short sync": PrefixedLayout(BYTE, "payload", 40, b"\xaa", None, 2),
    "crc": PrefixedLayout(BYTE, "payload", 40, b"", CRC, 1),
    "xor": PrefixedLayout(BYTE, "payload", 40, b"", XOR, 0),
    "fixed, sync and xor": FixedLayout(3, b"\xaa", XOR, 1),
    "fixed, sync": FixedLayout(6, b"\xaa\x55", None, 2),
    "fixed, xor": FixedLayout(3, b"", XOR, 0),
}
LAYOUT = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def wrapped(layout: Layout, payload: bytes) -> bytes:
    try:
        return layout.wrap(payload)
    except CodecError:
        return payload


def streams(layout: Layout) -> st.SearchStrategy[bytes]:
    """Frames, frames within frames, their beginnings, and much that begins like one."""
    looks = st.lists(st.sampled_from(b"\0\x01\x02\x03\x04\x05\x06\x07\xaa\x55\xff"), max_size=20).map(bytes)
    length = layout.length(b"\0" * 9, 0) - layout.empty if isinstance(layout, FixedLayout) else None
    payloads = st.lists(st.sampled_from(b"\0\x01\x02\x07\xaa\x55"), min_size=length or 1, max_size=length or 12)
    frames = payloads.map(lambda payload: wrapped(layout, bytes(payload)))
    nested = st.lists(frames, max_size=3).map(lambda inner: wrapped(layout, b"".join(inner)))
    begun = st.builds(lambda wire, at: wire[: at % (len(wire) + 1)], nested, st.integers(0, 99))
    return st.lists(looks | frames | frames | nested | begun, max_size=14).map(b"".join)


class Thorough(Scanner):
    """One that never strides."""

    def _stride(self, frames: list[bytes]) -> bool:
        return True


Outcome = tuple[list[bytes], int, int, int]


def outcome(scanner: Scanner, parts: Sequence[bytes | None]) -> Outcome:
    """What it makes of these parts; None is a pause."""
    frames: list[bytes] = []
    for part in parts:
        if part is None:
            scanner.break_off()
        else:
            frames += scanner.receive_data(part)
    return frames, scanner.errors, scanner.checksum_errors, scanner.resyncs


@EXAMPLES
@LAYOUT
def test_what_it_finds_follows_from_the_bytes_alone(
    layout: Layout, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With bounds so low that they are met, too.
    bounds = st.sampled_from([(256, 1 << 18, 256, 1024), (2, 100, 3, 1024), (1, 60, 3, 4)])

    @tried(examples)
    @given(streams(layout), st.lists(st.integers(0, 9999), max_size=6), streams(layout), bounds)
    def check(stream: bytes, cuts: list[int], more: bytes, bounds: tuple[int, int, int, int]) -> None:
        for name, value in zip(("_PER_BYTE", "_AT_ONCE", "_SHORT", "_MOST"), bounds, strict=True):
            monkeypatch.setattr(scanner, name, value)
        expected = outcome(Scanner(layout), [stream, None, more])
        single = [bytes([byte]) for byte in stream], [bytes([byte]) for byte in more]
        assert outcome(Scanner(layout), [*single[0], None, *single[1], b""]) == expected
        cut = [*pieces(stream, cuts), None, *pieces(more, cuts), b""]
        assert outcome(Scanner(layout), cut) == expected
        assert outcome(Thorough(layout), cut) == expected

    check()


@EXAMPLES
@pytest.mark.parametrize("sync", [b"", b"\xaa", b"\xaa\x55"], ids=repr)
def test_whatever_stands_before_them_two_frames_are_enough(sync: bytes, examples: int) -> None:
    """With 32 bits of checksum, so that none of the wrong ones is right by chance."""
    layout = PrefixedLayout(BYTE, "payload", 255, sync, Checksum("crc32"), 0)
    frames = st.lists(st.binary(min_size=1, max_size=20), min_size=3, max_size=5)
    head = st.integers(0, 255).map(lambda number: sync + bytes([number]))
    looks = st.lists(st.sampled_from(b"\0\x01\x02\x03\x20\xaa\x55\xff"), max_size=40).map(bytes)

    @tried(examples)
    @given(st.lists(head | looks | st.binary(max_size=20), max_size=12).map(b"".join), frames)
    def check(garbage: bytes, after: list[bytes]) -> None:
        found, errors, _, resyncs = outcome(Scanner(layout), [garbage, b"".join(map(layout.wrap, after))])
        assert found[-len(after[2:]) :] == after[2:]
        assert set(found) <= set(after)
        assert (errors > 0) == (garbage != b"") or garbage == layout.wrap(b"")
        assert resyncs <= errors

    check()


class Counting(Layout):
    """Any layout, and how much is asked of it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.heads = self.checked = 0
        vars(self).update(sync=layout.sync, checksum=layout.checksum, head=layout.head, empty=layout.empty)

    def length(self, buffer: bytes, start: int) -> int:
        self.heads += 1
        return self.layout.length(buffer, start)

    def payload(self, buffer: bytes, start: int, end: int) -> bytes | None:
        self.checked += end - start
        return self.layout.payload(buffer, start, end)

    def may_hold_others(self, buffer: bytes, start: int, end: int) -> bool:
        return self.layout.may_hold_others(buffer, start, end)

    def wrap(self, payload: bytes) -> bytes:
        return self.layout.wrap(payload)


def _isolated(layout: Layout) -> bytes:
    """Good frames, each behind a head that promises much."""
    return (layout.sync + b"\xfd\xe0" + layout.wrap(b"good frame")) * 4000


HOSTILE: dict[str, Callable[[Layout], bytes]] = {
    "zeros": lambda layout: b"\0" * 65536,
    "sync words": lambda layout: (layout.sync or b"\x10") * 65536,
    "small numbers": lambda layout: bytes(range(8)) * 8192,
    "heads": lambda layout: (layout.sync + b"\x07\xff") * 22000,
    "isolated frames": _isolated,
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("sync", [b"", b"\xaa", b"\xaa\x55", b"\x10\x10"], ids=repr)
@pytest.mark.parametrize("chunk", [512, 1 << 16])
def test_the_work_for_64_kib_of_anything_is_bounded(hostile: str, sync: bytes, chunk: int) -> None:
    """Of 65,000 bytes, a frame that begins at each byte would make two thousand million."""
    layout = Counting(PrefixedLayout(Struct(">H"), "payload", 65000, sync, Checksum("sum8"), 0))
    stream = HOSTILE[hostile](layout)[:65536]
    framing = Scanner(layout)
    for at in range(0, len(stream), chunk):
        framing.receive_data(stream[at : at + chunk])
        assert len(framing._live) <= scanner._MOST
        assert len(framing._due) < 8 * scanner._MOST
    assert layout.heads <= 3 * len(stream) + 3 * len(stream) // chunk
    assert layout.checked <= 2 * (scanner._AT_ONCE + (scanner._PER_BYTE + 256) * len(stream))


def test_a_long_frame_may_come_in_single_bytes() -> None:
    layout = Counting(PrefixedLayout(Struct(">H"), "payload", 65000, b"\xaa\x55", Checksum("crc32"), 0))
    framing = Scanner(layout)
    wire = layout.wrap(b"\xaa\x55" * 10_000)
    parts: list[Any] = [bytes([byte]) for byte in wire]
    assert outcome(framing, parts)[0] == [b"\xaa\x55" * 10_000]
    assert layout.heads <= 2 * len(wire)
