"""The targets, with the peers beside them: `python -m benchmarks [F1 …] [--quick] [--seconds S] [--json FILE]`."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import commands, dialects, footprint, hostile, links, streams
from benchmarks.report import Row, markdown, show
from benchmarks.streams import Pace

# Each with the ids of targets that it measures. F4 is measured where F1 and F2 are.
_BENCHMARKS: list[tuple[frozenset[str], str, Callable[[Pace], list[Row]]]] = [
    (frozenset({"F1", "F4"}), "1 device at 100 Hz to 500 clients", streams.few_devices),
    (frozenset({"F2", "F3", "F4"}), "200 devices, 2,000 readings/s, to 50 clients", streams.many_devices),
    (frozenset({"L1"}), "1 serial board at 50 Hz to 1 client", links.serial_latency),
    (frozenset({"C1"}), "10,000 clients", streams.crowd),
    (frozenset({"S1"}), "50 clients that stop reading", streams.stalled_readers),
    (frozenset({"H1"}), "500 hostile connections", hostile.hostile),
    (frozenset({"I1"}), "MQTT flat out", links.mqtt_flood),
    (frozenset({"I2"}), "serial lines flat out", links.serial_flood),
    (frozenset({"I3"}), "messages of MQTT dialects", dialects.dialect_messages),
    (frozenset({"K1"}), "commands to a serial board", commands.serial_commands),
    (frozenset({"K2"}), "commands to an MQTT node", commands.mqtt_commands),
    (frozenset({"M1"}), "idle", footprint.idle),
    (frozenset({"M2"}), "start", footprint.start),
]
_IDS = sorted(frozenset().union(*(ids for ids, _, _ in _BENCHMARKS)))

console = Console(width=None if sys.stdout.isatty() else 220)


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(_IDS)}; all by default.")] = None,
    quick: Annotated[bool, typer.Option(help="One pair each, short windows: shows that it runs.")] = False,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="Length of each window.")] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Pairs of A and B in turn; medians of them.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write the table here too.")] = None,
) -> None:
    """Measures, prints a table, and exits with 1 where a floor does not hold."""
    wanted = {name.upper() for name in names or _IDS}
    if unknown := wanted - set(_IDS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: not one of {', '.join(_IDS)}")
    # As an exception it ends what was started; as a signal it would leave it behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _allow_many_files()
    pace = Pace(1 if quick else rounds, min(seconds, 2.0) if quick else seconds, _say)
    began = time.monotonic()
    rows: list[Row] = []
    for ids, title, benchmark in _BENCHMARKS:
        if wanted & ids:
            _say(f"{', '.join(sorted(ids))}: {title} (load average {os.getloadavg()[0]:.1f})")
            rows += [row for row in benchmark(pace) if row.id in wanted]
    machine = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "seconds": pace.seconds,
        "rounds": pace.rounds,
    }
    show(rows, console)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), highlight=False)
    if json_file is not None:
        found = [asdict(row) | {"verdict": row.verdict} for row in rows]
        json_file.write_text(json.dumps(machine | {"rows": found}, indent=1, ensure_ascii=False) + "\n")
    if markdown_file is not None:
        markdown_file.write_text(markdown(rows))
    raise typer.Exit(any(row.verdict.startswith("missed") for row in rows))


def _say(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)


def _allow_many_files() -> None:
    """Raises the soft limit of open files to the hard one; child processes inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    typer.run(main)
