"""Connecting to a broker and why it does not work, what the broker knows of the gateway, and brokers that go."""

import asyncio
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from device_sims.fixtures import MqttNodesFactory
from gateway.adapters.mqtt.adapter import _BACK_OFF
from gateway.model import DeviceState
from gateway.supervise import BackOff, supervise
from tests.adapters.bystander import bystander
from tests.adapters.guarded_mosquitto import PASSWORD, USER, GuardedMosquitto
from tests.adapters.held import held
from tests.adapters.rig import running
from tests.adapters.scripted_broker import published, scripted_broker
from tests.mqtt.scripted import Script, playing
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])
STATUS = "fieldgate/test/house/status"


def config(port: int, more: str = "") -> str:
    topics = '{readings: "sensors/{device}/telemetry", availability: {topic: "sensors/{device}/status"}}'
    return f"adapters: [{{id: house, type: mqtt, url: 'mqtt://127.0.0.1:{port}', topics: [{topics}]{more}}}]"


# ---- who we are


async def test_the_password_comes_from_its_file_without_the_newline_of_editors(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    broker = GuardedMosquitto(tmp_path)
    try:
        broker.start()
        async with running(config(broker.port, f", username: {USER}, password_file: {secret}")) as rig:
            await rig.up()
            async with bystander(broker.port, username=USER, password=PASSWORD) as other:
                await other.publish("sensors/a/telemetry", '{"n":1}')
            await rig.reading()
    finally:
        broker.kill()


@VERSIONS
@pytest.mark.parametrize("credentials", ["", f", username: {USER}, password: wrong"])
async def test_a_broker_that_refuses_us_is_the_reason_and_nothing_piles_up(
    tmp_path: Path, version: str, credentials: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.adapters.mqtt.adapter._BACK_OFF", BackOff(0.05, 0.05))
    broker = GuardedMosquitto(tmp_path)
    try:
        broker.start()
        async with running(config(broker.port, f", version: {version}{credentials}")) as rig:
            reason = await rig.down()
            assert reason.startswith(f"cannot connect to the broker at 127.0.0.1:{broker.port}: ")
            assert re.search("not authori[sz]ed", reason, re.IGNORECASE)
            assert "wrong" not in reason
            before = held()
            for _ in range(10):
                rig.link.reason = None
                await eventually(lambda: rig.link.reason, 10, "another attempt")
            await eventually(lambda: held().descriptors <= before.descriptors, 5, "no more descriptors than before")
            assert held().tasks <= before.tasks + 1
    finally:
        broker.kill()


async def test_a_password_file_that_is_not_there_is_the_reason(mosquitto: Mosquitto, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    async with running(config(mosquitto.port, f", username: me, password_file: {missing}")) as rig:
        reason = await rig.down()
        assert reason.startswith("the password file cannot be read: ")
        assert str(missing) in reason
        missing.write_text("secret")
        await rig.up()


@VERSIONS
async def test_a_subscription_that_is_refused_is_the_reason(version: str) -> None:
    async with scripted_broker() as port, running(config(port, f", version: {version}")) as rig:
        assert await rig.down() == "the broker refuses the subscription to sensors/+/status"
        assert rig.link.info.reconnects == 0, "it was never up"


@VERSIONS
async def test_a_topic_of_a_device_that_is_refused_costs_no_other_device(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    level = 5 if version == "5" else 4
    says = b"".join(
        published(b"homeassistant/sensor/%s/config" % name, b'{"stat_t":"%s/t","uniq_id":"%s"}' % (name, name), level)
        for name in (b"denied", b"lamp")
    )
    says += published(b"lamp/t", b"3", level)
    profiles = "profiles: [{type: homeassistant}]"
    async with scripted_broker(says, b"denied") as port:
        text = f"""
adapters: [{{id: mqtt, type: mqtt, url: "mqtt://127.0.0.1:{port}", version: {version}, {profiles}}}]
"""
        async with running(text) as rig:
            await rig.up()
            await eventually(lambda: rig.link.info.errors, 10, "the refusal, counted")
            assert [device.latest for device in rig.devices if "lamp" in device.id] != [{}]
            assert rig.link.is_up
    assert "the broker refuses the subscription to denied/t" in caplog.text


@VERSIONS
async def test_a_topic_that_is_no_text_costs_nothing(version: str, caplog: pytest.LogCaptureFixture) -> None:
    """Mosquitto lets none through; others may."""
    level = 5 if version == "5" else 4
    says = b"".join(
        published(topic, payload, level, packet)
        for number, packet in enumerate((None, 7, None, 8))
        for topic, payload in ((b"sensors/\xff/telemetry", b"1"), (b"sensors/a/telemetry", b"%d" % number))
    )
    async with scripted_broker(says) as port, running(config(port, f", version: {version}")) as rig:
        await rig.up()
        await eventually(lambda: len(rig.readings) >= 8, 10, "what is said for each of two subscriptions")
        assert rig.values("value", "a") == [0, 1, 2, 3] * 2
        assert rig.link.is_up
        assert rig.link.info.reconnects == 0
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
async def test_a_broker_that_is_not_there_is_the_reason_in_one_line(host: str) -> None:
    port = free_port()
    async with running(config(port).replace("127.0.0.1", host)) as rig:
        reason = await rig.down()
        assert reason.startswith(f"cannot connect to the broker at {host}:{port}: ")
        assert "\n" not in reason
        assert rig.link.info.reconnects == 0


async def test_a_server_that_is_no_broker_is_a_failed_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, running(config(server.sockets[0].getsockname()[1])) as rig:
        assert (await rig.down()).startswith("cannot connect to the broker at 127.0.0.1:")
        assert "internal error" not in str(rig.link.reason)
    assert "Traceback" not in caplog.text


async def test_a_server_that_accepts_and_says_nothing_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.adapters.mqtt.adapter._BACK_OFF", BackOff(0.05, 0.05))
    monkeypatch.setattr("gateway.mqtt.client._TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        before = held()
        async with running(config(mute.getsockname()[1])) as rig:
            await rig.down()
            for _ in range(5):
                rig.link.reason = None
                await eventually(lambda: rig.link.reason, 10, "another attempt")
            assert held().descriptors <= before.descriptors + 1
            assert held().tasks <= before.tasks + 4
        assert held().descriptors == before.descriptors
        assert held().tasks == before.tasks


async def test_an_adapter_that_is_taken_out_while_it_connects_leaves_no_connection(mosquitto: Mosquitto) -> None:
    mosquitto.freeze()
    before = held()
    async with running(config(mosquitto.port)):
        await eventually(lambda: held().descriptors > before.descriptors, 5, "the attempt")
    mosquitto.thaw()
    await eventually(lambda: held()[:2] == before[:2], 5, "no descriptor and no task")


# ---- what the broker knows of us


@VERSIONS
async def test_the_status_topic_says_online_and_offline_and_is_kept(mosquitto: Mosquitto, version: str) -> None:
    async with bystander(mosquitto.port, STATUS) as other:
        async with running(config(mosquitto.port, f", version: {version}")) as rig:
            await rig.up()
            seen = await other.next(STATUS)
            assert (seen.payload, seen.retain, seen.qos) == (b"online", True, 1)
            assert await other.retained(STATUS) == b"online"
        assert await other.retained(STATUS) == b"offline"


CLIENT = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.adapters.rig import running
from tests.adapters.scripted_broker import published, scripted_broker

async def main():
    async with running({config!r}) as rig:
        await rig.up()
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@VERSIONS
async def test_the_last_will_says_offline_after_a_kill(mosquitto: Mosquitto, version: str) -> None:
    script = CLIENT.format(
        root=str(Path(__file__).parents[2]), config=config(mosquitto.port, f", version: {version}, keepalive: 1s")
    )
    async with bystander(mosquitto.port) as other:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(20):
                assert await process.stdout.readline() == b"up\n"
            assert await other.retained(STATUS) == b"online"
            process.send_signal(signal.SIGKILL)
            await process.wait()
            async with asyncio.timeout(10):
                while await other.retained(STATUS) != b"offline":
                    await asyncio.sleep(0.05)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_two_gateways_of_one_name_do_not_throw_each_other_out(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto.port)) as first, running(config(mosquitto.port)) as second:
        await first.up()
        await second.up()
        async with bystander(mosquitto.port) as other:
            for number in range(20):
                await other.publish("sensors/a/telemetry", b'{"n":%d}' % number)
            for rig in (first, second):
                await eventually(lambda rig=rig: len(rig.readings) == 20, 10, "all readings")  # type: ignore[misc]
                assert rig.link.info.reconnects == 0


# ---- brokers that go


@VERSIONS
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.long)])
async def test_a_broker_that_is_killed_stopped_and_frozen_is_seen_gone_and_heals(
    mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory, version: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.adapters.mqtt.adapter._BACK_OFF", BackOff(0.1, 0.5))  # the wait is another test's
    nodes = await mqtt_nodes(mosquitto.url, devices=3, rate=20)
    async with running(config(mosquitto.port, f", version: {version}, keepalive: 1s")) as rig:
        await rig.state(DeviceState.ONLINE, "node3")
        before = held()
        for number in range(1, times + 1):
            fault = (mosquitto.kill, mosquitto.stop, mosquitto.freeze)[number % 3]
            began = time.monotonic()
            fault()
            for name in ("node1", "node2", "node3"):
                await rig.state(DeviceState.OFFLINE, name)
            # A frozen broker is noticed by its silence only: twice the keepalive, and the library's look each second.
            assert time.monotonic() - began < (2 if fault != mosquitto.freeze else 2 * 1 + 4)
            # A broker that is stopped may yet hand on the last wills of its other clients.
            await rig.down()
            assert str(rig.device("node1").reason).startswith(("lost the broker at", "cannot connect to the broker at"))
            if fault == mosquitto.freeze:
                mosquitto.thaw()
            else:
                mosquitto.start()
            for name in ("node1", "node2", "node3"):
                await rig.state(DeviceState.ONLINE, name)
            assert rig.link.info.reconnects == number
            await eventually(lambda: nodes.connections >= 3, 10, "the nodes")
        await eventually(lambda: held().descriptors <= before.descriptors, 5, "no more descriptors than before")
        assert held().tasks <= before.tasks
        assert held().threads <= before.threads + 1
        assert rig.errors() == 0


class Refusing(Script):
    """Refuses every connection (5: not authorised, of both versions in these tests)."""

    def answer(self, first: int, body: bytes) -> bytes:
        self.level = body[6]
        return b"\x20\x03\0\x87\0" if self.level == 5 else b"\x20\x02\0\x05"


class Mute(Script):
    """Accepts every connection and never answers."""

    def answer(self, first: int, body: bytes) -> bytes:
        return b""


@VERSIONS
@pytest.mark.parametrize(
    ("script", "reason"), [(Refusing, "it refuses us: Not authorized"), (Mute, "it does not answer")]
)
async def test_a_broker_that_will_not_have_us_is_one_line_in_the_log_however_often_it_is_tried(
    version: str, script: type[Script], reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.adapters.mqtt.adapter._BACK_OFF", BackOff(0.02, 0.02))
    monkeypatch.setattr("gateway.mqtt.client._TIMEOUT", 0.1)
    async with playing(script()) as broker, running(config(broker.port, f", version: {version}")) as rig:
        await eventually(lambda: broker.connections >= 6, 10, "attempts")
        assert rig.link.reason == f"cannot connect to the broker at 127.0.0.1:{broker.port}: {reason}"
    assert [record.getMessage() for record in caplog.records] == [f"house: {rig.link.reason}"]


async def test_two_clients_of_one_id_wait_longer_each_time_before_they_throw_each_other_out(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds: list[float] = []
    bound = BackOff.bound

    def noted(self: BackOff, failures: int) -> float:
        bounds.append(bound(self, failures))
        return 0.05

    monkeypatch.setattr(BackOff, "bound", noted)
    async with running(config(mosquitto.port, ", client_id: twice")) as rig:
        for number in range(1, 6):
            await rig.up()
            async with bystander(mosquitto.port, identifier="twice"):
                await eventually(lambda number=number: len(bounds) == number, 10, "the end")  # type: ignore[misc]
        assert bounds == [0.5, 1, 2, 4, 8]


async def test_the_reason_names_the_broker_and_what_happened(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto.port)) as rig:
        await rig.up()
        reasons = []
        link_down = rig.link.down

        def down(reason: str) -> None:
            reasons.append(reason)
            link_down(reason)

        rig.link.down = down  # type: ignore[method-assign]
        mosquitto.kill()
        await rig.down()
        await eventually(lambda: "Connection refused" in str(rig.link.reason), 5, "the next attempt")
        assert not any("\n" in reason for reason in reasons)


async def test_waits_are_drawn_from_a_bound_that_doubles_from_half_a_second_to_thirty() -> None:
    bounds = [_BACK_OFF.bound(failures) for failures in (1, 2, 3, 6, 7, 8, 10_000)]
    assert bounds == [0.5, 1, 2, 16, 30, 30, 30]
    drawn: list[tuple[float, float]] = []
    ended = asyncio.Event()

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        if len(drawn) == 8:
            ended.set()
        return 0.0

    async def fail() -> None:
        raise OSError

    supervising = asyncio.create_task(supervise(fail, lambda reason: None, _BACK_OFF, draw), name="adapter:x")
    async with asyncio.timeout(5):
        await ended.wait()
    supervising.cancel()
    assert [high for _, high in drawn[:8]] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert all(0 < low <= high / 10 for low, high in drawn)


async def test_a_frozen_broker_does_not_hold_up_the_end(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto.port)) as rig:
        await rig.up()
        mosquitto.freeze()
        began = time.monotonic()
    assert time.monotonic() - began < 4.5
    mosquitto.thaw()
