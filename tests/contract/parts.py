"""What the properties of the contract share: the plug-ins of the table, their inputs, and how often they are tried."""

import gc
import json
import types
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from gateway import plugins
from gateway.errors import CodecError
from gateway.framing import Framing

# Each property runs briefly in every run, and at full length with `-m long`.
EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=pytest.mark.long)])


def tried(examples: int) -> settings:
    """How a property is tried."""
    slow = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
        HealthCheck.filter_too_much,
    ]
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=slow)


def build(group: plugins.Group, name: str, options: dict[str, Any]) -> Any:
    """A plug-in, built from its options as the configuration would."""
    model = plugins.find(group, name)
    assert model is not None
    return model.model_validate({"type": name, **options}).build()  # type: ignore[attr-defined]


def cases(table: dict[str, Any]) -> list[Any]:
    """Each example of a table as a case that is called `name-number`."""
    return [
        pytest.param(name, example, id=f"{name}-{number}")
        for name, examples in table.items()
        for number, example in enumerate(examples)
    ]


def encoded(framing: Framing, frame: bytes) -> bytes | None:
    """The frame on the wire; None where the framing refuses it."""
    try:
        return framing.encode(frame)
    except CodecError:
        return None


def held(thing: object) -> int:
    """Bytes of all buffers that an object can reach."""
    seen: set[int] = set()
    found = [thing]
    total = 0
    while found:
        item = found.pop()
        if id(item) in seen or isinstance(item, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(item))
        if isinstance(item, bytes | bytearray | memoryview):
            total += len(item)
        else:
            found.extend(gc.get_referents(item))
    return total


def pieces(stream: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """The stream cut at these places."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        yield stream[start:end]


_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)  # lone surrogates too
)
_documents = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["time", "ts", "ack", "ok", "error", "", "a", "__proto__"]) | st.text(max_size=5), inner
        )
    ),
    max_leaves=12,
)
_json = st.builds(
    lambda document, ascii_only: json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"),
    _documents,
    st.booleans(),
)

# What text lines are made of, and binary fields: their bounds, and what lies next to them.
_lines = st.lists(
    st.sampled_from(
        [
            *["T", "temp", "=", ":", ",", ";", " ", "\t", '"', "21.4", "-3", "0x10", "1e999", "nan", "C", "°C", "%"],
            *["48 %", "(C)", "#", "\\", "\r", "ü", "٣", "1_000", "true", "DATA", "*", "$", "."],
        ]
    ),
    max_size=24,
).map(lambda pieces: "".join(pieces).encode())
_binary = st.lists(
    st.sampled_from([b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x00\x00\xc0\x7f", b"\x00\x00\x80\xff", b"ab"]),
    max_size=24,
).map(b"".join)


def frames_like(examples: list[bytes]) -> st.SearchStrategy[bytes]:
    """Frames: the examples, damaged ones, JSON of every shape, lines, binary fields, text, and any bytes at all."""
    known = st.sampled_from(examples)
    damaged = st.builds(
        lambda frame, at, put, cut: frame[: at % (len(frame) + 1)] + put + frame[at % (len(frame) + 1) + cut :],
        known,
        st.integers(0, 1 << 16),
        st.binary(max_size=6),
        st.integers(0, 6),
    )
    anything = st.text(max_size=40).map(str.encode) | st.binary(max_size=200)
    return known | damaged | _json | _lines | _binary | anything
