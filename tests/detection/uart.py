"""A serial line as bits: what a receiver makes of bytes that come at another speed than its own."""

from collections.abc import Iterable


def misread(chunks: Iterable[tuple[float, bytes]], sent_at: int, read_at: int) -> list[tuple[float, bytes]]:
    """What a receiver at `read_at` baud hears of chunks sent at `sent_at`: 8 data bits, no parity, one stop bit.

    As of a Linux driver: a byte whose stop bit is wrong is a zero.
    """
    return [(time, heard) for time, data in chunks if (heard := _heard(data, read_at / sent_at))]


def _heard(data: bytes, samples: float) -> bytes:
    """`samples` is how many bits the receiver takes in the time of one that is sent."""
    bits = [1] * 12
    for byte in data:
        bits += [0, *(byte >> n & 1 for n in range(8)), 1]
    bits += [1] * 24
    heard = bytearray()
    at = 0.0  # in bits that are sent
    while (start := _next_start(bits, at)) is not None:
        times = [start + (n + 0.5) / samples for n in range(10)]
        if times[-1] >= len(bits):
            break
        taken = [bits[int(time)] for time in times]
        if taken[0]:  # a glitch that was over at the middle of the start bit
            at = times[0]
            continue
        heard.append(sum(bit << n for n, bit in enumerate(taken[1:9])) if taken[9] else 0)
        at = times[-1]
        while not taken[9] and at < len(bits) and not bits[int(at)]:  # a break lasts until the line is high again
            at += 1 / samples
    return bytes(heard)


def _next_start(bits: list[int], at: float) -> float | None:
    """When the line goes low next."""
    place = int(at)
    if place < len(bits) and not bits[place] and (place == 0 or bits[place - 1] or at > place):
        return at
    while place + 1 < len(bits):
        if bits[place] and not bits[place + 1]:
            return float(place + 1)
        place += 1
    return None
