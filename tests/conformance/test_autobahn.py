"""The cases of the Autobahn test suite, as kosoku runs them, against an endpoint that echoes nothing.

The suite takes a server for an echo. Fieldgate answers each text with exactly one `error`, because none of them is a
request, and closes a binary message with 1003. So much is translated here; whatever else differs from what a case asks
for is in EXPLAINED, and in docs/conformance.md for people.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.parts.gateway import GatewayProcess, StartGateway

Case = dict[str, Any]
Event = tuple[str, ...]

# Section 9 times echoes, and the sizes in it are in test_frames.py; 12 and 13 are about compression, which is never
# agreed on.
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
AT_LEAST = 240  # cases, so that none gets lost unseen
# Of several answers that a case allows, the gateway may give another than the first in these.
EXPLAINED = {
    "3.2, 3.3, 3.4, 4.1.3, 4.1.4, 4.1.5, 4.2.3, 4.2.4, 4.2.5, 5.15": (
        "a message that comes in one piece with a broken frame may go unanswered"
    ),
    "6.4.*": "bad UTF-8 is found when its message is complete, not at the byte that spoils it",
    "7.1.6": "the message before the close frame has 256 KiB, over the limit: closed with 1009",
}
TRIES = 3  # of a case that failed: the suite waits for a second, which a busy machine may need for itself
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"

CONFIG = """
gateway: {name: conformance}
server: {heartbeat: 60s, max_connections_per_address: 1000}
adapters: [{id: bench, type: loopback}]
"""


def events(received: Sequence[Sequence[Any]]) -> list[Event]:
    """What came after `hello`: each refusal of a text as `message`, control frames with their payload."""
    assert received, "not even a hello"
    assert json.loads(received[0][1])["type"] == "hello"
    found: list[Event] = []
    for kind, payload, *_ in received[1:]:
        if kind == "message":
            answer = json.loads(payload)
            assert (answer["type"], answer["code"]) == ("error", "bad_request"), payload
            found.append(("message",))
        else:
            found.append((kind, payload))
    return found


def wanted(variant: Sequence[Sequence[Any]]) -> tuple[list[Event], int | None]:
    """The same of what a case asks for, and the close code where something in it ends the connection here."""
    found: list[Event] = []
    for kind, payload, *rest in variant:
        if kind == "message" and rest == [True]:
            return found, 1003
        found.append(("message",) if kind == "message" else (kind, payload))
    return found, None


def judge(case: Case) -> str:
    """What is wrong; empty where the gateway did what the case asks for, or what is explained."""
    got = events(case["received"])
    for strictness, variant in case["expected"].items():
        asked, code = wanted(variant)
        if got != asked:
            continue
        if strictness != "OK" and not is_explained(case["id"]):
            return f"{strictness}, and not explained"
        if code is not None:
            return "" if case["code"] == code else f"closed with {case['code']}, not with {code}"
        if case["close"] in ("OK", "INFORMATIONAL"):
            return ""
        # It waits for the echo before it says goodbye, and hangs up when none comes.
        if case["given_up"] and case["code"] is None and ("message",) in asked and case["expected_close"]["closedByMe"]:
            return ""
        return f"the close: {case['close']}, with {case['code']}"
    return f"{got} and {case['code']}, not {[wanted(variant) for variant in case['expected'].values()]}"


def is_explained(id: str) -> bool:
    return any(fnmatchcase(id, case) for cases in EXPLAINED for case in cases.split(", "))


async def run(gateway: GatewayProcess, cases: list[str]) -> list[Case]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.conformance.autobahn",
        gateway.ws_url,
        "120",
        *cases,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await asyncio.wait_for(child.communicate(), 150)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode == 0
    found: list[Case] = json.loads(output)
    return found


async def test_the_autobahn_cases_are_answered_as_they_ask_or_as_is_explained(gateway_process: StartGateway) -> None:
    gateway = await gateway_process(CONFIG)
    results = {case["id"]: case for case in await run(gateway, CASES)}
    assert len(results) >= AT_LEAST
    wrong: dict[str, str] = {}
    for _ in range(TRIES):
        wrong = {id: fault for id, case in results.items() if (fault := judge(case))}
        if not wrong:
            break
        results.update({case["id"]: case for case in await run(gateway, list(wrong))})
    assert wrong == {}


def test_what_differs_is_explained_in_the_docs() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    for cases, why in EXPLAINED.items():
        assert f"| {cases} | {why}" in page
