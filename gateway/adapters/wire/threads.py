"""Work that may block for ever, in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def in_thread(
    work: Callable[[], Result], name: str, unwanted: Callable[[Result], object] = lambda result: None
) -> asyncio.Future[Result]:
    """Runs the work in a daemon thread, which cannot keep the process from ending even when it hangs.

    `unwanted` takes the result where nobody waits for it any more; it may be called in the thread.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def finish(results: list[Result], error: BaseException | None) -> None:
        if future.done():  # cancelled meanwhile
            for result in results:
                unwanted(result)
        elif error is not None:
            future.set_exception(error)
            future.exception()  # looked at: it may have no waiter
        else:
            future.set_result(results[0])

    def target() -> None:
        results: list[Result] = []
        failure: Exception | None = None
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  whatever it is, the one who waits has to hear of it
            failure = error
        try:
            loop.call_soon_threadsafe(finish, results, failure)
        except RuntimeError:  # the loop has closed meanwhile
            for result in results:
                unwanted(result)

    threading.Thread(target=target, name=name, daemon=True).start()
    return future
