"""Which programs have a device file open, as far as this user may see."""

from __future__ import annotations

import os
from pathlib import Path


def holders(paths: set[str], processes: Path = Path("/proc")) -> dict[str, list[str]]:
    """Who has each of the device files open, as `name (pid)`; processes of other users are seen by root only.

    It looks at every process: tens of milliseconds on a small machine, and so nothing for the event loop.
    """
    found: dict[str, list[str]] = {}
    for process in sorted(processes.glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            targets = {_target(descriptor) for descriptor in (process / "fd").iterdir()}
            name = (process / "comm").read_text(errors="replace").strip()
        except OSError:  # another user's, or it has ended
            continue
        for path in targets & paths:
            found.setdefault(path, []).append(f"{name} ({process.name})")
    return found


def _target(descriptor: Path) -> str:
    """The path behind an open descriptor; nothing where it was closed while we looked."""
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""
