"""The dashboard's controls: each command shows what became of it, and a value changes only when the device says so."""

from playwright.async_api import expect

from device_sims.faults import NoAcknowledgement, Refusal, Silence
from device_sims.fixtures import SerialBoardFactory
from tests.browser.bench import configuration, token_section
from tests.browser.conftest import OpenDashboard
from tests.parts.gateway import StartGateway

# Notes every move of a switch, however short.
NOTE_MOVES = """(element) => {
    window.moves = [];
    let position = element.ariaChecked;
    new MutationObserver((changes) => {
      for (const change of changes) if (change.oldValue !== position) moves.push((position = change.oldValue));
      if (element.ariaChecked !== position) moves.push((position = element.ariaChecked));
    }).observe(element, { attributeFilter: ["aria-checked"], attributeOldValue: true });
}"""


async def test_a_switch_acts_and_shows_the_reported_state(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    switch = page.page.get_by_role("switch", name="Fan")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(page.fate("greenhouse", "fan")).to_have_attribute("data-fate", "done")
    await expect(page.control("greenhouse", "fan").locator(".control-reported")).to_contain_text("On")
    [actuation] = board.actuations
    assert (actuation.point, actuation.value) == ("fan", True)
    await switch.focus()
    await page.page.keyboard.press("Space")
    await expect(switch).to_have_attribute("aria-checked", "false")
    assert [one.value for one in board.actuations] == [True, False]


async def test_a_switch_does_not_move_before_the_device_reports(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    await board.opened()
    page = await dashboard(gateway.url)
    board.report()
    switch = page.switch("greenhouse", "fan")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.evaluate(NOTE_MOVES)
    with board.faults.during(Silence()):  # it obeys, and says nothing
        await switch.click()
        await expect(page.fate("greenhouse", "fan")).to_have_attribute("data-fate", "pending")
        [actuation] = await board.actuated()
        assert actuation.value is True
        await expect(page.fate("greenhouse", "fan")).to_have_attribute("data-fate", "unknown")
        assert await page.page.evaluate("moves") == []
    board.report()
    await expect(switch).to_have_attribute("aria-checked", "true")
    assert await page.page.evaluate("moves") == ["true"]


async def test_a_number_is_sent_and_shown_as_reported(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    field = page.control("greenhouse", "setpoint").get_by_role("spinbutton", name="Target")
    await expect(page.value("greenhouse", "setpoint")).to_have_text("21°C")
    await field.fill("99")
    await field.press("Enter")
    await expect(page.fate("greenhouse", "setpoint")).to_have_attribute("data-fate", "failed")
    await expect(page.fate("greenhouse", "setpoint")).to_contain_text("At most 30")
    assert board.actuations == []
    await field.fill("18.5")
    await page.page.get_by_role("button", name="Set Target").click()
    await expect(page.value("greenhouse", "setpoint")).to_have_text("18.5°C")
    await expect(page.fate("greenhouse", "setpoint")).to_have_attribute("data-fate", "done")
    await expect(field).to_have_value("")


async def test_a_refused_command_shows_failed_with_the_devices_reason(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=10, faults=[Refusal(error="jammed")])
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    page = await dashboard(gateway.url)
    await page.switch("greenhouse", "fan").click()
    fate = page.fate("greenhouse", "fan")
    await expect(fate).to_have_attribute("data-fate", "failed")
    await expect(fate).to_contain_text("jammed")
    await expect(page.switch("greenhouse", "fan")).to_have_attribute("aria-checked", "false")
    await expect(page.control("greenhouse", "fan")).to_have_attribute("data-busy", "false")


async def test_a_device_that_never_answers_shows_pending_and_then_unknown(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0, faults=[NoAcknowledgement()])
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    await board.opened()
    page = await dashboard(gateway.url)
    board.report()
    await expect(page.switch("greenhouse", "fan")).to_be_visible()
    board.faults.append(Silence())
    await page.switch("greenhouse", "fan").click()
    fate = page.fate("greenhouse", "fan")
    await expect(fate).to_have_attribute("data-fate", "pending")
    await expect(fate).to_have_attribute("data-fate", "unknown")
    await expect(fate).to_contain_text("may or may not have been done")


async def test_an_unknown_state_offers_both_ways(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    gateway = await gateway_process(configuration({"greenhouse": board.link}))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(b'{"temperature":20}\n')
    control = page.control("greenhouse", "fan")
    await expect(page.value("greenhouse", "temperature")).to_have_text("20°C")
    await expect(control.get_by_role("switch")).to_be_hidden()
    await control.get_by_role("button", name="On").click()
    await expect(control.get_by_role("switch")).to_have_attribute("aria-checked", "true")


async def test_whoever_may_only_read_finds_the_controls_disabled(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    boards = [await serial_board(rate=10), await serial_board(rate=10)]
    devices = "".join(f"\n  {id}: {{points: {{fan: {{type: boolean, writable: true}}}}}}" for id in ("mine", "theirs"))
    auth = token_section(intern=("of-the-intern", ["mine*"]))
    gateway = await gateway_process(configuration({"mine": boards[0].link, "theirs": boards[1].link}, devices, auth))
    page = await dashboard(gateway.url)
    await page.page.get_by_label("Token", exact=True).fill("of-the-intern")
    await page.page.get_by_role("button", name="Connect").click()
    await expect(page.switch("mine", "fan")).to_be_enabled()
    await expect(page.switch("theirs", "fan")).to_be_disabled()
    await expect(page.card("theirs").locator(".read-only")).to_be_visible()
    await expect(page.card("mine").locator(".read-only")).to_be_hidden()


async def test_an_enum_of_codes_is_shown_and_chosen_by_its_names(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, dashboard: OpenDashboard
) -> None:
    board = await serial_board(rate=0)
    devices = "\n  bench: {points: {mode: {values: {0: off, 1: heating, 2: cooling}, writable: true}}}"
    gateway = await gateway_process(configuration({"bench": board.link}, devices))
    await board.opened()
    page = await dashboard(gateway.url)
    board.send(b'{"mode":1}\n')
    await expect(page.value("bench", "mode")).to_have_text("heating")
    choice = page.control("bench", "mode").get_by_role("combobox")
    assert await choice.locator("option").all_text_contents() == ["Choose…", "off", "heating", "cooling"]
    await choice.select_option(label="cooling")
    await page.control("bench", "mode").get_by_role("button", name="Set Mode").click()
    await expect(page.fate("bench", "mode")).not_to_be_empty()
    board.send(b'{"mode":9}\n')
    await expect(page.value("bench", "mode")).to_have_text("9")
    await expect(page.tile("bench", "mode")).to_have_attribute("data-quality", "bad")
