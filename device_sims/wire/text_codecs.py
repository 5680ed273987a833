"""Boards that print text: tables, pairs, sentences, and bare numbers. All take the phrases of phrases.py."""

from __future__ import annotations

from collections.abc import Mapping

from device_sims.device import Command, Poll
from device_sims.kinds import Kind, Value
from device_sims.wire.phrases import answer_phrase, heard_phrase

_PRINTED = {"Cel": "C"}  # UCUM codes that a microcontroller prints otherwise


class _Printing:
    """The half that all of them share."""

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared

    def hello(self) -> list[bytes]:
        """Nothing."""
        return []

    def heard(self, payload: bytes) -> Command | Poll | None:
        """`SET` or `READ`."""
        return heard_phrase(payload, shared=self._shared)

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """`OK` or `ERR`."""
        return answer_phrase(command, error)


class Delimited(_Printing):
    """`21.4,48,1013.2,0,21,1`: a row for each reading, below a row of names unless there is no `header`.

    Switches are 0 and 1. On a shared line the first column is the node.
    """

    def __init__(self, kind: Kind, *, shared: bool, header: bool, stamp: bool) -> None:
        super().__init__(shared=shared)
        columns = [*kind.sensors, *kind.actuators, "sequence", *(["time"] if stamp else [])]
        self._header = [",".join(["node", *columns] if shared else columns).encode()] if header else []

    def hello(self) -> list[bytes]:
        """The row of names."""
        return self._header

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One row."""
        cells = [str(int(value)) if isinstance(value, bool) else str(value) for value in values.values()]
        return [",".join(cells if node is None else [node, *cells]).encode()]


class KeyValue(_Printing):
    """`temperature=21.4C humidity=48% pressure=1013.2hPa fan=off setpoint=21 sequence=1`, after `node=n1` if shared."""

    def __init__(self, kind: Kind, *, shared: bool) -> None:
        super().__init__(shared=shared)
        self._units = _printed_units(kind)

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One line of pairs."""
        pairs = [f"{point}={_printed(value)}{self._units.get(point, '')}" for point, value in values.items()]
        return [" ".join(pairs if node is None else [f"node={node}", *pairs]).encode()]


class Text(_Printing):
    """`climate 1: temperature 21.4 C, humidity 48 %, fan off`, with the count of the reading; if shared, `n1 1: …`."""

    def __init__(self, kind: Kind, *, shared: bool) -> None:
        super().__init__(shared=shared)
        self._units = _printed_units(kind)
        self._name = kind.name

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One sentence."""
        said = [
            " ".join(filter(None, (point, _printed(value), self._units.get(point))))
            for point, value in values.items()
            if point != "sequence"
        ]
        return [f"{node or self._name} {values['sequence']}: {', '.join(said)}".encode()]


class Number(_Printing):
    """`21.4`: the first sensor of the kind, and nothing else."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(shared=False)
        self._point = next(iter(kind.sensors))

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One number."""
        return [str(values[self._point]).encode()]


def _printed_units(kind: Kind) -> Mapping[str, str]:
    return {point: _PRINTED.get(sensor.unit, sensor.unit) for point, sensor in kind.sensors.items()}


def _printed(value: Value) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
