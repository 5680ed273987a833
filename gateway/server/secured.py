"""A TLS connection as everything behind the porch writes to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


class Secured(asyncio.Transport):
    """A TLS transport that may be closed twice.

    The loop's own forgets its connection at the second `close()`, and then fails at whatever it is asked. The library
    and the sessions each close what they are done with.
    """

    __slots__ = ("_inner",)

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner

    def close(self) -> None:
        """Says goodbye once what was written is sent; the client has a second to answer."""
        if not self._inner.is_closing():
            self._inner.close()

    def abort(self) -> None:
        """Ends at once."""
        self._inner.abort()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the loop's transport."""
        return self._inner.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As the loop's transport."""
        self._inner.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As the loop's transport."""
        return self._inner.get_protocol()

    def is_reading(self) -> bool:
        """As the loop's transport."""
        return self._inner.is_reading()

    def pause_reading(self) -> None:
        """As the loop's transport."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """As the loop's transport."""
        self._inner.resume_reading()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """As the loop's transport."""
        self._inner.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """As the loop's transport."""
        self._inner.writelines(list_of_data)

    def can_write_eof(self) -> bool:
        """Never: in TLS both ways end together."""
        return False

    def get_write_buffer_size(self) -> int:
        """Bytes that the client did not take yet, as far as they are encrypted or wait to be."""
        return self._inner.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As the loop's transport."""
        self._inner.set_write_buffer_limits(high, low)
