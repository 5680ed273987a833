"""Whom a payload names, where its topic tells already whose it is: the topic decides, and a payload that disagrees is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from gateway.codecs.text import SHOWN
from gateway.errors import CodecError
from gateway.model import Sample

CLAIMS = ("device", "device_id", "deviceId")


@runtime_checkable
class ReadsClaims(Protocol):
    """A codec that knows itself where its frames name a device; of others, the values are looked at."""

    def decode_of(self, frame: bytes, device: str, claims: frozenset[str]) -> list[Sample]:
        """As `decode`, of a frame that came from this device; raises CodecError where the frame names another.

        `claims` are the names of members that name a device.
        """
        ...


def refuse_others(members: Mapping[str, Any], device: str, claims: frozenset[str]) -> None:
    """Raises CodecError where a member that names a device has the text of another one."""
    for name in claims:
        claimed = members.get(name)
        if type(claimed) is str and claimed != device:
            raise another(repr(name), claimed, device)


def another(where: str, claimed: str, device: str) -> CodecError:
    """The error of a payload that claims another device."""
    return CodecError(f"{where} claims the device {claimed[:SHOWN]!r}, and the topic is of {device[:SHOWN]!r}")
