"""Every error that Fieldgate raises of its own.

FieldgateError
├── ConfigurationError     the configuration file cannot be used; carries every problem found
├── CodecError             a frame or payload that cannot be decoded, or a value that cannot be encoded
├── LinkError              the link to a device or broker could not be opened, or broke
│   └── RefusedError       a broker does not grant a subscription
├── DeliveryError          a command could not be delivered
│   ├── NotSentError       certain: not one byte of it left the gateway
│   └── UncertainError     it may or may not have reached the device
├── AuditError             a command cannot be recorded durably
└── RequestError           a client's request is refused; carries the protocol's error code
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ErrorCode = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "conflict",
    "unsupported",
    "too_large",
    "rate_limited",
    "unavailable",
    "internal",
]

# What a client may try again unchanged, later.
_RETRY: frozenset[ErrorCode] = frozenset({"rate_limited", "unavailable", "internal"})


def worth_saying(count: int) -> bool:
    """Whether the error that made the count is logged: the 1st, 2nd, 4th, 8th …, said and never a flood."""
    return count & (count - 1) == 0


class FieldgateError(Exception):
    """The base of all errors raised by Fieldgate."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem of a configuration file; `line` and `column` count from 1, 0 where there is none."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ConfigurationError(FieldgateError):
    """A configuration that cannot be used; `str()` has one problem a line, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CodecError(FieldgateError):
    """A frame that cannot be decoded, or a command that cannot be encoded."""


class LinkError(FieldgateError):
    """The link could not be opened, or broke; the message is what an operator reads."""


class RefusedError(LinkError):
    """The broker does not grant some subscriptions; its connection stands, and what else was asked for is granted."""

    def __init__(self, topics: Sequence[str]) -> None:
        self.reasons = [f"the broker refuses the subscription to {topic}" for topic in topics]
        super().__init__(self.reasons[0])


class DeliveryError(FieldgateError):
    """A command could not be delivered."""


class NotSentError(DeliveryError):
    """Not one byte of the command left the gateway."""


class UncertainError(DeliveryError):
    """The command may or may not have reached its device."""


class AuditError(FieldgateError):
    """A command cannot be recorded durably, and so must not be sent."""


class RequestError(FieldgateError):
    """A request that is refused, with the protocol's error code; `retry_after` is in seconds, where it is known."""

    def __init__(self, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.retry_after = retry_after

    @property
    def retry(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in _RETRY
