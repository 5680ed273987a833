"""The headers that every answer has, those of errors included."""

from __future__ import annotations

from aiohttp import web

SERVER = "fieldgate"
HEADERS = {
    "Server": SERVER,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Called by the application right before an answer goes out."""
    if isinstance(response, web.WebSocketResponse):
        # Nothing is shown of it, and each connection would keep them as long as it lasts; this one it has anyway.
        response.headers["Server"] = SERVER
        return
    response.headers.update(HEADERS)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
