"""The dashboard over TLS: what it loads and whom it connects to is secured like itself."""

from pathlib import Path

from playwright.async_api import Browser, expect

from device_sims.fixtures import SerialBoardFactory
from tests.browser.bench import Dashboard, configuration
from tests.parts.certificates import Authority
from tests.parts.gateway import StartGateway


async def test_it_goes_live_over_tls(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, browser: Browser, tmp_path: Path
) -> None:
    board = await serial_board(rate=10)
    pair = Authority(tmp_path / "pki").sign()
    tls = f"server: {{tls: {{certificate: {pair.certificate}, key: {pair.key}}}}}"
    gateway = await gateway_process(configuration({"greenhouse": board.link}, more=tls))
    assert gateway.url.startswith("https://")
    context = await browser.new_context(ignore_https_errors=True)  # nobody knows the authority of a test
    page = Dashboard(await context.new_page())
    sockets: list[str] = []
    page.page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.page.goto(gateway.url)
    await expect(page.lamp).to_have_text("Live")
    await expect(page.value("greenhouse", "temperature")).to_contain_text(".")
    await page.switch("greenhouse", "fan").click()
    await expect(page.fate("greenhouse", "fan")).to_have_attribute("data-fate", "done")
    assert sockets == [gateway.ws_url]
    assert gateway.ws_url.startswith("wss://")
    assert page.complaints == []
