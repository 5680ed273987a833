"""Runs Autobahn cases against a server: `python -m tests.conformance.autobahn URL SECONDS CASE…` prints them as JSON.

A program of its own, because kosoku changes the import path and the standard library of the process that it runs in.
"""

import asyncio
import json
import sys
from typing import Any

from kosoku import FailureError, run_fuzzingclient

_AT_ONCE = 32  # cases; most of their time is waiting


def _plain(value: Any) -> Any:
    """Bytes, which JSON has not, as text of the same code points."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list | tuple) else value


async def main(url: str, seconds: float, cases: list[str]) -> None:
    """Prints one object for each case, whether or not kosoku takes it for passed."""
    async with asyncio.timeout(seconds):
        try:
            results = await run_fuzzingclient(url, cases, None, concurrency=_AT_ONCE)
        except FailureError as failure:
            results = failure.results
    found = [
        {
            "id": result.case_id,
            "description": result.description,
            "expected": _plain(result.expected),
            "expected_close": _plain(result.expected_close),
            "received": _plain(result.received),
            "code": result.remote_close_code,
            "close": result.behavior_close.value,
            "given_up": result.dropped_by_me and not result.closed_by_me,
        }
        for result in results
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
