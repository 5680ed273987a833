"""Framings write what their standards say, and read it again however it arrives."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.wire.checksums import CHECKSUMS
from device_sims.wire.framings import FRAMINGS, Framing, framing_named
from device_sims.wire.seals import LONGEST_PAYLOAD

SIZE = 6  # bytes of a fixed payload
STUFFED = ("cobs", "slip", "stx_etx")
BINARY = (*STUFFED, "length_prefixed", "fixed")
QUICK = settings(max_examples=20, deadline=None, database=None)
CHECKED = [name for name in CHECKSUMS if name != "none"]


def framing(name: str, checksum: str = "none") -> Framing:
    return framing_named(name, CHECKSUMS[checksum], size=SIZE)


def payloads(name: str) -> st.SearchStrategy[bytes]:
    if name == "fixed":
        return st.binary(min_size=SIZE, max_size=SIZE)
    if name == "lines":
        return st.binary(min_size=1, max_size=300).map(lambda raw: b"x" + raw.replace(b"\n", b" ").strip() + b"x")
    return st.binary(min_size=1, max_size=600)


class TestStandards:
    @pytest.mark.parametrize(
        ("name", "checksum", "payload", "wire"),
        [
            ("lines", "none", b"t=21", b"t=21\n"),
            ("lines", "xor8", b"123456789", b"123456789*31\n"),
            ("lines", "crc16-modbus", b"123456789", b"123456789*4B37\n"),
            ("lines", "crc32", b"123456789", b"123456789*CBF43926\n"),
            # The examples of Cheshire and Baker, and of the article on COBS in Wikipedia.
            ("cobs", "none", b"\x00", b"\x01\x01\x00"),
            ("cobs", "none", b"\x00\x00", b"\x01\x01\x01\x00"),
            ("cobs", "none", b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33\x00"),
            ("cobs", "none", b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01\x00"),
            ("cobs", "none", bytes(range(1, 255)), b"\xff" + bytes(range(1, 255)) + b"\x00"),
            ("cobs", "none", bytes(range(255)), b"\x01\xff" + bytes(range(1, 255)) + b"\x00"),
            ("cobs", "none", bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff\x00"),
            ("cobs", "none", bytes(range(2, 256)) + b"\x00", b"\xff" + bytes(range(2, 256)) + b"\x01\x01\x00"),
            ("cobs", "xor8", b"\x05\x05", b"\x03\x05\x05\x01\x00"),
            ("slip", "none", b"\xc0\xdb\x01", b"\xc0\xdb\xdc\xdb\xdd\x01\xc0"),
            ("slip", "xor8", b"\xc0", b"\xc0\xdb\xdc\xdb\xdc\xc0"),
            ("stx_etx", "none", b"\x02\x03\x10\x41", b"\x02\x10\x02\x10\x03\x10\x10\x41\x03"),
            ("stx_etx", "sum8", b"\x01\x02", b"\x02\x01\x10\x02\x10\x03\x03"),
            ("length_prefixed", "none", b"abc", b"\xaa\x55\x00\x03abc"),
            ("length_prefixed", "crc16-ccitt", b"123456789", b"\xaa\x55\x00\x09123456789\x29\xb1"),
            ("fixed", "crc16-modbus", b"123456", b"\xaa\x55123456\x20\x4e"),
            ("fixed", "none", b"12", b"\xaa\x5512\x00\x00\x00\x00"),
        ],
    )
    def test_a_frame_is_these_bytes(self, name: str, checksum: str, payload: bytes, wire: bytes) -> None:
        if name == "fixed" and checksum != "none":
            wire = wire[:-2] + _crc16_modbus(payload)
        assert framing(name, checksum).wrap(payload) == wire
        reader = framing(name, checksum)
        assert [read.rstrip(b"\0") for read in reader.receive(wire)] == [payload.rstrip(b"\0")]  # zeros may be filling
        assert reader.errors == 0

    @QUICK
    @given(st.binary(max_size=1000))
    def test_cobs_is_read_byte_by_byte(self, payload: bytes) -> None:
        wire = framing("cobs").wrap(payload)
        assert wire.endswith(b"\0")
        assert b"\0" not in wire[:-1]
        bare, left, full = bytearray(), 0, True
        for byte in wire[:-1]:
            if left:
                bare.append(byte)
                left -= 1
            else:
                if not full:
                    bare.append(0)
                left, full = byte - 1, byte == 0xFF
        assert bytes(bare) == payload

    @QUICK
    @given(st.binary(min_size=1, max_size=300))
    def test_slip_is_read_byte_by_byte(self, payload: bytes) -> None:
        wire = framing("slip").wrap(payload)
        assert wire[0] == wire[-1] == 0xC0
        bare, escaped = bytearray(), False
        for byte in wire[1:-1]:
            assert byte != 0xC0
            if escaped:
                bare.append({0xDC: 0xC0, 0xDD: 0xDB}[byte])
                escaped = False
            elif byte == 0xDB:
                escaped = True
            else:
                bare.append(byte)
        assert bytes(bare) == payload

    @QUICK
    @given(st.binary(min_size=1, max_size=300))
    def test_a_length_prefix_counts_the_payload_alone(self, payload: bytes) -> None:
        sync, length = struct.unpack(">HH", framing("length_prefixed", "crc32").wrap(payload)[:4])
        assert (sync, length) == (0xAA55, len(payload))
        (seal,) = struct.unpack(">I", framing("length_prefixed", "crc32").wrap(payload)[-4:])
        assert seal == zlib.crc32(payload)


class TestReading:
    @pytest.mark.parametrize("name", FRAMINGS)
    @pytest.mark.parametrize("checksum", CHECKSUMS)
    @QUICK
    @given(drawn=st.data())
    def test_frames_are_read_again_however_they_are_cut(self, drawn: st.DataObject, name: str, checksum: str) -> None:
        sent = drawn.draw(st.lists(payloads(name), max_size=4))
        wire = b"".join(framing(name, checksum).wrap(payload) for payload in sent)
        step = drawn.draw(st.integers(1, max(1, len(wire))))
        reader = framing(name, checksum)
        read = [payload for i in range(0, len(wire), step) for payload in reader.receive(wire[i : i + step])]
        assert (read, reader.errors) == (sent, 0)

    @pytest.mark.parametrize("name", FRAMINGS)
    @QUICK
    @given(drawn=st.data())
    def test_noise_never_raises_and_a_frame_is_found_after_it(self, drawn: st.DataObject, name: str) -> None:
        reader = framing(name, "crc16-ccitt")
        reader.receive(drawn.draw(st.binary(max_size=200)))
        payload = b"123456"
        # A frame that the noise seems to begin may swallow as many of those that follow as it may be long.
        assert any(payload in reader.receive(reader.wrap(payload)) for _ in range(LONGEST_PAYLOAD))

    @pytest.mark.parametrize("name", FRAMINGS)
    @pytest.mark.parametrize("checksum", CHECKED)
    def test_a_spoilt_checksum_is_one_error_and_costs_one_frame(self, name: str, checksum: str) -> None:
        reader = framing(name, checksum)
        wire = reader.wrap(b"111111") + reader.wrap(b"222222", spoilt=True) + reader.wrap(b"333333")
        assert reader.receive(wire) == [b"111111", b"333333"]
        assert reader.errors == 1

    @pytest.mark.parametrize("name", FRAMINGS)
    def test_a_frame_without_the_checksum_that_it_should_have_is_an_error(self, name: str) -> None:
        reader = framing(name, "crc32")
        wire = framing(name).wrap(b"111111") + framing(name, "crc32").wrap(b"222222")
        read = reader.receive(wire + framing(name, "crc32").wrap(b"333333") * 2)
        assert read[-1:] == [b"333333"]
        assert b"111111" not in read
        assert reader.errors >= 1

    @pytest.mark.parametrize("name", ["slip", "stx_etx", "length_prefixed", "fixed"])
    def test_a_frame_that_lost_its_end_costs_no_other(self, name: str) -> None:
        reader = framing(name, "crc32")
        wire = reader.wrap(b"111111")[:-3] + reader.wrap(b"222222") + reader.wrap(b"333333")
        assert reader.receive(wire) == [b"222222", b"333333"]
        assert reader.errors == 1

    @pytest.mark.parametrize("name", ["lines", *STUFFED, "length_prefixed"])
    def test_what_is_longer_than_a_frame_may_be_is_one_error(self, name: str) -> None:
        reader = framing(name)
        wire = reader.wrap(b"x" * (LONGEST_PAYLOAD + 10))
        read = [payload for i in range(0, len(wire), 100) for payload in reader.receive(wire[i : i + 100])]
        assert (read, reader.errors) == ([], 1)
        assert reader.receive(reader.wrap(b"222222")) == [b"222222"]

    @pytest.mark.parametrize("name", FRAMINGS)
    def test_what_was_half_received_is_forgotten(self, name: str) -> None:
        reader = framing(name)
        wire = reader.wrap(b"111111")
        assert reader.receive(wire[:-2]) == []
        reader.forget()
        assert reader.receive(wire) == [b"111111"]
        assert reader.errors == 0

    @pytest.mark.parametrize(
        ("name", "damaged"),
        [
            ("cobs", b"\x05ab\x00"),
            ("slip", b"a\xdbb\xc0"),
            ("slip", b"a\xdb\xc0"),
            ("stx_etx", b"\x02lost its end\x02222222\x03"),
        ],
    )
    def test_a_damaged_frame_is_an_error(self, name: str, damaged: bytes) -> None:
        reader = framing(name)
        reader.receive(damaged)
        assert reader.errors == 1

    @pytest.mark.parametrize("name", ["length_prefixed", "fixed"])
    def test_a_sync_in_the_payload_begins_no_frame(self, name: str) -> None:
        reader = framing(name, "xor8")
        payload = b"\xaa\x55\xaa\x55\x00\x01"
        assert reader.receive(b"\xaa" + reader.wrap(payload) * 2) == [payload, payload]
        assert reader.errors == 0

    def test_a_line_may_end_in_both_and_blank_ones_are_nothing(self) -> None:
        reader = framing("lines")
        assert reader.receive(b"a\r\n\r\n\n b \n") == [b"a", b" b "]
        assert reader.errors == 0

    def test_hexadecimal_digits_may_be_small(self) -> None:
        reader = framing("lines", "crc16-ccitt")
        assert reader.receive(b"123456789*29b1\n") == [b"123456789"]


def _crc16_modbus(payload: bytes) -> bytes:
    """Bit by bit, most significant first, from the polynomial 0x8005 with all bytes turned round."""
    crc = 0xFFFF
    for byte in payload:
        crc ^= int(f"{byte:08b}"[::-1], 2) << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x8005 if crc & 0x8000 else 0)) & 0xFFFF
    return int(f"{crc:016b}"[::-1], 2).to_bytes(2, "little")
