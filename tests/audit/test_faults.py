"""What is durable when the process is killed, and what happens while the disk is full or fails."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.history import History
from gateway.audit.store import Store
from tests.audit.records import an_audit
from tests.parts.process import Process
from tests.parts.waiting import wait_for

WITHIN = 30.0  # seconds; the promise for a disk that works again is 10
ROOT = Path(__file__).parents[2]

# Stands before the C library: each fsync fails while the file exists that FSYNC_FAILS names.
FAILING_FSYNC = """
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int failing(void) {
    const char *file = getenv("FSYNC_FAILS");
    return file && access(file, F_OK) == 0;
}
int fsync(int fd) {
    if (failing()) { errno = EIO; return -1; }
    return syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
    if (failing()) { errno = EIO; return -1; }
    return syscall(SYS_fdatasync, fd);
}
"""

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts recorders of `audit.db`, each with a prefix for its keys."""
    started: list[Process] = []

    def begin(prefix: str, **environment: str) -> Process:
        process = Process("recorder", tmp_path)
        started.append(process)
        command = [sys.executable, "-m", "tests.audit.recorder", str(tmp_path / "audit.db"), prefix]
        process.start(command, os.environ | environment, ROOT)
        wait_for(lambda: "open\n" in process.stdout_text() or not process.running, WITHIN, "the recorder's start")
        assert process.running, process.stderr_text()
        return process

    yield begin
    for process in started:
        process.kill()


def promised(process: Process) -> list[str]:
    """The keys that were reported durable; the last line may have been cut short."""
    lines = process.stdout_text().split("\n")[:-1]
    return [line.removeprefix("claimed ") for line in lines if line.startswith("claimed ")]


def refusals(process: Process) -> list[str]:
    lines = process.stdout_text().split("\n")[:-1]
    return [line.removeprefix("refused ") for line in lines if line.startswith("refused ")]


def check(path: Path, keys: list[str]) -> None:
    """The file is sound, its chain fits, and it has every claim that was promised."""
    store = Store(path)
    assert store.open() is None, "it was damaged"
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        claimed = connection.execute(
            "SELECT key FROM commands JOIN transitions ON command = id WHERE state = 'claimed'"
        ).fetchall()
    assert set(keys) - {key for (key,) in claimed} == set()
    History(path).verify()


def kill_again_and_again(tmp_path: Path, start: Start, times: int) -> None:
    draw = random.Random(7)
    keys: list[str] = []
    for run in range(times):
        process = start(f"run{run}")
        wanted = draw.randrange(1, 40)
        wait_for(lambda: len(promised(process)) >= wanted, WITHIN, f"{wanted} claims")  # noqa: B023  waited for here
        process.kill()
        keys += promised(process)
        check(tmp_path / "audit.db", keys)
    audit = an_audit(tmp_path / "audit.db")
    unknown = [command for command in audit.open() if command.outcome is None]
    # All processes but the last have their successor's word on what they left behind.
    assert all(command.key.startswith(f"run{times - 1}-") for command in unknown)
    asyncio.run(audit.close())
    print(f"killed {times} times, {len(keys)} claims promised, none lost")


def test_what_was_reported_durable_is_there_after_kill(tmp_path: Path, start: Start) -> None:
    kill_again_and_again(tmp_path, start, 10)


@pytest.mark.long
def test_what_was_reported_durable_is_there_after_200_kills(tmp_path: Path, start: Start) -> None:
    kill_again_and_again(tmp_path, start, 200)


def test_while_the_disk_is_full_commands_are_refused_and_taken_again_after(tmp_path: Path, start: Start) -> None:
    process = start("full")
    wait_for(lambda: promised(process), WITHIN, "a claim")
    process.signal(signal.SIGUSR1)
    wait_for(lambda: [said for said in refusals(process) if said.startswith("commands cannot be recorded: ")], WITHIN)
    before = len(promised(process))
    process.signal(signal.SIGUSR2)
    wait_for(lambda: len(promised(process)) >= before + 20, WITHIN, "claims after there was room again")
    process.kill()
    check(tmp_path / "audit.db", promised(process))
    gaps = [told.last["detail"] for told in History(tmp_path / "audit.db").oldest() if told.command is None]
    assert gaps
    assert all(gap.startswith("0 changes are missing; nothing could be recorded for ") for gap in gaps)


def test_what_an_fsync_did_not_confirm_was_not_promised(tmp_path: Path, start: Start) -> None:
    (tmp_path / "fsync.c").write_text(FAILING_FSYNC)
    library, fails = tmp_path / "fsync.so", tmp_path / "fails"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "fsync.c"], check=True)
    process = start("fsync", LD_PRELOAD=str(library), FSYNC_FAILS=str(fails))
    wait_for(lambda: promised(process), WITHIN, "a claim")
    fails.touch()
    wait_for(lambda: refusals(process), WITHIN, "a refusal")
    wait_for(lambda: "commands cannot be recorded: disk I/O error" in refusals(process), WITHIN, "its reason")
    before = len(promised(process))
    # Opening it again and again does not make it trust what it reads there.
    wait_for(lambda: "(try 4)" in process.stderr_text(), WITHIN, "four tries")
    assert len(promised(process)) == before
    fails.unlink()
    wait_for(lambda: len(promised(process)) >= before + 20, WITHIN, "claims after the disk works again")
    process.kill()
    check(tmp_path / "audit.db", promised(process))
