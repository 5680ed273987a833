import pytest

from gateway.errors import CodecError
from gateway.framing.checksum import Checksum
from gateway.framing.cobs import Cobs, CobsOptions


def test_a_full_run_at_the_end_may_be_closed_or_not() -> None:
    """Both are in use: some encoders write the last, empty block."""
    run = b"x" * 254
    assert Cobs().receive_data(b"\xff" + run + b"\0" + b"\xff" + run + b"\x01\0") == [run, run]
    assert Cobs().encode(run) == b"\xff" + run + b"\0"
    assert Cobs().encode(run + b"\0") == b"\xff" + run + b"\x01\x01\0"
    assert Cobs().encode(run * 2) == (b"\xff" + run) * 2 + b"\0"


@pytest.mark.parametrize("length", [1, 2, 100, 253, 254, 255, 300, 509, 4096])
@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\xff"])
def test_frames_of_any_length_come_back(length: int, byte: bytes) -> None:
    cobs = Cobs()
    assert cobs.receive_data(cobs.encode(byte * length)) == [byte * length]


@pytest.mark.parametrize("piece", [b"\x05abc", b"\xff", b"\x03ab\x09cd", b"\x02a" * 200 + b"\x09", b"\xffa" * 127])
def test_a_code_byte_that_leads_past_the_end_is_an_error(piece: bytes) -> None:
    cobs = Cobs()
    assert cobs.receive_data(piece + b"\0\x02a\0") == [b"a"]
    assert (cobs.errors, cobs.checksum_errors, cobs.resyncs) == (1, 0, 0)


def test_zeros_between_frames_and_an_empty_frame_are_nothing() -> None:
    cobs = Cobs()
    assert cobs.receive_data(b"\0\0\x01\0\0\x02a\0\0") == [b"a"]
    assert (cobs.errors, cobs.resyncs) == (0, 0)
    checked = Cobs(checksum=Checksum("xor8"))
    assert checked.receive_data(b"\x01\x01\0") == []  # nothing, with the checksum of nothing
    assert checked.errors == 0


@pytest.mark.parametrize("one_by_one", [False, True])
def test_an_overlong_frame_is_one_error_and_one_resync(one_by_one: bool) -> None:
    cobs = Cobs(maximum=4)
    stream = b"\x05abcd\0" + b"x" * 300 + b"\0\x02a\0" + b"\x06abcde\0\x02b\0"
    parts = [bytes([byte]) for byte in stream] if one_by_one else [stream]
    assert [frame for part in parts for frame in cobs.receive_data(part)] == [b"abcd", b"a", b"b"]
    assert (cobs.errors, cobs.resyncs) == (2, 1)  # the second was whole, and is only too long


def test_after_a_reset_the_rest_of_an_overlong_frame_is_forgotten_too() -> None:
    cobs = Cobs(maximum=4)
    cobs.receive_data(b"x" * 100)
    cobs.reset()
    assert cobs.receive_data(b"\x02a\0") == [b"a"]


@pytest.mark.parametrize("frame", [b"", b"12345"])
def test_an_empty_or_overlong_frame_is_not_sent(frame: bytes) -> None:
    with pytest.raises(CodecError, match="1 to 4 bytes"):
        Cobs(maximum=4).encode(frame)


def test_the_checksum_is_not_counted_in_max() -> None:
    cobs = CobsOptions.model_validate({"max": 4, "checksum": "crc32"}).build()
    assert cobs.receive_data(cobs.encode(b"abcd")) == [b"abcd"]
