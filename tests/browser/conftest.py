"""A real Chromium, driven by playwright."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page, Route, async_playwright, expect

from tests.browser.bench import Dashboard, open_dashboard

CHROMIUM_NAMES = ("chromium", "chromium-browser")
MISSING = (
    "the dashboard's tests need Chromium and found none of "
    f"{', '.join(CHROMIUM_NAMES)} on PATH: install the system's chromium package"
)
# No sandbox, because test machines often run as root; nothing that calls out by itself.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Generous, for busy machines: what has to be quick says so in its test.
expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The system's Chromium; its absence is a failure, never a skip."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    pytest.fail(MISSING)


@pytest.fixture
async def browser(chromium_path: Path) -> AsyncIterator[Browser]:
    """A browser of this test's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class OpenDashboard(Protocol):
    """What the fixture `dashboard` gives."""

    async def __call__(self, url: str, *, width: int = ..., height: int = ..., dark: bool = ...) -> Dashboard:
        """The dashboard at `url`, in a window of this size (CSS pixels)."""


RunClient = Callable[[str], Awaitable[Any]]
"""Runs the body of an async JavaScript function beside client.js, and gives what it returns."""

RUN_WITHIN = 10.0  # seconds
WEB = Path(__file__).parents[2] / "gateway" / "web"
FAKES = Path(__file__).with_name("fakes.js")
PAGE = "http://127.0.0.1/"  # answered inside the browser, from files; nothing listens there
IMPORTS = """
import * as client from "/client.js";
import * as fakes from "/fakes.js";
Object.assign(window, fakes, client, { imported: true });
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client_page(chromium_path: Path) -> AsyncIterator[Page]:
    """One page for all tests of client.js, in which every name of that file and of fakes.js is at hand."""

    async def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/")
        if name == "":
            await route.fulfill(body="<!doctype html><title>client</title>", content_type="text/html")
        else:
            await route.fulfill(path=FAKES if name == FAKES.name else WEB / name, content_type="text/javascript")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        try:
            page = await browser.new_page()
            await page.route(f"{PAGE}**", serve)
            await page.goto(PAGE)
            await page.add_script_tag(content=IMPORTS, type="module")
            await page.wait_for_function("window.imported")
            yield page
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def run_client(client_page: Page) -> AsyncIterator[RunClient]:
    """Runs JavaScript in that page; an error that nothing in it caught fails the test."""
    errors: list[str] = []

    def note(error: Error) -> None:
        errors.append(str(error))

    async def run(body: str) -> Any:
        async with asyncio.timeout(RUN_WITHIN):  # a promise that never resolves is a failure, not a pause
            return await client_page.evaluate(f"async () => {{ {body} }}")

    client_page.on("pageerror", note)
    yield run
    client_page.remove_listener("pageerror", note)
    assert errors == []


@pytest.fixture
async def dashboard(browser: Browser) -> AsyncIterator[OpenDashboard]:
    """Opens dashboards: `page = await dashboard(url)`.

    A complaint in a console, such as a broken content policy, fails the test.
    """
    opened: list[Dashboard] = []

    async def start(url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Dashboard:
        opened.append(await open_dashboard(browser, url, width=width, height=height, dark=dark))
        return opened[-1]

    yield start
    assert [complaint for page in opened for complaint in page.complaints] == []
