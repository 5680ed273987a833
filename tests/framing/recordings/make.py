"""Makes the recordings beside it: `python -m tests.framing.recordings.make`. It shares no code with the framings.

A recording is a stream of frames with noise between them, frames that lack their beginning or end, frames run into one
another, and flipped, lost and doubled bits and bytes. `must` are the frames that have to come back: all but the damaged
ones and the two after each damage.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
FRAMES = 160

Wrap = Callable[[bytes], bytes]


def crc(data: bytes, width: int, polynomial: int, start: int, reflected: bool, final: int = 0) -> int:
    """A CRC bit by bit, as the catalogues define it."""
    state, top, mask = start, 1 << width - 1, (1 << width) - 1
    for byte in data:
        for bit in range(8) if reflected else reversed(range(8)):
            one = bool(state & top) ^ bool(byte >> bit & 1)
            state = (state << 1 & mask) ^ (polynomial if one else 0)
    if reflected:
        state = int(f"{state:0{width}b}"[::-1], 2)
    return state ^ final


def modbus(data: bytes) -> bytes:
    return crc(data, 16, 0x8005, 0xFFFF, reflected=True).to_bytes(2, "little")


def ccitt(data: bytes) -> bytes:
    return crc(data, 16, 0x1021, 0xFFFF, reflected=False).to_bytes(2, "big")


def crc32(data: bytes) -> bytes:
    return crc(data, 32, 0x04C11DB7, 0xFFFFFFFF, reflected=True, final=0xFFFFFFFF).to_bytes(4, "big")


def xor(data: bytes) -> int:
    result = 0
    for byte in data:
        result ^= byte
    return result


def line(payload: bytes) -> bytes:
    return payload + b"*%02X\r\n" % xor(payload)


def cobs(frame: bytes) -> bytes:
    """The encoder of the paper: a code byte is written when its block is known."""
    out, code_at, code = bytearray(1), 0, 1
    for byte in frame:
        if byte:
            out.append(byte)
            code += 1
        if not byte or code == 255:
            out[code_at] = code
            code_at, code = len(out), 1
            out.append(0)
    out[code_at] = code
    return bytes(out) + b"\0"


def slip(frame: bytes) -> bytes:
    return b"".join({0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}.get(byte, bytes([byte])) for byte in frame) + b"\xc0"


def stx_etx(frame: bytes) -> bytes:
    return b"\x02" + b"".join((b"\x10" if byte in b"\x02\x03\x10" else b"") + bytes([byte]) for byte in frame) + b"\x03"


def hdlc_like(frame: bytes) -> bytes:
    body = b"".join(b"\x7d" + bytes([byte ^ 0x20]) if byte in b"\x7d\x7e\x7f" else bytes([byte]) for byte in frame)
    return b"\x7e" + body + b"\x7f"


def text(chance: random.Random) -> bytes:
    return b"%.1f,%d" % (chance.uniform(-20, 40), chance.randrange(101))


def binary(least: int, most: int) -> Callable[[random.Random], bytes]:
    """Payloads with many of the bytes that mean something to one framing or another."""
    special = b"\0\0\0\x01\x02\x03\x10\xc0\xdb\xdc\x7e\x7d\xaa\x55\xff"
    return lambda chance: bytes(
        chance.choice(special) if chance.random() < 0.5 else chance.randrange(256)
        for _ in range(chance.randint(least, most))
    )


# The options of the framing, its encoder, its payloads, and whether only pauses bring it back in step.
RECORDINGS: dict[str, tuple[dict[str, Any], Wrap, Callable[[random.Random], bytes], bool]] = {
    "lines": ({"type": "lines"}, lambda p: p + b"\n", text, False),
    "lines-xor8": ({"type": "lines", "checksum": "xor8"}, line, text, False),
    "cobs": ({"type": "cobs"}, cobs, binary(1, 24), False),
    "cobs-crc32": ({"type": "cobs", "checksum": "crc32"}, lambda p: cobs(p + crc32(p)), binary(1, 24), False),
    "slip": ({"type": "slip"}, slip, binary(1, 24), False),
    "slip-crc16-ccitt": (
        {"type": "slip", "checksum": "crc16-ccitt"},
        lambda p: slip(p + ccitt(p)),
        binary(1, 24),
        False,
    ),
    "stx_etx": ({"type": "stx_etx"}, stx_etx, binary(1, 24), False),
    "stx_etx-xor-crc16-modbus": (
        {"type": "stx_etx", "start": "7E", "end": "7F", "escape": "7D", "xor": "20", "checksum": "crc16-modbus"},
        lambda p: hdlc_like(p + modbus(p)),
        binary(1, 24),
        False,
    ),
    "length_prefixed": (
        {"type": "length_prefixed", "order": "little"},
        lambda p: len(p).to_bytes(2, "little") + p,
        binary(1, 24),
        True,
    ),
    "length_prefixed-sync": (
        {"type": "length_prefixed", "sync": "D391", "width": 1},
        lambda p: b"\xd3\x91" + bytes([len(p)]) + p,
        binary(1, 24),
        False,
    ),
    "length_prefixed-sync-crc16-modbus": (
        {"type": "length_prefixed", "sync": "AA55", "width": 1, "checksum": "crc16-modbus"},
        lambda p: b"\xaa\x55" + bytes([len(p)]) + p + modbus(p),
        binary(1, 24),
        False,
    ),
    "length_prefixed-crc32": (
        {"type": "length_prefixed", "width": 1, "counts": "frame", "checksum": {"type": "crc32", "covers": "length"}},
        lambda p: bytes([len(p) + 5]) + p + crc32(bytes([len(p) + 5]) + p),
        binary(1, 24),
        False,
    ),
    "fixed": ({"type": "fixed", "length": 9}, lambda p: p, binary(9, 9), True),
    "fixed-sync": ({"type": "fixed", "length": 9, "sync": "D391"}, lambda p: b"\xd3\x91" + p, binary(9, 9), False),
    "fixed-sync-sum8": (
        {"type": "fixed", "length": 6, "sync": "5959", "checksum": {"type": "sum8", "covers": "frame"}},
        lambda p: b"\x59\x59" + p + bytes([(0xB2 + sum(p)) & 0xFF]),
        binary(6, 6),
        False,
    ),
    "fixed-crc16-modbus": (
        {"type": "fixed", "length": 9, "checksum": "crc16-modbus"},
        lambda p: p + modbus(p),
        binary(9, 9),
        False,
    ),
}


def flipped(chance: random.Random, wire: bytes) -> bytes:
    at = chance.randrange(len(wire))
    return wire[:at] + bytes([wire[at] ^ 1 << chance.randrange(8)]) + wire[at + 1 :]


def lost(chance: random.Random, wire: bytes) -> bytes:
    at = chance.randrange(len(wire))
    return wire[:at] + wire[at + 1 :]


def doubled(chance: random.Random, wire: bytes) -> bytes:
    at = chance.randrange(len(wire))
    return wire[:at] + wire[at : at + 1] + wire[at:]


def noise(chance: random.Random, wire: bytes) -> bytes:
    """The frame is whole, and what came before it is not."""
    return chance.randbytes(chance.randint(1, 30)) + wire


def without_end(chance: random.Random, wire: bytes) -> bytes:
    return wire[: chance.randrange(1, len(wire))]


def without_start(chance: random.Random, wire: bytes) -> bytes:
    return wire[chance.randrange(1, len(wire)) :]


def glued(chance: random.Random, wire: bytes) -> bytes:
    """The beginning of one frame, and the end of another."""
    return without_end(chance, wire) + without_start(chance, wire)


DAMAGES = (flipped, lost, doubled, noise, without_end, without_start, glued)


def record(name: str) -> dict[str, Any]:
    options, wrap, payload, paused = RECORDINGS[name]
    chance = random.Random(name)
    bursts = [b""]
    must: list[str] = []
    since = 9  # frames since the last damage
    damaged = 0
    sent = []
    for number in range(FRAMES):
        frame = payload(chance)
        sent.append(frame.hex())
        wire = wrap(frame)
        if number and chance.random() < 0.15:
            wire = chance.choice(DAMAGES)(chance, wire)
            since = 0
            damaged += 1
        elif since > 1 or not paused:
            since += 1
        if since > 2:
            must.append(frame.hex())
        bursts[-1] += wire
        if paused and chance.random() < 0.3:  # nothing else brings it back in step
            bursts.append(b"")
            since = max(since, 2)
    return {
        "framing": options,
        "damaged": damaged,
        "bursts": [[burst.hex()[at : at + 96] for at in range(0, 2 * len(burst), 96)] for burst in bursts],
        "sent": sent,
        "must": must,
    }


if __name__ == "__main__":
    for name in RECORDINGS:
        (FOLDER / f"{name}.json").write_text(json.dumps(record(name), indent=1) + "\n")
