"""M1 and M2: what the gateway costs when nothing happens, and how soon it is there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.process import cpu_seconds, rss_bytes
from benchmarks.report import Row
from benchmarks.streams import Pace
from benchmarks.subjects import GATEWAY, MQTT_ADAPTER, SERIAL_ADAPTER, broker, gateway
from benchmarks.worker import worker

_IMPORTS = "import aiohttp, aiomqtt, pydantic, typer"
_READY = b"Fieldgate is ready"


def idle(pace: Pace) -> list[Row]:
    """M1: a gateway with one serial and one MQTT adapter, both up and silent."""
    seconds = max(5.0, 3 * pace.seconds)
    with broker() as mosquitto, worker("lines") as board:
        adapters = SERIAL_ADAPTER.format(port=board.told["path"], settings="codec: json") + MQTT_ADAPTER.format(
            url=mosquitto.url
        )
        with gateway(adapters) as process:
            time.sleep(3.0)
            before = cpu_seconds(process.pid)
            time.sleep(seconds)
            share = (cpu_seconds(process.pid) - before) / seconds * 100
            memory = rss_bytes(process.pid) / 1024**2
    pace.say(f" fieldgate: {memory:.1f} MiB, {share:.2f} % of a core")
    work = "idle, 1 serial and 1 MQTT adapter"
    return [
        Row("M1", work, "RSS", f"{memory:.1f} MiB", "", memory, 70, 90, "MiB", 1),
        Row("M1", work, "CPU", f"{share:.2f} %", "", share, 0.5, 0.5, "%", 1),
    ]


def start(pace: Pace) -> list[Row]:
    """M2: from `fieldgate run` to the line that says that it serves, beyond the imports alone."""
    pairs = []
    with broker() as mosquitto, tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
        config = Path(directory) / "fieldgate.yaml"
        adapters = MQTT_ADAPTER.format(url=mosquitto.url)
        config.write_text(GATEWAY.format(adapters=adapters).replace("server: {", "server: {listen: '127.0.0.1:0', "))
        for _ in range(max(3, pace.rounds) + 1):
            pairs.append((_to_ready(config), _to_import()))
            pace.say(f" fieldgate: {pairs[-1][0]:.2f} s to ready; the imports alone: {pairs[-1][1]:.2f} s")
    del pairs[0]  # the first ones fill the page cache
    return [
        Row(
            "M2",
            "start",
            "`fieldgate run` to ready beyond the imports",
            f"{median(a for a, _ in pairs):.2f} s",
            f"{median(b for _, b in pairs):.2f} s",
            median(a - b for a, b in pairs),
            0.6,
            1.5,
            "s",
            len(pairs),
        )
    ]


def _to_ready(config: Path) -> float:
    began = time.monotonic()
    command = [sys.executable, "-m", "gateway.cli", "run", str(config)]
    environment = os.environ | {"STATE_DIRECTORY": str(config.parent)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=config.parent, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            took = time.monotonic() - began
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    if not line.startswith(_READY):
        raise RuntimeError(f"the gateway did not start: {line!r}")
    return took


def _to_import() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
    return time.monotonic() - began
