"""I1, I2 and L1: the way in, flat out and at a walk, beside bare loops on the same source."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median

from benchmarks.fanout import Work, joined
from benchmarks.load.forms import FORMS, Form
from benchmarks.process import cpu_seconds
from benchmarks.report import Row
from benchmarks.streams import Pace
from benchmarks.subjects import (
    MQTT_ADAPTER,
    SERIAL_ADAPTER,
    Subject,
    await_word,
    gateway,
    gateway_subject,
    peer,
)
from benchmarks.worker import Worker, worker
from tests.parts.gateway import GatewayProcess
from tests.parts.ports import free_port
from tests.parts.waiting import wait_for

_MESSAGES_A_SECOND = 20_000  # about what the slower side takes: turns seconds into counts
_LINES_A_SECOND = 40_000
_ONE = Work(devices=1, rate=50, clients=1, sampled=1)
_PATIENCE = 120.0  # seconds for a flood


def mqtt_flood(pace: Pace) -> list[Row]:
    """I1: CPU per message while messages come as fast as they are taken."""
    count = int(_MESSAGES_A_SECOND * pace.seconds)
    pairs = []
    flaw = ""
    for _ in range(pace.rounds):
        ours, wrong = _gateway_takes_messages(count)
        pairs.append((ours, _bare_takes_messages(count)))
        flaw = flaw or wrong
        pace.say(f" fieldgate: {pairs[-1][0]:6.2f} µs a message; bare aiomqtt loop: {pairs[-1][1]:6.2f} µs")
    return [
        Row(
            "I1",
            "MQTT flat out, 1 client",
            "CPU per message : bare aiomqtt loop",
            f"{median(a for a, _ in pairs):.1f} µs",
            f"{median(b for _, b in pairs):.1f} µs",
            median(a / b for a, b in pairs),
            1.25,
            2,
            "x",
            len(pairs),
            flaw,
        )
    ]


def serial_flood(pace: Pace) -> list[Row]:
    """I2: CPU per frame above that of a loop that only reads frames, for JSON lines and for every other codec."""
    return [_flood_of(name, form, pace) for name, form in FORMS.items()]


def serial_latency(pace: Pace) -> list[Row]:
    """L1: from the write on the board's end of the pty to the arrival at one client."""
    pairs = []
    for _ in range(pace.rounds):
        with worker("lines") as board, _serial_gateway(board, FORMS["json"]) as process:
            ours = _walk(board, gateway_subject(process, "board"), pace.seconds)
        port = free_port()
        with worker("lines") as board, peer("relay", board.told["path"], port) as relay:
            theirs = _walk(board, Subject("relay", relay.pid, port, "plain", "/ws", ""), pace.seconds)
        pairs.append((ours, theirs))
        pace.say(f" fieldgate: p50 {ours * 1000:.3f} ms; bare relay: p50 {theirs * 1000:.3f} ms")
    return [
        Row(
            "L1",
            "1 serial board at 50 Hz, 1 client",
            "p50 latency : bare relay",
            f"{median(a for a, _ in pairs) * 1000:.2f} ms",
            f"{median(b for _, b in pairs) * 1000:.2f} ms",
            median(a / b for a, b in pairs),
            1.5,
            3,
            "x",
            len(pairs),
        )
    ]


# ---- inside


def _flood_of(name: str, form: Form, pace: Pace) -> Row:
    count = int(_LINES_A_SECOND * pace.seconds)
    pairs = []
    for _ in range(pace.rounds):
        pairs.append((_gateway_takes_frames(name, form, count), _bare_takes_frames(name, form, count)))
        pace.say(f" {name}: fieldgate {pairs[-1][0]:6.2f} µs a frame; bare reader loop {pairs[-1][1]:6.2f} µs")
    # The target was set for JSON lines; the others are told beside it.
    target, floor = (12, 30) if name == "json" else (None, None)
    return Row(
        "I2",
        f"{name} flat out on a pty",
        "CPU per frame above a bare reader loop",
        f"{median(a for a, _ in pairs):.1f} µs",
        f"{median(b for _, b in pairs):.1f} µs",
        median(a - b for a, b in pairs),
        target,
        floor,
        "µs",
        len(pairs),
    )


def _gateway_takes_messages(count: int) -> tuple[float, str]:
    """µs of CPU a message, and what did not arrive at the one client."""
    with worker("flood") as flood:
        adapters = MQTT_ADAPTER.format(url=f"mqtt://127.0.0.1:{flood.told['port']}")
        with gateway(adapters) as process, joined(gateway_subject(process, "bench.*"), _ONE) as client:
            warm = count // 10
            _flood_and_count(flood, client, warm, warm)
            before = cpu_seconds(process.pid)
            got = _flood_and_count(flood, client, count, warm + count)
            cpu = cpu_seconds(process.pid) - before
            wrong = "" if got == warm + count else f"of {warm + count} messages {got} arrived"
            return cpu / count * 1e6, wrong


def _flood_and_count(flood: Worker, client: Worker, count: int, total: int) -> int:
    """Sends a flood and waits until the client has `total`, or nothing more comes; returns what it has."""
    flood.ask("flood", patience=_PATIENCE, count=count)
    got = -1
    while True:
        time.sleep(0.25)
        now: int = client.ask("totals")["least"]
        if now in (total, got):
            return now
        got = now


def _bare_takes_messages(count: int) -> float:
    with worker("flood") as flood:
        warm = count // 10
        with peer("mqtt_counter", flood.told["port"], warm, warm + count) as counter:
            flood.ask("flood", patience=_PATIENCE, count=warm)
            await_word(counter, f"counted {warm}\n", _PATIENCE)
            before = cpu_seconds(counter.pid)
            flood.ask("flood", patience=_PATIENCE, count=count)
            await_word(counter, f"counted {warm + count}\n", _PATIENCE)
            return (cpu_seconds(counter.pid) - before) / count * 1e6


@contextmanager
def _serial_gateway(board: Worker, form: Form) -> Iterator[GatewayProcess]:
    with gateway(SERIAL_ADAPTER.format(port=board.told["path"], settings=form.settings)) as process:
        yield process


def _gateway_takes_frames(name: str, form: Form, count: int) -> float:
    with worker("lines", name) as board, _serial_gateway(board, form) as process:
        wait_for(lambda: _ready(process), 10, "the gateway to open the port")
        warm = count // 10
        _flood_and_look(board, process, warm, warm)
        before = cpu_seconds(process.pid)
        _flood_and_look(board, process, count, warm + count)
        return (cpu_seconds(process.pid) - before) / count * 1e6


def _flood_and_look(board: Worker, process: GatewayProcess, count: int, total: int) -> None:
    board.ask("flood", patience=_PATIENCE, count=count)
    wait_for(lambda: _frames(process) == total, _PATIENCE, f"{total} frames on the link")


def _bare_takes_frames(name: str, form: Form, count: int) -> float:
    with worker("lines", name) as board:
        warm = count // 10
        with peer("line_counter", board.told["path"], form.end.hex(), warm, warm + count) as counter:
            board.ask("flood", patience=_PATIENCE, count=warm)
            await_word(counter, f"counted {warm}\n", _PATIENCE)
            before = cpu_seconds(counter.pid)
            board.ask("flood", patience=_PATIENCE, count=count)
            await_word(counter, f"counted {warm + count}\n", _PATIENCE)
            return (cpu_seconds(counter.pid) - before) / count * 1e6


def _walk(board: Worker, subject: Subject, seconds: float) -> float:
    """Half of the readings were at the client within so many seconds."""
    with joined(subject, _ONE) as client:
        board.ask("steady", rate=_ONE.rate)
        time.sleep(1.0)
        client.ask("begin")
        time.sleep(seconds)
        p50 = client.ask("end")["p50"]
        published = board.ask("stop")["published"]
        wait_for(lambda: client.ask("totals")["least"] == published, 5, f"all {published} readings")
        return float(p50)


def _ready(process: GatewayProcess) -> bool:
    try:
        return bool(_get(process, "/readyz"))
    except OSError:  # 503 until the port is open
        return False


def _frames(process: GatewayProcess) -> int:
    """How many frames the gateway's serial link has taken."""
    devices = json.loads(_get(process, "/api/v1/devices"))
    listed = devices["devices"] if isinstance(devices, dict) else devices
    return int(listed[0]["link"]["frames"])


def _get(process: GatewayProcess, path: str) -> bytes:
    with closing(urllib.request.urlopen(process.url + path, timeout=5)) as response:  # noqa: S310  our own address
        body: bytes = response.read()
        return body
