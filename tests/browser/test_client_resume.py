"""client.js against a real gateway: readings without a hole, or a declared gap."""

from typing import Any

from playwright.async_api import Page, expect

from device_sims.faults import Silence
from device_sims.fixtures import SerialBoardFactory
from tests.browser.bench import configuration
from tests.browser.conftest import OpenDashboard
from tests.parts.gateway import StartGateway

# Every socket that the page opens is noted, so that a test can break it.
NOTE_SOCKETS = """
    window.sockets = [];
    const Original = WebSocket;
    window.WebSocket = class extends Original {
      constructor(...given) { super(...given); window.sockets.push(this); }
    };
"""
# A client of its own in the dashboard's page, which notes the sequence that the board counts in each reading.
LISTEN = """async () => {
    const { connect } = await import("/client.js");
    window.heard = { sequence: [], events: [] };
    window.gateway = connect();
    gateway.subscribe(["greenhouse"], { points: ["sequence"] }, {
      snapshot: () => heard.events.push("snapshot"),
      update: ({ readings }) => heard.sequence.push(...readings.map((reading) => reading.values.sequence)),
      gap: ({ reason }) => heard.events.push(reason),
    });
    await gateway.ready();
}"""


async def heard_beyond(page: Page, count: int) -> Any:
    """What was noted, once it holds `count` readings."""
    await page.wait_for_function("(count) => heard.sequence.length >= count", arg=count)
    return await page.evaluate("heard")


async def test_a_dropped_connection_resumes_without_a_hole(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=50)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    opened = await dashboard(gateway.url)
    page = opened.page
    await page.add_init_script(NOTE_SOCKETS)
    await page.reload()
    await expect(opened.lamp).to_have_text("Live")
    await page.evaluate(LISTEN)
    heard = await heard_beyond(page, 10)
    for _ in range(3):
        await page.evaluate("sockets.forEach((socket) => socket.close())")
        await page.evaluate("gateway.ready()")
        heard = await heard_beyond(page, len(heard["sequence"]) + 30)
    first = heard["sequence"][0]
    assert heard["sequence"] == list(range(first, first + len(heard["sequence"])))
    assert heard["events"] == ["snapshot"]
    await expect(opened.lamp).to_have_text("Live")
    await expect(page.locator(".notice")).to_have_count(0)


async def test_a_restarted_gateway_declares_the_gap(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=20)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = (await dashboard(gateway.url)).page
    await page.evaluate(LISTEN)
    await heard_beyond(page, 5)
    await gateway.restart()
    await page.wait_for_function("() => heard.events.length >= 3")
    assert await page.evaluate("heard.events") == ["snapshot", "not_recovered", "snapshot"]


async def test_a_command_in_flight_when_the_gateway_dies_ends_unknown(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=20)
    config = configuration({"greenhouse": board.link}).replace("timeout: 1s", "timeout: 60s")
    gateway = await gateway_process(config)
    page = (await dashboard(gateway.url)).page
    await page.evaluate(LISTEN)
    await heard_beyond(page, 1)
    board.faults.append(Silence())  # it obeys, and says nothing
    await page.evaluate("() => { window.fate = gateway.command('greenhouse', 'fan', true); }")
    await board.actuated()
    gateway.kill()
    await gateway.start()
    fate = await page.evaluate("window.fate")
    assert (fate["state"], fate["outcome"], fate["final"]) == ("lost", "unknown", True)
    assert fate["detail"] == "the gateway ended before it was known what became of it"
    assert len(board.actuations) == 1
