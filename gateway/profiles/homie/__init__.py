"""Homie 5: devices that describe themselves, each on its own topics (https://homieiot.github.io/specification).

homie/5/super-car/$state                  ready
homie/5/super-car/$description            {"homie": "5.0", "nodes": {"engine": {"properties": {"temperature": {…}}}}}
homie/5/super-car/engine/temperature      21.5
homie/5/super-car/lights/power/set        true
"""

from __future__ import annotations

from gateway.profiles.base import Profile, ProfileOptions
from gateway.profiles.homie.profile import Homie
from gateway.profiles.topic import BaseTopic

__all__ = ["Homie", "HomieOptions"]


class HomieOptions(ProfileOptions):
    """`homie`, or with another domain than `homie`."""

    type: str = "homie"
    topic: BaseTopic = "homie"

    def build(self) -> Profile:
        """The profile."""
        return Homie(f"{self.topic}/5/")
