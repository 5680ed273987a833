"""Brokers over TLS: whom the gateway believes, who it is to them, and what it says when one of the two fails."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mqtt.talking import options, refused, talking
from tests.parts.certificates import Authority, Pair
from tests.parts.mosquitto import Mosquitto, Tls

Start = Callable[..., Mosquitto]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    brokers: list[Mosquitto] = []

    def started(pair: Pair, clients: Path | None = None, *, websockets: bool = False) -> Mosquitto:
        folder = tmp_path / f"broker{len(brokers)}"
        folder.mkdir()
        brokers.append(Mosquitto(folder, websockets=websockets, tls=Tls(pair, clients)))
        brokers[-1].start()
        return brokers[-1]

    yield started
    for broker in brokers:
        broker.kill()


def url(broker: Mosquitto, scheme: str = "mqtts", host: str = "127.0.0.1") -> str:
    port = {"mqtt": broker.port, "mqtts": broker.tls_port, "ws": broker.ws_port, "wss": broker.wss_port}[scheme]
    return f"{scheme}://{host}:{port}"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("scheme", ["mqtt", "mqtts", "ws", "wss"])
async def test_messages_come_and_go_over_every_transport(
    authority: Authority, start: Start, scheme: str, version: str
) -> None:
    broker = start(authority.sign(), websockets=True)
    tls = {"ca": str(authority.file)} if scheme in ("mqtts", "wss") else None
    sizes = [0, 1, 100, 125, 126, 1000, 16_384]
    sizes += [] if "w" in scheme else [70_000, 300_000]  # Mosquitto sends 4 KiB of a WebSocket each tenth of a second
    payloads = [b"x" * size for size in sizes]
    async with (
        talking(url(broker, scheme), "there/#", qos=2, version=version, tls=tls) as talk,
        talking(url(broker, scheme), version=version, tls=tls) as other,
    ):
        for number, payload in enumerate(payloads):
            await other.connection.publish(f"there/{number}", payload, qos=number % 3)
        came = await talk.until(len(payloads))
        assert sorted(came) == [(f"there/{number}", payload, False) for number, payload in enumerate(payloads)]
        assert talk.bytes > sum(sizes)


@pytest.mark.parametrize("scheme", ["mqtts", "wss"])
async def test_a_burst_over_tls_comes_whole(authority: Authority, start: Start, scheme: str) -> None:
    """A record that was decrypted makes no descriptor readable: what is left of it must not wait for the next one."""
    broker = start(authority.sign(), websockets=True)
    tls = {"ca": str(authority.file)}
    async with talking(url(broker, scheme), "burst/#", tls=tls) as talk, talking(url(broker), tls=tls) as other:
        for number in range(3):
            for part in range(300):
                assert other.connection.post(f"burst/{number}", b"%05d" % part + b"." * 90)
            await talk.until(300 * (number + 1))
    assert [int(payload[:5]) for _, payload, _ in talk.came] == [*range(300)] * 3


async def test_an_authority_that_is_not_known_is_the_reason(authority: Authority, start: Start, tmp_path: Path) -> None:
    broker = start(authority.sign())
    expected = f"cannot connect to the broker at 127.0.0.1:{broker.tls_port}: "
    expected += "its certificate is signed by an authority that is not known here"
    assert await refused(url(broker)) == expected
    other = Authority(tmp_path / "other")
    assert await refused(url(broker), tls={"ca": str(other.file)}) == expected


async def test_the_brokers_own_certificate_may_be_the_one_that_is_believed(authority: Authority, start: Start) -> None:
    pair = authority.sign()
    async with talking(url(start(pair)), tls={"ca": str(pair.certificate)}):
        pass


async def test_a_certificate_for_another_name_is_the_reason_unless_it_is_the_one_to_verify(
    authority: Authority, start: Start
) -> None:
    broker = start(authority.sign())
    tls = {"ca": str(authority.file)}
    assert (await refused(url(broker), tls=tls | {"verify_name": "broker.example"})).endswith(
        "its certificate is not for broker.example"
    )
    async with talking(url(broker), tls=tls | {"verify_name": "localhost"}):
        pass


async def test_a_certificate_that_has_ended_is_the_reason(authority: Authority, start: Start) -> None:
    broker = start(authority.sign(days=-1))
    assert (await refused(url(broker), tls={"ca": str(authority.file)})).endswith("its certificate has expired")


async def test_a_broker_that_asks_for_a_certificate_gets_ours(
    authority: Authority, start: Start, tmp_path: Path
) -> None:
    broker = start(authority.sign(), authority.file)
    ours, strange = authority.sign("ours"), Authority(tmp_path / "other").sign("strange")
    both = tmp_path / "both.pem"
    both.write_bytes(ours.certificate.read_bytes() + ours.key.read_bytes())
    ca = {"ca": str(authority.file)}
    for given in ({"certificate": str(ours.certificate), "key": str(ours.key)}, {"certificate": str(both)}):
        async with talking(url(broker), "a", tls=ca | given) as talk:
            await talk.connection.publish("b", b"1")
    assert (await refused(url(broker), tls=ca)).endswith(": it asks for a client certificate")
    given = {"certificate": str(strange.certificate), "key": str(strange.key)}
    assert (await refused(url(broker), tls=ca | given)).endswith(": it refuses our certificate")


async def test_plain_where_tls_is_spoken_and_tls_where_plain_is_are_told_apart(
    authority: Authority, start: Start
) -> None:
    broker = start(authority.sign(), websockets=True)
    tls = {"ca": str(authority.file)}
    reason = await refused(f"mqtts://127.0.0.1:{broker.port}", tls=tls)
    assert reason.endswith(
        (": it closed the connection during the TLS handshake", ": it does not speak TLS on this port")
    )
    assert (await refused(f"mqtt://127.0.0.1:{broker.tls_port}")).endswith(
        ": it closed the connection before it answered"
    )
    assert "\n" not in reason


async def test_a_server_that_never_ends_the_handshake_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.mqtt.client._TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        assert (await refused(f"mqtts://{place}")).endswith(": it does not answer")
        assert (await refused(f"ws://{place}")).endswith(": it does not answer")


async def test_files_are_read_anew_by_each_connection(authority: Authority, start: Start, tmp_path: Path) -> None:
    broker = start(authority.sign())
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(Authority(tmp_path / "other").file.read_bytes())
    reason = await refused(url(broker), tls={"ca": str(trusted)})
    assert reason.endswith("not known here")
    given = options(url(broker), tls={"ca": str(trusted)})
    trusted.write_bytes(authority.file.read_bytes())
    async with given.broker("the-tests").connect(lambda *message: None):
        pass
    trusted.unlink()
    with pytest.raises(Exception, match=f"the certificate of an authority {trusted} cannot be read: No such file"):
        async with given.broker("the-tests").connect(lambda *message: None):
            pass
