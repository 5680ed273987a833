"""What the dashboard's tests look at: a gateway's configuration, and a page that notes what a browser complains of."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser, ConsoleMessage, Error, Locator, Page

# Chromium reports it as an error that a gateway which is down cannot be reached; that is the test's own doing.
# A gateway that was stopped, is stopping (503), or is not back yet.
EXPECTED = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "Unexpected response code: 503")

# Whether a canvas has more than a few pixels of a colour, transparency included.
_HAS_COLOUR = """(canvas, colour) => {
    const size = [canvas.width, canvas.height];
    const pixels = (paint) => {
      const copy = new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true });
      paint(copy);
      return copy.getImageData(0, 0, ...size).data;
    };
    const [r, g, b, a] = pixels((copy) => {
      copy.fillStyle = colour;
      copy.fillRect(0, 0, ...size);
    });
    const drawn = pixels((copy) => copy.drawImage(canvas, 0, 0));
    let count = 0;
    for (let i = 0; i < drawn.length; i += 4) {
      const off = Math.abs(drawn[i] - r) + Math.abs(drawn[i + 1] - g) + Math.abs(drawn[i + 2] - b);
      if (off < 30 && Math.abs(drawn[i + 3] - a) < 6) count += 1;
    }
    return count > 20;
}"""

GREENHOUSE = """
  greenhouse:
    name: Greenhouse
    points:
      temperature: {title: Air temperature, unit: Cel}
      fan: {title: Fan, type: boolean, writable: true, confirm: acked}
      setpoint: {title: Target, type: number, unit: Cel, min: 5, max: 30, writable: true, confirm: acked}
"""


def configuration(ports: Mapping[str, Path], devices: str = GREENHOUSE, more: str = "") -> str:
    """A gateway with a serial adapter for each id and port; commands are given up after a second."""
    adapters = "".join(
        f"""
  - id: {id}
    type: serial
    port: {port}
    framing: lines
    codec: json
    silence: 60s
    commands: {{codec: json, timeout: 1s}}"""
        for id, port in ports.items()
    )
    return f"gateway: {{name: test-bench}}\n{more}\nadapters:{adapters}\ndevices:{devices or ' {}'}\n"


def token_section(**rights: tuple[str, list[str]]) -> str:
    """An `auth` section: name of a token → its text, and what it may command; each may read everything."""
    tokens = "".join(
        f'\n    - {{name: {name}, sha256: "{hashlib.sha256(token.encode()).hexdigest()}", read: ["*"], '
        f"command: {json.dumps(command)}}}"
        for name, (token, command) in rights.items()
    )
    return f"auth:\n  tokens:{tokens}"


class Dashboard:
    """The dashboard in a page, and what the page complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", self._page_error)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(known in message.text for known in EXPECTED):
            self.complaints.append(message.text)

    def _page_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def card(self, device: str) -> Locator:
        return self.page.locator(f'.card[data-device="{device}"]')

    def tile(self, device: str, point: str) -> Locator:
        return self.card(device).locator(f'.tile[data-point="{point}"]')

    def value(self, device: str, point: str) -> Locator:
        return self.tile(device, point).locator(".tile-value")

    def control(self, device: str, point: str) -> Locator:
        return self.card(device).locator(f'.control[data-control="{point}"]')

    def switch(self, device: str, point: str) -> Locator:
        return self.control(device, point).get_by_role("switch")

    def fate(self, device: str, point: str) -> Locator:
        return self.control(device, point).locator(".fate")

    async def drawn(self, place: Locator, colour: str) -> None:
        """Waits until a canvas in `place` has a stroke or an area in this colour, as CSS computes it."""
        canvas = await place.locator("canvas").element_handle()
        await self.page.wait_for_function(
            f"([canvas, colour]) => ({_HAS_COLOUR})(canvas, colour)", arg=[canvas, colour]
        )

    @property
    def lamp(self) -> Locator:
        """What the page says of its connection."""
        return self.page.locator("#link-text")

    @property
    def banner(self) -> Locator:
        return self.page.locator("#banner")


async def open_dashboard(
    browser: Browser, url: str, *, width: int = 1280, height: int = 900, dark: bool = False
) -> Dashboard:
    """The dashboard at `url` in a fresh browser context."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    dashboard = Dashboard(await context.new_page())
    await dashboard.page.goto(url)
    return dashboard
