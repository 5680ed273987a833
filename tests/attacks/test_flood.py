"""Asking for too much: subscriptions, commands, connections."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

from tests.parts.client import Client, connect
from tests.parts.waiting import eventually
from tests.server.live import Live, Serve

RELAY = {
    "relay": {"points": {"coil": {"type": "boolean", "writable": True}, "pulse": {"type": "action", "writable": True}}}
}
# What one connection may ask in a second is tested elsewhere; here it may ask as fast as it can.
FAST = {"limits": {"requests": 1_000_000}}


async def with_relay(serve: Serve) -> Live:
    return await serve(server=FAST, adapters=[{"id": "relay", "type": "loopback"}], devices=RELAY)


async def ask_all(client: Client, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All at once, and then the answers in their order."""
    for request in requests:
        await client.send(request)
    return [await client.until(lambda f, r=request: f.get("id") == r["id"], 30) for request in requests]  # type: ignore[misc]


async def test_a_million_subscriptions_end_at_the_limit_and_leave_nothing(serve: Serve) -> None:
    live = await with_relay(serve)
    ids = count(1)
    async with connect(live.ws_url) as client:
        granted = refused = 0
        for _ in range(20):
            requests = [{"type": "subscribe", "id": next(ids), "devices": [f"x{next(ids)}*"]} for _ in range(100)]
            for answer in await ask_all(client, requests):
                granted += answer["type"] == "ok"
                refused += answer.get("code") == "rate_limited"
        assert (granted, refused) == (64, 1936)
        assert live.gateway.fanout.streams == 64
    await eventually(lambda: live.gateway.fanout.streams == 0, 10)


async def test_subscriptions_that_come_and_go_leave_nothing(serve: Serve) -> None:
    live = await with_relay(serve)
    async with connect(live.ws_url) as client:
        for number in range(500):
            sub = (await client.request({"type": "subscribe", "devices": [f"x{number}*"]}, 30))["sub"]
            await client.request({"type": "unsubscribe", "sub": sub}, 30)
        assert live.gateway.fanout.streams == 0


async def test_a_flood_of_commands_to_a_relay_is_refused_and_each_that_was_taken_ends(serve: Serve) -> None:
    live = await with_relay(serve)
    written: list[Any] = []

    wire_is_free = asyncio.Event()

    class Slow:
        """A relay whose wire is busy."""

        answer_timeout = 60.0

        async def write(self, command: Any) -> None:
            written.append(command)
            await wire_is_free.wait()

    live.gateway.commands.writers["relay"] = Slow()
    command = {"type": "command", "device": "relay", "point": "pulse", "ttl": 60, "confirm": "sent"}
    async with connect(live.ws_url) as one, connect(live.ws_url) as two, connect(live.ws_url) as bystander:
        requests = [{**command, "id": n, "key": f"{n}"} for n in range(300)]
        answers = await asyncio.gather(
            ask_all(one, requests), ask_all(two, [{**r, "key": f"b{r['key']}"} for r in requests])
        )
        codes = [answer.get("code", "ok") for side in answers for answer in side]
        assert set(codes) == {"ok", "rate_limited"}
        taken = codes.count("ok")
        assert taken in (8, 9), "eight wait, and one may be on the wire by then"
        assert (await bystander.request({"type": "ping"}, 30))["type"] == "pong"
        commands = live.gateway.commands.ledger._commands
        assert len(commands) == taken, "what is refused is not remembered"
        wire_is_free.set()
        await eventually(lambda: all(command.final for command in commands.values()), 30)
        assert len(written) == taken, "nothing is sent twice"


async def test_a_command_that_is_replayed_moves_nothing(serve: Serve) -> None:
    live = await with_relay(serve)
    written: list[Any] = []

    class Counting:
        answer_timeout = 1.0

        async def write(self, command: Any) -> None:
            written.append(command)

    live.gateway.commands.writers["relay"] = Counting()
    command = {"type": "command", "id": 1, "device": "relay", "point": "coil", "value": True, "key": "once"}
    text = json.dumps({**command, "confirm": "sent"})
    async with connect(live.ws_url) as sender:
        await sender.send_raw(text)
        await sender.next("ok", 10)
        await sender.until(lambda frame: frame["type"] == "command" and frame["command"]["final"], 10)
        for _ in range(20):
            await sender.send_raw(text)
            assert (await sender.next("ok", 10))["command"]["outcome"] == "unconfirmed"
    async with connect(live.ws_url) as again:
        await again.send_raw(text)
        assert (await again.next("ok", 10))["command"]["outcome"] == "unconfirmed"
    assert len(written) == 1
