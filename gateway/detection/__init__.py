"""Which framing and codec a line speaks, by what was heard on it: pure, no port and no clock."""

from gateway.detection.capture import Capture
from gateway.detection.guessing import Guess, guess

__all__ = ["Capture", "Guess", "guess"]
