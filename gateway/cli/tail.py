"""`fieldgate tail`"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from gateway.cli.client import Address, LostError, RefusedError, StopError
from gateway.cli.console import fail, say
from gateway.cli.following import Following
from gateway.cli.lines import JsonLines, Lines, PlainLines, TerminalLines
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.remote import DEFAULT_URL, CaOption, TokenOption, UrlOption, address_of


def tail(
    devices: Annotated[
        list[str] | None,
        typer.Argument(metavar="DEVICE", show_default=False, help="Ids or globs, such as 'house.*'. Default: all."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
    ca: CaOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as the gateway sent it.")] = False,
) -> None:
    """Print the readings of a running gateway, live.

    Readings go to standard output; what becomes of devices and of the connection, to standard error. Ctrl-C ends it.
    """
    address = address_of(url, token, ca)
    output = Output()
    lines: Lines = JsonLines() if json else TerminalLines() if output.is_terminal else PlainLines()
    try:
        asyncio.run(_tail(address, devices or ["*"], output, lines))
    except KeyboardInterrupt:
        # What is still held back would be waited for at the end.
        output.abandon()
    except OutputClosedError:
        pass  # `| head` has seen enough
    except (LostError, StopError, RefusedError) as error:
        fail(str(error))


async def _tail(address: Address, devices: list[str], output: Output, lines: Lines) -> None:
    """Follows until the reader of the output goes."""
    following = Following(address, devices, _Printer(devices, output, lines))
    tasks = [
        asyncio.create_task(following.run(), name="following"),
        asyncio.create_task(output.closed(), name="output"),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class _Printer:
    """Readings to standard output; what becomes of the devices and of the connection to standard error."""

    def __init__(self, wanted: list[str], output: Output, lines: Lines) -> None:
        self._missing = [device for device in wanted if "*" not in device and "?" not in device]
        self._output = output
        self._lines = lines
        self._states: dict[str, str] = {}
        self._units: dict[str, dict[str, str]] = {}

    def devices(self, devices: list[dict[str, Any]], *, whole: bool) -> None:
        if whole:
            present = {device["id"] for device in devices}
            for id in self._states.keys() - present:
                self._forget(id)
        for device in devices:
            id = device["id"]
            if device.get("removed"):
                self._forget(id)
                continue
            self._units[id] = {point: about["unit"] for point, about in device["points"].items() if "unit" in about}
            known, state = self._states.get(id, "online"), device["state"]
            self._states[id] = state
            if state != known:
                reason = device.get("reason")
                self.note(f"{id} is {state}" + (f": {reason}" if reason else ""))
        if whole:
            for id in self._missing:
                if id not in self._states:
                    self.note(f"there is no device {id} yet")
            self._missing.clear()

    def readings(self, readings: list[dict[str, Any]]) -> None:
        self._output.write(self._lines.of(readings, self._units))

    def note(self, message: str) -> None:
        say(f"fieldgate: {message}")

    def _forget(self, id: str) -> None:
        self._units.pop(id, None)
        if self._states.pop(id, None) is not None:
            self.note(f"{id} is gone")
