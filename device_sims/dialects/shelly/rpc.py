"""What a call of a method gets instead of a result, and the arguments of calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INVALID_ARGUMENT, NOT_FOUND, NO_HANDLER = -103, -105, 404

Params = Mapping[str, Any]


class RpcError(Exception):
    """What is answered instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def missing(name: str) -> RpcError:
    """An argument that must be there is not."""
    return RpcError(INVALID_ARGUMENT, f"Missing required argument '{name}'!")


def refused(name: str, value: object, reason: str) -> RpcError:
    """An argument that makes no sense."""
    return RpcError(INVALID_ARGUMENT, f"Argument '{name}', value {json.dumps(value)[:40]} {reason}!")


def boolean(params: Params, name: str) -> bool | None:
    """A boolean argument, None where it is absent."""
    value = params.get(name)
    if value is not None and not isinstance(value, bool):
        raise refused(name, value, "is not a boolean")
    return value


def number(params: Params, name: str, low: float, high: float) -> float | None:
    """A number from `low` to `high`, None where it is absent."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refused(name, value, "is not a number")
    if not low <= value <= high:
        raise refused(name, value, "is out of range")
    return value
