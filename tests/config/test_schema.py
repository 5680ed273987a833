"""The JSON Schema says what the models say."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway import plugins
from gateway.config import Config
from gateway.config.document import Document

SAMPLES = Path(__file__).parent.parent.parent / "config"
SCHEMA: dict[str, Any] = Config.model_json_schema()

_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def complaints(schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """What the schema says against the value, by the keywords that our schema uses (JSON Schema 2020-12)."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return complaints(SCHEMA["$defs"][name], value, path)
    if "anyOf" in schema:
        each = [complaints(choice, value, path) for choice in schema["anyOf"]]
        return [] if [] in each else [f"{path}: none of {len(each)} forms: {each}"]
    found = []
    if "oneOf" in schema:
        each = [complaints(choice, value, path) for choice in schema["oneOf"]]
        found += [] if each.count([]) == 1 else [f"{path}: not one of {len(each)} forms: {each}"]
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(
        isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds
    ):
        return [f"{path}: not {' or '.join(kinds)}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: not one of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{path}: not {schema['const']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{path}: does not match")
    if isinstance(value, dict):
        found += [f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value]
        known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for key, item in value.items():
            patterns = (
                below for pattern, below in schema.get("patternProperties", {}).items() if re.search(pattern, key)
            )
            below = known.get(key, next(patterns, rest))
            if below is False:
                found.append(f"{path}.{key}: unknown")
            elif isinstance(below, dict):
                found += complaints(below, item, f"{path}.{key}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += complaints(schema.get("items", {}), item, f"{path}.{index}")
    return found


def plain(text: str) -> Any:
    return Document(text, "sample.yaml", {}).root


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_sample_is_valid(path: Path) -> None:
    assert complaints(SCHEMA, plain(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "servers: {}",
        "server: {heartbeat: soon}",
        "server: {max_connections: many}",
        "adapters: [{id: a b, type: loopback}]",
        "adapters: [{id: a, type: seriel}]",
        "adapters: [{id: a}]",
        "adapters: [{id: a, type: serial}]",
        "adapters: [{id: a, type: serial, port: /dev/x, url: y}]",
        "adapters: [{id: a, type: serial, port: /dev/x, framing: line}]",
        "adapters: [{id: a, type: serial, port: /dev/x, framing: {type: line}}]",
        "adapters: [{id: a, type: serial, port: /dev/x, framing: {max: 5}}]",
        "devices: {a: {points: {t: {type: numbr}}}}",
        "devices: {a: {points: {t: {values: off}}}}",
        "devices: {a: {points: {t: {values: {0: off, 1: 5}}}}}",
        "devices: {a: {points: {t: {stale_after: soon}}}}",
    ],
)
def test_an_editor_marks_what_the_gateway_refuses(text: str) -> None:
    assert complaints(SCHEMA, plain(text))


def test_an_editor_takes_every_form_of_a_point() -> None:
    text = """
    devices:
      a:
        points:
          mode: {values: [auto, day], stale_after: auto}
          state: {values: {0: off, 1: heating, A: auto}, stale_after: 30s}
          level: {deadband: 0.5, interval: 10s, stale_after: 60}
    """
    assert complaints(SCHEMA, plain(text)) == []


@pytest.mark.parametrize("group", ["adapters", "framings", "codecs", "commands"])
def test_every_plug_in_is_in_it(group: plugins.Group) -> None:
    written = str(SCHEMA)
    for name in plugins.names(group):
        assert f"'{name}'" in written
