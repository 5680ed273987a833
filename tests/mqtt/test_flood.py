"""More messages than can be read: they wait in the broker, never here, and the loop goes on."""

import asyncio
import gc
import resource
import time

import pytest

from tests.mqtt.packing import publish
from tests.mqtt.scripted import CONNECT, SUBSCRIBE, Script, playing
from tests.mqtt.talking import talking
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually


class Flood(Script):
    """Once asked for a topic, it sends as fast as it can, and counts what the connection took."""

    def __init__(self, message: bytes) -> None:
        super().__init__()
        self.message = message * 1000
        self.sent = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=len(self.message))
        try:
            while not self.of_type(SUBSCRIBE):
                head = await reader.readexactly(2)
                self.got.append((head[0], await reader.readexactly(head[1])))
                if head[0] >> 4 in (CONNECT, SUBSCRIBE):
                    writer.write(self.answer(*self.got[-1]))
            while True:
                writer.write(self.message)
                self.sent += 1000
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_flood_neither_grows_memory_nor_holds_the_loop(qos: int) -> None:
    """With QoS 1, the flood does not even wait for our acknowledgements."""
    message = publish(b"a", b"x" * 200, qos=qos)
    flood = Flood(message)
    worst = 0.0
    async with playing(flood), talking(flood.url, "a") as talk:
        came = 0

        def count(topic: str, payload: bytes, retained: bool) -> None:
            nonlocal came
            came += 1

        talk.connection._client._receive = count
        await eventually(lambda: came > 2_000, 20, "the flood")
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        until = time.monotonic() + 2
        while time.monotonic() < until:
            began = time.monotonic()
            await asyncio.sleep(0)
            worst = max(worst, time.monotonic() - began)
        assert came > 5_000
        assert talk.connection._client._queue.qsize() == 0, "the library's own queue is not in use"
        assert len(talk.connection._client._client._in_messages) == 0
        assert flood.sent - came < 40_000, "what is sent and not taken waits in the kernel"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kilobytes"
    assert worst < 0.25


async def test_a_receiver_that_is_held_up_loses_nothing_of_what_the_kernel_keeps(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, "a") as talk, talking(mosquitto.url) as other:
        for number in range(500):
            other.connection.post("a", b"%d" % number)
        await eventually(lambda: other.connection.is_idle)
        time.sleep(0.3)  # noqa: ASYNC251  the whole loop, as a slow disk would
        await talk.until(500)
        assert [int(payload) for _, payload, _ in talk.came] == [*range(500)]


async def test_no_more_messages_are_under_way_than_we_say(mosquitto: Mosquitto) -> None:
    script = Script()
    async with playing(script), talking(script.url):
        ((_, connect),) = script.of_type(CONNECT)
        assert connect[10:14] == b"\x03\x21\0\x14", "receive maximum 20, as its only property"


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_message_that_is_too_large_is_passed_over_and_the_next_one_comes(
    mosquitto: Mosquitto, qos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mqtt.packets.MAX_MESSAGE", 100_000)
    async with talking(mosquitto.url, "a/#", qos=qos) as talk, talking(mosquitto.url) as other:
        for number in range(60):  # more than may be under way unconfirmed
            await other.connection.publish(f"a/{number}", b"x" * (100_100 if number % 2 else 10), qos=qos)
        await talk.until(30)
        await eventually(lambda: len(talk.too_large) == 30)
        await other.connection.publish("a/end", b"1", qos=qos)
        await talk.until(31)
        assert [topic for topic, _, _ in talk.came] == [*(f"a/{number}" for number in range(0, 60, 2)), "a/end"]
