"""A TCP relay between a client and a gateway, whose connections can be cut while both ends live."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Relay:
    """Listens on a free loopback port and passes everything on to `target`, the port of a gateway."""

    def __init__(self) -> None:
        self.target = 0
        self.connections = 0  # taken since the start
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def url_for(self, gateway: str) -> str:
        """The address under which the gateway at this address is reached through the relay."""
        self.target = int(gateway.rpartition(":")[2])
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Breaks every connection that there is; new ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        ends = {writer}
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            ends.add(back)
            self._writers |= ends
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass(reader, back), name="relay:there")
                group.create_task(_pass(there, writer), name="relay:back")
        except ConnectionError:
            pass
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
