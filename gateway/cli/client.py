"""A client of `fieldgate.v1` and of the HTTP API: the one file of the command line that meets aiohttp."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from gateway.errors import FieldgateError

PROTOCOL = "fieldgate.v1"
_TIMEOUT = 10.0  # seconds to connect, and for an answer
_MAX_FRAME = 16 << 20  # bytes
_LONGEST_PAUSE = 30.0  # seconds that a server may ask for
_PAUSE_AFTER_TOO_MANY = 5.0  # seconds, after close code 4429

Frame = dict[str, Any]

# Close codes after which trying again is no use, with what to tell the person.
_STOP = {
    1003: "the gateway does not understand this client",
    1007: "the gateway does not understand this client",
    1009: "the gateway says that the message is too large",
    4400: "the gateway does not understand this client",
    4401: "the gateway does not accept the token",
    4403: "the token was revoked",
    4410: "the token has expired",
}
_LOST = {
    1001: "the gateway is stopping",
    1011: "the gateway had an internal error",
    4408: "the gateway heard nothing from here",
    4413: "what the gateway sent was not read fast enough",
    4429: "the gateway says that there were too many requests",
}
_WITHOUT = "the gateway needs a token: set FIELDGATE_TOKEN, or give --token"


class LostError(FieldgateError):
    """There is no connection (any more), and trying again may help, in `pause` seconds at the earliest."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class StopError(FieldgateError):
    """There is no connection (any more), and trying again is no use."""


class RefusedError(FieldgateError):
    """The gateway refuses a request, with the protocol's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """A gateway's address without a slash at its end, the token for it, and how its certificate is judged."""

    url: str
    token: str | None = field(default=None, repr=False)
    trust: ssl.SSLContext | bool = True

    @classmethod
    def parse(cls, url: str, token: str | None, ca: Path | None = None) -> Self:
        """The address in an `http:` or `https:` URL; `ca` has the authorities to trust, in PEM form.

        Raises ValueError saying what is expected.
        """
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not the address of a gateway, such as http://127.0.0.1:8080")
        if token is not None and not (token.isascii() and token.isprintable()):
            raise ValueError("a token holds no such characters")
        return cls(url.rstrip("/"), token or None, True if ca is None else _trust(ca))


class Connection:
    """A connection that was greeted and is authenticated."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._aside: deque[Frame] = deque()  # what came while a reply was awaited
        self._patience = _TIMEOUT

    async def greet(self, token: str | None) -> None:
        """Hears the server's hello and authenticates; raises StopError where it wants another token."""
        hello = await self._read()
        if hello.get("type") != "hello" or hello.get("protocol") != PROTOCOL:
            raise StopError(f"what answers there does not speak {PROTOCOL}")
        self._patience = max(1.0, 2.0 * float(hello["heartbeat"]))
        if token is not None:
            try:
                await self.request("auth", token=token)
            except RefusedError as error:
                if error.code == "rate_limited":  # the token may be right: it was not looked at
                    raise LostError(str(error), _PAUSE_AFTER_TOO_MANY) from error
                raise StopError(_STOP[4401]) from error
        elif hello.get("auth") != "ok":
            raise StopError(_WITHOUT)

    async def request(self, kind: str, **members: Any) -> Frame:
        """The server's `ok` to a request; raises RefusedError, LostError or StopError."""
        id = next(self._ids)
        try:
            await self._socket.send_str(orjson.dumps({"type": kind, "id": id, **members}).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise LostError("the connection broke") from error
        while True:
            frame = await self._read()
            if frame.get("id") == id and frame["type"] == "ok":
                return frame
            if frame.get("id") == id and frame["type"] == "error":
                raise RefusedError(str(frame.get("code")), str(frame.get("message")))
            self._aside.append(frame)

    async def receive(self) -> Frame:
        """The next frame that is not a reply; raises LostError or StopError when there is none to come."""
        return self._aside.popleft() if self._aside else await self._read()

    async def _read(self) -> Frame:
        try:
            message = await self._socket.receive(timeout=self._patience)
        except TimeoutError as error:
            raise LostError(f"nothing was heard from the gateway for {self._patience:g} s") from error
        if message.type is aiohttp.WSMsgType.TEXT:
            try:
                frame = orjson.loads(message.data)
            except orjson.JSONDecodeError:
                frame = None
            if isinstance(frame, dict) and isinstance(frame.get("type"), str):
                return frame
            raise StopError(f"what answers there does not speak {PROTOCOL}")
        # The library's own code turns to 1006 when its answer to the close frame finds nobody.
        said = message.data if message.type is aiohttp.WSMsgType.CLOSE else self._socket.close_code
        if said in _STOP:
            raise StopError(_STOP[said])
        pause = _PAUSE_AFTER_TOO_MANY if said == 4429 else 0.0
        raise LostError(_LOST.get(said or 0, "the connection broke"), pause)


@asynccontextmanager
async def connect(address: Address) -> AsyncIterator[Connection]:
    """A connection to the gateway, for as long as the block runs; raises LostError or StopError."""
    async with aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(_TIMEOUT):
                socket = await session.ws_connect(
                    f"{address.url}/ws",
                    ssl=address.trust,
                    protocols=(PROTOCOL,),
                    max_msg_size=_MAX_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            raise _refused(address, error.status, error.headers) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(address, error) from error
        try:
            connection = Connection(socket)
            await connection.greet(address.token)
            yield connection
        finally:
            await socket.close()


async def fetch(address: Address, *path: str) -> Any:
    """What the HTTP API answers to a GET of `/api/v1/…`; raises RefusedError, LostError or StopError."""
    url = "/".join((address.url, "api/v1", *(quote(part, safe="") for part in path)))
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT)) as session,
            session.get(url, headers=headers, ssl=address.trust, allow_redirects=False) as response,
        ):
            status, body = response.status, await response.read()
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _failed(address, error) from error
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if status == 200 and answer is not None:
        return answer
    if status == 401:
        raise StopError(_STOP[4401] if address.token else _WITHOUT)
    if isinstance(answer, dict) and "code" in answer and status < 500:
        raise RefusedError(str(answer["code"]), str(answer.get("detail")))
    raise _refused(address, status, {})


def _refused(address: Address, status: int, headers: Any) -> FieldgateError:
    """What an HTTP status that is no success means."""
    if status in (429, 503):
        asked = str((headers or {}).get("Retry-After", ""))
        pause = min(float(asked), _LONGEST_PAUSE) if asked.isdecimal() else 0.0
        return LostError(f"the gateway at {address.url} takes no more connections just now", pause)
    if status >= 500:
        return LostError(f"{address.url} answers with HTTP status {status}")
    if status == 403:
        return StopError(f"{address.url} refuses the connection: without `auth` it serves this machine only")
    return StopError(f"{address.url} is not a gateway: it answers with HTTP status {status}")


def _trust(ca: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ValueError(f"{ca} holds no certificate in PEM form") from error
    except OSError as error:
        raise ValueError(f"{ca} cannot be read: {error.strerror}") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the gateway's own certificate may be named, too
    return context


def _failed(address: Address, error: Exception) -> FieldgateError:
    """A connection that did not come about, as something to try again or not."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or "it cannot be verified"
        hint = "--ca FILE or FIELDGATE_CA names its authority"
        return StopError(f"{address.url} shows a certificate that is not trusted: {why} ({hint})")
    if isinstance(error, aiohttp.ClientSSLError):
        return StopError(f"{address.url} does not speak TLS: is it an http:// address?")
    return LostError(_unreachable(address, error))


def _unreachable(address: Address, error: Exception) -> str:
    """The error as a person reads it."""
    if isinstance(error, TimeoutError):
        return f"{address.url} does not answer"
    if isinstance(error, ConnectionRefusedError) or isinstance(
        getattr(error, "os_error", None), ConnectionRefusedError
    ):
        return f"nothing listens at {address.url}: is the gateway running?"
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if number is not None and number > 0 else str(error) or type(error).__name__
    return f"cannot connect to {address.url}: {reason.splitlines()[0]}"
