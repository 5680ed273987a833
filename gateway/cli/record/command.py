"""`fieldgate record`"""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic_core import PydanticCustomError

from gateway.cli.console import USAGE, fail
from gateway.cli.progress import Progress
from gateway.cli.record.file import RecordingFile
from gateway.cli.record.source import Lost, Recordable, recordable_broker, recordable_port
from gateway.cli.serving import run_until_told
from gateway.config.strict import parse_duration
from gateway.recordings import LONGEST_DATA, Entry

_LOOK_EVERY = 0.2  # seconds between what the progress shows

Parity = Literal["none", "even", "odd", "mark", "space"]


def record(
    source: Annotated[str, typer.Argument(metavar="PORT|URL", help="A serial port, or a broker as mqtt://HOST:PORT.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, which must not exist yet.")],
    baudrate: Annotated[
        int | None, typer.Option(metavar="N", show_default=False, help="Of the port. Default: 115200.")
    ] = None,
    bytesize: Annotated[
        int | None, typer.Option(metavar="5|6|7|8", show_default=False, help="Data bits of the port. Default: 8.")
    ] = None,
    parity: Annotated[Parity | None, typer.Option(show_default=False, help="Of the port. Default: none.")] = None,
    stopbits: Annotated[
        float | None, typer.Option(metavar="1|1.5|2", show_default=False, help="Of the port. Default: 1.")
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(metavar="FILTER", show_default=False, help="Topics of the broker; repeatable. Default: '#'."),
    ] = None,
    username: Annotated[str | None, typer.Option(show_default=False, help="Who you are to the broker.")] = None,
    password_file: Annotated[
        str | None, typer.Option(metavar="FILE", show_default=False, help="The file with your password for it.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="DURATION", show_default=False, help="End after so long, such as 30s or 5m.")
    ] = None,
    max_size: Annotated[
        float, typer.Option(min=0.001, max=1_000_000, metavar="MB", help="End when the file would get larger.")
    ] = 100,
) -> None:
    """Record what a port or a broker says.

    Ctrl-C ends it. `fieldgate replay` plays it back.
    """
    of_port = {"baudrate": baudrate, "bytesize": bytesize, "parity": parity, "stopbits": stopbits}
    of_broker = {"topic": topic, "username": username, "password_file": password_file}
    is_broker = source.startswith(("mqtt://", "mqtts://", "ws://", "wss://"))
    _refuse(of_port if is_broker else of_broker, "a broker" if is_broker else "a serial port")
    seconds = _seconds(duration)
    if is_broker:
        credentials = {"username": username, "password_file": password_file}
        recordable = recordable_broker(source, topic or ["#"], _given(credentials))
    else:
        recordable = recordable_port(source, _given(of_port))
    if file.exists():  # better said before anything is opened
        fail(f"{file} exists already, and is not overwritten", USAGE)
    run_until_told(_Recorder(recordable, file, int(max_size * 1e6)).run(seconds), signal.SIGINT, signal.SIGTERM)


class _Recorder:
    """Writes what comes from a link into a file, until the link or the file ends."""

    def __init__(self, recordable: Recordable, path: Path, limit: int) -> None:
        self._recordable = recordable
        self._path = path
        self._limit = limit
        self._started = time.monotonic()
        self._bytes = 0
        self._count = 0  # lines of a port, messages of a broker
        self._too_large = 0

    async def run(self, seconds: float | None) -> None:
        """Records until cancelled, or for so many seconds; raises FieldgateError where the link or the disk fails."""
        self._file = file = RecordingFile(self._path, self._limit)
        self._started = time.monotonic()
        file.add(self._recordable.header(time.time()).to_line())
        with Progress() as progress:
            progress.show(f"opening {self._recordable.name} …")
            async with self._recordable.connect(self._receive) as lost:
                file.create()
                try:
                    progress.note(f"recording {self._recordable.name} to {self._path}; Ctrl-C ends it")
                    await self._record(file, lost, seconds, progress)
                finally:
                    file.close()
                    self._conclude(progress)

    async def _record(self, file: RecordingFile, lost: Lost, seconds: float | None, progress: Progress) -> None:
        async def link() -> None:
            await lost()

        async def look() -> None:
            while True:
                await asyncio.sleep(_LOOK_EVERY)
                progress.show(f"{time.monotonic() - self._started:.0f} s: {self._told()}")

        watching = {"link": link(), "file": file.run(), "full": file.full.wait(), "progress": look()}
        tasks = [asyncio.create_task(work, name=name) for name, work in watching.items()]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):  # and not the cancellation
                raise failure

    def _receive(self, data: bytes, topic: str | None, retained: bool) -> None:
        if len(data) > LONGEST_DATA:
            self._too_large += 1
            return
        entry = Entry(time.monotonic() - self._started, data, topic, retained)
        if self._file.add(entry.to_line()):
            self._bytes += len(data)
            self._count += data.count(b"\n") if topic is None else 1

    def _conclude(self, progress: Progress) -> None:
        progress.note(f"fieldgate: recorded {self._told()} in {time.monotonic() - self._started:.1f} s")
        if self._file.full.is_set():
            progress.note(f"fieldgate: it ended because the file would be larger than --max-size {self._limit / 1e6:g}")
        if self._too_large:
            progress.note(f"fieldgate: {self._too_large} messages of more than {LONGEST_DATA} bytes were left out")

    def _told(self) -> str:
        """`4512 bytes, 38 lines`"""
        lines = self._recordable.source == "serial"
        kind = ("line" if lines else "message") + ("" if self._count == 1 else "s")
        return f"{self._bytes} bytes" + (f", {self._count} {kind}" if self._count or not lines else "")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse(options: dict[str, Any], where: str) -> None:
    """Ends the command where options were given that mean nothing here."""
    for name in _given(options):
        fail(f"--{name.replace('_', '-')} means nothing for {where}", USAGE)


def _seconds(duration: str | None) -> float | None:
    if duration is None:
        return None
    try:
        return parse_duration(duration)
    except PydanticCustomError as error:
        fail(f"--duration {duration}: {error.message()}", USAGE)
