"""What others see of the devices over MQTT: where it is published, under which topics, and what they may command."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.broker import BrokerSection
from gateway.config.strict import Globs, Strict, refuse

FIELD = re.compile(r"\{(\w*)\}")


def _topic(text: str, *fields: str) -> str:
    """The template, where others can subscribe to what is published on it."""
    found = FIELD.findall(text)
    known = ", ".join(f"{{{field}}}" for field in fields)
    for field in found:
        if field not in fields:
            raise PydanticCustomError(
                "topic", "{field} is not one of {known}", {"field": f"{{{field}}}", "known": known}
            )
    if len(found) != len(set(found)):
        raise PydanticCustomError("topic", "each of {known} may stand once", {"known": known})
    rest = FIELD.sub("", text)
    if "{" in rest or "}" in rest:
        raise PydanticCustomError("topic", "a brace has no partner")
    if "}{" in text:
        raise PydanticCustomError("topic", "two names need something between them")
    if "+" in rest or "#" in rest:
        raise PydanticCustomError("topic", "a topic to publish on has no wildcards")
    if text.startswith("$"):
        raise PydanticCustomError("topic", "topics that begin with $ are the broker's own")
    return text


def _of_device(text: str) -> str:
    if "{device}" not in text:
        raise PydanticCustomError("topic", "needs {device}, or all devices would share one topic")
    return _topic(text, "gateway", "device", "point")


def _of_state(text: str) -> str:
    if "{device}" not in text:
        raise PydanticCustomError("topic", "needs {device}, or all devices would share one topic")
    return _topic(text, "gateway", "device")


def _of_gateway(text: str) -> str:
    return _topic(text, "gateway")


_text = StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")
DeviceTopic = Annotated[str, _text, AfterValidator(_of_device)]
StateTopic = Annotated[str, _text, AfterValidator(_of_state)]
GatewayTopic = Annotated[str, _text, AfterValidator(_of_gateway)]


class HomeAssistantSection(Strict):
    """How Home Assistant is told of the devices."""

    prefix: Annotated[str, StringConstraints(pattern=r"^[^/+#$\x00-\x1f\x7f][^+#\x00-\x1f\x7f]{0,255}$")] = (
        "homeassistant"
    )


def _home_assistant(given: Any) -> Any:
    if given is True:
        return HomeAssistantSection()
    if given is None or given is False:
        return None
    if not isinstance(given, dict | HomeAssistantSection):
        raise PydanticCustomError(
            "home_assistant",
            "expected true, false, or a mapping with `prefix`, found {found}",
            {"found": repr(given)[:40]},
        )
    return given


_ON_OR_SECTION = {"anyOf": [{"type": "boolean"}, HomeAssistantSection.model_json_schema()], "default": False}


class PublishSection(BrokerSection):
    """A broker on which the devices are published."""

    topic: DeviceTopic = "fieldgate/{gateway}/{device}/{point}"
    state: StateTopic = "fieldgate/{gateway}/{device}/$state"
    status: GatewayTopic = "fieldgate/{gateway}/status"
    qos: Literal[0, 1] = 0
    retain: bool = True
    devices: Globs | None = None
    commands: Globs = ()
    answers: Globs = ()
    homeassistant: Annotated[
        HomeAssistantSection | None, BeforeValidator(_home_assistant), WithJsonSchema(_ON_OR_SECTION)
    ] = None

    @model_validator(mode="after")
    def _each_its_own(self) -> Self:
        given = [("state", self.topic), ("status", self.topic), ("status", self.state)]
        refuse(((key,), "is the topic of something else too") for key, other in given if getattr(self, key) == other)
        return self
