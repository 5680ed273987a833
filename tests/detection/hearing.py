"""What would be heard of boards: of the simulated ones, and of the captures in the folder beside."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from device_sims.device import SimulatedDevice
from device_sims.kinds import KINDS
from device_sims.wire import CHECKSUMS, CODECS, FRAMINGS, wire_of
from gateway.detection import Guess

CAPTURES = Path(__file__).parent / "captures"
READS = {"text": "regex"}  # the gateway's codec, where it is called otherwise than what a board speaks

Chunks = list[tuple[float, bytes]]


def heard(
    framing: str,
    checksum: str,
    codec: str,
    *,
    kind: str | None = None,
    frames: int = 15,
    rate: float = 5.0,
    devices: int = 1,
    seed: int = 1,
    header: bool = False,
) -> Chunks:
    """So many frames of each device of a board; the first is torn, as its begin was before anyone listened."""
    kind = kind or ("gps" if codec == "nmea0183" else "climate")
    wire, speech = wire_of(
        KINDS[kind], framing=framing, checksum=checksum, codec=codec, devices=devices, header=header, stamp=False
    )
    names = [f"n{number}" for number in range(1, devices + 1)] if devices > 1 else [kind]
    boards = [
        SimulatedDevice(name, KINDS[kind], seed=seed + number, interval=1 / rate, record=lambda actuation: None)
        for number, name in enumerate(names)
    ]
    frames_made = [wire.wrap(payload) for payload in speech.hello()]
    for _ in range(frames):
        for board in boards:
            payloads = speech.reading(board.reading(), board.name if devices > 1 else None)
            frames_made += [wire.wrap(payload) for payload in payloads]
    if not header:
        frames_made[0] = frames_made[0][len(frames_made[0]) // 2 :]
    return [(number / rate / devices, frame) for number, frame in enumerate(frames_made)]


def combinations() -> Iterator[tuple[str, str, str]]:
    """Every framing, checksum and codec that a simulated board has together."""
    for framing in FRAMINGS:
        for checksum in CHECKSUMS:
            for codec in CODECS:
                try:
                    heard(framing, checksum, codec, frames=1)
                except ValueError:  # they do not go together
                    continue
                yield framing, checksum, codec


def capture(name: str, pause: float = 0.1) -> Chunks:
    """A capture of the folder, as it may come: in pieces of 50 bytes."""
    data = (CAPTURES / name).read_bytes()
    return [(number * pause, data[at : at + 50]) for number, at in enumerate(range(0, len(data), 50))]


def with_noise(chunks: Chunks, seed: int) -> Chunks:
    """With a few bytes of noise before some of the chunks."""
    draw = random.Random(seed)
    noisy = []
    for time, data in chunks:
        noise = draw.randbytes(draw.randrange(1, 20)) if draw.random() < 0.1 else b""
        noisy.append((time, noise + data))
    return noisy


def with_losses(chunks: Chunks, seed: int, share: float = 0.0005) -> Chunks:
    """With single bytes missing."""
    draw = random.Random(seed)
    return [(time, bytes(byte for byte in data if draw.random() > share)) for time, data in chunks]


def without_pauses(chunks: Chunks) -> Chunks:
    """As one stream."""
    return [(number / 1000, data) for number, (_, data) in enumerate(chunks)]


def named(guess: Guess) -> tuple[Any, Any, Any]:
    """Its framing, checksum and codec by name."""
    checksum = guess.framing.get("checksum", "none")
    return guess.framing["type"], checksum if isinstance(checksum, str) else checksum["type"], guess.codec["type"]


def rising(times: tuple[float, ...]) -> bool:
    return all(before <= after for before, after in pairwise(times))
