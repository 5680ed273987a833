import pytest

from gateway.errors import CodecError
from gateway.framing.slip import Slip


def test_the_escapes_are_those_of_the_rfc() -> None:
    assert Slip().encode(b"a\xc0b\xdbc") == b"\xc0a\xdb\xdcb\xdb\xddc\xc0"


@pytest.mark.parametrize("frame", [b"\xdb\xdc", b"\xdb\xdd", b"\xdb\xdb\xdc", b"\xdc\xdd", b"\xc0\xc0", b"\xdb"])
def test_what_looks_like_an_escape_comes_back(frame: bytes) -> None:
    slip = Slip()
    assert slip.receive_data(slip.encode(frame)) == [frame]


@pytest.mark.parametrize("piece", [b"a\xdbb", b"a\xdb", b"\xdb\xdb\xdc", b"\xdb\xdc\xdb"])
def test_an_escape_of_nothing_is_an_error(piece: bytes) -> None:
    slip = Slip()
    assert slip.receive_data(piece + b"\xc0good\xc0") == [b"good"]
    assert (slip.errors, slip.resyncs) == (1, 0)


def test_noise_before_a_frame_that_is_sent_our_way_costs_nothing() -> None:
    slip = Slip()
    assert slip.receive_data(b"noise" + slip.encode(b"good"))[-1] == b"good"


@pytest.mark.parametrize("one_by_one", [False, True])
def test_an_overlong_frame_is_one_error(one_by_one: bool) -> None:
    slip = Slip(maximum=4)
    stream = b"\xdb\xdc" * 4 + b"\xc0" + b"x" * 300 + b"\xc0a\xc0" + b"12345\xc0b\xc0"
    parts = [bytes([byte]) for byte in stream] if one_by_one else [stream]
    assert [frame for part in parts for frame in slip.receive_data(part)] == [b"\xc0" * 4, b"a", b"b"]
    assert (slip.errors, slip.resyncs) == (2, 1)  # the second was whole, and is only too long


def test_an_empty_frame_is_not_sent() -> None:
    with pytest.raises(CodecError):
        Slip().encode(b"")
