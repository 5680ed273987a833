"""The dashboard's files: read once at the start, served by name, so that no path can lead outside."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from aiohttp import web

_PART = 8 * 1024  # bytes of a file handed over at once: a visitor who does not read holds no more of our memory
_DRAIN_POLL = 0.05  # seconds

WEB = Path(__file__).parent.parent / "web"

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


class Pages:
    """Every file below `folder` by its path; `index.html` is `/`."""

    def __init__(self, folder: Path = WEB) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix in _TYPES:
                body = file.read_bytes()
                path = "/" + file.relative_to(folder).as_posix()
                tag = hashlib.sha256(body).hexdigest()[:16]
                self._files["/" if path == "/index.html" else path] = body, _TYPES[file.suffix], tag

    def routes(self) -> list[web.RouteDef]:
        """A route for each file."""
        return [web.get(path, self.handle) for path in self._files]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The file, or that it has not changed."""
        body, content_type, tag = self._files[request.path]
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304, headers=headers)
        response = web.StreamResponse(headers=headers)
        response.content_type = content_type
        response.charset = "utf-8" if content_type.startswith("text/") else None
        response.content_length = len(body)
        await response.prepare(request)
        if request.method != "HEAD":
            for start in range(0, len(body), _PART):
                await response.write(body[start : start + _PART])
                while request.transport is not None and _unsent(request.transport) > _PART:
                    await asyncio.sleep(_DRAIN_POLL)
        await response.write_eof()
        return response


def _unsent(transport: asyncio.Transport | asyncio.BaseTransport) -> int:
    return transport.get_write_buffer_size() if isinstance(transport, asyncio.Transport) else 0
