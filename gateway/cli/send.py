"""`fieldgate send`"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from difflib import get_close_matches
from typing import Annotated, Any
from uuid import uuid4

import typer

from gateway.cli.client import Address, LostError, RefusedError, StopError, connect, fetch
from gateway.cli.console import FAILED, UNKNOWN, USAGE, fail, new_app, plain, say
from gateway.cli.lines import json_line
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.remote import DEFAULT_URL, CaOption, TokenOption, UrlOption, address_of
from gateway.cli.values import guessed_value, typed_value
from gateway.model import Confirm, Value

_ASK_EVERY = 0.5  # seconds between looks at a command whose connection was lost
_ASK_AGAIN_FOR = 5.0  # seconds that a gateway may take to come back
_ANSWER_WITHIN = 60.0  # seconds after its time to live in which a command should have ended

app = new_app()


class _UncertainError(Exception):
    """The command may have left, and nothing more can be learnt of it."""


# A value may be -5, which is no option.
@app.command("send", context_settings={"ignore_unknown_options": True})
def send(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its id, such as greenhouse or house.heater.")],
    point: Annotated[str, typer.Argument(metavar="POINT", help="What to command, such as fan.")],
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", show_default=False, help="on, off, a number, a text; none for an action."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
    ca: CaOption = None,
    ttl: Annotated[
        float, typer.Option(min=0.001, max=60, metavar="SECONDS", help="It is not sent any more after so long.")
    ] = 5.0,
    confirm: Annotated[
        Confirm | None,
        typer.Option(show_default=False, help="The proof to wait for. Default: the best that the point offers."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", show_default=False, help="Sent again with the same key, it is not done twice."),
    ] = None,
    lease: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=3600,
            metavar="SECONDS",
            show_default=False,
            help="After so long the point's safe value is sent, unless it is commanded again.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it, and do nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Each state as a JSON object in one line.")] = False,
) -> None:
    """Command a device; print what becomes of it.

    Ends with 0 when it was executed (or sent, with --confirm sent), 1 when it was not, 3 when nobody can know.
    """
    if key is not None and not 1 <= len(key) <= 64:
        fail("--key takes 1 to 64 characters", USAGE)
    address = address_of(url, token, ca)
    request = {"device": device, "point": point, "key": key or str(uuid4()), "ttl": ttl}
    if confirm is not None:
        request["confirm"] = confirm
    if lease is not None:
        request["lease"] = lease
    if dry_run:
        request["dry_run"] = True
    sending = _Sending(address, request, json)
    try:
        outcome = asyncio.run(sending.run(value))
    except (LostError, StopError, RefusedError) as error:
        fail(f"not executed: {error}")
    except ValueError as error:
        fail(str(error), USAGE)
    except _UncertainError as error:
        sending.conclude("unknown")
        fail(f"the outcome is unknown: {error}", UNKNOWN)
    except KeyboardInterrupt:
        fail("interrupted: the outcome is unknown" if sending.left else "interrupted: not sent", sending.code(None))
    sending.conclude(outcome)
    if outcome == "unconfirmed" and confirm is None:
        say("fieldgate: this point confirms nothing; with --confirm sent, that counts as done")
    raise typer.Exit(sending.code(outcome))


class _Sending:
    """One command on its way, as its sender sees it."""

    def __init__(self, address: Address, request: dict[str, Any], json: bool) -> None:
        self._address = address
        self._request = request
        self._json = json
        self._output = Output()
        self._shown: tuple[object, object] | None = None
        self.left = False  # the request went out
        self._rehearsed: str | None = None  # the state that a dry run would have had

    def code(self, outcome: str | None) -> int:
        """The exit code of an outcome; of None, where it was interrupted."""
        if self._rehearsed is not None:
            return 0 if self._rehearsed == "accepted" else FAILED
        if outcome == "executed" or (outcome == "unconfirmed" and self._request.get("confirm") == "sent"):
            return 0
        if outcome == "not_executed" or (outcome is None and not self.left):
            return FAILED
        return UNKNOWN

    async def run(self, text: str | None) -> str:
        """Sends the command and gives its outcome; raises ValueError for a value that the point does not take."""
        value = await self._value(text)
        if value is not None:
            self._request["value"] = value
        try:
            async with connect(self._address) as connection:
                self.left = True
                reply = await connection.request("command", **self._request)
                outcome = self._show(reply["command"])
                while outcome is None:
                    frame = await connection.receive()
                    if frame["type"] == "command" and frame["command"]["key"] == self._request["key"]:
                        outcome = self._show(frame["command"])
                return outcome
        except (LostError, StopError) as error:
            if not self.left:
                raise
            say(f"fieldgate: {error}; asking what became of the command")
            return await self._ask(str(error))

    async def _value(self, text: str | None) -> Value:
        """The value as its point takes it."""
        device, point = self._request["device"], self._request["point"]
        try:
            points = (await fetch(self._address, "devices", device))["points"]
        except RefusedError as error:
            if error.code != "forbidden":
                raise
            return guessed_value(text)  # who may command need not be one who may read
        if point not in points:
            near = get_close_matches(point, points, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise RefusedError("not_found", f"{device} has no point {point!r}{hint}")
        return typed_value(f"{device}.{point}", points[point], text)

    async def _ask(self, reason: str) -> str:
        """What became of the command, from the gateway that came back; raises _UncertainError where it cannot tell."""
        answered = False
        give_up = time.monotonic() + _ASK_AGAIN_FOR
        while True:
            await asyncio.sleep(_ASK_EVERY)
            try:
                command = await fetch(self._address, "commands", self._request["key"])
            except LostError:
                if answered or time.monotonic() >= give_up:
                    raise _UncertainError(reason) from None
                continue
            except (StopError, RefusedError):
                raise _UncertainError(f"{reason}, and knows nothing of the command any more") from None
            outcome = self._show(command)
            if outcome is not None:
                return outcome
            if not answered:
                answered = True
                give_up = time.monotonic() + self._request["ttl"] + _ANSWER_WITHIN
            elif time.monotonic() >= give_up:
                raise _UncertainError(reason)

    def _show(self, command: dict[str, Any]) -> str | None:
        """Prints a state that is news; the outcome where there is one."""
        state, detail, outcome = command["state"], command.get("detail"), command.get("outcome")
        if command.get("dry_run"):
            self._rehearsed = state
        if (state, detail) != self._shown:
            self._shown = state, detail
            self._print(json_line(command) if self._json else plain(f"{state}: {detail}" if detail else state))
        return outcome if command.get("final") else None

    def conclude(self, outcome: str) -> None:
        """Prints the outcome, which an object has told already."""
        if self._json:
            return
        if self._rehearsed is not None:
            self._print("would be sent" if self._rehearsed == "accepted" else "would not be sent")
        else:
            self._print(outcome.replace("_", " "))

    def _print(self, line: str) -> None:
        with suppress(OutputClosedError):  # the command goes on, whoever reads of it
            self._output.write([line])
