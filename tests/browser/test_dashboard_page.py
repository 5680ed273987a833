"""The dashboard as a page: its connection, its token, its width, its colours, and many devices."""

from playwright.async_api import expect

from device_sims.fixtures import MqttFleetFactory, SerialBoardFactory
from tests.browser.bench import configuration, token_section
from tests.browser.conftest import OpenDashboard
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto


async def test_it_says_when_the_gateway_is_gone_and_goes_on_when_it_is_back(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    await expect(page.lamp).to_have_text("Live")
    await expect(page.switch("greenhouse", "fan")).to_be_enabled()
    assert await gateway.stop() == 0
    await expect(page.banner).to_be_visible()
    await expect(page.banner).to_contain_text("Disconnected")
    await expect(page.page.locator("#banner-countdown")).to_contain_text("again")
    await expect(page.lamp).not_to_have_text("Live")
    await expect(page.switch("greenhouse", "fan")).to_be_disabled()
    await expect(page.card("greenhouse").locator(".state")).to_have_text("Was online")
    await gateway.start()
    await expect(page.lamp).to_have_text("Live", timeout=15000)
    await expect(page.banner).to_be_hidden()
    await expect(page.card("greenhouse").locator(".state")).to_have_text("Online")
    await expect(page.page.locator(".notice")).to_contain_text("may be missing")
    gap = await page.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--gap')")
    await page.drawn(page.card("greenhouse").locator(".chart-box"), gap)
    switch = page.switch("greenhouse", "fan")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")


async def test_try_now_does_not_wait_for_the_countdown(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    # Loaded again with a delay of 30 s before the first retry: the page takes its source of chance when it starts.
    await page.page.add_init_script("Math.random = () => 60")
    await page.page.reload()
    await expect(page.lamp).to_have_text("Live")
    assert await gateway.stop() == 0
    await expect(page.banner).to_contain_text("Trying again in")
    await gateway.start()
    await expect(page.banner).to_be_visible()
    await page.page.get_by_role("button", name="Try now").click()
    await expect(page.lamp).to_have_text("Live")


async def test_it_asks_for_a_token_and_keeps_it_in_the_tab(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    auth = token_section(**{"wall-panel": ("right", ["*"])})
    gateway = await gateway_process(configuration({"greenhouse": board.link}, more=auth))
    page = await dashboard(gateway.url)
    dialog = page.page.get_by_role("dialog", name="Access token")
    field = page.page.get_by_label("Token", exact=True)
    await expect(dialog).to_be_visible()
    await expect(field).to_be_focused()
    await expect(page.page.locator(".card")).to_have_count(0)
    await field.fill("wrong")
    await field.press("Enter")
    await expect(dialog).to_contain_text("not accepted")
    await field.fill("right")
    await field.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.lamp).to_have_text("Live")
    await expect(page.page.locator("#account")).to_have_text("wall-panel")
    await expect(page.card("greenhouse")).to_be_visible()
    await page.page.reload()
    await expect(page.lamp).to_have_text("Live")
    await expect(dialog).to_be_hidden()
    assert await page.page.evaluate("Object.keys(localStorage).length") == 0
    assert "right" not in page.page.url
    assert "right" not in gateway.stderr_text()


async def test_a_phone_shows_everything_without_scrolling_sideways(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    devices = f"""
  greenhouse:
    name: {"Gewächshaus" * 10}
    points:
      temperature: {{title: {"Lufttemperatur" * 5}, unit: Cel}}
      fan: {{title: {"Ventilator" * 8}, type: boolean, writable: true}}
      setpoint: {{title: Target, unit: Cel, min: 5, max: 30, writable: true}}
"""
    gateway = await gateway_process(configuration({"greenhouse": board.link}, devices))
    page = await dashboard(gateway.url, width=360, height=740)
    await expect(page.switch("greenhouse", "fan")).to_be_visible()
    board.send(b'{"note":"%b"}\n' % (b"x" * 400))
    await expect(page.value("greenhouse", "note")).to_contain_text("xxx")
    assert await page.page.evaluate("document.documentElement.scrollWidth") == 360
    assert await gateway.stop() == 0
    await expect(page.banner).to_be_visible()
    assert await page.page.evaluate("document.documentElement.scrollWidth") == 360
    switch = await page.switch("greenhouse", "fan").bounding_box()
    assert switch is not None
    assert switch["x"] + switch["width"] <= 360


async def test_it_follows_light_and_dark(
    gateway_process: StartGateway, dashboard: OpenDashboard, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    brightness = "sum(getComputedStyle(document.body).%s.match(/\\d+/g).map(Number))"
    contrast = f"""() => {{
        const sum = (channels) => channels.reduce((a, b) => a + b);
        return [{brightness % "backgroundColor"}, {brightness % "color"}];
    }}"""
    light = await dashboard(gateway.url)
    page_colour, ink = await light.page.evaluate(contrast)
    assert page_colour > 650
    assert ink < 150
    dark = await dashboard(gateway.url, dark=True)
    page_colour, ink = await dark.page.evaluate(contrast)
    assert page_colour < 150
    assert ink > 600
    await expect(dark.card("greenhouse").locator(".chart-box")).to_have_attribute("data-empty", "false")
    await dark.page.emulate_media(color_scheme="light")
    page_colour, ink = await dark.page.evaluate(contrast)
    assert page_colour > 650


async def test_two_hundred_devices_stay_usable(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=2, devices=200)
    config = configuration({"farm": board.link}, devices="").replace(
        "codec: json\n", "codec: json\n    devices: {field: node}\n", 1
    )
    gateway = await gateway_process(config)
    page = await dashboard(gateway.url)
    cards = page.page.locator(".card")
    await expect(cards).to_have_count(200, timeout=15000)
    assert 0 < await page.page.locator(".uplot").count() < 40
    await expect(cards.first.locator(".card-title")).to_have_text("n1")
    await expect(cards.nth(9).locator(".card-title")).to_have_text("n10")
    await page.page.get_by_label("Filter devices by name").fill("n19")
    await expect(page.page.locator(".card:visible")).to_have_count(11)
    await page.page.get_by_label("Filter devices by name").fill("nothing like it")
    await expect(page.page.locator("#empty")).to_have_text("No device matches this filter.")
    await page.page.get_by_label("Filter devices by name").fill("")
    await page.page.get_by_role("button", name="Online").click()
    await expect(page.page.locator(".card:visible")).to_have_count(200)
    # The last card, far below, is drawn when it comes into view, and is live.
    last = cards.last
    await last.scroll_into_view_if_needed()
    await expect(last.locator(".uplot")).to_be_visible()
    value = last.locator('.tile[data-point="temperature"] .tile-age')
    await expect(value).to_have_text("now")


async def test_the_policy_forbids_foreign_and_inline_code(
    gateway_process: StartGateway, dashboard: OpenDashboard, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    await expect(page.lamp).to_have_text("Live")
    blocked = await page.page.evaluate("""async () => {
        const violation = new Promise((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
        });
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.head.append(script);
        return [await violation, window.ran ?? false];
    }""")
    assert blocked == ["script-src-elem", False]
    [complaint] = page.complaints
    assert "Content Security Policy" in complaint
    page.complaints.clear()


async def test_what_may_not_be_commanded_has_no_button(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    await mqtt_fleet(mosquitto.url, "esphome", rate=5)
    gateway = await gateway_process(
        f"adapters: [{{id: house, type: mqtt, url: '{mosquitto.url}', profiles: [esphome]}}]\n"
        "devices: {house.blind-south: {commands: true}}"
    )
    page = await dashboard(gateway.url)
    blind, workshop = (page.page.locator(".card", has_text=f"house.{name}") for name in ("blind-south", "workshop"))
    await expect(blind.get_by_role("button", name="Run")).to_have_count(3)
    await expect(workshop.locator(".card-make").first).to_be_visible()
    await expect(workshop.get_by_role("button", name="Run")).to_have_count(0)
    await expect(workshop.get_by_role("switch")).to_have_count(0)


async def test_it_shows_who_made_a_device_and_finds_it_by_that(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=5)
    profiles = "[{type: zigbee2mqtt, commands: true}]"
    gateway = await gateway_process(
        f"adapters: [{{id: house, type: mqtt, url: '{mosquitto.url}', profiles: {profiles}}}]"
    )
    page = await dashboard(gateway.url)
    card = page.page.locator(".card", has_text="living room/lamp").first
    await expect(card.locator(".card-make")).to_have_text("Philips 9290012573A")
    switch = card.get_by_role("switch").first
    before = await switch.get_attribute("aria-checked")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false" if before == "true" else "true")
    await page.page.get_by_label("Filter devices by name").fill("eurotronic")
    await expect(page.page.locator(".card:visible")).to_have_count(1)
    await expect(page.page.locator(".card:visible .card-title")).to_have_text("bathroom/radiator")
