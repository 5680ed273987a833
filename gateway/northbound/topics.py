"""Which topic is whose: of devices, of their points, of the gateway, and of what Home Assistant is told."""

from __future__ import annotations

import hashlib
import re

from gateway.config.publish import FIELD, PublishSection
from gateway.model import NOT_IN_TOPICS, safe_name

SET = "/set"
RESULT = "/set/result"

# A level of a topic that it would cut in two, or make a filter (MQTT 5 §4.7).
_NO_LEVEL = re.compile(r"^$|^\$|[/+#]")


def level(point: str) -> str:
    """A point as one level of a topic: itself where that is possible, else a readable form with a hash.

    None begins with `$`, so that one which the template has stays its own.
    """
    return safe_name(point) if _NO_LEVEL.search(point) or NOT_IN_TOPICS.search(point) else point


class Topics:
    """The topics of one gateway by its configuration."""

    def __init__(self, section: PublishSection, gateway: str) -> None:
        self._values = section.topic.replace("{gateway}", gateway)
        self._state = section.state.replace("{gateway}", gateway)
        self.status = section.status.replace("{gateway}", gateway)
        self.has_point = "{point}" in self._values
        home = section.homeassistant
        # Names may hold each other's beginnings; digests of one length do not.
        self._home_prefix = f"fieldgate_{hashlib.sha256(gateway.encode()).hexdigest()[:8]}_"
        self._home = home.prefix if home is not None else None
        named = self._values if self.has_point else f"{self._values}/{{point}}"
        self._command = f"{named}{SET}"
        of_devices = [_pattern(self._values), f"{_pattern(named)}(?:{SET}(?:/result)?)?", _pattern(self._state)]
        self._of_devices = [re.compile(pattern, re.DOTALL) for pattern in of_devices]

    def device_of(self, topic: str) -> str | None:
        """Whose topic this would be, if there were such a device; None where it can be no device's."""
        found = next((found for pattern in self._of_devices if (found := pattern.fullmatch(topic))), None)
        return found["device"] if found else None

    def values(self, device: str, point: str | None) -> str:
        """Where the values of a point are, or all those of the device where the template names no point."""
        return _fill(self._values, device, point)

    def command(self, device: str, point: str) -> str:
        """Where commands to a point come."""
        return _fill(self._command, device, point)

    def state(self, device: str) -> str:
        """Where the device's state is."""
        return _fill(self._state, device, None)

    def device_of_state(self, topic: str) -> str | None:
        """Whose state is on this topic; None where it is no such topic."""
        found = self._of_devices[-1].fullmatch(topic)
        return found["device"] if found else None

    @property
    def has_home(self) -> bool:
        """Whether Home Assistant is told of the devices."""
        return self._home is not None

    def home_id(self, device: str) -> str:
        """What the device is called among the devices of Home Assistant: of its letters, and one of a kind."""
        return f"{self._home_prefix}{safe_name(device)}"

    def home(self, device: str) -> str:
        """Where Home Assistant finds what the device is."""
        return f"{self._home}/device/{self.home_id(device)}/config"

    def is_home(self, topic: str) -> bool:
        """Whether this gateway tells Home Assistant of a device there."""
        return topic.startswith(f"{self._home}/device/{self._home_prefix}") and topic.endswith("/config")

    def is_anyones_home(self, topic: str) -> bool:
        """Whether somebody, or this gateway, tells Home Assistant of a device there."""
        return topic.startswith(f"{self._home}/device/") and topic.endswith("/config")

    def is_discovery(self, topic: str) -> bool:
        """Whether it is a topic that Home Assistant has its discovery by."""
        return self._home is not None and topic.startswith(f"{self._home}/")

    @property
    def home_status(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self._home}/status"

    @property
    def commands(self) -> str:
        """The topic filter of all commands."""
        return _filter(self._command)

    @property
    def states(self) -> str:
        """The topic filter of all states of devices."""
        return _filter(self._state)

    @property
    def homes(self) -> str:
        """The topic filter of all devices that Home Assistant is told of, by whomever."""
        return f"{self._home}/device/+/config"


def _fill(template: str, device: str, point: str | None) -> str:
    names = {"device": device, "point": level(point) if point is not None else ""}
    return FIELD.sub(lambda found: names[found[1]], template)


def _pattern(template: str) -> str:
    """A regular expression of the template's topics, with the group `device`."""
    groups = {"{device}": "(?P<device>[^/]+)", "{point}": "[^/]+"}
    return "".join(groups.get(piece) or re.escape(piece) for piece in re.split(r"(\{\w+\})", template))


def _filter(template: str) -> str:
    return "/".join("+" if FIELD.search(part) else part for part in template.split("/"))
