"""The hash chain of the audit: what the hash of each row covers, so that another program can check it.

A cell is encoded as one letter for its kind, the length of its content in bytes, a colon, and the content:
`n0:` for NULL, `i` for an integer in decimal digits, `f` for a real as IEEE 754 binary64 big-endian, `t` for a text
in UTF-8, `b` for a blob.

    digest of a command = SHA-256(its cells, in the order of COMMAND)
    hash of a row = SHA-256(hash of the row before + digest of its command + its cells, in the order of TRANSITION)

The row before the first has the hash ORIGIN; a row that belongs to no command has NO_COMMAND for its command's digest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

Cell = None | int | float | str | bytes

COMMAND = (
    "id", "identity", "jti", "address", "key", "body",
    "device", "point", "value", "confirm", "ttl", "lease", "urgent",
)  # fmt: skip
TRANSITION = ("seq", "command", "state", "outcome", "detail", "inputs", "time", "monotonic", "boot")
ORIGIN = NO_COMMAND = bytes(32)


def digest(command: Iterable[Cell]) -> bytes:
    """The digest of a command's cells, in the order of COMMAND."""
    return sha256(b"".join(map(encoded, command))).digest()


def link(before: bytes, command: bytes, transition: Iterable[Cell]) -> bytes:
    """The hash of a row: `before` is the hash of the row before it, `command` the digest of its command."""
    return sha256(before + command + b"".join(map(encoded, transition))).digest()


def encoded(cell: Cell) -> bytes:
    """A cell, so that no two rows are encoded alike."""
    if cell is None:
        kind, content = b"n", b""
    elif isinstance(cell, bytes):
        kind, content = b"b", cell
    elif isinstance(cell, str):
        kind, content = b"t", cell.encode("utf-8", "surrogatepass")
    elif isinstance(cell, float):
        kind, content = b"f", struct.pack(">d", cell)
    else:
        kind, content = b"i", b"%d" % cell
    return b"%b%d:%b" % (kind, len(content), content)
