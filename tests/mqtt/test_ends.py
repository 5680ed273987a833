"""Why a connection fails or ends: each in one plain line."""

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.errors import LinkError
from tests.adapters.bystander import bystander
from tests.adapters.guarded_mosquitto import PASSWORD, USER, GuardedMosquitto
from tests.adapters.held import held
from tests.mqtt.packing import publish
from tests.mqtt.scripted import SUBSCRIBE, Script, playing
from tests.mqtt.talking import refused, talking
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])
REASON_STRING = 31


@VERSIONS
@pytest.mark.parametrize("given", [{}, {"username": USER, "password": "wrong"}, {"username": "x", "password": "y"}])
async def test_credentials_that_are_refused(tmp_path: Path, version: str, given: dict[str, str]) -> None:
    broker = GuardedMosquitto(tmp_path)
    broker.start()
    try:
        url = f"mqtt://127.0.0.1:{broker.port}"
        expected = f"cannot connect to the broker at 127.0.0.1:{broker.port}: it refuses us: Not authorized"
        assert await refused(url, version=version, **given) == expected
        async with talking(url, version=version, username=USER, password=PASSWORD):
            pass
    finally:
        broker.kill()


async def test_nobody_listens() -> None:
    port = free_port()
    for scheme in ("mqtt", "mqtts", "ws", "wss"):
        reason = await refused(f"{scheme}://127.0.0.1:{port}")
        assert reason == f"cannot connect to the broker at 127.0.0.1:{port}: Connection refused"


async def test_no_such_host() -> None:
    reason = await refused("mqtt://nowhere.invalid")
    assert reason.startswith("cannot connect to the broker at nowhere.invalid:1883: ")
    assert "[Errno" not in reason


@pytest.mark.parametrize("scheme", ["mqtt", "ws"])
async def test_one_that_accepts_and_never_answers(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.mqtt.client._TIMEOUT", 0.2)
    before = held()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert (await refused(f"{scheme}://127.0.0.1:{mute.getsockname()[1]}")).endswith(": it does not answer")
    await eventually(lambda: held()[:2] == before[:2], 5, "no descriptor and no task")


@VERSIONS
@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (b"", "it closed the connection before it answered"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it closed the connection before it answered"),
        (b"\x40\x02\0\x01", "it closed the connection before it answered"),
        (b"\xff\xff\xff\xff\xff\xff", "it sends what is no MQTT"),
    ],
)
async def test_a_server_that_is_no_broker(version: str, says: bytes, reason: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(14)
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        found = await refused(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", version=version)
    assert found.endswith(f": {reason}")


async def test_a_websocket_that_is_elsewhere(mosquitto: Mosquitto) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reason = await refused(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/wrong")
    assert reason.endswith("it answers 404 Not Found to the WebSocket: is the path of the URL right?")
    assert (await refused(f"ws://127.0.0.1:{mosquitto.port}")).endswith(
        (": it closed the connection before the WebSocket stood", ": Connection reset by peer")
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0x84, "it does not know this version of MQTT: see `version`"),
        (0x01, "it does not know this version of MQTT: see `version`"),
        (0x85, "Client identifier not valid"),
        (0x86, "Bad user name or password"),
        (0x88, "Server unavailable"),
        (0x8A, "Banned"),
    ],
)
async def test_what_mqtt_5_says_of_a_refusal(code: int, reason: str) -> None:
    async with playing(Script([(code, b"")])) as script:
        assert (await refused(script.url)).endswith(f": it refuses us: {reason}")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
async def test_what_mqtt_3_says_of_a_refusal(code: int) -> None:
    async with playing(Script([(code, b"")])) as script:
        reason = await refused(script.url, version="3.1.1")
        assert ": it refuses us: " in reason or code == 1
        assert "\n" not in reason


async def test_the_brokers_own_words_are_told_in_one_line_that_is_not_long() -> None:
    words = b"out of licences\nsecond line" + b"x" * 1000
    properties = bytes([REASON_STRING]) + len(words).to_bytes(2, "big") + words
    async with playing(Script([(0x97, properties)])) as script:
        assert (await refused(script.url)).endswith(": it refuses us: Quota exceeded: out of licences")


@VERSIONS
async def test_another_client_of_our_id_throws_us_out(mosquitto: Mosquitto, version: str) -> None:
    async with (
        talking(mosquitto.url, version=version, client_id="twice") as first,
        bystander(mosquitto.port, identifier="twice"),
    ):
        reason = (await first.lost()).removeprefix(f"lost the broker at 127.0.0.1:{mosquitto.port}: ")
        # Newer ones say it, with MQTT 5.
        assert reason in ("it closed the connection", "another client took over our client id")


async def test_a_broker_that_says_that_another_client_took_over_our_id() -> None:
    async with playing(Script(after_connack=b"\xe0\x01\x8e")) as script, talking(script.url) as talk:
        assert (await talk.lost()).endswith(": another client took over our client id")


@VERSIONS
async def test_a_broker_that_is_stopped_or_killed(mosquitto: Mosquitto, version: str) -> None:
    lost = f"lost the broker at 127.0.0.1:{mosquitto.port}: "
    async with talking(mosquitto.url, version=version) as talk:
        mosquitto.stop()
        assert await talk.lost() in (lost + "it is shutting down", lost + "it closed the connection")
    mosquitto.start()
    async with talking(mosquitto.url, version=version) as talk:
        mosquitto.kill()
        assert await talk.lost() == lost + "it closed the connection"


async def test_a_broker_that_answers_no_pings(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, keepalive=1) as talk:
        mosquitto.freeze()
        assert (await talk.lost()).endswith(": it does not answer any more")


async def test_a_connection_that_ends_right_after_it_stood_is_noticed() -> None:
    """aiomqtt begins anew with what it knew of the connection's end, once it stands."""
    async with playing(Script(after_connack=b"\xe0\x02\x8b\0")) as script, talking(script.url) as talk:
        assert (await talk.lost()).endswith(": it is shutting down")


async def test_a_connection_that_ends_while_a_subscription_is_asked_for_is_noticed_at_once() -> None:
    class Leaving(Script):
        def answer(self, first: int, body: bytes) -> bytes:
            return b"\xe0\x02\x8b\0" if first >> 4 == SUBSCRIBE else super().answer(first, body)

    async with playing(Leaving()) as script:
        with pytest.raises(LinkError, match=f"^lost the broker at 127.0.0.1:{script.port}: it is shutting down$"):
            async with asyncio.timeout(1), talking(script.url, "a"):
                pass


async def test_packets_that_no_broker_sends_end_the_connection_in_one_line() -> None:
    for packet in (b"\xf0\0", b"\x00\0", b"\x30\x01\0", b"\x36\x05\0\x01a\0\0", b"\x40\x01\0"):
        async with playing(Script(after_connack=packet)) as script, talking(script.url) as talk:
            reason = await talk.lost()
            assert reason.startswith(f"lost the broker at 127.0.0.1:{script.port}: ")
            assert "\n" not in reason


@pytest.mark.long  # the kernel takes half a million answers before
async def test_a_broker_that_takes_none_of_our_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.mqtt.client._MAX_ANSWERS", 100)

    class Deaf(Script):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readexactly(2)
            await reader.readexactly(head[1])
            writer.write(b"\x20\x03\0\0\0")
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            message = publish(b"a", b"", qos=1) * 1000
            try:
                while True:
                    writer.write(message)
                    await writer.drain()
            except ConnectionError:
                writer.close()

    async with playing(Deaf(buffer=4096)) as script, talking(script.url) as talk:
        async with asyncio.timeout(20):
            assert (await talk.lost()).endswith(": it takes none of our answers")


async def test_nothing_is_left_of_connections_that_came_and_went(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, "a"):
        before = held()
    for number in range(20):
        async with talking(mosquitto.url, "a"):
            if number % 2:
                mosquitto.kill()
        if number % 2:
            mosquitto.start()
    async with talking(mosquitto.url, "a"):
        await eventually(lambda: held().descriptors <= before.descriptors, 5, "no more descriptors than before")
        assert held().tasks <= before.tasks
