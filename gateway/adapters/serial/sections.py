"""The parts of a serial adapter's configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.codecs import CommandOptions
from gateway.codecs.json import JsonCommandOptions
from gateway.config.plugged import Plugged, located
from gateway.config.strict import Duration, PositiveDuration, Strict

DEVICE = "{device}"  # in a request: what the wire calls the device


def wrong(message: str, *loc: str | int) -> Exception:
    """What is wrong at a place below the model being validated, or with the whole of it."""
    error = PydanticCustomError("consistency", "{message}", {"message": message})
    return located(loc, error, None) if loc else error


def _quoted(given: Any) -> Any:
    # Digits without quotes are a number, of which YAML drops leading zeros.
    if isinstance(given, int) and not isinstance(given, bool):
        raise PydanticCustomError("quotes", "must stand in quotes: without, YAML takes it for a number")
    return given


def _hex_bytes(given: str) -> str:
    try:
        empty = not bytes.fromhex(given)
    except ValueError:
        empty = True
    if empty:
        raise PydanticCustomError("hex", "expected bytes in hexadecimal, such as 01 04 0a")
    return given


DeviceName = Annotated[str, Field(min_length=1, max_length=64)]
UsbNumber = Annotated[str, BeforeValidator(_quoted), Field(pattern=r"^(0x)?[0-9A-Fa-f]{4}$")]


class UsbSection(Strict):
    """A board on USB, wherever it is plugged in: vendor, product, and a serial number where several are alike."""

    vid: UsbNumber
    pid: UsbNumber
    serial: Annotated[str, BeforeValidator(_quoted), Field(min_length=1, max_length=128)] | None = None


class DevicesSection(Strict):
    """Several devices on one line: the member of the frame that says which one sent it, and what they are called."""

    field: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    names: Mapping[DeviceName, DeviceName] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        called = list(self.names.values())
        for wire, name in self.names.items():
            if called.count(name) > 1:
                raise wrong(f"two devices are called {name!r}", "names", wire)
        return self


class CommandsSection(Strict):
    """How commands are written, and how long their acknowledgement may take."""

    codec: Annotated[CommandOptions, Plugged("commands")] = JsonCommandOptions()
    timeout: PositiveDuration = 5.0


class RequestSection(Strict):
    """What is asked, of one device or of several in turn."""

    device: DeviceName | None = None
    devices: Annotated[tuple[DeviceName, ...], Field(strict=False, min_length=1, max_length=256)] | None = None
    send: Annotated[str, Field(min_length=1)] | None = None
    hex: Annotated[str, AfterValidator(_hex_bytes)] | None = None
    every: PositiveDuration | None = None
    timeout: PositiveDuration | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.send is None) == (self.hex is None):
            raise wrong("needs either `send` or `hex`")
        if self.device is not None and self.devices is not None:
            raise wrong("`device` and `devices` exclude each other")
        templated = self.send is not None and DEVICE in self.send
        if templated and self.device is None and self.devices is None:
            raise wrong(f"{DEVICE} needs a `device`, or `devices`", "send")
        if self.devices is not None and not templated:
            raise wrong(f"needs {DEVICE} in `send`, or all of them are asked the same", "devices")
        return self

    def frames(self, wire_names: Mapping[str, str]) -> Iterator[tuple[str | None, bytes]]:
        """The device, and the frame that asks it; `wire_names` tells what the wire calls a device."""
        for name in self.devices or (self.device,):
            if self.hex is not None:
                yield name, bytes.fromhex(self.hex)
            elif self.send is not None:
                asked = self.send if name is None else self.send.replace(DEVICE, wire_names.get(name, name))
                yield name, asked.encode()


class PollSection(Strict):
    """Devices that speak only when they are asked."""

    requests: Annotated[tuple[RequestSection, ...], Field(strict=False, min_length=1, max_length=256)]
    every: PositiveDuration = 1.0
    timeout: PositiveDuration = 0.5
    pause: Duration = 0.0
