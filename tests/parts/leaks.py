"""What this process holds: children and descriptors (Linux only; elsewhere nothing is seen)."""

import os
from pathlib import Path


def children() -> dict[int, str]:
    """Process ids and command lines of the children of this process, unreaped ones included."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The command, in parentheses, may itself hold anything; the state and the parent's id follow it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                line = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found[int(stat.parent.name)] = line or "(ended, but not waited for)"
        except OSError:  # it ended while we looked
            continue
    return found


def descriptors() -> set[str]:
    """What the open descriptors of this process stand for, as `5 socket:[1234]`."""
    found = set()
    for link in Path("/proc/self/fd").glob("*"):
        try:
            found.add(f"{link.name} {link.readlink()}")
        except OSError:  # the one that lists the folder
            continue
    return found
