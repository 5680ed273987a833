"""Where the audit of commands is kept, and for how long."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config.strict import Duration, FilePath, Strict

_NAME = "audit.db"


class AuditSection(Strict):
    """The durable record of commands; `max_size` is in MB."""

    enabled: bool = True
    path: FilePath | None = None
    keep: Annotated[Duration, Field(ge=3600)] = 365 * 86400.0
    max_size: Annotated[int, Field(ge=16, le=1_000_000)] = 256

    @property
    def max_bytes(self) -> int:
        """The size above which the oldest records go."""
        return self.max_size * 1_000_000

    def file(self, environment: Mapping[str, str] = os.environ) -> Path:
        """`path`, else a file in $STATE_DIRECTORY (its first folder, systemd may give several), else in the home."""
        if self.path is not None:
            return self.path
        states = environment.get("STATE_DIRECTORY", "").split(":")[0]
        return Path(states or os.path.expanduser("~/.local/state/fieldgate")) / _NAME
