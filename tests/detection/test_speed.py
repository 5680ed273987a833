"""However a line tries, looking at it takes a moment only."""

import random
import time

import pytest

from gateway.detection import Capture, guess
from gateway.detection.capture import LONGEST

HOSTILE = {
    "any bytes": random.Random(1).randbytes(LONGEST),
    "zeros": bytes(LONGEST),
    "line ends": b"\n" * LONGEST,
    "sync words": b"\xaa\x55" * (LONGEST // 2),
    "lengths of nothing": b"\x00\x01" * (LONGEST // 2),
    "delimiters": b"\xc0\x01" * (LONGEST // 2),
    "commas": b"," * LONGEST,
    "quotes": b'"' * LONGEST,
    "open objects": b'{"a":' * (LONGEST // 5),
    "pairs": b"a=1 " * (LONGEST // 4),
    "short lines": b"1\n" * (LONGEST // 2),
    "wide rows": (b"1," * 600 + b"\n") * 54,
    "one line": b"x" * LONGEST,
    "words": b"a b c d e f g h i j k l m n o p q r s t u v w x y z\n" * 1200,
    "digits": b"1234567890" * (LONGEST // 10),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_full_capture_takes_less_than_two_seconds(name: str) -> None:
    started = time.process_time()
    guess(Capture.of([(0.0, HOSTILE[name])]))
    assert time.process_time() - started < 2.0


def test_no_more_than_64_kib_are_looked_at() -> None:
    capture = Capture.of([(0.0, b"x" * 50_000), (1.0, b"y" * 50_000), (2.0, b"z")])
    assert len(capture.data) == 65_536
    assert capture.seconds == 1.0
