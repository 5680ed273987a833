"""Messages of Sparkplug B as its specification has them (3.0: the payloads of §6.4, the example nodes of §7)."""

from collections.abc import Iterator
from typing import Any

from gateway.profiles.sparkplug.payload import Payload

BOOLEAN, DOUBLE, FLOAT, INT8, INT32, INT64, STRING = 11, 10, 9, 1, 3, 4, 12
NODE, DEVICE = "Sparkplug B Devices/Raspberry Pi", "Sparkplug B Devices/Raspberry Pi/Pibrella"
TIME = 1486144502122  # milliseconds


def metric(name: str | None = None, datatype: int | None = None, **fields: Any) -> dict[str, Any]:
    """A metric for `payload`; `properties` are name → (type, member, value)."""
    named = {} if name is None else {"name": name}
    typed = {} if datatype is None else {"datatype": datatype}
    return {**named, **typed, "timestamp": TIME, **fields}


def payload(*metrics: dict[str, Any], seq: int | None = None, timestamp: int = TIME) -> bytes:
    """The bytes of a payload."""
    message = Payload(timestamp=timestamp)
    if seq is not None:
        message.seq = seq
    for fields in metrics:
        properties = fields.get("properties", {})
        added = message.metrics.add(**{key: value for key, value in fields.items() if key != "properties"})
        for key, (kind, member, value) in properties.items():
            added.properties.keys.append(key)
            added.properties.values.add(type=kind, **{member: value})
    found: bytes = message.SerializeToString()
    return found


def topic(kind: str, key: str = NODE) -> str:
    """`spBv1.0/<group>/<kind>/<node>[/<device>]`"""
    group, *names = key.split("/")
    return "/".join(("spBv1.0", group, kind, *names))


NODE_METRICS = (
    metric("bdSeq", INT64, long_value=0),
    metric("Node Control/Reboot", BOOLEAN, boolean_value=False),
    metric("Node Control/Rebirth", BOOLEAN, boolean_value=False),
    metric("Node Control/Next Server", BOOLEAN, boolean_value=False),
    metric("Node Control/Scan Rate", INT64, long_value=3000),
    metric("Properties/Hardware Make", STRING, string_value="Raspberry Pi"),
    metric("Properties/Hardware Model", STRING, string_value="Pi 3 Model B"),
    metric("Properties/OS", STRING, string_value="Raspbian"),
    metric("Supply Voltage", FLOAT, float_value=12.1, alias=9),
)
DEVICE_METRICS = (
    metric("Inputs/A", BOOLEAN, boolean_value=False, alias=10),
    metric("Inputs/B", BOOLEAN, boolean_value=False, alias=11),
    metric("Outputs/E", BOOLEAN, boolean_value=False, alias=12),
    metric(
        "Temperature",
        DOUBLE,
        double_value=21.5,
        alias=13,
        properties={
            "engUnit": (STRING, "string_value", "°C"),
            "engLow": (DOUBLE, "double_value", -40.0),
            "engHigh": (DOUBLE, "double_value", 85.0),
            "readOnly": (BOOLEAN, "boolean_value", True),
        },
    ),
    metric("Offset", INT8, int_value=0xFF, alias=14),
    metric("Properties/Firmware", STRING, string_value="1.2"),
)

MESSAGES: list[tuple[str, bytes, bool]] = [
    (topic("NBIRTH"), payload(*NODE_METRICS, seq=0), False),
    (topic("DBIRTH", DEVICE), payload(*DEVICE_METRICS, seq=1), False),
    (topic("NDATA"), payload(metric(alias=9, float_value=12.3), seq=2), False),
    (topic("DDATA", DEVICE), payload(metric(alias=10, boolean_value=True), seq=3), False),
    (topic("DDATA", DEVICE), payload(metric("Temperature", DOUBLE, double_value=22.0), seq=4), False),
    (topic("DDEATH", DEVICE), payload(seq=5), False),
    (topic("DBIRTH", DEVICE), payload(*DEVICE_METRICS, seq=6), False),
    (topic("NDEATH"), payload(metric("bdSeq", INT64, long_value=0)), False),
]


def many(count: int) -> Iterator[tuple[str, bytes, bool]]:
    """A node with so many devices that they are as many in all."""
    yield topic("NBIRTH"), payload(*NODE_METRICS, seq=0), False
    birth = payload(metric("A", BOOLEAN, boolean_value=True))
    for number in range(count - 1):
        yield topic("DBIRTH", f"{NODE}/d{number}"), birth, False


def wide(count: int) -> Iterator[tuple[str, bytes, bool]]:
    """A node of as many metrics."""
    yield topic("NBIRTH"), payload(*(metric(f"m/{n}", DOUBLE, double_value=n) for n in range(count)), seq=0), False
