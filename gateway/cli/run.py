"""`fieldgate run`"""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

import typer

from gateway.app import Gateway
from gateway.cli.configuration import ConfigArgument, find, read
from gateway.cli.records import log_to_stderr
from gateway.cli.serving import run_until_told
from gateway.config import Config, load
from gateway.errors import ConfigurationError

logger = logging.getLogger(__name__)


def run(config: ConfigArgument = None) -> None:
    """Run the gateway.

    SIGHUP reads the configuration again, SIGTERM or Ctrl-C ends it.
    """
    path = find(config)
    checked = read(path)
    log_to_stderr(checked.logging)
    run_until_told(_serve(checked, path), signal.SIGTERM, signal.SIGINT)


async def _serve(config: Config, path: Path) -> None:
    """Runs a gateway until cancelled, and reads its configuration again at each SIGHUP."""
    gateway = Gateway(config)
    again = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again.set)
    started = asyncio.Event()

    def ready(url: str) -> None:
        announce(url)
        started.set()

    async with asyncio.TaskGroup() as group:
        reloading = group.create_task(_reload(gateway, path, started, again), name="reload")
        try:
            await gateway.run(ready)
        finally:
            reloading.cancel()


async def _reload(gateway: Gateway, path: Path, started: asyncio.Event, again: asyncio.Event) -> None:
    await started.wait()
    while True:
        await again.wait()
        again.clear()
        try:
            config = await asyncio.to_thread(load, path)
        except ConfigurationError as error:
            for line in str(error).splitlines():
                logger.error("%s", line)
            logger.error("the configuration was not read again: the running one stays")
        else:
            log_to_stderr(config.logging)
            try:
                await gateway.reload(config)
            except Exception:  # bulkhead: a plug-in that cannot be built must not end a gateway that runs
                logger.exception("the configuration was taken in part only")
            else:
                logger.info("the configuration was read again")


def announce(url: str) -> None:
    """Says on standard output that the gateway serves."""
    typer.echo(f"Fieldgate is ready at {url}")
