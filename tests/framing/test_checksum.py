import random
from collections.abc import Callable

import pytest

from gateway.framing.checksum import Checksum, ChecksumType, crc16_ccitt, crc16_modbus, sum8, xor8
from tests.framing.recordings import make

# The check values of the catalogues: of the text 123456789.
CHECKS: dict[ChecksumType, bytes] = {
    "crc16-modbus": bytes.fromhex("37 4B"),  # CRC-16/MODBUS, 0x4B37, little-endian as Modbus RTU sends it
    "crc16-ccitt": bytes.fromhex("29 B1"),  # CRC-16/IBM-3740
    "crc32": bytes.fromhex("CB F4 39 26"),  # CRC-32/ISO-HDLC
    "xor8": bytes.fromhex("31"),
    "sum8": bytes.fromhex("DD"),
}


@pytest.mark.parametrize("type", CHECKS)
def test_it_is_the_variant_of_the_catalogue_in_the_order_of_the_standard(type: ChecksumType) -> None:
    assert Checksum(type).of(b"123456789") == CHECKS[type]


@pytest.mark.parametrize("type", CHECKS)
def test_the_order_may_be_another(type: ChecksumType) -> None:
    big, little = Checksum(type, "big"), Checksum(type, "little")
    assert big.of(b"123456789") == little.of(b"123456789")[::-1]
    assert CHECKS[type] in (big.of(b"123456789"), little.of(b"123456789"))


@pytest.mark.parametrize(
    ("computed", "slowly"),
    [
        (crc16_modbus, lambda data: int.from_bytes(make.modbus(data), "little")),
        (crc16_ccitt, lambda data: int.from_bytes(make.ccitt(data), "big")),
        (xor8, make.xor),
        (sum8, lambda data: sum(data) & 0xFF),
    ],
    ids=["crc16-modbus", "crc16-ccitt", "xor8", "sum8"],
)
def test_the_fast_way_gives_what_the_definition_does(
    computed: Callable[[bytes], int], slowly: Callable[[bytes], int]
) -> None:
    chance = random.Random(8)
    for length in (*range(70), 255, 256, 257, 511, 512, 513, 1000):
        for data in (chance.randbytes(length), b"\0" * length, b"\xff" * length):
            assert computed(data) == slowly(data), length


def test_a_request_of_modbus_has_the_crc_that_its_devices_expect() -> None:
    assert Checksum("crc16-modbus").of(bytes.fromhex("01 03 00 00 00 0A")) == bytes.fromhex("C5 CD")


@pytest.mark.parametrize("type", CHECKS)
def test_it_is_taken_off_again_or_found_wrong(type: ChecksumType) -> None:
    checksum = Checksum(type)
    assert checksum.size == len(CHECKS[type])
    whole = b"payload" + checksum.of(b"payload")
    assert checksum.stripped(whole) == b"payload"
    assert checksum.stripped(checksum.of(b"")) == b""
    for place in range(len(whole)):
        assert checksum.stripped(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]) is None
    assert checksum.stripped(whole[: checksum.size - 1]) is None
