"""What the contract feeds each installed profile: the messages that its dialect documents.

Whoever adds a profile adds `tests/profiles/<name>_messages.py` with `MESSAGES`: topic, payload and whether it is
retained, in an order in which they may come, all of them readable, and at least one device among them. It may also have
`OPTIONS`, and two functions that give messages: `many(count)` describes that many devices, `wide(count)` one device of
that many points.
"""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from gateway import plugins
from gateway.profiles import Profile
from tests.contract.parts import build

Message = tuple[str, bytes, bool]

NAMES = plugins.names("profiles")


@dataclass(frozen=True)
class ProfileExample:
    """A profile, and how its dialect speaks."""

    name: str
    messages: list[Message]
    options: dict[str, Any]
    many: Callable[[int], Iterable[Message]] | None
    wide: Callable[[int], Iterable[Message]] | None

    def build(self) -> Profile:
        """A new profile."""
        profile: Profile = build("profiles", self.name, self.options)
        return profile


def example(name: str) -> ProfileExample:
    """The example of a profile; fails where there is none."""
    module: ModuleType = importlib.import_module(f"tests.profiles.{name}_messages")
    found = ProfileExample(
        name,
        module.MESSAGES,
        getattr(module, "OPTIONS", {}),
        getattr(module, "many", None),
        getattr(module, "wide", None),
    )
    assert found.messages, f"tests/profiles/{name}_messages.py has no messages"
    return found
