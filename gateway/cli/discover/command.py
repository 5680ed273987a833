"""`fieldgate discover`"""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway import plugins
from gateway.cli.checked import checked
from gateway.cli.console import FAILED, say
from gateway.cli.discover.stanza import stanza
from gateway.cli.discover.survey import Survey
from gateway.cli.discover.telling import count, listed, proposed, told
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.progress import Progress
from gateway.cli.serving import run_until_told
from gateway.detection.stanza import adapter_id
from gateway.errors import DeliveryError, LinkError
from gateway.mqtt import BrokerOptions, Conversation
from gateway.profiles import usual_options

_LOOK_EVERY = 0.2  # seconds between looks at what the profiles want, and what the progress shows
_EVERYTHING = "#"  # but `$SYS`, which is the broker's own
_OPTIONS = {"url": "URL", "tls": "--ca", "password": "--password-file"}  # that say a key by another name


def discover(
    url: Annotated[str, typer.Argument(metavar="URL", help="The broker: mqtt://HOST:PORT, mqtts://, ws:// or wss://.")],
    seconds: Annotated[
        float, typer.Option(min=0.2, max=3600, help="How long to listen. Some devices speak every few minutes only.")
    ] = 10.0,
    username: Annotated[str | None, typer.Option(show_default=False, help="Who you are to the broker.")] = None,
    password_file: Annotated[
        str | None, typer.Option(metavar="FILE", show_default=False, help="The file with your password for it.")
    ] = None,
    ca: Annotated[
        str | None,
        typer.Option(metavar="FILE", show_default=False, help="Whom to trust to sign the broker's certificate."),
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask devices to tell about themselves, as their dialects have it.")
    ] = False,
) -> None:
    """Find out which devices a broker has.

    Prints the configuration for them. It only listens, unless --probe says otherwise. The configuration goes to
    standard output, all else to standard error.
    """
    credentials = {"username": username, "password_file": password_file, "tls": None if ca is None else {"ca": ca}}
    connection = {"url": url, **{key: value for key, value in credentials.items() if value is not None}}
    discovery = _Discovery(checked(BrokerOptions, connection, _OPTIONS), connection, seconds, probe)
    run_until_told(discovery.run(), signal.SIGINT, signal.SIGTERM)
    if not discovery.found:
        raise typer.Exit(FAILED)


class _Discovery:
    """Listens, tells what it found, and prints the configuration where there is something to configure."""

    def __init__(self, broker: BrokerOptions, connection: dict[str, Any], seconds: float, probe: bool) -> None:
        self._broker = broker
        self._connection = connection
        self._seconds = seconds
        self._probe = probe
        self._survey = Survey([usual_options(name) for name in plugins.names("profiles")])
        self.found = False

    async def run(self) -> None:
        """Ends when the time is over, or it is interrupted; raises LinkError where the broker is not there, or goes."""
        try:
            with Progress() as progress:
                await self._hear(progress)
        except asyncio.CancelledError:
            self._conclude()
            raise
        self._conclude()

    async def _hear(self, progress: Progress) -> None:
        source = self._broker.broker(f"fieldgate-discover-{secrets.token_hex(4)}")
        progress.show(f"connecting to {self._broker.url} …")
        async with source.connect(self._survey.receive) as connection:
            await connection.subscribe([(_EVERYTHING, 0)])
            progress.note(f"listening on {self._broker.url} for {self._seconds:g} s; Ctrl-C ends it sooner")
            await self._listen(connection, progress)

    async def _listen(self, connection: Conversation, progress: Progress) -> None:
        survey, started = self._survey, time.monotonic()
        if self._probe:
            survey.fleet.greet()
        lost = asyncio.ensure_future(connection.lost())
        try:
            while (elapsed := time.monotonic() - started) < self._seconds:
                await asyncio.wait((lost,), timeout=min(_LOOK_EVERY, self._seconds - elapsed))
                if lost.done():
                    await lost
                if survey.wants_more:
                    survey.wants_more = False
                    try:
                        await survey.fleet.follow(connection, ask=self._probe)
                    except (LinkError, DeliveryError) as error:  # what a broker refuses is not looked at
                        progress.note(str(error))
                devices = len(survey.found())
                progress.show(f"{elapsed:.0f} s: {devices} devices, {survey.messages} messages, {survey.topics} topics")
        finally:
            lost.cancel()

    def _conclude(self) -> None:
        survey = self._survey
        found, proposals = survey.found(), survey.proposals()
        host = urlsplit(self._broker.url).hostname or ""
        # An address would make a poor id: it is what every device's id begins with.
        id = "broker" if host == "localhost" or ":" in host or host[-1:].isdigit() else adapter_id(host)
        say(f"{survey.messages} messages on {survey.topics} topics")
        for line in told(found, id):
            say(line)
        waiting = survey.fleet.waiting
        silence = "do not answer" if self._probe else "say what they are when asked: --probe"
        for profile in waiting:
            say(f"{profile}: devices that {silence}")
        if proposals:
            say("of no known dialect:")
        for line in proposed(proposals):
            say(line)
        left_out = survey.left_out(proposals)
        if left_out:
            say(f"not understood: {count(len(left_out), 'topic')}")
        for line in listed(left_out):
            say(line)
        if survey.passed_over:
            say(f"{survey.passed_over} messages were not looked at: too many topics, or too large")
        self.found = bool(found or waiting or proposals)
        if not self.found:
            say(f"fieldgate: nothing was recognised on {self._broker.url}")
            say("Some devices speak seldom: --seconds 300. May this user read all topics? The broker's log tells.")
            return
        try:
            Output().write(stanza(id, self._connection, found, waiting, proposals).splitlines())
        except OutputClosedError:
            return
