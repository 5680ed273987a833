"""How the commands that serve begin and end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

import typer

from gateway.cli.console import FAILED, say
from gateway.errors import FieldgateError

_REST = 0.2  # seconds that threads which have done their work have to end


def run_until_told(main: Coroutine[None, None, None], *signals: signal.Signals) -> None:
    """Runs until it ends by itself or one of the signals cancels it; ends the command with 1 where it fails."""
    code = 0
    pool = ThreadPoolExecutor(thread_name_prefix="fieldgate")
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(pool)
        try:
            runner.run(_until_told(main, signals))
        except* FieldgateError as errors:
            say(f"fieldgate: {_first(errors)}")
            code = FAILED
        pool.shutdown(wait=False, cancel_futures=True)
        _leave_hanging_threads(code)
    if code:
        raise typer.Exit(code)


async def _until_told(main: Coroutine[None, None, None], signals: tuple[signal.Signals, ...]) -> None:
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    told = False

    def stop() -> None:
        nonlocal told
        if not told and this is not None:  # a second signal must not cut the end short
            told = True
            this.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        await main
    except asyncio.CancelledError:
        if not told:
            raise


def _first(error: BaseException) -> BaseException:
    """The error, or the first in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _leave_hanging_threads(code: int) -> None:
    """Ends the process where a thread still hangs in a name look-up or a driver: everything else is closed by now."""
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    deadline = time.monotonic() + _REST
    for thread in others:
        if not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() and not thread.daemon for thread in others):
        logging.shutdown()
        os._exit(code)
