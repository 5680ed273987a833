"""The dashboard's files: read once at the start, served by name, so that no path can lead outside."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aiohttp import web

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

    async def handle(self, request: web.Request) -> web.Response:
        """The file, or that it has not changed."""
        body, content_type, tag = self._files[request.path]
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if content_type.startswith("text/") else None
        return web.Response(body=body, content_type=content_type, charset=charset, headers=headers)
