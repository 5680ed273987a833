"""Checksums are those of the catalogues, and of the standard library where it has them."""

import binascii
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.wire.checksums import CHECKSUMS, crc16_ccitt, crc32, sum8, xor8


@pytest.mark.parametrize(
    ("name", "sealed", "digits"),
    [
        ("crc16-modbus", "374b", b"4B37"),
        ("crc16-ccitt", "29b1", b"29B1"),
        ("crc32", "cbf43926", b"CBF43926"),
        ("xor8", "31", b"31"),
        ("sum8", "dd", b"DD"),
    ],
)
def test_the_check_values_stand_in_the_order_of_their_standards(name: str, sealed: str, digits: bytes) -> None:
    checksum = CHECKSUMS[name]
    assert checksum is not None
    assert checksum.of_bytes(b"123456789").hex() == sealed
    assert checksum.of_text(b"123456789") == digits


@settings(max_examples=50, deadline=None, database=None)
@given(st.binary(max_size=300))
def test_they_agree_with_the_standard_library(payload: bytes) -> None:
    assert crc16_ccitt(payload) == binascii.crc_hqx(payload, 0xFFFF)
    assert crc32(payload) == zlib.crc32(payload)
    assert sum8(payload) == sum(payload) % 256
    assert xor8(payload + payload) == 0


def test_modbus_answers_a_known_request() -> None:
    """The example of MODBUS over Serial Line V1.02, appendix B: 02 07 has the CRC 41 12."""
    checksum = CHECKSUMS["crc16-modbus"]
    assert checksum is not None
    assert checksum.of_bytes(b"\x02\x07").hex() == "4112"


def test_no_checksum_is_one_of_them() -> None:
    assert CHECKSUMS["none"] is None
