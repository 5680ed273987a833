"""`fieldgate tail`"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gateway.cli.client import Address, LostError, RefusedError, StopError
from gateway.cli.console import fail
from gateway.cli.following import Following
from gateway.cli.lines import JsonLines, Lines, PlainLines, TerminalLines
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.printer import Printer
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
    following = Following(address, devices, Printer(devices, output, lines))
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
