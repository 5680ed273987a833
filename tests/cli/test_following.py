"""The client of `tail` against a server that does what a sound gateway does rarely, or never."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from gateway.cli.client import Address, LostError, StopError
from gateway.cli.following import Following
from tests.cli.scripted import Conversation, Script, ScriptedGateway


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.notes: list[str] = []
        self.whole: list[list[str]] = []

    def devices(self, devices: list[dict[str, Any]], *, whole: bool) -> None:
        self.whole.append([device["id"] for device in devices])

    def readings(self, readings: list[dict[str, Any]]) -> None:
        self.values += [reading["values"]["n"] for reading in readings]

    def note(self, message: str) -> None:
        self.notes.append(message)


async def follow(*scripts: Script, token: str | None = None) -> tuple[Heard, ScriptedGateway, Exception]:
    """Follows until it gives up; the waits between connections are left out."""
    heard = Heard()
    async with ScriptedGateway(*scripts) as gateway, asyncio.timeout(15):
        following = Following(Address(gateway.url, token), ["*"], heard, draw=lambda low, high: low)
        with pytest.raises((StopError, LostError)) as raised:
            await following.run()
    return heard, gateway, raised.value


def closing(code: int) -> Script:
    async def script(there: Conversation) -> None:
        await there.hello()
        await there.subscribed("c0")
        await there.update("c0", "c1", 1)
        await there.socket.close(code=code)

    return script


stop = closing(4403)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (4400, "the gateway does not understand this client"),
        (4401, "the gateway does not accept the token"),
        (4403, "the token was revoked"),
        (4410, "the token has expired"),
        (1009, "the gateway says that the message is too large"),
    ],
)
async def test_a_close_code_that_says_stop_is_obeyed(code: int, said: str) -> None:
    heard, gateway, error = await follow(closing(code), stop)
    assert isinstance(error, StopError)
    assert str(error) == said
    assert gateway.connections == 1
    assert heard.values == [1]


@pytest.mark.parametrize("code", [1001, 1011, 4408, 4413, 4999])
async def test_after_any_other_close_code_it_connects_again(code: int) -> None:
    heard, gateway, _ = await follow(closing(code), stop)
    assert gateway.connections == 2
    assert heard.values == [1, 1]


async def test_it_resumes_from_the_last_cursor() -> None:
    asked: list[Any] = []

    async def resumed(there: Conversation) -> None:
        await there.hello()
        asked.append(await there.subscribed("c1", recovered=True))
        await there.update("c1", "c2", 2)
        await there.socket.close(code=4403)

    heard, _, _ = await follow(closing(1001), resumed)
    assert asked[0]["since"] == "c1"
    assert heard.values == [1, 2]
    assert heard.notes == ["the gateway is stopping; connecting again", "connected again: nothing was missed"]


async def test_a_frame_that_does_not_join_the_one_before_is_not_printed_but_asked_for_again() -> None:
    asked: list[Any] = []

    async def skips(there: Conversation) -> None:
        await there.hello()
        await there.subscribed("c0")
        await there.update("c0", "c1", 1)
        await there.update("c2", "c3", 3)
        await there.socket.receive()

    async def mended(there: Conversation) -> None:
        await there.hello()
        asked.append(await there.subscribed("c1", recovered=True))
        await there.update("c1", "c3", 2, 3)
        await there.socket.close(code=4403)

    heard, _, _ = await follow(skips, mended)
    assert asked[0]["since"] == "c1"
    assert heard.values == [1, 2, 3]
    assert heard.notes[0] == "the gateway left something out; connecting again"


async def test_a_declared_gap_is_told_and_followed_by_what_comes_after_it() -> None:
    async def gaps(there: Conversation) -> None:
        await there.hello()
        await there.subscribed("c0")
        await there.send("gap", cursor="c9", lost=1204, reason="slow_consumer")
        await there.send("snapshot", cursor="c9", more=True, devices=[{"id": "a"}])
        await there.send("snapshot", cursor="c9", devices=[{"id": "b"}])
        await there.update("c9", "c10", 10)
        await there.socket.close(code=4403)

    heard, _, _ = await follow(gaps)
    assert heard.notes == ["gap: 1204 readings are lost (slow_consumer)"]
    assert heard.whole == [[], ["a", "b"]]
    assert heard.values == [10]


async def test_the_token_goes_into_the_first_message_and_nowhere_else() -> None:
    seen: list[Any] = []

    async def guarded(there: Conversation) -> None:
        await there.hello(auth="required")
        seen.append(await there.socket.receive_json(timeout=5))
        await there.socket.send_json({"type": "error", "id": seen[0]["id"], "code": "unauthorized", "message": "no"})
        await there.socket.close(code=4401)

    _, _, error = await follow(guarded, token="fg_secret")
    assert seen[0] == {"type": "auth", "id": 1, "token": "fg_secret"}
    assert str(error) == "the gateway does not accept the token"


async def test_a_token_that_is_not_looked_at_is_not_given_up() -> None:
    async def pausing(there: Conversation) -> None:
        await there.hello(auth="required")
        request = await there.socket.receive_json(timeout=5)
        refusal = {"type": "error", "id": request["id"], "code": "rate_limited", "message": "too many wrong tokens"}
        await there.socket.send_json(refusal)
        await there.socket.close(code=4429)

    def taking(code: int) -> Script:
        async def script(there: Conversation) -> None:
            await there.hello(auth="required")
            request = await there.socket.receive_json(timeout=5)
            await there.socket.send_json({"type": "ok", "id": request["id"]})
            await there.subscribed("c0")
            await there.update("c0", "c1", 1)
            await there.socket.close(code=code)

        return script

    heard, gateway, error = await follow(taking(1001), pausing, taking(4403), token="fg_secret")
    assert isinstance(error, StopError)
    assert gateway.connections == 3
    assert heard.values == [1, 1]


async def test_what_does_not_speak_the_protocol_is_said_so() -> None:
    async def foreign(there: Conversation) -> None:
        await there.socket.send_str("welcome to the chat")

    _, _, error = await follow(foreign)
    assert str(error) == "what answers there does not speak fieldgate.v1"


async def test_the_first_connection_is_not_waited_for() -> None:
    _, gateway, error = await follow()
    assert isinstance(error, LostError)
    assert gateway.connections == 1


async def test_waits_grow_with_full_jitter_from_half_a_second_to_thirty() -> None:
    bounds: list[tuple[float, float]] = []
    enough = asyncio.Event()

    def draw(low: float, high: float) -> float:
        bounds.append((low, high))
        if len(bounds) == 9:
            enough.set()
        return 0.0

    async with ScriptedGateway(closing(1001)) as gateway, asyncio.timeout(15):
        following = asyncio.create_task(Following(Address(gateway.url), ["*"], Heard(), draw).run(), name="following")
        await enough.wait()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    assert bounds[:9] == [(0.0, bound) for bound in (0.5, 1, 2, 4, 8, 16, 30, 30, 30)]


async def test_one_outage_is_told_once_however_many_attempts_it_takes() -> None:
    async def refuses(there: Conversation) -> None:
        await there.socket.close(code=1011)

    heard, gateway, _ = await follow(closing(1001), refuses, refuses, stop)
    assert gateway.connections == 4
    assert [note for note in heard.notes if note.endswith("connecting again")] == [
        "the gateway is stopping; connecting again"
    ]
