"""`fieldgate replay`"""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic_core import PydanticCustomError

from gateway.adapters import AdapterPlugin
from gateway.app import Gateway
from gateway.bus import Devices
from gateway.bus.log import Entry
from gateway.cli.configuration import read
from gateway.cli.console import USAGE, fail, say
from gateway.cli.lines import JsonLines, Lines, PlainLines, TerminalLines
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.printer import Printer
from gateway.cli.records import log_to_stderr
from gateway.cli.replay.bench import Bench, UnfitError, adapter_for, replayed
from gateway.cli.replay.detected import detected
from gateway.cli.replay.wires import Player
from gateway.cli.serving import run_until_told
from gateway.config import Config
from gateway.config.models import Listen, LoggingSection, parse_listen
from gateway.recordings import LONGEST_LINE, Recording, RecordingError


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of `fieldgate record`.")],
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG", show_default=False, help="What the wire says. Default: what `detect` finds in it."
        ),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="ID", show_default=False, help="Through this adapter of the configuration.")
    ] = None,
    speed: Annotated[str, typer.Option(metavar="N|max", help="Times as fast as it was; max is as fast as it goes.")] = (
        "1"
    ),
    listen: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS:PORT", show_default=False, help="Serve the dashboard meanwhile, here."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as the gateway sends it.")] = False,
) -> None:
    """Play a recording back through the gateway.

    They are stamped with the time of now. Nothing is written to any device, broker or audit.
    """
    times = _speed(speed)
    place = _listen(listen)
    output = Output()
    lines: Lines = JsonLines() if json else TerminalLines() if output.is_terminal else PlainLines()
    try:
        with recording_in(file) as recording:
            whole = _configuration(file, recording, config, adapter)
            if place is not None and not place.loopback and whole.auth is None:
                fail(f"{place} is reachable from other machines, which needs a CONFIG with an `auth` section", USAGE)
            options = adapter_for(whole, adapter, recording.header.source)
            log_to_stderr(LoggingSection(level="warning"))
            replaying = _Replaying(recording, output, lines)
            run_until_told(replaying.run(whole, options, times, place), signal.SIGINT, signal.SIGTERM)
    except UnfitError as error:
        fail(str(error), USAGE)
    except RecordingError as error:
        fail(str(error))
    if not replaying.readings:
        fail("nothing could be read")


class _Replaying:
    """One replay: prints what clients of the gateway would be told, and counts it."""

    def __init__(self, recording: Recording, output: Output, lines: Lines) -> None:
        self._recording = recording
        self._output = output
        self._printer = Printer([], output, lines)
        self._told: list[Entry] = []
        self.readings = 0

    async def run(self, config: Config, options: AdapterPlugin, speed: float | None, listen: Listen | None) -> None:
        """Replays to the end of the recording, until cancelled, or until nobody reads the output."""
        player = Player(self._recording, speed)
        config = replayed(config, options, player, listen)
        bench = Gateway(config) if listen is not None else Bench(config)

        async def play() -> None:
            await player.connected()
            bench.log.taps.append(self._told.append)
            await player.play(self._tell)

        started = time.monotonic()
        works = {"gateway": bench.run(_announce), "player": play(), "output": self._output.closed()}
        tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            self._conclude(bench.devices, player, time.monotonic() - started)
        for failure in ended:
            if isinstance(failure, Exception) and not isinstance(failure, OutputClosedError):
                raise failure

    def _tell(self) -> None:
        """Prints what the bus published since the last time."""
        told = self._told.copy()
        self._told.clear()
        for about_device, entries in groupby(told, key=attrgetter("about_device")):
            members = [orjson.loads(entry.encoded) for entry in entries]
            if about_device:
                self._printer.devices(members, whole=False)
            else:
                self.readings += len(members)
                self._printer.readings(members)

    def _conclude(self, devices: Devices, player: Player, seconds: float) -> None:
        totals: Counter[str] = Counter()
        for _, _, counts in devices.counters():
            totals.update(counts)
        errors = totals["errors"]
        checksums = f", {totals['checksum_errors']} of them by their checksum" if totals["checksum_errors"] else ""
        self._printer.note(
            f"{totals['frames'] + errors} frames, {self.readings} readings, {errors} unreadable{checksums}; "
            f"{player.time:.1f} s of the recording in {seconds:.1f} s"
        )
        if self._recording.torn:
            self._printer.note("the last line of the recording was cut off, and is left out")


def _announce(url: str) -> None:
    say(f"fieldgate: the dashboard is at {url} while it replays")


@contextmanager
def recording_in(file: Path) -> Iterator[Recording]:
    """The recording in a file; raises RecordingError."""
    try:
        with file.open("rb") as opened:
            yield Recording(iter(partial(opened.readline, LONGEST_LINE + 1), b""), str(file))
    except OSError as error:
        raise RecordingError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _configuration(file: Path, recording: Recording, config: Path | None, adapter: str | None) -> Config:
    """The configuration in the file, or what is detected in the recording; ends the command where there is none."""
    if config is not None:
        return read(config)
    if adapter is not None:
        fail("--adapter needs a CONFIG", USAGE)
    if recording.header.source != "serial":
        fail("a recording of a broker needs a CONFIG, which says which topics are devices", USAGE)
    with recording_in(file) as again:
        return detected(again)


def _speed(given: str) -> float | None:
    """Times as fast as it was; None for as fast as it goes."""
    if given == "max":
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = math.nan
    if not 0.001 <= speed <= 1e6:
        fail(f"--speed is `max` or a number such as 1, 10 or 0.5, not {given!r}", USAGE)
    return speed


def _listen(given: str | None) -> Listen | None:
    if given is None:
        return None
    try:
        return parse_listen(given)
    except PydanticCustomError as error:
        fail(f"--listen: {error.message()}, not {given!r}", USAGE)
