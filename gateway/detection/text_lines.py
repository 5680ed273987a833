"""Lines of text."""

from __future__ import annotations

from gateway.detection import checksums
from gateway.detection.candidates import Candidate
from gateway.detection.capture import Capture
from gateway.detection.trial import Options, distinct

_PRINTABLE = 1.39  # bits: that many less has a byte that is printable than any
_SHARE = 0.5  # of the bytes must be in lines that are text
_TEXT_BYTES = bytes(set(range(256)) - set(range(32, 256)) - {9, 13})  # control characters but tab and return


def is_text(line: bytes) -> bool:
    """Whether an editor shows it as it is: UTF-8 without control characters."""
    if line.translate(None, _TEXT_BYTES) != line or b"\x7f" in line:
        return False
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def candidates(capture: Capture) -> list[Candidate]:
    """The lines, by whichever terminator there are most; with their checksum, and without."""
    data = capture.data
    terminator = b"\r" if data.count(b"\r") > 5 * data.count(b"\n") else b"\n"
    pieces = [piece.rstrip(b"\r") for piece in data.split(terminator)[:-1]]
    lines = [line for line in pieces if line]
    text = [line for line in lines if is_text(line)]
    if not text or sum(map(len, text)) < _SHARE * sum(map(len, lines)):
        return []
    options: Options = {"type": "lines"}
    if terminator == b"\r":
        options["terminator"] = "\r"
    if max(map(len, text)) > 4096:
        options["max"] = 65520
    bits = _PRINTABLE * sum(map(len, distinct(text)))
    plain = Candidate(options, bits, 1.0)
    return plain.with_or_without(checksums.of_lines(text))
