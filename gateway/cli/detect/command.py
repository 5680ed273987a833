"""`fieldgate detect`"""

from __future__ import annotations

import os
import signal
from typing import Annotated

import typer

from gateway.adapters.wire.port import SerialPort, list_ports
from gateway.adapters.wire.socket import parse_socket
from gateway.cli.console import FAILED, USAGE, fail, say
from gateway.cli.detect.listening import PROBES, RATES, Heard, Listening, has_speed
from gateway.cli.detect.telling import show_excerpt, show_table
from gateway.cli.output import Output, OutputClosedError
from gateway.cli.progress import Progress
from gateway.cli.serving import run_until_told
from gateway.detection.stanza import Line, adapter_id, stanza

_SHOWN = 5  # guesses


def detect(
    port: Annotated[str, typer.Argument(metavar="PORT", help="A serial port, or socket://HOST:PORT.")],
    baudrate: Annotated[
        int | None,
        typer.Option(
            min=50, max=20_000_000, metavar="N", show_default=False, help="At this speed only. Default: the usual ones."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.2, max=3600, help="How long to listen at each speed, unless it is clear sooner.")
    ] = 2.5,
    probe: Annotated[
        bool, typer.Option("--probe", help="Send a line end, then a question mark, where nothing is heard.")
    ] = False,
) -> None:
    """Find out what a serial board speaks.

    Prints the configuration for it. It only listens, unless --probe says otherwise. The configuration goes to
    standard output, all else to standard error.
    """
    if "://" in port and parse_socket(port) is None:
        fail(f"{port}: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT", USAGE)
    if baudrate is not None and "://" in port:
        fail("--baudrate means nothing for socket://: the server there decides it", USAGE)
    detection = _Detection(port, baudrate, seconds, probe)
    run_until_told(detection.run(), signal.SIGINT, signal.SIGTERM)
    if not detection.found:
        raise typer.Exit(FAILED)


class _Detection:
    """Listens, tells what it heard, and prints the configuration where it is sure of one."""

    def __init__(self, port: str, baudrate: int | None, seconds: float, probe: bool) -> None:
        self._port = port
        self._baudrate = baudrate
        self._seconds = seconds
        self._probe = probe
        self.found = False

    async def run(self) -> None:
        """Ends once it knows, or has tried everything; raises LinkError where the port does not open, or goes."""
        with Progress(every=float("inf")) as progress:
            listening = Listening(self._port, progress.show, progress.note, probe=self._probe)
            heard = await listening.run(self._rates(), self._seconds)
        best = heard[0]
        if not any(one.capture.data for one in heard):
            self._tell_silence(probed=listening.probed > 0)
            return
        if best.best is None or not best.best.sure:
            best = max(heard, key=lambda one: (one.promise, len(one.capture.data)))
            _tell_doubt(best)
            return
        self._tell(best)

    def _rates(self) -> list[int | None]:
        fixed = self._baudrate is not None or not has_speed(self._port)
        return [self._baudrate] if fixed else list(RATES)

    def _tell_silence(self, *, probed: bool) -> None:
        if probed:
            sent = " and ".join(repr(probe.decode()) for probe in PROBES)
            say(f"fieldgate: nothing was heard on {self._port}, not even an answer to {sent}")
        else:
            say(f"fieldgate: nothing was heard on {self._port}")
        say("Is the board powered, and its TX wired to this RX? If it speaks seldom, listen for longer: --seconds 30.")
        if not probed:
            say("If it speaks only when it is spoken to: --probe.")
        say("If it is a Modbus device, it never speaks first: see the adapter `modbus`.")

    def _tell(self, heard: Heard) -> None:
        guess = heard.guesses[0]
        show_excerpt(heard.capture.data)
        rate = f", {guess.rate:.3g} a second" if guess.rate else ""
        say(f"{guess.read} of {guess.frames} frames read{rate}:")
        show_table(heard.guesses[:_SHOWN])
        if not guess.proven:
            say("Neither text nor a checksum proves it: compare the values with what the board measures.")
        self.found = True
        try:
            Output().write(stanza(guess, self._line(heard.baudrate)).splitlines())
        except OutputClosedError:
            return

    def _line(self, baudrate: int | None) -> Line:
        """The port as it is to be configured: by a link that stays the same, where it has one."""
        known = _known(self._port)
        if known is None:
            return Line(adapter_id(_last(self._port)), self._port, baudrate)
        name = next((name for name in (known.product, known.maker) if name and name.isprintable()), None)
        link = self._port if self._port.startswith("/dev/serial/") else known.link or self._port
        return Line(
            adapter_id(name or _last(known.path)), link, baudrate, name if name and name.isprintable() else None
        )


def _known(port: str) -> SerialPort | None:
    path = os.path.realpath(port)
    return next((known for known in list_ports() if os.path.realpath(known.path) == path), None)


def _last(port: str) -> str:
    """What of the port's name may name its adapter: `greenhouse` of /tmp/greenhouse, the host of a socket."""
    socket = parse_socket(port)
    return socket.host if socket is not None else os.path.basename(port)


def _tell_doubt(heard: Heard) -> None:
    at = f" at {heard.baudrate} baud" if heard.baudrate is not None else ""
    show_excerpt(heard.capture.data)
    if heard.guesses:
        say("the best guesses, none of which is better than chance:")
        show_table(heard.guesses[:_SHOWN])
    say(f"fieldgate: not sure: {len(heard.capture.data)} bytes were heard{at}, and nothing in them is recognised")
