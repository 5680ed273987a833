"""Every key of the configuration is explained, with its true default."""

import types
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from gateway import plugins
from gateway.config import Config
from gateway.config.models import Listen, parse_listen
from gateway.config.plugged import Plugged
from gateway.config.strict import parse_duration
from tests.docs.markdown import doc

PAGE = doc("configuration")

# Where the keys of a section are explained, for those whose heading is not their own name. A section that is neither
# here nor below a heading of its own name fails.
HEADINGS = {
    "": "The file",
    "auth.tokens": "A token",
    "auth.anonymous": "anonymous",
    "devices.points": "A point",
    "devices.points.require": "Interlocks",
    "publish.tls": "mqtt: tls",
    "adapters.serial": "serial",
    "adapters.serial.devices": "serial: devices",
    "adapters.serial.commands": "serial: commands",
    "adapters.serial.usb": "serial: usb",
    "adapters.serial.poll": "serial: poll",
    "adapters.serial.poll.requests": "serial: a request",
    "adapters.mqtt": "mqtt",
    "adapters.mqtt.tls": "mqtt: tls",
    "adapters.mqtt.topics": "mqtt: an item of topics",
    "adapters.mqtt.topics.commands": "mqtt: commands",
    "adapters.mqtt.topics.availability": "mqtt: availability",
    "adapters.modbus": "modbus",
    "adapters.modbus.usb": "serial: usb",
    "adapters.modbus.points": "modbus: a point",
    "adapters.modbus.devices": "modbus: devices",
    "adapters.modbus.devices.points": "modbus: a point",
    "adapters.loopback": "loopback",
    "framings.cobs.checksum": "Checksums",
    "framings.fixed.checksum": "Checksums",
    "framings.length_prefixed.checksum": "Checksums",
    "framings.lines.checksum": "Checksums",
    "framings.slip.checksum": "Checksums",
    "framings.stx_etx.checksum": "Checksums",
    "codecs.struct.points": "codec struct: a point",
    "commands.struct.ack": "command form struct: ack",
    "commands.template.points": "command form template: a point",
}
# Plug-ins stand below a heading of their group and name.
GROUPS: dict[plugins.Group, str] = {
    "profiles": "profile",
    "framings": "framing",
    "codecs": "codec",
    "commands": "command form",
}
COMMON = {"id", "type"}  # of every adapter, explained once

Key = tuple[str, str, FieldInfo]  # the section's path, the key, and what the model says of it


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field holds, in lists, mappings and unions too; plug-ins are walked by their own group."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        if any(isinstance(argument, Plugged) for argument in get_args(annotation)):
            return
        for argument in get_args(annotation):
            yield from models_in(argument)


def walk(model: type[BaseModel], path: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        yield path, name, field
        if any(isinstance(mark, Plugged) for mark in field.metadata):
            continue
        for inner in models_in(field.annotation):
            yield from walk(inner, f"{path}.{name}".lstrip("."))


def plugged_in(group: plugins.Group, path: str) -> Iterator[Key]:
    for name in plugins.names(group):
        model = plugins.find(group, name)
        assert model is not None
        if model.__module__.startswith("gateway."):  # an installed plug-in of somebody else has a page of its own
            yield from walk(model, f"{path}.{name}")


KEYS: list[Key] = [
    *walk(Config, ""),
    *plugged_in("adapters", "adapters"),
    *(key for group in GROUPS for key in plugged_in(group, group)),
]


def heading_of(path: str) -> str:
    group, _, name = path.partition(".")
    words = {str(group): word for group, word in GROUPS.items()}
    return HEADINGS.get(path) or (f"{words[group]} {name}" if group in words else path)


def row_of(path: str, key: str) -> list[str]:
    heading = heading_of(path)
    if path.startswith("adapters.") and path.count(".") == 1 and key in COMMON:
        heading = "adapters"
    rows = PAGE.rows(heading, "section" if path == "" else "key")
    assert key in rows, f"docs/configuration.md: below {heading!r} there is no row for `{key}`"
    return rows[key]


@pytest.mark.parametrize(("path", "key", "field"), KEYS, ids=[f"{path}.{key}".lstrip(".") for path, key, _ in KEYS])
def test_a_key_is_explained_with_its_default(path: str, key: str, field: FieldInfo) -> None:
    row = row_of(path, key)
    assert row[-1] or key == "type", "it is not said what it means"
    if path == "":  # of a section, the table tells what holds without it
        return
    default = row[1].replace("`", "")
    if field.is_required():
        assert default == "required"
    elif key == "type" and path.startswith("adapters."):
        assert field.default in row[2].replace("`", "")
    elif field.default_factory is not None:
        assert default not in ("", "required", "none")
    else:
        assert documented(default, field.default) == field.default, f"the default is {field.default!r}"


def documented(cell: str, default: object) -> object:
    """What the cell says the default is, in the kind that the default has."""
    if isinstance(default, BaseModel):
        return default if cell == getattr(default, "type", None) else cell
    if default is None:
        words = ("none", "learnt", "the device's own name", "the best that the link gives")
        return None if cell in words else cell
    if isinstance(default, Listen):
        return parse_listen(cell)
    value: Any = YAML(typ="safe").load(cell)
    if isinstance(default, float):
        return parse_duration(value)
    return tuple(value) if isinstance(default, tuple) else value


def test_no_key_is_explained_that_there_is_not() -> None:
    known = {key for _, key, _ in KEYS}
    headings = {heading_of(path) for path, _, _ in KEYS if path} | {"adapters"}
    told = {key for heading in headings for key in PAGE.rows(heading, "key")}
    assert told - known == set()
    assert len(told) > 40


def test_every_plug_in_has_its_section() -> None:
    forms = {group: f"{word} {{name}}" for group, word in GROUPS.items()}
    forms["adapters"] = "{name}"
    for group, form in forms.items():
        for entry in plugins._entries(group).values():
            if entry.value.startswith("gateway."):
                PAGE.section(form.format(name=entry.name))
