"""Options of the framings, as a configuration has them."""

from typing import Any

import pytest

from gateway import plugins
from gateway.framing import Framing
from gateway.framing.cobs import CobsOptions
from tests.config.parts import problems, read

SERIAL = "adapters:\n  - {id: a, type: serial, port: /dev/x, framing: "
TYPES = "crc16-modbus, crc16-ccitt, crc32, xor8, sum8"
PLACE = len("  - {id: a, type: serial, port: /dev/x, framing: ") + 1
QUOTED = 'expected hexadecimal text in quotes, such as "55AA"'
OCTETS = 'expected 1 to 4 bytes as hexadecimal text, such as "55AA", found '
PART = "must not be part of a checksum, or the line would end there"
UNMARKED = "without a `sync`, frames of at most 250 bytes are found by their checksum"


@pytest.mark.parametrize(
    ("framing", "key", "message"),
    [
        ("cobs, checksum: crc16", "checksum", f"'crc16' is not one of {TYPES} (did you mean 'crc16-ccitt'?)"),
        ("slip, checksum: {type: crc}", "checksum.type", f"'crc' is not one of {TYPES} (did you mean 'crc32'?)"),
        ("cobs, checksum: {order: big}", "checksum.type", "is missing"),
        ("cobs, checksum: {type: xor8, covers: frame}", "checksum.covers", "unknown key, expected one of type, order"),
        ("fixed, length: 6, checksum: {type: xor8, covers: length}", "checksum.covers", "'length' is not one of payl"),
        ("lines, checksum: {type: xor8, order: big}", "checksum.order", "unknown key, expected one of type, separator"),
        ("lines, terminator: '*', checksum: xor8", "terminator", PART),
        ("lines, terminator: '0A', checksum: xor8", "terminator", PART),
        ("fixed", "length", "is missing"),
        ("fixed, length: 251, checksum: crc32", "length", UNMARKED),
        ("fixed, length: 6, sync: 5959", "sync", QUOTED),
        ("fixed, length: 6, sync: 7E5", "sync", QUOTED),
        ("fixed, length: 6, sync: '7E5'", "sync", OCTETS + "'7E5'"),
        ("fixed, length: 6, sync: ''", "sync", OCTETS + "''"),
        ("length_prefixed, sync: '0102030405'", "sync", OCTETS + "'0102030405'"),
        ("length_prefixed, width: 3", "width", "3 is not one of 1, 2, 4"),
        ("length_prefixed, gap: 0", "gap", "expected a duration above 0, found 0.0"),
        ("stx_etx, end: '0303'", "end", "expected one byte as hexadecimal text, such as \"7E\", found '0303'"),
        ("stx_etx, start: '03'", "end", "must be another byte than `start`"),
        ("stx_etx, escape: '03'", "escape", "must be another byte than `end`"),
        ("stx_etx, xor: '01'", "xor", "must not make a mark of `start` again"),
        ("stx_etx, xor: '00'", "xor", "must not make a mark of `start` again"),
    ],
)
def test_a_wrong_option_is_told_at_its_place(framing: str, key: str, message: str) -> None:
    (problem,) = problems(f"{SERIAL}{{type: {framing}}}}}")
    place, _, said = problem.partition(": ")
    assert said.startswith(f"adapters.0.framing.{key}: {message}")
    line, column = map(int, place.split(":"))
    assert line == 2
    assert column >= PLACE


def built(framing: str) -> Framing:
    (adapter,) = read(SERIAL + framing + "}").adapters
    framing_: Framing = adapter.framing.build()  # type: ignore[attr-defined]
    return framing_


@pytest.mark.parametrize(
    ("framing", "wire"),
    [
        ("cobs", b"\x0a123456789\0"),
        ("{type: cobs, checksum: crc16-modbus}", b"\x0c123456789\x37\x4b\0"),
        ("{type: cobs, checksum: {type: crc16-modbus, order: big}}", b"\x0c123456789\x4b\x37\0"),
        ("{type: slip, checksum: sum8}", b"\xc0123456789\xdd\xc0"),
        ("stx_etx", b"\x02123456789\x03"),
        ('{type: stx_etx, start: "7b", end: "7d", escape: "31", xor: "80"}', b"{\x31\xb123456789}"),
        ("length_prefixed", b"\0\x09123456789"),
        ("{type: length_prefixed, width: 1}", b"\x09123456789"),
        ("{type: length_prefixed, width: 4, order: little}", b"\x09\0\0\x00123456789"),
        ('{type: length_prefixed, sync: "aa 55", counts: rest}', b"\xaa\x55\0\x09123456789"),
        ("{type: length_prefixed, counts: rest, checksum: xor8}", b"\0\x0a123456789\x31"),
        ("{type: length_prefixed, sync: AA, counts: frame, checksum: xor8}", b"\xaa\0\x0d123456789\x31"),
        ("{type: length_prefixed, sync: AA, checksum: {type: sum8, covers: length}}", b"\xaa\0\x09123456789\xe6"),
        ("{type: length_prefixed, sync: AA, checksum: {type: sum8, covers: frame}}", b"\xaa\0\x09123456789\x90"),
        ("{type: fixed, length: 9}", b"123456789"),
        ('{type: fixed, length: 9, sync: "4D42", checksum: crc16-ccitt}', b"MB123456789\x29\xb1"),
        ('{type: fixed, length: 9, sync: "01", checksum: {type: sum8, covers: frame}}', b"\x01123456789\xde"),
    ],
)
def test_the_bytes_on_the_wire_follow_from_the_options(framing: str, wire: bytes) -> None:
    made = built(framing)
    assert made.encode(b"123456789") == wire
    assert made.receive_data(wire) == [b"123456789"]


@pytest.mark.parametrize(
    ("framing", "gap"),
    [
        ("lines", None),
        ("cobs", None),
        ("slip", None),
        ("stx_etx", None),
        ("length_prefixed", 0.25),
        ("{type: length_prefixed, gap: 20ms}", 0.02),
        ("{type: length_prefixed, checksum: crc32}", None),
        ("{type: length_prefixed, sync: AA}", None),
        ("{type: length_prefixed, sync: AA, gap: 1s}", 1.0),
        ("{type: fixed, length: 4}", 0.25),
        ("{type: fixed, length: 4, checksum: crc32, gap: 1s}", 1.0),
        ("{type: fixed, length: 4, sync: AA}", None),
    ],
)
def test_a_pause_ends_a_frame_only_where_nothing_else_tells_or_it_is_wished(framing: str, gap: float | None) -> None:
    assert built(framing).gap == gap


@pytest.mark.parametrize("name", plugins.names("framings"))
def test_each_port_gets_a_buffer_of_its_own(name: str) -> None:
    options: dict[str, Any] = {"type": name, **({"length": 4} if name == "fixed" else {})}
    model = plugins.find("framings", name)
    assert model is not None
    made = model.model_validate(options)
    first, second = made.build(), made.build()  # type: ignore[attr-defined]
    wire = first.encode(b"abcd")
    first.receive_data(wire[:2])
    assert second.receive_data(wire) == [b"abcd"]


def test_options_that_are_printed_can_be_read_again() -> None:
    options = CobsOptions.model_validate({"type": "cobs", "checksum": "crc32"})
    assert CobsOptions.model_validate(options.model_dump()) == options
