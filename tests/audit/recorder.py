"""A process that commands as fast as its audit takes it, and says on standard output what it was promised.

`python -m tests.audit.recorder FILE PREFIX`. SIGUSR1 fills its disk: no file may grow beyond 64 KiB. SIGUSR2 makes
room again.
"""

import asyncio
import resource
import signal
import sys
from itertools import count
from pathlib import Path

from gateway.audit.recovery import restore
from gateway.commands import Ledger, State
from gateway.errors import AuditError, RequestError
from tests.audit.records import a_command, an_audit

FULL = 64 << 10
_unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, _unlimited[1]))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(path: Path, prefix: str) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, limit, FULL)
    loop.add_signal_handler(signal.SIGUSR2, limit, _unlimited[0])
    audit = an_audit(path)
    ledger = Ledger(audit)
    restore(ledger, audit.open())
    numbers = count()
    refused = ""

    async def command() -> None:
        nonlocal refused
        while True:
            this = a_command(f"{prefix}-{next(numbers)}")
            try:
                ledger.accept(this)
                await audit.claim(this, {"attic.tank": 12})
            except (RequestError, AuditError) as error:
                if isinstance(error, AuditError):
                    ledger.move(this, State.REJECTED, f"it cannot be recorded: {error}")
                if str(error) != refused:
                    refused = str(error)
                    say(f"refused {error}")
                await asyncio.sleep(0.02)
                continue
            refused = ""
            say(f"claimed {this.key}")
            ledger.move(this, State.SENT)
            ledger.move(this, State.ACKED)

    say("open")
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(command())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
