"""SIGHUP: what did not change goes on without a hole, what changed is made anew, and a broken file changes nothing."""

import hashlib
import signal
from itertools import pairwise
from pathlib import Path

from tests.e2e.simulators import Simulators
from tests.e2e.site import BOARD, site, watching
from tests.parts.client import connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.keys import AUDIENCE, SECRET, signed
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

READ_AGAIN = "the configuration was read again"
NOT_READ = "the configuration was not read again: the running one stays"


async def reload(gateway: GatewayProcess, text: str, answer: str = READ_AGAIN) -> str:
    """Gives it another configuration, which listens where the first one did; what it says to that."""
    if "server:" not in text:
        text = f"server: {{listen: '127.0.0.1:0'}}\n{text}"
    before = len(gateway.stderr_text())
    gateway.config_path.write_text(text)
    gateway.signal(signal.SIGHUP)
    await eventually(lambda: answer in gateway.stderr_text()[before:], 10, f"{answer!r}")
    return gateway.stderr_text()[before:]


async def test_what_did_not_change_goes_on_without_a_hole_while_adapters_come_and_go(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    await simulators.serial(tmp_path / "second", "--rate", 50, "--seed", 2)
    await simulators.mqtt(mosquitto.url, "--devices", 2, "--rate", 20)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    second = BOARD.format(link=tmp_path / "second").replace("id: board", "id: second")
    async with watching(gateway.ws_url) as watched:
        for id in ("board", "house.node1", "house.node2"):
            await watched.state(id, "online")
        await reload(gateway, site(tmp_path / "board", mosquitto.url, adapters=second))
        await watched.state("second", "online")

        before = len(watched.values("board", "sequence"))
        await reload(gateway, site(tmp_path / "board", adapters=second))
        await watched.until(lambda: not any(id.startswith("house") for id in watched.devices), "the nodes' removal")

        await watched.until(lambda: len(watched.values("board", "sequence")) > before + 50, "the board going on")
        for id in ("board", "second"):
            sequences = watched.values(id, "sequence")
            assert all(b == a + 1 for a, b in pairwise(sequences)), "no reading was lost"
            assert watched.devices[id]["link"]["reconnects"] == 0
            assert watched.devices[id]["state"] == "online"
        await reload(gateway, site(tmp_path / "board", mosquitto.url))
        await watched.state("house.node1", "online")
        await watched.until(lambda: "second" not in watched.devices, "the second board's removal")
        assert watched.devices["board"]["link"]["reconnects"] == 0
    async with connect(gateway.ws_url) as client:
        answer = await client.request({"type": "devices"})
        assert sorted(device["id"] for device in answer["devices"]) == ["board", "house.node1", "house.node2"]


async def test_a_device_whose_declaration_changed_is_made_anew_and_the_others_are_not(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    await simulators.mqtt(mosquitto.url, "--devices", 1, "--rate", 20)
    text = site(tmp_path / "board", mosquitto.url)
    gateway = await gateway_process(text)
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
        await watched.state("house.node1", "online")
        await reload(gateway, text.replace("Greenhouse", "Orangery").replace("max: 30", "max: 35"))
        await watched.until(lambda: watched.devices.get("board", {}).get("name") == "Orangery", "the new name")
        device = await watched.state("board", "online")
        assert device["points"]["setpoint"]["max"] == 35
        assert watched.devices["house.node1"]["link"]["reconnects"] == 0


async def test_an_adapter_may_take_over_the_port_of_one_that_goes(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    text = site(tmp_path / "board")
    gateway = await gateway_process(text)
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
        await reload(gateway, text.replace("id: board", "id: another").replace("  board:", "  another:"))
        await watched.state("another", "online")
        assert "board" not in watched.devices


async def test_commands_of_an_adapter_that_goes_are_told_their_fate(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10, "--fault", "no-ack")
    text = site(tmp_path / "board").replace("timeout: 1s", "timeout: 60s")
    gateway = await gateway_process(text)
    async with watching(gateway.ws_url) as watched, connect(gateway.ws_url) as client:
        await watched.state("board", "online")
        for value in (True, False):
            await client.request({"type": "command", "device": "board", "point": "fan", "value": value, "ttl": 60})
        await client.until(lambda frame: frame["type"] == "command" and frame["command"]["state"] == "sent")
        await reload(gateway, "adapters: []\n")
        fates = []
        for _ in range(2):
            ended = await client.until(lambda frame: frame["type"] == "command" and frame["command"]["final"], 10)
            fates.append((ended["command"]["state"], ended["command"]["outcome"]))
        assert fates == [("lost", "unknown"), ("rejected", "not_executed")]


async def test_a_broken_file_is_explained_and_the_running_configuration_stays(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    text = site(tmp_path / "board")
    gateway = await gateway_process(text)
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
        said = await reload(gateway, text.replace("silence: 5s", "silense: 5s"), NOT_READ)
        assert "adapters.0.silense: unknown key" in said
        assert "did you mean 'silence'?" in said
        await reload(gateway, "adapters: [", NOT_READ)
        gateway.config_path.unlink()
        before = len(gateway.stderr_text())
        gateway.signal(signal.SIGHUP)
        await eventually(lambda: NOT_READ in gateway.stderr_text()[before:], 10, "the answer")
        await reload(gateway, text)
        seen = len(watched.readings)
        await watched.until(lambda: len(watched.readings) > seen + 20, "readings")
        assert all(b == a + 1 for a, b in pairwise(watched.values("board", "sequence")))
        assert watched.devices["board"]["link"]["reconnects"] == 0


def tokens(**rights: str) -> str:
    """An `auth` section; each name's token is the name twice."""
    lines = [
        f'    - {{name: {name}, sha256: "{hashlib.sha256((name * 2).encode()).hexdigest()}", read: ["*"], '
        f'command: ["{glob}"]}}'
        for name, glob in rights.items()
    ]
    return "auth:\n  tokens:\n" + "\n".join(lines) + "\n"


async def test_the_connections_of_a_removed_token_close_with_4403_and_the_others_stay(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    adapters = site(tmp_path / "board")
    gateway = await gateway_process(tokens(panel="board", intern="none", guest="none") + adapters)
    async with (
        watching(gateway.ws_url, token="panelpanel") as panel,
        connect(gateway.ws_url, token="internintern") as intern,
        connect(gateway.ws_url, token="guestguest") as guest,
        connect(gateway.ws_url) as nobody,
    ):
        await panel.state("board", "online")
        await reload(gateway, tokens(panel="board", guest="*") + adapters)
        assert await intern.wait_closed() == 4403
        assert await guest.wait_closed() == 4403, "its rights are others now"
        seen = len(panel.readings)
        await panel.until(lambda: len(panel.readings) > seen + 20, "readings")
        assert all(b == a + 1 for a, b in pairwise(panel.values("board", "sequence")))
        assert (await nobody.request({"type": "auth", "token": "internintern"}))["code"] == "unauthorized"
    async with connect(gateway.ws_url, token="guestguest") as guest:
        assert guest.hello["identity"]["command"] == ["*"]


async def test_a_file_without_tokens_does_not_open_a_gateway_that_others_can_reach(
    gateway_process: StartGateway,
) -> None:
    """A configuration for the loopback address needs no `auth`, but the address takes a restart."""
    gateway = await gateway_process("server: {listen: '0.0.0.0:0'}\n" + tokens(panel="*") + "adapters: []\n")
    said = await reload(gateway, "server: {listen: '127.0.0.1:0'}\nadapters: []\n")
    assert "the section `server` changed: that takes a restart" in said
    assert "the section `auth` stays as it was" in said
    async with connect(gateway.ws_url) as stranger:
        assert stranger.hello["auth"] == "required"
    said = await reload(gateway, "server: {listen: '127.0.0.1:0'}\nadapters: []\n")
    assert "the section `server` changed: that takes a restart" in said, "as long as it is so"


async def test_what_takes_a_restart_is_said_and_not_done_by_half(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    gateway = await gateway_process("gateway: {name: before}\n" + site(tmp_path / "board"))
    said = await reload(gateway, "gateway: {name: after}\nlog: {keep: 5m}\n" + site(tmp_path / "board"))
    assert "the section `gateway` changed" in said
    assert "the section `log` changed" in said
    assert "the section `server` changed" not in said
    async with connect(gateway.ws_url) as client:
        assert client.hello["gateway"] == "before"


async def test_another_key_of_signed_tokens_ends_the_connections_of_the_old_one(
    gateway_process: StartGateway, tmp_path: Path
) -> None:
    secret = tmp_path / "jwt.key"
    secret.write_text(SECRET)
    digest = hashlib.sha256(b"static").hexdigest()
    text = (
        f"auth:\n  tokens: [{{name: kept, sha256: '{digest}', read: ['*']}}]\n"
        f"  jwt: {{algorithm: HS256, secret_file: {secret}, audience: {AUDIENCE}}}\n"
    )
    gateway = await gateway_process(text)
    async with connect(gateway.ws_url, token=signed()) as old, connect(gateway.ws_url, token="static") as kept:
        await reload(gateway, text)
        assert (await old.request({"type": "ping"}))["type"] == "pong", "nothing changed"
        secret.write_text("another secret of at least thirty-two bytes")
        await reload(gateway, text)
        assert await old.wait_closed(10) == 4403
        assert (await kept.request({"type": "ping"}))["type"] == "pong"
    async with connect(gateway.ws_url, token=signed()) as late:
        assert await late.wait_closed(10) == 4401
    async with connect(gateway.ws_url, token=signed(key="another secret of at least thirty-two bytes")) as new:
        assert new.hello["identity"]["name"] == "panel"
        secret.write_text("short")
        said = await reload(gateway, text, NOT_READ)
        assert "auth.jwt.secret_file: the secret is shorter than 32 bytes" in said
        assert (await new.request({"type": "ping"}))["type"] == "pong"
