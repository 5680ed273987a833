"""Recordings of what came over a line, and what is to be made of each frame of them."""

import json
from pathlib import Path
from typing import Any

from gateway.codecs import Codec
from gateway.errors import CodecError
from gateway.framing.lines import LinesOptions

_FOLDER = Path(__file__).parent / "recordings"


def frames(name: str) -> list[bytes]:
    """The lines of a recording, noise and all; it ends in the middle of one."""
    return LinesOptions().build().receive_data((_FOLDER / name).read_bytes())


def expected(name: str) -> list[Any]:
    """For each frame the samples as objects, or an object with how the `error` begins."""
    return [json.loads(line) for line in (_FOLDER / f"{name}.expected.jsonl").read_text().splitlines()]


def made(codec: Codec, frame: bytes) -> Any:
    """What the codec makes of a frame, in the form of the expectations."""
    try:
        samples = codec.decode(frame)
    except CodecError as error:
        return {"error": str(error)}
    told = []
    for sample in samples:
        members: dict[str, Any] = {"values": sample.values}
        if sample.device_time is not None:
            members["device_time"] = sample.device_time
        if sample.units:
            members["units"] = dict(sample.units)
        told.append(members)
    return told


def check(codec: Codec, name: str) -> None:
    """The whole recording, frame by frame."""
    for number, (frame, wanted) in enumerate(zip(frames(name), expected(name), strict=True), 1):
        got = made(codec, frame)
        if isinstance(wanted, dict):
            assert isinstance(got, dict), f"frame {number} is read as {got}"
            assert got["error"].startswith(wanted["error"])
        else:
            assert got == wanted, f"frame {number}"
