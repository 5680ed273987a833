"""Boards that speak JSON: objects, and SenML packs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from device_sims.device import Command, Poll
from device_sims.kinds import Kind, Value
from device_sims.wire.messages import command_in, decode, encode_acknowledgement, encode_reading
from device_sims.wire.phrases import heard_phrase

_SENML_UNITS = {  # UCUM to RFC 8428 §12.1 and RFC 8798; what stands in neither has no unit
    "Cel": "Cel",
    "%": "/100",  # its own `%` is a ratio
    "hPa": "hPa",
    "V": "V",
    "A": "A",
    "W": "W",
    "m": "m",
    "m/s": "m/s",
}


class Json:
    """`{"temperature":21.4,…}`, with `"node":"n1"` on a shared line; understands `READ n1` as well."""

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared

    def hello(self) -> list[bytes]:
        """Nothing."""
        return []

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One object."""
        return [encode_reading(values) if node is None else encode_reading(values, node=node)]

    def heard(self, payload: bytes) -> Command | Poll | None:
        """The command in an object, or a poll."""
        if payload.startswith(b"READ"):
            return heard_phrase(payload, shared=self._shared)
        return command_in(decode(payload))

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """An object, where the command has an id."""
        return None if command.id is None else encode_acknowledgement(command, error)


class Senml:
    """A SenML pack (RFC 8428) for each reading; commands are packs too, and are never answered.

    On a shared line the base name is `n1:`, so that a record's name is `n1:temperature`.
    """

    def __init__(self, kind: Kind, *, shared: bool) -> None:
        self._units = {point: _SENML_UNITS.get(sensor.unit) for point, sensor in kind.sensors.items()}
        self._shared = shared

    def hello(self) -> list[bytes]:
        """Nothing."""
        return []

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One pack: a record for each point."""
        base: dict[str, object] = {} if node is None else {"bn": f"{node}:"}
        if "time" in values:
            base["bt"] = values["time"]
        records = []
        for point, value in values.items():
            if point == "time":
                continue
            record: dict[str, object] = {"n": point}
            if unit := self._units.get(point):
                record["u"] = unit
            record["vb" if isinstance(value, bool) else "vs" if isinstance(value, str) else "v"] = value
            records.append(record)
        records[0] = {**base, **records[0]}
        return [json.dumps(records, separators=(",", ":")).encode()]

    def heard(self, payload: bytes) -> Command | Poll | None:
        """The command in a pack of one record with a value; `ValueError` for anything else."""
        if payload.startswith(b"READ"):
            return heard_phrase(payload, shared=self._shared)
        match _pack(payload):
            case [{"n": str() as name, **fields}]:
                base = fields.get("bn", "")
                value = next((fields[key] for key in ("v", "vb", "vs") if key in fields), None)
                if isinstance(base, str) and value is not None:
                    node, colon, point = (base + name).rpartition(":")
                    return Command(point, value, node=node if colon else None)
        raise ValueError("not a SenML pack with one record")

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """None: whoever commands looks at the point."""
        return None


def _pack(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except RecursionError:
        raise ValueError("nested too deeply") from None
