"""The dashboard shows what devices report, as they report it, and says what it does not know."""

import json
import re

from playwright.async_api import expect

from device_sims.fixtures import SerialBoardFactory
from tests.browser.bench import configuration
from tests.browser.conftest import OpenDashboard
from tests.parts.gateway import StartGateway


def line(**values: object) -> bytes:
    """A reading as a board sends it."""
    return json.dumps(values).encode() + b"\n"


async def test_values_change_live_with_their_unit_and_age(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(temperature=21.4))
    await expect(page.value("greenhouse", "temperature")).to_have_text("21.4°C")
    await expect(page.tile("greenhouse", "temperature").locator(".tile-title")).to_have_text("Air temperature")
    await expect(page.tile("greenhouse", "temperature").locator(".tile-age")).to_have_text("now")
    board.send(line(temperature=-3))
    await expect(page.value("greenhouse", "temperature")).to_have_text("-3.0°C")
    await expect(page.tile("greenhouse", "temperature").locator(".tile-age")).to_have_text(re.compile(r"^\d+ s ago$"))
    await expect(page.card("greenhouse").locator(".state")).to_have_text("Online")
    await expect(page.lamp).to_have_text("Live")


async def test_zero_false_and_empty_text_are_values_and_nan_is_none(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"bench": board.link}, devices=""))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(b'{"integer":0,"float":0.0,"off":false,"text":"","nan":NaN}\n')
    await expect(page.value("bench", "integer")).to_have_text("0")
    await expect(page.value("bench", "float")).to_have_text("0")
    await expect(page.value("bench", "off")).to_have_text("Off")
    await expect(page.value("bench", "text")).to_have_text("empty text")
    await expect(page.value("bench", "nan")).to_have_text("no value")
    await expect(page.tile("bench", "nan")).to_have_attribute("data-quality", "bad")
    for good in ("integer", "float", "off", "text"):
        await expect(page.tile("bench", good)).to_have_attribute("data-quality", "good")


async def test_a_value_past_its_deadline_looks_stale(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    devices = "\n  bench: {points: {level: {stale_after: 1s}, other: {}}}"
    gateway = await gateway_process(configuration({"bench": board.link}, devices))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(level=5, other=6))
    await expect(page.tile("bench", "level")).to_have_attribute("data-quality", "good")
    await expect(page.tile("bench", "level")).to_have_attribute("data-quality", "stale")
    await expect(page.tile("bench", "level").locator(".tile-age")).to_contain_text("stale")
    await expect(page.tile("bench", "other")).to_have_attribute("data-quality", "good")
    board.send(line(level=7))
    await expect(page.value("bench", "level")).to_have_text("7")
    await expect(page.tile("bench", "level")).to_have_attribute("data-quality", "good")


async def test_a_value_goes_stale_even_when_no_gateway_is_left_to_say_so(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(
        configuration({"bench": board.link}, "\n  bench: {points: {level: {stale_after: 3s}}}")
    )
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(level=5))
    await expect(page.tile("bench", "level")).to_have_attribute("data-quality", "good")
    gateway.kill()
    await expect(page.tile("bench", "level")).to_have_attribute("data-quality", "stale")
    await expect(page.value("bench", "level")).to_have_text("5")


async def test_an_unplugged_board_shows_as_offline_and_comes_back(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    state = page.card("greenhouse").locator(".state")
    await expect(state).to_have_text("Online")
    board.unplug()
    await expect(state).to_have_text("Offline", timeout=2000)
    await expect(page.card("greenhouse").locator(".reason")).to_contain_text("Offline")
    board.replug()
    await expect(state).to_have_text("Online")
    await expect(page.card("greenhouse").locator(".reason")).to_be_hidden()


async def test_markup_in_names_and_values_is_shown_as_text(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    markup = "<img src=x onerror=\"document.title='hacked'\">"
    board = await serial_board(rate=0)
    quoted = json.dumps(markup)
    devices = f"\n  bench: {{name: {quoted}, points: {{level: {{title: {quoted}, unit: '<b>x</b>'}}}}}}"
    gateway = await gateway_process(configuration({"bench": board.link}, devices))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(level=1, note=markup, **{"<i>point</i>": 2}))
    await expect(page.card("bench").locator(".card-title")).to_have_text(markup)
    await expect(page.tile("bench", "level").locator(".tile-title")).to_have_text(markup)
    await expect(page.value("bench", "level")).to_have_text("1<b>x</b>")
    await expect(page.value("bench", "note")).to_have_text(markup)
    await expect(page.card("bench").locator("img, b, i, script")).to_have_count(0)
    assert "hacked" not in await page.page.title()


async def test_a_device_and_points_named_like_parts_of_every_object_are_like_any_other(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"__proto__": board.link}, devices=""))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(b'{"__proto__":5,"constructor":"made","hasOwnProperty":true,"toString":0}\n')
    await expect(page.card("__proto__").locator(".card-title")).to_have_text("__proto__")
    await expect(page.value("__proto__", "__proto__")).to_have_text("5")
    await expect(page.value("__proto__", "constructor")).to_have_text("made")
    await expect(page.value("__proto__", "hasOwnProperty")).to_have_text("On")
    await expect(page.value("__proto__", "toString")).to_have_text("0")
    for point in ("__proto__", "constructor", "hasOwnProperty", "toString"):
        await expect(page.tile("__proto__", point)).to_have_attribute("data-quality", "good")
    assert await page.page.evaluate("({}).value === undefined && ({}).type === undefined")


async def test_the_chart_draws_the_readings_and_a_tile_takes_its_line_out(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=20)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    box = page.card("greenhouse").locator(".chart-box")
    await expect(box).to_have_attribute("data-empty", "false")
    chart = box.get_by_role("img")
    await expect(chart).to_have_attribute("aria-label", "Chart of the last minutes: Air temperature, Target, Humidity")
    colour = (
        await page.tile("greenhouse", "temperature")
        .locator(".swatch")
        .evaluate("e => getComputedStyle(e).backgroundColor")
    )
    await page.drawn(box, colour)
    await page.tile("greenhouse", "temperature").click()
    await expect(page.tile("greenhouse", "temperature")).to_have_attribute("aria-pressed", "false")
    await expect(chart).to_have_attribute("aria-label", "Chart of the last minutes: Target, Humidity")
    await page.tile("greenhouse", "pressure").click()  # needs an axis of its own: the eldest choice gives way
    await expect(chart).to_have_attribute("aria-label", "Chart of the last minutes: Humidity, Pressure")


async def test_lines_of_one_chart_have_colours_of_their_own(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    points = "{angle: {unit: deg}, speed: {unit: kn}, a: {}, b: {}, c: {}, d: {}, course: {unit: deg}}"
    gateway = await gateway_process(configuration({"boat": board.link}, devices=f"\n  boat: {{points: {points}}}"))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(angle=1, speed=2, a=3, b=4, c=5, d=6, course=7))
    pressed = page.card("boat").locator('[aria-pressed="true"] .swatch')
    await expect(pressed).to_have_count(3)
    colours = await pressed.evaluate_all("all => all.map((e) => e.style.getPropertyValue('--line'))")
    assert len(set(colours)) == 3, colours


async def test_how_the_link_fares_is_asked_for_when_someone_looks(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"bench": board.link}, devices=""))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(line(level=1))
    await expect(page.value("bench", "level")).to_have_text("1")
    health = page.card("bench").locator(".health")
    await expect(health.locator("li").first).to_be_hidden()
    board.send(b"no reading\n")
    board.send(line(level=2))
    await expect(page.value("bench", "level")).to_have_text("2")
    await health.locator("summary").click()
    await expect(health).to_contain_text("2 frames")
    await expect(health).to_contain_text("1 unreadable")
    await expect(health.locator(".health-when")).to_have_text(re.compile(r"^as of \d\d:\d\d:\d\d$"))
    board.send(line(level=3))
    await expect(page.value("bench", "level")).to_have_text("3")
    await expect(health).to_contain_text("2 frames")  # as of then
    await health.locator("summary").click()
    await health.locator("summary").click()
    await expect(health).to_contain_text("3 frames")
    gateway.kill()
    await expect(page.lamp).not_to_have_text("Live")
    await health.locator("summary").click()
    await health.locator("summary").click()
    await expect(health).to_contain_text("not known now")
