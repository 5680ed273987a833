"""Nobody but the gateway writes lines into its log."""

import json
import re

import aiohttp
import pytest

from device_sims.fixtures import SerialBoardFactory
from tests.e2e.test_secrets import answer_to
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.waiting import eventually

FORGED = "2001-01-01 00:00:00,000 error gateway.forged: the roof is open"
# What ends a line for some reader, and what turns one around.
ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2K\r", "\u202e")
_OURS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (debug|info|warning|error|critical) |^    ")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_line_of_the_log_is_a_strangers(
    gateway_process: StartGateway, serial_board: SerialBoardFactory, form: str
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(f"""
logging: {{format: {form}, access: true, level: debug}}
adapters:
  - {{id: bench, type: serial, port: {board.link}, commands: {{codec: json, timeout: 1s}}}}
devices: {{bench: {{points: {{fan: {{type: boolean, writable: true}}}}}}}}
""")
    await board.opened()
    async with aiohttp.ClientSession() as session:
        for end in ENDS:
            text = f"x{end}{FORGED}"
            board.send(json.dumps({text: 1, "note": text}).encode() + b"\n")  # as names and values of points
            board.send(f"{text}\n".encode())  # as noise
            async with connect(gateway.ws_url) as client:
                for request in (
                    {"type": text},
                    {"type": "auth", "token": text},
                    {"type": "subscribe", "devices": [text]},
                    {"type": "unsubscribe", "sub": text},
                    {"type": "command", "device": text, "point": "fan"},
                    {"type": "command", "device": "bench", "point": text},
                    {"type": "command", "device": "bench", "point": "fan", "value": True, "key": text[:64]},
                ):
                    await client.request(request, 20)
            for path in (f"/{text}", f"/api/v1/devices/{text}", f"/api/v1/commands/{text}", f"/?{text}"):
                async with session.get(gateway.url + path) as answer:
                    await answer.read()
    for raw in ("GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", "%s\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n"):
        for end in ENDS:
            await answer_to(gateway, (raw % f"x{end}{FORGED}").encode())
    await eventually(lambda: "gateway" in gateway.stderr_text(), 10)
    await gateway.stop()
    log = gateway.stderr_text()
    if form == "json":
        for line in log.split("\n")[:-1]:
            assert set(json.loads(line)) >= {"time", "level", "logger", "message"}
        assert not any(end.strip("\r\n") in log for end in ENDS if end.strip("\r\n"))
    else:
        for line in log.removesuffix("\n").split("\n"):
            assert _OURS.match(line), line
            assert not any(end in line for end in ENDS), repr(line)
            assert not line.startswith("2001-"), line
