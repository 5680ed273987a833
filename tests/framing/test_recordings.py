"""Streams of every framing, recorded with their damage, give back what was not damaged."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway import plugins
from gateway.framing import Framing
from tests.framing.recordings import make

FOLDER = Path(__file__).parent / "recordings"
RECORDINGS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def built(recording: dict[str, Any]) -> Framing:
    model = plugins.find("framings", recording["framing"]["type"])
    assert model is not None
    framing: Framing = model.model_validate(recording["framing"]).build()  # type: ignore[attr-defined]
    return framing


def received(framing: Framing, recording: dict[str, Any], chunk: int) -> Iterator[str]:
    for lines in recording["bursts"]:
        burst = bytes.fromhex("".join(lines))
        for at in range(0, len(burst), chunk):
            yield from (frame.hex() for frame in framing.receive_data(burst[at : at + chunk]))
        if framing.gap is not None:
            framing.break_off()


def test_each_framing_is_recorded_with_a_checksum_and_without() -> None:
    recorded = {(it["framing"]["type"], "checksum" in it["framing"]) for it in RECORDINGS.values()}
    assert recorded >= {(name, checked) for name in plugins.names("framings") for checked in (False, True)}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", RECORDINGS)
def test_all_frames_but_the_damaged_and_two_behind_each_come_back(name: str, chunk: int) -> None:
    recording = RECORDINGS[name]
    framing = built(recording)
    frames = list(received(framing, recording, chunk))
    rest = iter(frames)
    missing = [frame for frame in recording["must"] if frame not in rest]  # in this order
    assert missing == []
    assert len(recording["must"]) >= 70
    sent, damaged = set(recording["sent"]), recording["damaged"]
    wrong = [frame for frame in frames if frame not in sent]
    if "checksum" in recording["framing"]:
        assert wrong == []
        assert 0 < framing.checksum_errors <= framing.errors <= 2 * damaged
        assert framing.resyncs <= damaged
    elif framing.gap is None:  # until a pause, everything may be cut at the wrong places
        assert len(wrong) <= 2 * damaged


def test_encoders_that_share_no_code_agree() -> None:
    for options, wrap, payload, _ in make.RECORDINGS.values():
        chance = Random(1)
        framing = built({"framing": options})
        for _ in range(50):
            frame = payload(chance)
            assert framing.receive_data(wrap(frame)) == [frame]
            assert framing.encode(frame).strip(b"\xc0\r\n") == wrap(frame).strip(b"\xc0\r\n")
