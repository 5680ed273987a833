"""The properties of an MQTT 5 message that its receiver may want (MQTT 5 §2.2.2, §3.3.2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION, _USER = 2, 3, 8, 9, 38
_FORMAT, _SUBSCRIPTION, _ALIAS = 1, 11, 35  # which are the connection's business
_MAX_INTEGER = 4  # bytes of a variable byte integer


@dataclass(frozen=True, slots=True)
class MessageProperties:
    """What stands beside a payload; `expiry` is the time to live in seconds, as the broker sent it on."""

    expiry: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
    user: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, properties: object) -> MessageProperties:
        """As paho has read them."""
        return cls(
            getattr(properties, "MessageExpiryInterval", None),
            getattr(properties, "ContentType", None),
            getattr(properties, "ResponseTopic", None),
            getattr(properties, "CorrelationData", None),
            tuple(getattr(properties, "UserProperty", ())),
        )

    def __bool__(self) -> bool:
        return self != _NONE


_NONE = MessageProperties()


def parse(block: bytes) -> MessageProperties:
    """The properties of a PUBLISH, without their length; ValueError where they are none."""
    known: dict[int, int | str | bytes] = {}
    user = []
    place = 0
    try:
        while place < len(block):
            kind = block[place]  # a variable byte integer, but there is none above 127
            value, place = _READ[kind](block, place + 1)
            if kind == _USER:
                second, place = _text(block, place)
                user.append((str(value), second))
            elif kind in known and kind != _SUBSCRIPTION:
                raise ValueError(f"property {kind} stands twice")
            else:
                known[kind] = value
    except (IndexError, KeyError) as error:
        raise ValueError("the properties are cut short, or there is one that no message has") from error
    return MessageProperties(
        expiry=known.get(_EXPIRY),  # type: ignore[arg-type]  # each kind has its reader
        content_type=known.get(_CONTENT_TYPE),  # type: ignore[arg-type]
        response_topic=known.get(_RESPONSE_TOPIC),  # type: ignore[arg-type]
        correlation=known.get(_CORRELATION),  # type: ignore[arg-type]
        user=tuple(user),
    )


def _octet(block: bytes, place: int) -> tuple[int, int]:
    return block[place], place + 1


def _two(block: bytes, place: int) -> tuple[int, int]:
    return block[place] << 8 | block[place + 1], place + 2


def _four(block: bytes, place: int) -> tuple[int, int]:
    if place + 4 > len(block):
        raise IndexError
    return int.from_bytes(block[place : place + 4], "big"), place + 4


def _variable(block: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(_MAX_INTEGER):
        part = block[place + number]
        value |= (part & 0x7F) << 7 * number
        if part < 0x80:
            return value, place + number + 1
    raise ValueError("a number is longer than four bytes")


def _binary(block: bytes, place: int) -> tuple[bytes, int]:
    size, place = _two(block, place)
    if place + size > len(block):
        raise IndexError
    return block[place : place + size], place + size


def _text(block: bytes, place: int) -> tuple[str, int]:
    found, place = _binary(block, place)
    return found.decode("utf-8"), place  # UnicodeDecodeError is a ValueError


_READ: dict[int, Callable[[bytes, int], tuple[int | str | bytes, int]]] = {
    _FORMAT: _octet,
    _EXPIRY: _four,
    _CONTENT_TYPE: _text,
    _RESPONSE_TOPIC: _text,
    _CORRELATION: _binary,
    _SUBSCRIPTION: _variable,
    _ALIAS: _two,
    _USER: _text,
}
