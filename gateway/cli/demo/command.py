"""The command itself: checks what can be checked first, starts the devices, runs the gateway in this process."""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from gateway.app import Gateway
from gateway.cli.console import USAGE, fail, say
from gateway.cli.demo.children import children
from gateway.cli.demo.scene import configuration, play
from gateway.cli.records import log_to_stderr
from gateway.cli.run import announce
from gateway.cli.serving import run_until_told
from gateway.config.models import Listen, LoggingSection, parse_listen
from gateway.errors import FieldgateError


def demo(
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS:PORT", help="Where the dashboard is; port 0 takes a free one.")
    ] = "127.0.0.1:8080",
    duration: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", show_default=False, help="End by itself after so long."),
    ] = None,
) -> None:
    """Show a gateway with simulated devices.

    Nothing needs to be configured or plugged in. Ctrl-C ends all of it.
    """
    try:
        place = parse_listen(listen)
    except PydanticCustomError as error:
        fail(f"--listen: {error.message()}, not {listen!r}", USAGE)
    if find_spec("iotcore") is None:
        fail("the demo needs its own MQTT broker: pip install 'fieldgate[demo]'")
    try:
        _check_free(place)
    except FieldgateError as error:
        fail(str(error))
    log_to_stderr(LoggingSection(level="warning"))
    run_until_told(_demo(place, duration), signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def _demo(listen: Listen, duration: float | None) -> None:
    """Runs devices and gateway until cancelled, or for `duration` seconds from when the gateway serves."""
    loop = asyncio.get_running_loop()
    broker = _free_port()
    with tempfile.TemporaryDirectory(prefix="fieldgate-demo-") as folder:
        async with children() as family:
            say("Starting an MQTT broker and the simulated devices …")
            await play(family, Path(folder), broker)
            gateway = Gateway(configuration(listen, Path(folder), broker))

            def ready(url: str) -> None:
                announce(url)
                say("Open it in a browser and flip a switch: the devices are simulated. Ctrl-C ends everything.")
                if not listen.loopback:
                    say("Everyone who can reach this machine may look and switch.")
                if duration is not None:
                    limit.reschedule(loop.time() + duration)

            try:
                async with asyncio.timeout(None) as limit:
                    await gateway.run(ready)
            except TimeoutError:
                if not limit.expired():
                    raise


def _check_free(listen: Listen) -> None:
    """Raises FieldgateError where the address cannot be had: better said before anything is started."""
    try:
        # As the server will: where a name has several addresses, on all of them.
        for family, kind, protocol, _, place in socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
    except OSError as error:
        advice = "; take another with --listen ADDRESS:PORT" if listen.port else ""
        raise FieldgateError(f"cannot listen on {listen}: {(error.strerror or str(error)).lower()}{advice}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
