"""Changes of device files are noticed at once where the kernel tells of them, and soon where it does not."""

import asyncio
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.wire import hotplug
from gateway.adapters.wire import names as port_names
from gateway.adapters.wire.names import UsbBoard, folders, sight
from tests.adapters.held import held
from tests.parts.waiting import eventually

AT_ONCE = 1.0  # seconds; far less than the wait that is cut short
WAIT = 30.0


async def until_told(path: Path, change: Callable[[], object]) -> float:
    """Seconds from the change until the wait for it ended; the wait had begun before."""
    seen = sight(str(path))
    waiting = asyncio.create_task(
        hotplug.changed(lambda: sight(str(path)), lambda: folders(str(path)), seen, WAIT), name="waiting"
    )
    await asyncio.wait((waiting,), timeout=0.2)  # it is no condition that it waits by now: a change before counts too
    assert not waiting.done()
    began = time.monotonic()
    change()
    await asyncio.wait_for(waiting, WAIT)
    return time.monotonic() - began


def make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def renamed_over(path: Path) -> None:
    other = path.with_name("other")
    other.touch()
    other.rename(path)


def node_of(path: Path) -> Path:
    """A node in another folder, as those of /dev are to the links of /dev/serial/by-id."""
    folder = path.parent.with_name("nodes")
    folder.mkdir(exist_ok=True)
    return folder / f"{path.parent.name}-{path.name}"


def made(path: Path) -> Path:
    path.touch()
    return path


def link_to(node: Path, path: Path) -> None:
    path.symlink_to(node)


CHANGES: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "it comes": (lambda path: None, make),
    "it comes as a link": (lambda path: None, lambda path: path.symlink_to("/dev/null")),
    "it goes": (make, Path.unlink),
    "it is given to others": (make, lambda path: path.chmod(0o660)),
    "another takes its place": (make, renamed_over),
    "what its link points to comes": (lambda path: link_to(node_of(path), path), lambda path: node_of(path).touch()),
    "what its link points to is given to others": (
        lambda path: link_to(made(node_of(path)), path),
        lambda path: node_of(path).chmod(0o660),
    ),
}


@pytest.mark.parametrize(("before", "change"), CHANGES.values(), ids=CHANGES.keys())
async def test_a_change_is_told_at_once(
    tmp_path: Path, before: Callable[[Path], object], change: Callable[[Path], object]
) -> None:
    path = tmp_path / "port"
    before(path)
    assert await until_told(path, lambda: change(path)) < AT_ONCE


async def test_a_folder_that_comes_with_the_board_is_followed_into(tmp_path: Path) -> None:
    """As /dev/serial/by-id does."""
    path = tmp_path / "serial" / "by-id" / "board"
    assert folders(str(path)) == {tmp_path}
    assert await until_told(path, lambda: make(path)) < AT_ONCE


async def test_folders_that_come_one_by_one_are_followed_into(tmp_path: Path) -> None:
    path = tmp_path / "serial" / "by-id" / "board"

    def step(path: Path) -> None:
        path.mkdir()
        assert path in folders(str(path / "x")) or path.parent in folders(str(path / "x"))

    async def steps() -> None:
        for folder in (path.parent.parent, path.parent):
            step(folder)
            await asyncio.wait((waiting,), timeout=0.15)
        path.touch()

    waiting = asyncio.create_task(
        hotplug.changed(lambda: sight(str(path)), lambda: folders(str(path)), None, WAIT), name="waiting"
    )
    began = time.monotonic()
    await steps()
    await asyncio.wait_for(waiting, WAIT)
    assert time.monotonic() - began < AT_ONCE + 0.3


async def test_what_changed_before_the_wait_ends_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "port"
    seen = sight(str(path))
    path.touch()
    began = time.monotonic()
    await hotplug.changed(lambda: sight(str(path)), lambda: folders(str(path)), seen, WAIT)
    assert time.monotonic() - began < AT_ONCE


async def test_a_wait_for_nothing_ends_in_time(tmp_path: Path) -> None:
    path = tmp_path / "port"
    began = time.monotonic()
    await hotplug.changed(lambda: sight(str(path)), lambda: folders(str(path)), None, 0.3)
    assert 0.29 < time.monotonic() - began < AT_ONCE


async def test_a_busy_folder_costs_a_look_now_and_then(tmp_path: Path) -> None:
    """What comes and goes beside the port is no change of it, and is not looked at one by one."""
    path, looks = tmp_path / "port", 0

    def look() -> object:
        nonlocal looks
        looks += 1
        return sight(str(path))

    waiting = asyncio.create_task(hotplug.changed(look, lambda: folders(str(path)), None, WAIT), name="waiting")
    began, made = time.monotonic(), 0
    while time.monotonic() - began < 0.6:
        other = tmp_path / f"other{made}"
        other.touch()
        other.unlink()
        made += 1
        await asyncio.sleep(0)
    assert not waiting.done()
    path.touch()
    await asyncio.wait_for(waiting, AT_ONCE)
    assert made > 500
    assert looks < 50


async def test_nothing_is_held_after_a_wait(tmp_path: Path) -> None:
    path = tmp_path / "port"
    await until_told(path, path.touch)  # the library is loaded by now
    before = held()
    for _ in range(3):
        await until_told(path, path.unlink)
        await until_told(path, path.touch)
    cut_short = asyncio.create_task(hotplug.changed(lambda: 0, lambda: folders(str(path)), 0, WAIT), name="cut short")
    await eventually(lambda: held().descriptors > before.descriptors, 5, "the watch")
    cut_short.cancel()
    await asyncio.wait((cut_short,))
    assert cut_short.cancelled()
    assert held() == before


# ---- where the kernel tells nothing


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """The process has as many open as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 2, hard))
    try:
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("without", ["the library", "a descriptor"])
async def test_without_inotify_it_is_looked_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    path = tmp_path / "port"
    monkeypatch.setattr(hotplug, "_POLL", 0.1)
    if without == "the library":
        monkeypatch.setattr(hotplug, "_NAME", "no_such_library")
        assert await until_told(path, path.touch) < AT_ONCE
    else:
        assert await hotplug._available()
        with no_more_descriptors():
            assert await until_told(path, lambda: path.symlink_to("/dev/null")) < AT_ONCE


# ---- a board by what it says of itself


async def test_any_port_that_comes_may_be_the_board_that_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_names, "_DEVICES", tmp_path)
    board = UsbBoard(0x2341, 0x43)
    for name in ("tty", "tty1", "null"):  # never one
        (tmp_path / name).touch()
    seen = sight(board)
    assert seen == {}
    waiting = asyncio.create_task(
        hotplug.changed(lambda: sight(board), lambda: folders(board), seen, WAIT), name="waiting"
    )
    (tmp_path / "tty2").touch()
    await asyncio.wait((waiting,), timeout=0.2)
    assert not waiting.done()
    (tmp_path / "ttyACM0").touch()
    await asyncio.wait_for(waiting, AT_ONCE)
