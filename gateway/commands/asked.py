"""What a client asks of a point."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from gateway.model import Confirm, Value


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as its client worded it. `ttl` and `lease` are in seconds; None is: as the gateway sees fit.

    Where `ttl_runs`, the `ttl` is what is left of it, and a repetition may well have less.
    """

    device: str
    point: str
    value: Value = None
    key: str | None = None
    ttl: float = 5.0
    confirm: Confirm | None = None
    lease: float | None = None
    ttl_runs: bool = False

    @property
    def body(self) -> bytes:
        """All but the key, so that a repetition can be told from another command."""
        ttl = None if self.ttl_runs else self.ttl
        return orjson.dumps([self.device, self.point, self.value, ttl, self.confirm, self.lease])
