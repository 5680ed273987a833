"""Tokens that end, against a real gateway: renewed in place, fetched anew, or asked for."""

import time
from typing import Any

import jwt
from playwright.async_api import Page, expect

from device_sims.fixtures import SerialBoardFactory
from tests.browser.bench import configuration
from tests.browser.conftest import OpenDashboard
from tests.browser.test_client_resume import NOTE_SOCKETS, heard_beyond
from tests.parts.gateway import StartGateway

SECRET = "a secret of the tests, of thirty-two bytes at least"
AUTH = f"auth: {{jwt: {{algorithm: HS256, secret: {SECRET!r}, audience: fieldgate}}}}"
# A client of its own in the dashboard's page, whose tokens come from `nextToken`.
LISTEN = """async () => {
    const { connect } = await import("/client.js");
    window.heard = { sequence: [], events: [], states: [] };
    window.sockets.length = 0;
    window.gateway = connect({ token: () => nextToken() });
    gateway.on("status", ({ state }) => heard.states.push(state));
    gateway.subscribe(["greenhouse"], { points: ["sequence"] }, {
      snapshot: () => heard.events.push("snapshot"),
      update: ({ readings }) => heard.sequence.push(...readings.map((reading) => reading.values.sequence)),
      gap: ({ reason }) => heard.events.push(reason),
    });
    await gateway.ready();
}"""


def signed(seconds: float) -> str:
    """A token for `visitor` that ends so soon."""
    claims = {"sub": "visitor", "aud": "fieldgate", "exp": time.time() + seconds, "read": ["*"], "command": ["*"]}
    return jwt.encode(claims, SECRET, "HS256")


class Issuer:
    """Gives the page tokens that live so long, one after the other, and then always like the last."""

    def __init__(self, *lives: float | None) -> None:
        self._lives = list(lives)
        self.asked = 0

    async def next(self) -> str | None:
        life = self._lives[min(self.asked, len(self._lives) - 1)]
        self.asked += 1
        return None if life is None else signed(life)


async def listening(page: Page, issuer: Issuer) -> None:
    await page.context.expose_function("nextToken", issuer.next)
    await page.add_init_script(NOTE_SOCKETS)
    await page.reload()
    await page.evaluate(LISTEN)


def without_a_hole(heard: Any) -> bool:
    first = heard["sequence"][0]
    return bool(heard["sequence"] == list(range(first, first + len(heard["sequence"]))))


async def test_a_token_is_renewed_on_the_connection_that_stands(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=20)
    gateway = await gateway_process(configuration({"greenhouse": board.link}, more=AUTH))
    page = (await dashboard(gateway.url)).page
    issuer = Issuer(62.0, 3600.0)
    await listening(page, issuer)
    await page.wait_for_function("() => gateway.identity.expires > Date.now() / 1000 + 1000", timeout=30_000)
    heard = await heard_beyond(page, 20)
    assert issuer.asked == 2
    assert await page.evaluate("sockets.length") == 1
    assert heard["states"] == ["connecting", "online", "online"]
    assert heard["events"] == ["snapshot"]
    assert without_a_hole(heard)


async def test_a_token_that_ended_is_fetched_anew_and_nothing_is_missed(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=20)
    gateway = await gateway_process(configuration({"greenhouse": board.link}, more=AUTH))
    page = (await dashboard(gateway.url)).page
    issuer = Issuer(4.0, None, 3600.0)  # asked in time, it has none: the connection ends with its token
    await listening(page, issuer)
    await page.wait_for_function("() => gateway.identity.expires > Date.now() / 1000 + 1000", timeout=30_000)
    heard = await heard_beyond(page, await page.evaluate("heard.sequence.length") + 10)
    assert issuer.asked == 3
    assert await page.evaluate("sockets.length") == 2
    assert "waiting" in heard["states"]
    assert heard["events"] == ["snapshot"]
    assert without_a_hole(heard)


async def test_the_dashboard_says_that_its_token_expired_and_takes_another(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}, more=AUTH))
    page = await dashboard(gateway.url, width=360, height=740)
    dialog = page.page.get_by_role("dialog", name="Access token")
    field = page.page.get_by_label("Token", exact=True)
    await field.fill(signed(5.0))
    await field.press("Enter")
    await expect(page.lamp).to_have_text("Live")
    await expect(page.page.locator("#account")).to_have_text("visitor")
    await expect(page.page.locator(".notice")).to_contain_text("The token expires at")
    await expect(dialog).to_contain_text("The token expired. Use another one to go on.", timeout=20_000)
    await expect(page.card("greenhouse")).to_be_visible()
    assert await page.page.evaluate("document.documentElement.scrollWidth") == 360
    await field.fill(signed(3600.0))
    await field.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.lamp).to_have_text("Live")
    await expect(page.page.locator(".notice")).to_have_count(0)
