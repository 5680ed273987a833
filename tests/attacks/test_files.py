"""Files that come from elsewhere: a configuration may be pasted, and a path may lead away."""

import asyncio
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.errors import ConfigurationError
from gateway.server.pages import WEB
from tests.server.live import Live, Serve

TAGS = [
    "!!python/object/apply:os.system ['touch {stolen}']",
    "!!python/object/new:os.system ['touch {stolen}']",
    "!!python/object/apply:pathlib.Path.touch [{stolen}]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {stolen}']",
    "!include {stolen}",
    "!!binary dG91Y2g=",
    "!!set {{a, b}}",
    "!x {stolen}",
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_yaml_tag_makes_nothing_and_is_an_error(tmp_path: Path, tag: str) -> None:
    stolen = tmp_path / "stolen"
    file = tmp_path / "fieldgate.yaml"
    for text in ("gateway: {{name: {}}}", "gateway: {}", "{}", "x: {}", "adapters: [{}]"):
        file.write_text(text.format(tag.format(stolen=stolen)))
        with pytest.raises(ConfigurationError):
            load(file, {})
        assert not stolen.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
        "/%252e%252e/etc/passwd", "/..\\..\\etc\\passwd", "//etc/passwd", "/./index.html", "/vendor/../index.html",
        "/vendor/%2e%2e/client.js", "/client.js%00.html", "/client.js/", "/client%2ejs", "/CLIENT.JS", "/index.html",
        "/vendor", "/vendor/", "/.", "/..", "/%", "/\u202ecilent.js", "/client.js;x", "file:///etc/passwd",
        "http://127.0.0.1/../../etc/passwd",
    ],
)  # fmt: skip
async def test_a_path_leads_to_a_page_or_nowhere(serve: Serve, path: str) -> None:
    live = await serve()
    status, body = await get(live, path)
    pages = {file.read_bytes() for file in WEB.rglob("*") if file.is_file()}
    assert status in (400, 404) or (status == 200 and body in pages), (status, body[:200])
    assert b"root:" not in body


async def get(live: Live, target: str) -> tuple[int, bytes]:
    """A request as it is written, which no client library has put in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    try:
        host = f"127.0.0.1:{live.port}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(20):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split()[1]), body
    finally:
        writer.close()
        await writer.wait_closed()
