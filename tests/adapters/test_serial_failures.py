"""Why a port does not open, in one line that says what to do."""

import errno
import grp
import os
import stat

import pytest

from gateway.adapters.wire.failures import User, busy, denied, opening_failed

TTY = grp.getgrnam("tty").gr_gid  # a group that every system has, in place of dialout
USER = User("ada", frozenset({1000}))


def status(mode: int, uid: int = 0, gid: int = TTY) -> os.stat_result:
    return os.stat_result((stat.S_IFCHR | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("found", "user", "reason"),
    [
        (
            status(0o660),
            USER,
            "X may not be opened: it is for the group tty; `sudo usermod -aG tty ada`, and log in again",
        ),
        (
            status(0o660),
            User("ada", frozenset({1000, TTY})),
            "X may not be opened, though ada is in its group tty: something beside its mode forbids it",
        ),
        (
            status(0o600),
            USER,
            "X may not be opened: it belongs to root alone (mode 0600); "
            'a udev rule with GROUP="dialout", MODE="0660" gives it to a group',
        ),
        (
            status(0o660, uid=54321, gid=0),  # nobody is told to join the group of root
            USER,
            "X may not be opened: it belongs to 54321 alone (mode 0660); "
            'a udev rule with GROUP="dialout", MODE="0660" gives it to a group',
        ),
        (
            status(0o660, gid=54321),
            USER,
            "X may not be opened: it is for the group 54321; `sudo usermod -aG 54321 ada`, and log in again",
        ),
        (None, USER, "X may not be opened: this user may not even look at it"),
    ],
)
def test_a_port_that_is_denied_says_whose_it_is(found: os.stat_result | None, user: User, reason: str) -> None:
    assert denied("X", errno.EACCES, found, user) == reason


def test_who_came_into_the_group_after_logging_in_is_told_to_log_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(("dialout", "x", gid, ["ada"])))
    assert denied("X", errno.EACCES, status(0o660), USER) == (
        "X may not be opened yet: ada came into its group dialout after this session began; log in again"
    )


def test_what_a_container_is_not_given_is_no_matter_of_groups() -> None:
    assert denied("X", errno.EPERM, status(0o660), USER) == (
        "X may not be opened: this service or container is not given the device "
        "(systemd `DeviceAllow=`, docker `--device`)"
    )


def test_the_user_of_this_process_is_known() -> None:
    assert os.getegid() in User.current().groups


@pytest.mark.parametrize(
    ("holding", "reason"),
    [
        ([], "X is in use by another program; `sudo fuser -v X` tells which"),
        (["picocom (18)"], "X is in use by picocom (18)"),
        (["fieldgate (7)"], "X is in use by this gateway itself: another adapter has it"),
        (["fieldgate (7)", "picocom (18)", "cat (19)"], "X is in use by picocom (18), cat (19)"),
        (
            ["ModemManager (9)"],
            "X is in use by ModemManager (9): it tries whether that is a modem; "
            "udev rules keep it away, see config/99-fieldgate.rules",
        ),
        (
            ["brltty (9)"],
            "X is in use by brltty (9): it takes the board for a braille display; "
            "without one, `sudo apt remove brltty`",
        ),
    ],
)
def test_a_busy_port_names_who_holds_it(holding: list[str], reason: str) -> None:
    assert busy("X", holding, 7) == reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EIO, "Input/output error"), "X cannot be opened: the port went away: unplugged?"),
        (OSError(errno.ENOMEM, "x"), "X cannot be opened: Cannot allocate memory"),
        (OSError(errno.ENOENT, "x"), "X is not there: unplugged?"),
        (OSError(errno.EACCES, "x"), "X may not be opened: this user may not even look at it"),
        (OSError(errno.EBUSY, "x"), "X is in use by another program; `sudo fuser -v X` tells which"),
        (ValueError("Not a valid baudrate: 7\nmore"), "X cannot be opened: Not a valid baudrate: 7"),
        (ValueError(), "X cannot be opened: ValueError"),
    ],
)
def test_every_failure_is_one_plain_line(error: Exception, reason: str) -> None:
    assert opening_failed("X", error) == reason
