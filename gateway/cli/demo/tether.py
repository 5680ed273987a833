"""Runs a Python module that ends with its parent: python tether.py MODULE [ARGUMENT...]

The parent holds the writing end of standard input and never writes. However the parent ends, the kernel closes that
pipe; the module is then asked to end (SIGTERM), and made to where it does not. Run as a file, without imports of
Fieldgate, so that it starts fast.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from contextlib import suppress

GRACE = 2.0  # seconds


def _watch() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_watch, name="tether", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
