"""A client of `fieldgate.v1` that reads only when it is asked to, so that a test decides who is slow."""

# ruff: noqa: ASYNC109 - every wait names its deadline where it is called

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NoReturn

import aiohttp

from tests.parts.waiting import DeadlineError

Frame = dict[str, Any]

_REPLIES = frozenset({"ok", "error", "pong"})
_MOST_ASIDE = 100_000  # frames


class ClosedError(Exception):
    """The server closed the connection, with `code`, before the frame that was waited for."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Client:
    """One connection. Frames that are not asked for are kept aside, in order, for later calls."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._aside: deque[Frame] = deque()
        self._code: int | None = None
        self.hello: Frame = {}

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server selected."""
        return self._socket.protocol

    @property
    def closed_code(self) -> int | None:
        """Why the connection closed, None while it is open as far as was read; 1006 when it broke off."""
        return self._code

    async def send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message, allow_nan=False))

    async def send_raw(self, frame: str | bytes) -> None:
        """A text or binary frame as it is, well formed or not."""
        if isinstance(frame, str):
            await self._socket.send_str(frame)
        else:
            await self._socket.send_bytes(frame)

    async def request(self, message: Mapping[str, Any], timeout: float = 5.0) -> Frame:
        """Sends the message with an `id` and gives the reply to it, whether `ok`, `error` or `pong`."""
        request = {"id": f"r{next(self._ids)}", **message}
        await self.send(request)
        return await self.until(
            lambda frame: frame.get("id") == request["id"] and frame["type"] in _REPLIES,
            timeout,
            f"the reply to {request}",
        )

    async def next(self, kind: str, timeout: float = 5.0) -> Frame:
        """The next frame of this type."""
        return await self.until(lambda frame: frame["type"] == kind, timeout, f"a frame of type {kind}")

    async def until(self, predicate: Callable[[Frame], bool], timeout: float = 5.0, what: str = "the frame") -> Frame:
        """The next frame for which the predicate holds; DeadlineError after `timeout` seconds, or ClosedError."""
        for index, frame in enumerate(self._aside):
            if predicate(frame):
                del self._aside[index]
                return frame
        try:
            # One deadline for all the frames on the way to the one that counts.
            async with asyncio.timeout(timeout):
                while not predicate(frame := await self._read()):
                    assert len(self._aside) < _MOST_ASIDE, "too many frames that nobody asks for"
                    self._aside.append(frame)
        except TimeoutError as error:
            seen = [f["type"] for f in self._aside]
            raise DeadlineError(f"{what} did not come within {timeout:g} s; aside: {seen[-20:]}") from error
        return frame

    async def wait_closed(self, timeout: float = 5.0) -> int | None:
        """The close code, once the server has closed; frames before the end are kept aside."""
        try:
            await self.until(lambda _: False, timeout, "the end of the connection")
        except ClosedError as error:
            return error.code
        raise AssertionError("unreachable")

    def aside(self, kind: str | None = None) -> list[Frame]:
        """The frames kept aside so far, of this type or of all."""
        return [frame for frame in self._aside if kind in (None, frame["type"])]

    async def _read(self) -> Frame:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            if self._code is None:
                # `close_code` alone would lie: it turns to 1006 when the answer to the close frame finds no peer.
                closed = message.type is aiohttp.WSMsgType.CLOSE
                self._code = message.data if closed else self._socket.close_code
            raise ClosedError(self._code)
        frame = json.loads(message.data, parse_constant=_refuse)
        assert isinstance(frame, dict), f"not an object: {message.data!r}"
        assert isinstance(frame.get("type"), str), f"without a type: {message.data!r}"
        return frame


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"the server sent {constant}, which is not JSON")


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    protocols: Sequence[str] = ("fieldgate.v1",),
) -> AsyncIterator[Client]:
    """A client whose `hello` has come. `token` goes into the `Authorization` header."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    closing = aiohttp.ClientWSTimeout(ws_close=2.0)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=sent, protocols=protocols, max_msg_size=0, timeout=closing) as socket,
    ):
        client = Client(socket)
        client.hello = await client.next("hello")
        yield client
