"""Why a serial port does not open, or went, in one line that says what to do about it."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import termios
from dataclasses import dataclass

from gateway.adapters.wire.holders import holders

_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_DENIED = (errno.EACCES, errno.EPERM)
_BUSY = (errno.EBUSY, errno.EAGAIN)

# What takes ports unasked, and how that is stopped.
_UNINVITED = {
    "ModemManager": "it tries whether that is a modem; udev rules keep it away, see config/99-fieldgate.rules",
    "brltty": "it takes the board for a braille display; without one, `sudo apt remove brltty`",
}


@dataclass(frozen=True, slots=True)
class User:
    """Who opens the port: the account, the groups of this process, and whom the account's groups have meanwhile."""

    name: str
    groups: frozenset[int]

    @classmethod
    def current(cls) -> User:
        """The user of this process."""
        try:
            name = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            name = str(os.geteuid())
        return cls(name, frozenset({os.getegid(), *os.getgroups()}))


def opening_failed(port: str, error: BaseException) -> str:
    """Why the port did not open. May look at every process of the machine: nothing for the event loop."""
    number = errno_of(error)
    if number in _GONE:
        return f"{port} is not there: unplugged?"
    if number in _DENIED:
        try:
            status = os.stat(port)
        except OSError:
            status = None
        return denied(port, number, status, User.current())
    if number in _BUSY or "exclusively lock" in str(error):
        path = os.path.realpath(port)
        return busy(port, holders({path}).get(path, []), os.getpid())
    if number in (errno.ENOTTY, errno.EISDIR):
        return f"{port} is not a serial port"
    if number == errno.EINVAL:
        return f"{port} does not take these settings of baudrate, bytesize, parity and stopbits"
    return f"{port} cannot be opened: {plainly(error)}"


def is_denied(error: BaseException) -> bool:
    """Whether the port is there, and this user may not open it."""
    return errno_of(error) == errno.EACCES


def denied(port: str, number: int | None, status: os.stat_result | None, user: User) -> str:
    """Why this user may not open a device file of this status (None: it cannot be seen), and what to do about it."""
    said = f"{port} may not be opened"
    if number == errno.EPERM:
        return f"{said}: this service or container is not given the device (systemd `DeviceAllow=`, docker `--device`)"
    if status is None:
        return f"{said}: this user may not even look at it"
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o060 != 0o060 or status.st_gid == 0:
        rule = 'a udev rule with GROUP="dialout", MODE="0660" gives it to a group'
        return f"{said}: it belongs to {_user(status.st_uid)} alone (mode {mode:04o}); {rule}"
    group, members = _group(status.st_gid)
    if status.st_gid in user.groups:
        return f"{said}, though {user.name} is in its group {group}: something beside its mode forbids it"
    if user.name in members:
        return f"{said} yet: {user.name} came into its group {group} after this session began; log in again"
    return f"{said}: it is for the group {group}; `sudo usermod -aG {group} {user.name}`, and log in again"


def busy(port: str, holding: list[str], own: int) -> str:
    """Who holds the port, as far as that can be seen; `own` is the id of this process."""
    others = [holder for holder in holding if not holder.endswith(f" ({own})")]
    if holding and not others:
        return f"{port} is in use by this gateway itself: another adapter has it"
    if not others:
        return f"{port} is in use by another program; `sudo fuser -v {port}` tells which"
    said = f"{port} is in use by {', '.join(others)}"
    hints = (hint for name, hint in _UNINVITED.items() if any(holder.startswith(f"{name} (") for holder in others))
    return ": ".join([said, *hints])


def plainly(error: BaseException) -> str:
    """The error as a person reads it."""
    number = errno_of(error)
    if number in (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF):
        return "the port went away: unplugged?"
    return os.strerror(number) if number is not None else (str(error) or type(error).__name__).splitlines()[0]


def errno_of(error: BaseException | None) -> int | None:
    """The number of an error of the system; pyserial hides some of them in the error before."""
    if isinstance(error, termios.error):
        return error.args[0] if error.args and isinstance(error.args[0], int) else None
    if isinstance(error, OSError) and error.errno is None:
        return errno_of(error.__context__)
    return error.errno if isinstance(error, OSError) else None


def _group(gid: int) -> tuple[str, list[str]]:
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return str(gid), []
    return group.gr_name, group.gr_mem


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
