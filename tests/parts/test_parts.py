"""The parts themselves, since every other test leans on them."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiomqtt
import pytest
from aiohttp import web

from tests.parts.client import ClosedError, connect
from tests.parts.gateway import StartGateway
from tests.parts.leaks import children, descriptors
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.process import Process
from tests.parts.waiting import DeadlineError, eventually, wait_for


def test_waiting_gives_the_first_true_result() -> None:
    results = iter([0, "", None, "here"])
    assert wait_for(lambda: next(results)) == "here"


def test_waiting_ends_at_its_deadline_and_says_for_what() -> None:
    with pytest.raises(DeadlineError, match=r"the sun did not come true within 0\.05 s"):
        wait_for(lambda: False, 0.05, "the sun")


async def test_waiting_lets_the_event_loop_run() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    assert await eventually(done.is_set)


def test_a_free_port_lies_below_the_ephemeral_range_and_can_be_bound() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert port < lowest
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))


def test_a_process_that_ends_by_itself_gives_its_exit_code(tmp_path: Path) -> None:
    process = Process("seven", tmp_path)
    process.start([sys.executable, "-c", "import sys; print('out'); sys.exit(7)"])
    assert process.wait(10) == 7
    assert process.stdout_text() == "out\n"
    assert not process.running


def test_a_frozen_process_can_be_killed(tmp_path: Path) -> None:
    process = Process("sleeper", tmp_path)
    process.start([sys.executable, "-c", "import time; time.sleep(60)"])
    process.signal(signal.SIGSTOP)
    process.kill()
    assert process.exit_code == -signal.SIGKILL


def test_a_child_that_is_left_is_seen(tmp_path: Path) -> None:
    process = Process("left", tmp_path)
    process.start([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert process.pid in children()
    finally:
        process.kill()
    assert process.pid not in children()


def test_a_descriptor_that_is_left_is_seen() -> None:
    before = descriptors()
    with socket.socket() as left:
        assert [entry.split()[0] for entry in descriptors() - before] == [str(left.fileno())]
    assert descriptors() == before


async def hears_itself(broker: Mosquitto, transport: str = "tcp", port: int | None = None) -> None:
    """Publishes a message and receives it; TimeoutError when it does not come."""
    where = {"hostname": broker.host, "port": port or broker.port}
    async with (
        asyncio.timeout(5),
        aiomqtt.Client(**where, transport=transport, timeout=2) as client,  # type: ignore[arg-type]
    ):
        await client.subscribe("echo", qos=1)
        await client.publish("echo", b"hello", qos=1)
        async for message in client.messages:
            assert message.payload == b"hello"
            return


async def test_mosquitto_carries_messages(mosquitto: Mosquitto) -> None:
    await hears_itself(mosquitto)


async def test_mosquitto_offers_websockets_when_asked(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, websockets=True)
    broker.start()
    try:
        await hears_itself(broker, "websockets", broker.ws_port)
    finally:
        broker.kill()


@pytest.mark.parametrize("end", [Mosquitto.kill, Mosquitto.stop], ids=["killed", "stopped"])
async def test_mosquitto_comes_back_on_its_port(mosquitto: Mosquitto, end: Callable[[Mosquitto], object]) -> None:
    url = mosquitto.url
    end(mosquitto)
    with closing(socket.socket()) as probe:
        assert probe.connect_ex((mosquitto.host, mosquitto.port)) != 0
    mosquitto.start()
    assert mosquitto.url == url
    await hears_itself(mosquitto)


async def test_a_frozen_mosquitto_answers_nothing_until_it_is_thawed(mosquitto: Mosquitto) -> None:
    mosquitto.freeze()
    with pytest.raises((aiomqtt.MqttError, TimeoutError)):
        await hears_itself(mosquitto)
    mosquitto.thaw()
    await hears_itself(mosquitto)


def test_a_frozen_mosquitto_can_be_stopped(mosquitto: Mosquitto) -> None:
    mosquitto.freeze()
    assert mosquitto.stop() == 0


def test_mosquitto_on_a_port_that_is_taken_says_so(mosquitto: Mosquitto, tmp_path: Path) -> None:
    second = Mosquitto(tmp_path)
    second.port = mosquitto.port
    with pytest.raises(RuntimeError, match="Address already in use"):
        second.start()


@asynccontextmanager
async def server(serve: Callable[[web.WebSocketResponse], Awaitable[None]]) -> AsyncIterator[str]:
    """The address of a WebSocket server that says hello to a client and then does `serve`."""

    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["fieldgate.v1"])
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "time": 0})
        await serve(socket)
        return socket

    app = web.Application()
    app.router.add_get("/ws", accept)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}/ws"
    finally:
        await runner.cleanup()


async def test_the_client_keeps_frames_aside_in_order() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        for number in (1, 2):
            await socket.send_json({"type": "update", "number": number})
        asked = await socket.receive_json()
        await socket.send_json({"type": "update", "number": 3})
        await socket.send_json({"type": "ok", "id": asked["id"], "asked": asked})
        await socket.receive()

    async with server(serve) as url, connect(url) as client:
        assert client.hello["time"] == 0
        reply = await client.request({"type": "ping"})
        assert reply["asked"]["type"] == "ping"
        assert [frame["number"] for frame in client.aside("update")] == [1, 2, 3]
        assert (await client.until(lambda frame: frame.get("number") == 2))["number"] == 2
        assert [(await client.next("update"))["number"] for _ in range(2)] == [1, 3]
        with pytest.raises(DeadlineError, match="a frame of type gap did not come"):
            await client.next("gap", timeout=0.05)


async def test_the_client_tells_the_close_code() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_json({"type": "heartbeat"})
        await socket.close(code=4401)

    async with server(serve) as url, connect(url) as client:
        codes = [client.closed_code]
        with pytest.raises(ClosedError):
            await client.next("update")
        codes.append(client.closed_code)
        assert codes == [None, 4401]
        assert await client.wait_closed() == 4401
        assert client.aside()[0]["type"] == "heartbeat"


async def test_the_client_refuses_what_is_not_strict_json() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"type":"update","value":NaN}')

    async with server(serve) as url, connect(url) as client:
        with pytest.raises(AssertionError, match="NaN"):
            await client.next("update")


CONFIG = """
adapters:
  - {id: bench, type: loopback}
"""


async def test_a_gateway_serves_on_a_free_port_and_ends_politely(gateway_process: StartGateway) -> None:
    gateway = await gateway_process(CONFIG)
    async with connect(gateway.ws_url) as client:
        assert client.hello["protocol"] == "fieldgate.v1"
        assert await gateway.stop() == 0
        assert await client.wait_closed() == 1001
    assert gateway.pid not in children()


async def test_a_killed_gateway_comes_back_on_its_port(gateway_process: StartGateway) -> None:
    gateway = await gateway_process(CONFIG)
    url = gateway.url
    gateway.kill()
    await gateway.restart()
    assert gateway.url == url
    async with connect(gateway.ws_url) as client:
        assert (await client.request({"type": "devices"}))["type"] == "ok"


async def test_a_gateway_that_does_not_start_shows_why(gateway_process: StartGateway) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 2.*adaptors"):
        await gateway_process("adaptors: []")
