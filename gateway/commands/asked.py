"""What a client asks of a point."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from gateway.model import Confirm, Value


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as its client worded it. `ttl` and `lease` are in seconds; None is: as the gateway sees fit."""

    device: str
    point: str
    value: Value = None
    key: str | None = None
    ttl: float = 5.0
    confirm: Confirm | None = None
    lease: float | None = None

    @property
    def body(self) -> bytes:
        """All but the key, so that a repetition can be told from another command."""
        return orjson.dumps([self.device, self.point, self.value, self.ttl, self.confirm, self.lease])
