"""A YAML document as plain values, with the line and column of each.

Read from ruamel's nodes rather than its objects: those lose the places of merged keys, know only the first
duplicate key, and run constructors that a configuration has no use for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gateway.errors import ConfigurationError, Problem

_MAX_NODES = 100_000  # what aliases may unfold to
_MAX_DEPTH = 32
_MAX_INTEGER = 1 << 63
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TAG = "tag:yaml.org,2002:"
# Dates stay text, and so do a lone `=` and `<<`, which YAML 1.1 gave a meaning.
_TEXTS = {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value", "merge")}
_BY_NUMBER = ("values",)  # names of what the wire says: the one mapping whose keys may be numbers
_FLOATS = {".inf": "inf", ".nan": "nan"}

Path_ = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, from 1


class Document:
    """The document's values in `root`, and the problems that are the file's own."""

    def __init__(self, text: str, file: str, environment: Mapping[str, str]) -> None:
        """Raises ConfigurationError where the text is not YAML."""
        self._file = file
        self._environment = environment
        self._nodes = 0
        self._full = False
        self._keys: dict[Path_, Place] = {}
        self._values: dict[Path_, Place] = {}
        self.problems: list[Problem] = []
        node = self._compose(text)
        self.root = {} if node is None or _is_null(node) else self._value(node, ())

    def place(self, path: Path_, *, of_key: bool = False) -> Place:
        """Where the value (or the key) at the path stands; the nearest thing above it where it does not exist."""
        if of_key and path in self._keys:
            return self._keys[path]
        while path and path not in self._values:
            path = path[:-1]
        return self._values.get(path, (1, 1))

    def _compose(self, text: str) -> Node | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML 1.2 §3.2.2.2 allows it
                node: Node | None = YAML(typ="safe", pure=True).compose(text)
                return node
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = error.problem or ""
            message = f"{error.context}, {problem}" if error.context and problem.startswith("but ") else problem
            message = " ".join((message or error.context or "not valid YAML").split("\n")[0].split())
        except ReaderError as error:
            before = text[: error.position]
            place = (before.count("\n") + 1, error.position - before.rfind("\n"))
            message = f"the character #x{error.character:04x} is not allowed"
        except RecursionError:
            place, message = (1, 1), "the file is too large or too deeply nested"
        except (YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError, AssertionError):
            # The scanner meets some broken text with errors of its own making, which say nothing to a person.
            place, message = (1, 1), "not valid YAML"
        self._problem(place, message)
        raise ConfigurationError(self.problems)

    def _value(self, node: Node, path: Path_) -> Any:
        place = self._values[path] = _place(node)
        if not self._room(place, len(path)):
            return None
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        self._problem(place, f"tags such as {node.tag} are not allowed")
        return None

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str | int, Any]:
        result: dict[str | int, Any] = {}
        for key_node, value_node in self._pairs(node):
            place = _place(key_node)
            key = key_node.value
            if isinstance(key_node, ScalarNode) and key_node.tag == f"{_TAG}int" and path[-1:] == _BY_NUMBER:
                key = self._scalar(key_node, place)
            elif not isinstance(key_node, ScalarNode) or key_node.tag not in _TEXTS:
                shown = repr(key)[:80] if isinstance(key_node, ScalarNode) else "of a mapping"
                self._problem(place, f"the key {shown} is not text; put it in quotes")
                continue
            if key in result:  # the values may be secrets: they are not shown
                self._problem(place, f"the key {str(key)[:80]!r} stands twice in one mapping")
            else:
                self._keys[*path, key] = place
                result[key] = self._value(value_node, (*path, key))
        return result

    def _pairs(self, node: MappingNode, depth: int = 0) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping, then those that it merges by `<<` and does not have itself."""
        merged: list[Node] = []
        own = set()
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged += value_node.value if isinstance(value_node, SequenceNode) else [value_node]
            else:
                own.add(str(key_node.value))
                yield key_node, value_node
        for source in merged:
            if not isinstance(source, MappingNode):
                self._problem(_place(source), "only mappings can be merged by <<")
                continue
            for key_node, value_node in self._pairs(source, depth + 1) if self._room(_place(source), depth) else ():
                if self._room(_place(key_node), depth) and str(key_node.value) not in own:
                    own.add(str(key_node.value))
                    yield key_node, value_node

    def _room(self, place: Place, depth: int) -> bool:
        """Counts a node; says so, once, where aliases unfold to too many or too deep."""
        self._nodes += 1
        if self._nodes <= _MAX_NODES and depth <= _MAX_DEPTH:
            return True
        if not self._full:
            self._full = True
            self._problem(place, "the file is too large or too deeply nested")
        return False

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        text: str = node.value
        tag = str(node.tag).removeprefix(_TAG)
        if node.tag in _TEXTS:
            return self._expand(text, place)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() in ("true", "yes", "on", "y")
        if tag not in ("int", "float"):
            self._problem(place, f"tags such as {node.tag} are not allowed")
            return None
        try:
            number = _number(tag, text.replace("_", "").lower())
        except ValueError:
            self._problem(place, f"{text[:40]!r} cannot be read as a number; put it in quotes where it is text")
            return None
        if isinstance(number, int) and not -_MAX_INTEGER <= number < _MAX_INTEGER:
            self._problem(place, "the number is too large")
            return None
        return number

    def _expand(self, text: str, place: Place) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in self._environment:
                self._problem(place, f"the environment variable {name} is not set")
            return self._environment.get(name, "")

        return _VARIABLE.sub(value, text)

    def _problem(self, place: Place, message: str) -> None:
        self.problems.append(Problem(self._file, *place, visible(message)))


def visible(text: str) -> str:
    """The text on one line, whatever a key or a value holds."""
    return text if text.isprintable() else repr(text)[1:-1]


def _place(node: Node) -> Place:
    """ruamel counts lines and columns from 0."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == f"{_TAG}null"


def _number(tag: str, text: str) -> int | float:
    """Raises ValueError where the text is none, or has more digits than Python reads."""
    if tag == "float":
        sign, rest = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
        return float(sign + _FLOATS.get(rest, rest))
    # A leading zero is decimal in YAML 1.2, and an error to int(…, 0).
    return int(text) if text.lstrip("+-").isdigit() else int(text, 0)
