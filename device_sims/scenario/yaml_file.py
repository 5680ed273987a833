"""YAML with the lines that things stand on; the only file that knows ruamel.yaml."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from device_sims.scenario.errors import ScenarioError


def load(path: Path) -> object:
    """What is in the file; `ScenarioError` where it cannot be read, or is no YAML."""
    try:
        return YAML().load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise ScenarioError([f"{path}{place}: {error.problem or error.context}"]) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ScenarioError([f"{path}: {reason}"]) from None


def place_of(tree: object, key: str | int | None) -> str:
    """`:line:column` of the item in a mapping or a sequence (of the whole where `key` is None); empty where unknown."""
    if not isinstance(tree, CommentedMap | CommentedSeq):
        return ""
    try:
        if key is None:
            line, column = tree.lc.line, tree.lc.col
        elif isinstance(tree, CommentedMap):
            line, column = tree.lc.value(key)
        else:
            line, column = tree.lc.item(key)
    except (KeyError, IndexError, AttributeError, TypeError):
        return ""
    return f":{line + 1}:{column + 1}"


def place_of_key(tree: object, key: str) -> str:
    """`:line:column` of a key in a mapping; empty where unknown."""
    try:
        line, column = tree.lc.key(key)  # type: ignore[attr-defined]
    except (KeyError, AttributeError, TypeError):
        return ""
    return f":{line + 1}:{column + 1}"
