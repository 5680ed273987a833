"""Whatever bytes a port brings, in whatever pieces: no exception, bounded memory, and back in step at once."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.serial.adapter import SerialAdapter
from gateway.config import parse
from gateway.model import Reading
from tests.adapters.rig import Rig

# What the bus says of each of thousands of errors would be most of the time and all of the output.
pytestmark = pytest.mark.usefixtures("quiet")

pieces = st.lists(st.integers(1, 64), min_size=1, max_size=20)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=10),
    st.just("\ud800"),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
)
# What firmware might write, well formed or nearly so.
documents = st.dictionaries(
    st.one_of(st.sampled_from(["t", "u", "b", "e", "time", "ts", "ack", "ok", "node", ""]), st.text(max_size=6)),
    values,
    max_size=6,
).map(lambda members: json.dumps(members).encode())
soup = st.lists(
    st.one_of(
        st.binary(max_size=30),
        documents,
        st.sampled_from(
            [b"\n", b"\r\n", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b'{"t":', b"}", b"[", b'"', b"\0"]
        ),
    ),
    max_size=12,
).map(b"".join)

CONFIG = """
adapters: [{id: board, type: serial, port: /nowhere, commands: {}, framing: {type: lines, max: 200} %s}]
%s
"""
POINTS = """
devices:
  board:
    points:
      t: {type: number, scale: 0.1, offset: 3, min: -5, max: 50}
      u: {type: integer}
      b: {type: boolean}
      e: {values: [a, b]}
"""


@pytest.fixture(scope="module")
def quiet() -> Iterator[None]:
    logger = logging.getLogger("gateway")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


def noisy(more: str = "", declared: str = POINTS) -> tuple[Rig, SerialAdapter]:
    rig = Rig(parse(CONFIG % (more, declared), "fieldgate.yaml", Path()))
    assert isinstance(rig.adapter, SerialAdapter)
    rig.link.up()
    return rig, rig.adapter


def feed(adapter: SerialAdapter, data: bytes, cuts: list[int]) -> None:
    """Brings the data in pieces of these sizes, again and again."""
    place = number = 0
    while place < len(data):
        size = cuts[number % len(cuts)]
        adapter.receive_data(data[place : place + size])
        place, number = place + size, number + 1


def check(rig: Rig, adapter: SerialAdapter, data: bytes, cuts: list[int]) -> None:
    feed(adapter, data, cuts)
    assert adapter._bugs == 0, "a frame broke what reads it"
    assert len(vars(adapter._framing).get("_partial", b"")) <= 65536
    adapter.receive_data(b"\n")
    rig.readings.clear()
    adapter.receive_data(b'{"n":1,"node":"a"}\n{"n":2,"node":"a"}\n')
    assert [reading.values["n"] for reading in rig.readings] == [1, 2], "back in step with the first whole line"


def strict(reading: Reading) -> None:
    """Raises where a reading is not strict JSON."""
    json.loads(orjson.dumps(reading.to_json()), parse_constant=lambda constant: 1 / 0)


@settings(deadline=None, max_examples=150)
@given(soup, pieces)
def test_noise_costs_nothing_but_itself(data: bytes, cuts: list[int]) -> None:
    rig, adapter = noisy()
    rig.devices.taps.append(strict)
    check(rig, adapter, data, cuts)


@settings(deadline=None, max_examples=150)
@given(soup, pieces)
def test_noise_on_a_shared_line_costs_nothing_but_itself(data: bytes, cuts: list[int]) -> None:
    rig, adapter = noisy(", devices: {field: node}", "")
    rig.devices.taps.append(strict)
    check(rig, adapter, data, cuts)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(documents, st.binary(max_size=20).map(lambda noise: noise.replace(b"\n", b""))), max_size=8))
def test_every_line_is_a_reading_an_answer_or_an_error(lines: list[bytes]) -> None:
    rig, adapter = noisy()
    for line in lines:
        before = rig.device().frames + rig.errors()
        adapter.receive_data(line + b"\n")
        gained = rig.device().frames + rig.errors() - before
        assert gained >= (0 if b'"ack"' in line or not line.strip(b"\r") else 1)


@settings(deadline=None, max_examples=100)
@given(soup, pieces, pieces)
def test_the_pieces_that_bytes_come_in_change_nothing(data: bytes, cuts: list[int], other_cuts: list[int]) -> None:
    results = []
    for each in (cuts, other_cuts):
        rig, adapter = noisy()
        feed(adapter, data + b"\n", each)
        results.append(([(reading.values, dict(reading.quality)) for reading in rig.readings], rig.errors()))
    assert repr(results[0]) == repr(results[1])
