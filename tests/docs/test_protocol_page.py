"""What the page says of the protocol is what the server does."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import WSCloseCode
from pydantic import BaseModel

from gateway.cli.client import _STOP
from gateway.commands.ledger import Outcome, State
from gateway.config.limits import LimitsSection
from gateway.errors import ErrorCode, RequestError
from gateway.model import Confirm, DeviceState, PointType, Quality
from gateway.server import fanout, requests, session
from gateway.server.door import BEFORE_AUTH
from gateway.server.heads import MAX_HEAD
from tests.docs.markdown import ROOT, Block, doc

PAGE = doc("protocol")
SERVER = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway" / "server").glob("*.py")))
LIBRARY = {1002, 1007, 1009}  # closed with by the WebSocket library, or for a frame that its header condemns

MODELS: dict[str, type[BaseModel]] = {
    "auth": requests.AuthRequest,
    "subscribe": requests.SubscribeRequest,
    "unsubscribe": requests.UnsubscribeRequest,
    "command": requests.CommandRequest,
    "cancel": requests.CancelRequest,
    "ping": requests._Request,
    "devices": requests._Request,
}


def lines() -> list[tuple[Block, str, dict[str, Any]]]:
    """The messages in the page's blocks: who sends each, and what it says."""
    found = []
    for block in PAGE.blocks:
        for line in block.text.splitlines():
            if line.startswith(("> {", "< {")):
                found.append((block, line[0], json.loads(line[2:])))
    return found


def test_every_json_block_of_the_reference_is_json() -> None:
    blocks = [block for name in ("protocol", "http") for block in doc(name).blocks if block.language == "json"]
    assert len(blocks) > 5
    for block in blocks:
        json.loads(block.text)


def test_every_request_that_the_page_shows_is_understood() -> None:
    kinds = set()
    for block, sender, message in lines():
        if sender == ">":
            requests.parse(MODELS[message["type"]], message)
            assert session._is_request_id(message["id"]), str(block)
            kinds.add(message["type"])
    assert kinds == set(MODELS)


def test_the_page_shows_and_lists_every_kind_of_frame() -> None:
    sent = set(re.findall(r'"type": "(\w+)"', SERVER)) | set(re.findall(r'"type":"(\w+)"', SERVER))
    shown = {message["type"] for _, sender, message in lines() if sender == "<"}
    told = set(re.findall(r"`(\w+)`", PAGE.section("Requests and replies")))
    assert sent >= {"hello", "ok", "error", "update", "snapshot", "gap", "command", "heartbeat", "pong"}
    assert sent - told == set()
    assert sent - shown - {"heartbeat"} == set()
    # `expiring` belongs to what is not done yet.
    assert shown - sent == set()


def test_every_kind_of_request_is_listed() -> None:
    known = set(re.findall(r'^\s+"(\w+)": Session\._\w+,$', SERVER, re.MULTILINE))
    assert known == set(MODELS)
    assert known - set(PAGE.rows("Requests and replies")) == set()


def test_every_error_code_is_listed_with_its_retry() -> None:
    rows = PAGE.rows("Errors")
    assert set(rows) == set(get_args(ErrorCode))
    for code in get_args(ErrorCode):
        assert rows[code][-1] == str(RequestError(code, "").retry).lower(), code


def closes() -> set[int]:
    """The codes that the server closes with."""
    numbers = {int(number) for number in re.findall(r"\.close\((\d{4}),", SERVER)}
    names = {int(WSCloseCode[name]) for name in re.findall(r"\.close\(WSCloseCode\.([A-Z_]+)", SERVER)}
    return numbers | names | LIBRARY


def test_every_close_code_is_listed() -> None:
    rows = PAGE.rows("Close codes")
    told = {int(code) for code in rows if code.isdigit()}
    assert {1001, 1003, 4401, 4413} <= closes()
    assert closes() - told == set()
    missing = PAGE.section("Defined, and not in this version")
    for code in told - closes():
        assert str(code) in missing, f"{code} is never sent, and the page does not say so"


def test_clients_of_ours_stop_where_the_page_says_so() -> None:
    rows = PAGE.rows("Close codes")
    final = {int(code) for code, cells in rows.items() if code.isdigit() and "econnect" not in cells[-1]}
    assert final == set(_STOP) - {4410}  # without a way to fetch a fresh token, that one is final too
    assert set(_STOP) == set(small_client_stops())


def small_client_stops() -> set[int]:
    program = next(block.text for block in PAGE.blocks if block.language == "python")
    found = re.search(r"^STOP = \{(.+)\}$", program, re.MULTILINE)
    assert found
    return {int(code) for code in found[1].split(",")}


@pytest.mark.parametrize("words", [State, Outcome, DeviceState, Quality], ids=lambda words: words.__name__)
def test_every_state_outcome_and_quality_is_listed(words: Any) -> None:
    heading = "Commands" if words in (State, Outcome) else "Devices"
    rows = PAGE.rows(heading)
    assert {str(word) for word in words} - set(rows) == set()


def test_every_type_and_confirmation_is_named() -> None:
    for word in (*get_args(PointType), *get_args(Confirm)):
        assert f"`{word}`" in PAGE.section("Devices"), word


@pytest.mark.parametrize("kind", ["subscribe", "command"])
def test_every_member_of_a_request_is_explained(kind: str) -> None:
    rows = PAGE.rows({"subscribe": "Subscriptions", "command": "Commands"}[kind])
    assert set(MODELS[kind].model_fields) - set(rows) == set()


def test_the_limits_are_the_servers() -> None:
    rows = PAGE.rows("Limits")
    limits = LimitsSection()
    assert rows["a message to the server"][0].startswith(f"{limits.message:,} bytes")
    assert f"{BEFORE_AUTH // 1024} KiB" in rows["a message to the server"][0]
    assert rows["a message to be completed"][0].startswith(f"{limits.message_time:g} s")
    assert rows["the head of an HTTP request"][0].startswith(
        f"{MAX_HEAD // 1024} KiB, completed in {limits.head_time:g} s"
    )
    assert rows["requests"][0].startswith(f"{limits.requests:g} a second")
    assert rows["subscriptions of a connection"][0].startswith(str(limits.subscriptions))
    assert rows["commands under way"][0].startswith(f"{limits.commands} of a connection")
    assert f"{fanout.DRAIN_TIMEOUT:g} s" in PAGE.section("Slow readers and gaps")
    assert f"{fanout.HIGH_WATER // 1024} KiB" in PAGE.section("Slow readers and gaps")


def test_client_js_has_what_the_page_says() -> None:
    source = (ROOT / "gateway" / "web" / "client.js").read_text(encoding="utf-8")
    section = PAGE.section("In a browser: client.js")
    for name in re.findall(r"`gateway\.(\w+)", section):
        assert re.search(rf"^  (async )?{name}(\(| = )", source, re.MULTILINE), name
    for name in re.findall(r"^  (?:async )?(\w+)\([^)]*\) \{$", source, re.MULTILINE):
        assert name == "constructor" or f"gateway.{name}(" in section, f"{name}() is not explained"
    for name in ("connect", "matches", "GatewayError"):
        assert re.search(rf"^export (function|class) {name}\b", source, re.MULTILINE)


def test_the_modules_of_client_js_are_named() -> None:
    """A page elsewhere needs a copy of all of them."""
    web = ROOT / "gateway" / "web"
    needed, waiting = set[Path](), [web / "client.js"]
    while waiting:
        module = waiting.pop()
        if module not in needed:
            needed.add(module)
            waiting += [
                web / name for name in re.findall(r'^import .* from "\./(\S+)";$', module.read_text(), re.MULTILINE)
            ]
    section = PAGE.section("In a browser: client.js")
    for module in needed:
        assert f"`{module.name}`" in section
