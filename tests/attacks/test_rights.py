"""Who may do what: every identity against every device by every way there is, and a table that says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.parts.client import Client, connect
from tests.server.live import Live, Serve

DEVICES = ("bench", "bench2", "attic", "Bench", "__proto__")
# Who → what may be read, what may be commanded, and which of the devices those are.
RIGHTS: dict[str, tuple[list[str], list[str], set[str], set[str]]] = {
    "nobody": ([], [], set(), set()),
    "reader": (["bench"], [], {"bench"}, set()),
    "writer": ([], ["bench"], set(), {"bench"}),
    "panel": (["bench*"], ["attic"], {"bench", "bench2"}, {"attic"}),
    "one-letter": (["bench?"], ["?ench"], {"bench2"}, {"bench", "Bench"}),
    "odd": (["__proto__", "a.*", "attic.*"], ["attic.", "bench.*"], {"__proto__"}, set()),
    "admin": (["*"], ["*"], set(DEVICES), set(DEVICES)),
}
WHO_AND_WHAT = [(who, device) for who in RIGHTS for device in (*DEVICES, "missing")]
FAN = {"points": {"fan": {"type": "boolean", "writable": True}}}
KEY = "one-that-others-could-guess"


@pytest.fixture
async def live(serve: Serve) -> Live:
    tokens = [
        {"name": who, "sha256": sha256(who.encode()).hexdigest(), "read": read, "command": command}
        for who, (read, command, _, _) in RIGHTS.items()
    ]
    return await serve(
        auth={"tokens": tokens},
        adapters=[{"id": id, "type": "loopback"} for id in DEVICES],
        devices=dict.fromkeys(DEVICES, FAN),
    )


@pytest.fixture
async def clients(live: Live) -> AsyncIterator[dict[str, Client]]:
    """A connection of each identity."""
    async with AsyncExitStack() as stack:
        yield {who: await stack.enter_async_context(connect(live.ws_url, token=who)) for who in RIGHTS}


def outcome(answer: dict[str, Any]) -> str:
    return str(answer["code"] if answer["type"] == "error" else answer["type"])


async def test_a_socket_reads_and_commands_what_its_identity_may_and_nothing_else(
    live: Live, clients: dict[str, Client]
) -> None:
    found, expected = {}, {}
    for who, device in WHO_AND_WHAT:
        _, _, readable, commandable = RIGHTS[who]
        subscribed = await clients[who].request({"type": "subscribe", "devices": [device]})
        commanded = await clients[who].request({"type": "command", "device": device, "point": "fan", "value": True})
        found[who, device] = outcome(subscribed), outcome(commanded)
        # Whether a device exists is told to nobody who may not see it; one that does not exist yet may be waited for.
        may_read = device in readable or who == "admin"
        may_command = device in commandable or who == "admin"
        answer = "ok" if device in DEVICES else "not_found"
        expected[who, device] = "ok" if may_read else "forbidden", answer if may_command else "forbidden"
    assert found == expected


async def test_a_list_and_a_glob_show_what_the_identity_may_read_and_nothing_else(
    live: Live, clients: dict[str, Client]
) -> None:
    for who, client in clients.items():
        readable = RIGHTS[who][2]
        listed = await client.request({"type": "devices"})
        assert {device["id"] for device in listed["devices"]} == readable, who
        assert (await client.request({"type": "subscribe", "devices": ["*"]}))["type"] == "ok"
        assert {device["id"] for device in (await client.next("snapshot"))["devices"]} == readable, who
    for device in DEVICES:
        live.say(device, {"temperature": 1})
    for who, client in clients.items():
        seen: set[str] = set()
        while seen != RIGHTS[who][2]:
            seen |= {reading["device"] for reading in (await client.next("update"))["readings"]}
        # Whatever came before the answer to one more request has been looked at: there is nothing else.
        await client.request({"type": "ping"})
        told = [frame for frame in client.aside("update") if frame.get("readings")]
        assert {reading["device"] for frame in told for reading in frame["readings"]} <= RIGHTS[who][2], who


async def test_http_reads_and_commands_what_its_identity_may_and_nothing_else(live: Live) -> None:
    found, expected = {}, {}
    async with aiohttp.ClientSession() as session:
        for who, device in WHO_AND_WHAT:
            _, _, readable, commandable = RIGHTS[who]
            headers = {"Authorization": f"Bearer {who}"}
            async with session.get(f"{live.url}/api/v1/devices/{device}", headers=headers) as answer:
                read = answer.status
            body = {"point": "fan", "value": True}
            url = f"{live.url}/api/v1/devices/{device}/commands"
            async with session.post(url, headers=headers, json=body) as answer:
                found[who, device] = read, answer.status
            may_read = device in readable or who == "admin"
            may_command = device in commandable or who == "admin"
            exists = device in DEVICES
            expected[who, device] = (
                (200 if exists else 404) if may_read else 403,
                (202 if exists else 404) if may_command else 403,
            )
    assert found == expected


async def test_a_command_is_shown_to_its_sender_and_to_nobody_else(live: Live, clients: dict[str, Client]) -> None:
    command = {"type": "command", "device": "attic", "point": "fan", "value": True, "key": KEY}
    assert outcome(await clients["admin"].request(command)) == "ok"
    async with aiohttp.ClientSession() as session:
        for who, client in clients.items():
            mine = who == "admin"
            headers = {"Authorization": f"Bearer {who}"}
            async with session.get(f"{live.url}/api/v1/commands/{KEY}", headers=headers) as answer:
                assert answer.status == (200 if mine else 404), who
            if not mine:
                assert outcome(await client.request({"type": "cancel", "key": KEY})) == "not_found", who
                assert client.aside("command") == [], who


async def test_a_renewal_with_a_lesser_token_takes_its_rights(live: Live) -> None:
    command = {"type": "command", "device": "attic", "point": "fan", "value": True}
    async with connect(live.ws_url, token="admin") as client:
        assert outcome(await client.request(command)) == "ok"
        assert outcome(await client.request({"type": "auth", "token": "reader"})) == "ok"
        assert outcome(await client.request(command)) == "forbidden"
        assert outcome(await client.request({"type": "subscribe", "devices": ["attic"]})) == "forbidden"
