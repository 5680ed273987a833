"""TLS: which handshakes are taken, and how a certificate is replaced under connections that stand."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.parts.certificates import Authority, Pair
from tests.parts.waiting import eventually
from tests.server.live import Live, Serve

WITHIN = 20.0  # seconds


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[str], bool]:
    """Whether the log says this."""
    caplog.set_level(logging.INFO)
    return lambda text: any(text in record.getMessage() for record in caplog.records)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


async def serial_shown(live: Live, authority: Authority) -> str:
    """The serial number of the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", live.port, ssl=trusting(authority))
    try:
        return str(writer.get_extra_info("peercert")["serialNumber"])
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def put(pair: Pair, new: Pair) -> None:
    """Writes a new pair in the place of the old one, one file after the other."""
    pair.certificate.write_bytes(new.certificate.read_bytes())
    pair.key.write_bytes(new.key.read_bytes())


async def test_pages_api_and_websocket_are_served_over_tls(serve: Serve, authority: Authority) -> None:
    live = await serve(server={"tls": authority.sign().section()})
    assert live.url.startswith("https://127.0.0.1:")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(authority))) as session:
        async with session.get(live.url) as page:
            assert page.status == 200
        async with session.get(f"{live.url}/api/v1/devices") as answer:
            assert [device["id"] for device in await answer.json()] == ["bench", "attic"]
        async with session.ws_connect(live.ws_url, origin=live.url) as socket:
            assert (await socket.receive_json(timeout=10))["type"] == "hello"
            await socket.send_json({"type": "subscribe", "id": 1, "devices": ["bench"]})
            assert (await socket.receive_json(timeout=10))["type"] == "ok"
            assert (await socket.receive_json(timeout=10))["type"] == "snapshot"
            live.say("bench", {"temperature": 21.5})
            assert (await socket.receive_json(timeout=10))["readings"][0]["values"] == {"temperature": 21.5}
    await eventually(
        lambda: live.gateway.server.entrance.connections == 0, WITHIN, "every connection being counted out"
    )


async def test_a_request_in_one_packet_with_the_end_of_the_handshake_is_answered(
    serve: Serve, authority: Authority
) -> None:
    live = await serve(server={"tls": authority.sign().section()})
    loop = asyncio.get_running_loop()

    def ask() -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", live.port), timeout=WITHIN) as plain:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))
            tls.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            plain.sendall(outgoing.read())  # the last message of the handshake and the request
            answer = b""
            while b"alive" not in answer:
                data = plain.recv(65536)
                assert data, "closed without an answer"
                incoming.write(data)
                with suppress(ssl.SSLWantReadError):
                    while part := tls.read():
                        answer += part
            return answer

    assert (await loop.run_in_executor(None, ask)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken_with_http_1(
    serve: Serve, authority: Authority, version: ssl.TLSVersion
) -> None:
    live = await serve(server={"tls": authority.sign().section()})
    context = trusting(authority)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", live.port, ssl=context)
    tls = writer.get_extra_info("ssl_object")
    assert (tls.version(), tls.selected_alpn_protocol()) == (version.name.replace("_", "."), "http/1.1")
    writer.close()
    await writer.wait_closed()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_what_is_older_than_tls_1_2_is_refused(serve: Serve, authority: Authority) -> None:
    live = await serve(server={"tls": authority.sign().section()})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):  # noqa: PT011 - an alert or a reset, by the version of OpenSSL
        await asyncio.open_connection("127.0.0.1", live.port, ssl=context)


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
async def test_who_does_not_speak_tls_is_let_go_without_a_word_in_the_log(
    serve: Serve, authority: Authority, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    live = await serve(server={"tls": authority.sign().section(), "limits": {"head_time": 0.3}})
    caplog.clear()
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    entrance = live.gateway.server.entrance
    writer.write(sent)
    async with asyncio.timeout(WITHIN):
        with suppress(ConnectionError):
            assert not (await reader.read()).startswith(b"HTTP")
    writer.close()
    await eventually(lambda: entrance.connections == 0, WITHIN, "its end being counted")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_handshake_counts_as_a_connection_of_its_address(serve: Serve, authority: Authority) -> None:
    """Otherwise silent connections could use up the descriptors before anybody looks at them."""
    live = await serve(server={"tls": authority.sign().section(), "max_connections_per_address": 1})
    entrance = live.gateway.server.entrance
    opened: list[asyncio.StreamWriter] = []
    try:
        async with asyncio.timeout(WITHIN):
            while not entrance.turned_away:
                opened.append((await asyncio.open_connection("127.0.0.1", live.port))[1])
                await asyncio.sleep(0)
        await eventually(lambda: entrance.connections == 65, WITHIN, "as many handshakes as one address may have")
    finally:
        for writer in opened:
            writer.transport.abort()
    await eventually(lambda: entrance.connections == 0, WITHIN, "their end being counted")
    assert await serial_shown(live, authority)


async def test_a_stop_ends_handshakes_that_are_under_way(serve: Serve, authority: Authority) -> None:
    live = await serve(server={"tls": authority.sign().section()})
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    await eventually(lambda: live.gateway.server.entrance.connections == 1, WITHIN, "the connection")
    await live.stop()
    async with asyncio.timeout(WITHIN):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_a_renewed_certificate_is_shown_to_new_connections_and_the_old_ones_go_on(
    serve: Serve, authority: Authority, said: Callable[[str], bool]
) -> None:
    pair = authority.sign()
    live = await serve(server={"tls": pair.section()})
    before = await serial_shown(live, authority)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(authority))) as session,
        session.ws_connect(live.ws_url) as socket,
    ):
        assert (await socket.receive_json(timeout=10))["type"] == "hello"
        put(pair, authority.sign("renewed"))
        await eventually(lambda: said("now using the certificate"), WITHIN, "the renewal")
        assert await serial_shown(live, authority) != before
        await socket.send_json({"type": "ping", "id": 1})
        assert (await socket.receive_json(timeout=10))["type"] == "pong"


async def test_links_that_point_elsewhere_are_a_renewal(
    serve: Serve, authority: Authority, said: Callable[[str], bool], tmp_path: Path
) -> None:
    """As certbot and Kubernetes do it."""
    first, second = authority.sign("first"), authority.sign("second")
    live_folder = tmp_path / "live"
    for pair in (first, second):
        folder = tmp_path / pair.certificate.stem
        folder.mkdir()
        pair.certificate.rename(folder / "tls.crt")
        pair.key.rename(folder / "tls.key")
    live_folder.symlink_to(tmp_path / "first")
    tls = {"certificate": str(live_folder / "tls.crt"), "key": str(live_folder / "tls.key")}
    live = await serve(server={"tls": tls})
    before = await serial_shown(live, authority)
    other = tmp_path / "other"
    other.symlink_to(tmp_path / "second")
    other.rename(live_folder)
    await eventually(lambda: said("now using the certificate"), WITHIN, "the renewal")
    assert await serial_shown(live, authority) != before


@pytest.mark.parametrize("how", ["mismatched", "damaged", "gone"])
async def test_a_new_pair_that_cannot_be_used_is_said_once_and_the_old_one_stays(
    serve: Serve, authority: Authority, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    pair = authority.sign()
    live = await serve(server={"tls": pair.section()})
    before = await serial_shown(live, authority)
    kept = pair.key.read_bytes()
    if how == "mismatched":
        pair.key.write_bytes(authority.sign("other").key.read_bytes())
    elif how == "damaged":
        pair.key.write_bytes(kept[:100])
    else:
        pair.key.unlink()

    def errors() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]

    await eventually(errors, WITHIN, "the error")
    assert "the changed certificate is not used, the one before stays: " in errors()[0]
    assert await serial_shown(live, authority) == before
    put(pair, authority.sign("mended"))
    seen = live.gateway.server.certificates
    assert seen is not None
    old = seen.context
    await eventually(lambda: seen.context is not old, WITHIN, "the pair that was mended")
    assert len(errors()) == 1
    assert await serial_shown(live, authority) != before


@pytest.mark.parametrize(
    ("days", "warning"),
    [
        (40.0, None),
        (9.5, "ends in 9 days, on "),
        (-1.0, "clients will refuse the certificate "),
    ],
)
async def test_a_certificate_that_ends_soon_is_said_at_the_start_and_served(
    serve: Serve, authority: Authority, caplog: pytest.LogCaptureFixture, days: float, warning: str | None
) -> None:
    """Also one that ended: a gateway may start before its clock is right."""
    live = await serve(server={"tls": authority.sign(days=days).section()})
    warnings = [record.getMessage() for record in caplog.records if record.name == "gateway.server.tls"]
    warnings = [text for text in warnings if not text.startswith("using ")]
    assert warnings == [] if warning is None else warning in warnings[0]
    context = trusting(authority)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with aiohttp.ClientSession() as session, session.get(f"{live.url}/healthz", ssl=context) as answer:
        assert answer.status == 200


async def test_a_key_that_everybody_may_read_is_said(
    serve: Serve, authority: Authority, said: Callable[[str], bool]
) -> None:
    pair = authority.sign()
    pair.key.chmod(0o644)
    await serve(server={"tls": pair.section()})
    assert said(f"every user of this machine may read the private key {pair.key}")


async def test_a_client_that_does_not_read_is_dealt_with_as_without_tls(serve: Serve, authority: Authority) -> None:
    """What was encrypted and not taken counts as unsent: the client falls behind, and memory does not grow with it."""
    live = await serve(server={"tls": authority.sign().section()}, log={"keep_readings": 1000})
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(authority))) as session,
        session.ws_connect(live.ws_url, max_msg_size=0) as socket,
    ):
        await socket.receive_json(timeout=10)
        await socket.send_json({"type": "subscribe", "id": 1, "devices": ["*"]})
        await socket.receive_json(timeout=10)
        transport: Any = socket.get_extra_info("socket")
        assert transport is not None
        socket._conn.transport.pause_reading()  # type: ignore[union-attr]
        for number in range(6000):
            live.say("bench", {"temperature": float(number), "label": "x" * 1000})
            if number % 20 == 0:
                await asyncio.sleep(0)
        (peer,) = live.gateway.server.sockets._peers
        assert peer.backlog() < 400_000
        socket._conn.transport.resume_reading()  # type: ignore[union-attr]
        kinds = set()
        async with asyncio.timeout(WITHIN):
            while "gap" not in kinds:
                kinds.add((await socket.receive_json(timeout=10))["type"])


async def test_a_connection_may_be_closed_by_each_who_is_done_with_it(serve: Serve, authority: Authority) -> None:
    """The loop's own transport forgets its connection at a second close, and fails at the next question."""
    live = await serve(server={"tls": authority.sign().section()})
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(authority))) as session,
        session.ws_connect(live.ws_url) as socket,
    ):
        await socket.receive_json(timeout=10)
        (peer,) = live.gateway.server.sockets._peers
        for _ in range(3):
            peer.finish()
            assert peer.backlog() >= 0
        live.gateway.server.entrance.sweep()
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSED
    await eventually(lambda: live.connections == 0, WITHIN, "its end")


async def test_a_connection_holds_no_quarter_of_a_megabyte(serve: Serve, authority: Authority) -> None:
    """The loop's own buffer for reading TLS is that large."""
    live = await serve(
        server={"tls": authority.sign().section(), "max_connections_per_address": 500, "limits": {"head_time": 60}}
    )
    entrance = live.gateway.server.entrance

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    silent = [await asyncio.open_connection("127.0.0.1", live.port) for _ in range(50)]
    await eventually(lambda: entrance.connections == 50, WITHIN, "the first connections")
    before = resident()
    silent += [await asyncio.open_connection("127.0.0.1", live.port) for _ in range(200)]
    await eventually(lambda: entrance.connections == 250, WITHIN, "the connections")
    each = (resident() - before) / 200  # both ends of it
    for _, writer in silent:
        writer.transport.abort()
    assert each < 128 * 1024
