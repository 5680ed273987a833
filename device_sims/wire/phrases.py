"""What a board of text is told and how it answers.

SET fan 1          OK              or  ERR jammed
SET fan 1 #17      OK #17          or  ERR jammed #17
SET n1 fan 1       the same, on a line of several devices
READ, READ n1      a reading
"""

from __future__ import annotations

from device_sims.device import Command, Poll


def heard_phrase(payload: bytes, *, shared: bool) -> Command | Poll:
    """The command or the poll in a line; `ValueError` where it is neither. `shared`, it names a device."""
    words = payload.decode().split()
    match words:
        case ["READ"] if not shared:
            return Poll()
        case ["READ", node]:
            return Poll(node)
        case ["SET", *rest]:
            id = rest.pop().removeprefix("#") if rest and rest[-1].startswith("#") else None
            addressed = rest.pop(0) if shared and rest else None
            if len(rest) >= 2:
                number = int(id) if id is not None and id.isdecimal() else id
                return Command(rest[0], " ".join(rest[1:]), number, bare=True, node=addressed)
    raise ValueError("neither SET nor READ")


def answer_phrase(command: Command, error: str | None) -> bytes:
    """`OK` or `ERR` and why, with the command's id where it has one."""
    answer = "OK" if error is None else f"ERR {error}"
    return (answer if command.id is None else f"{answer} #{command.id}").encode()
