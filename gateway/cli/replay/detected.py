"""A configuration for a recording, by what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.cli.console import fail, say
from gateway.config import Config, parse
from gateway.detection import Capture, guess
from gateway.detection.stanza import Line, adapter_id, described, stanza
from gateway.recordings import Recording


def detected(recording: Recording) -> Config:
    """What the recording of a port seems to be; ends the command where that is not clear."""
    capture = Capture.of((entry.time, entry.data) for entry in recording)
    guesses = guess(capture)
    if not capture.data:
        fail("nothing is in the recording")
    if not guesses or not guesses[0].sure:
        fail("not sure what the recording says: give a CONFIG with its framing and codec")
    best = guesses[0]
    port = str(recording.header.settings.get("port", "port"))
    say(f"fieldgate: no CONFIG was given; it looks like {described(best.framing)}, {described(best.codec)}")
    text = stanza(best, Line(adapter_id(os.path.basename(port)), port, None))
    return parse(text, "what was detected", Path())
