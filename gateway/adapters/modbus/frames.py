"""Requests and answers as they stand on the wire: the one file that meets pymodbus. It knows no event loop.

pymodbus writes and reads the messages and their checksums. Its client is not used: it takes a late answer for that of
the next request, cuts a TCP stream in the middle of a message, repeats writes, and opens ports on the event loop.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from struct import Struct
from typing import Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from gateway.adapters.modbus.blocks import Block, Kind
from gateway.adapters.modbus.values import REGISTER
from gateway.errors import LinkError

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what it says of frames, the adapter counts

Answer = bytes | list[bool]  # of a read: registers as they came, or bits; of a write: nothing

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
ACKNOWLEDGED = 5  # the device works on it yet
NO_PATH = 10  # what a gateway says of its device: it cannot reach it
NO_TARGET = 11  # or has no answer from it

_EXCEPTIONS = {
    ILLEGAL_FUNCTION: "illegal function",
    ILLEGAL_ADDRESS: "illegal data address",
    ILLEGAL_VALUE: "illegal data value",
    4: "device failure",
    ACKNOWLEDGED: "accepted, not done yet",
    6: "device busy",
    7: "negative acknowledgement",
    8: "memory parity error",
    NO_PATH: "gateway path unavailable",
    NO_TARGET: "the gateway's target device does not answer",
}

_SINGLE = (5, 6)  # functions that write one coil, or one register
_REFUSED = 0x80  # the bit of the function code that marks an exception
_EXCEPTION_SIZE = 2  # bytes of an exception: function and code
_RTU_EXTRA = 3  # bytes around a message: unit before, checksum after
_LEAST_FRAME = 5  # bytes of the shortest answer on RTU
_MBAP = Struct(">HHHB")  # transaction, protocol (0), bytes that follow, unit
_MOST_MESSAGE = 253  # bytes
_MOST_WAITING = 1024  # bytes of noise in which an RTU answer is looked for
_READS: dict[Kind, type[ModbusPDU]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "input": ReadInputRegistersRequest,
    "holding": ReadHoldingRegistersRequest,
}
_decoder = DecodePDU(False)


class ExchangeError(Exception):
    """A request that got no answer, or none that can be used."""


class SilentError(ExchangeError):
    """No answer came in time."""


class UnreachableError(SilentError):
    """A gateway between says that it has no answer from the device."""


class DamagedError(ExchangeError):
    """Something came, and was no answer to the request."""


class RefusedError(ExchangeError):
    """The device answered with an exception; `str()` is its name."""

    def __init__(self, code: int) -> None:
        super().__init__(_EXCEPTIONS.get(code, f"exception {code}"))
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a unit; `answer_size` is what the message of its answer takes, in bytes."""

    unit: int
    message: ModbusPDU
    answer_size: int
    reads: bool = False
    bits: bool = False  # and not registers

    @property
    def function(self) -> int:
        """Its function code."""
        return self.message.function_code


def read(unit: int, block: Block) -> Request:
    """Functions 1 to 4."""
    bits = block.kind in ("coil", "discrete")
    message = _READS[block.kind](dev_id=unit, address=block.address, count=block.count)
    size = (block.count + 7) // 8 if bits else block.count * REGISTER
    return Request(unit, message, 2 + size, reads=True, bits=bits)


def write_coil(unit: int, address: int, on: bool) -> Request:
    """Function 5."""
    return Request(unit, WriteSingleCoilRequest(dev_id=unit, address=address, bits=[on]), 5)


def write_registers(unit: int, address: int, data: bytes, *, several: bool = False) -> Request:
    """Function 6 for one register, 16 for more of them or where `several` says so."""
    values = [int.from_bytes(data[place : place + REGISTER], "big") for place in range(0, len(data), REGISTER)]
    form = WriteMultipleRegistersRequest if several or len(values) > 1 else WriteSingleRegisterRequest
    return Request(unit, form(dev_id=unit, address=address, registers=values), 5)


def write_mask(unit: int, address: int, and_mask: int, or_mask: int) -> Request:
    """Function 22: sets and clears single bits of a register, in one step."""
    message = MaskWriteRegisterRequest(dev_id=unit, address=address, and_mask=and_mask, or_mask=or_mask)
    return Request(unit, message, 7)


class Frames(Protocol):
    """The frames of one connection: one request, and what comes until its answer is there.

    `strays` counts answers that nobody waits for, `resyncs` the times that bytes were skipped to find one.
    """

    strays: int
    resyncs: int
    names_requests: bool  # whether an answer says to which request it belongs

    def ask(self, request: Request) -> bytes:
        """The frame to write; from now on its answer is waited for."""
        ...

    def receive_data(self, data: bytes) -> Answer | None:
        """The answer, once it is whole; raises RefusedError, DamagedError, and LinkError where no more can be read."""
        ...

    def give_up(self) -> bool:
        """No answer is waited for any longer; returns whether a part of one came."""
        ...


class TcpFrames:
    """Modbus TCP: each message has a header, whose transaction number says to which request it belongs."""

    names_requests = True

    def __init__(self) -> None:
        self.strays = 0
        self.resyncs = 0
        self._framer = FramerSocket(_decoder)
        self._buffer = b""
        self._request: Request | None = None
        self._transaction = 0

    def ask(self, request: Request) -> bytes:
        self._request = request
        self._transaction = request.message.transaction_id = self._transaction % 0xFFFF + 1
        return self._framer.buildFrame(request.message)

    def receive_data(self, data: bytes) -> Answer | None:
        # All that has come is read before the answer is told, so that none of it is left for later.
        messages = self._cut(data)
        answers = []
        for transaction, message in messages:
            if self._request is not None and transaction == self._transaction:
                answers.append((self._request, message))
                self._request = None
            else:
                self.strays += 1
        return _read_answer(*answers[0]) if answers else None

    def _cut(self, data: bytes) -> list[tuple[int, bytes]]:
        buffer = self._buffer + data
        found = []
        while len(buffer) >= _MBAP.size:
            transaction, protocol, following, _ = _MBAP.unpack_from(buffer)
            if protocol != 0 or not 2 <= following <= _MOST_MESSAGE + 1:
                raise LinkError("what comes is no Modbus TCP: is it `rtu+tcp://`?")
            end = _MBAP.size - 1 + following
            if len(buffer) < end:
                break
            found.append((transaction, buffer[_MBAP.size : end]))
            buffer = buffer[end:]
        self._buffer = buffer
        return found

    def give_up(self) -> bool:
        self._request = None
        return bool(self._buffer)


class RtuFrames:
    """Modbus RTU: an answer is known by its unit, its function, its length and its checksum.

    It is found behind noise, and behind the echo of the request, which some adapters of two-wire lines receive too.
    """

    names_requests = False

    def __init__(self) -> None:
        self.strays = 0
        self.resyncs = 0
        self._framer = FramerRTU(_decoder)
        self._buffer = b""
        self._request: Request | None = None
        self._frame = b""
        self._echoes = False

    def ask(self, request: Request) -> bytes:
        self._request = request
        self._buffer = b""
        self._frame = self._framer.buildFrame(request.message)
        return self._frame

    def receive_data(self, data: bytes) -> Answer | None:
        request = self._request
        if request is None:
            # At most one until the next request, in however many pieces. A glitch as a sender ends is none.
            before, self._buffer = len(self._buffer), (self._buffer + data)[:_LEAST_FRAME]
            self.strays += before < _LEAST_FRAME == len(self._buffer)
            return None
        self._buffer = buffer = (self._buffer + data)[-_MOST_WAITING:]
        echo = len(self._frame) if buffer.startswith(self._frame) else 0
        if self._echoes and not echo and self._frame.startswith(buffer):
            return None
        start = echo if self._echoes else 0
        place = buffer.find(request.unit, start)
        while place >= 0:
            message = self._message_at(request, buffer, place)
            if message is not None:
                self.resyncs += place not in (start, echo)
                # The answer to a write can be the very request. So it is reads that show whether the line echoes.
                if request.reads:
                    self._echoes = place == echo > 0
                self._request = None
                self._buffer = b""
                return _read_answer(request, message)
            place = buffer.find(request.unit, place + 1)
        return None

    @staticmethod
    def _message_at(request: Request, buffer: bytes, place: int) -> bytes | None:
        function = buffer[place + 1 : place + 2]
        if function == bytes([request.function]):
            size = request.answer_size
        elif function == bytes([request.function | _REFUSED]):
            size = _EXCEPTION_SIZE
        else:
            return None
        end = place + _RTU_EXTRA + size
        if end > len(buffer):
            return None
        checksum = int.from_bytes(buffer[end - 2 : end], "big")
        return buffer[place + 1 : end - 2] if FramerRTU.check_CRC(buffer[place : end - 2], checksum) else None

    def give_up(self) -> bool:
        # A few bytes are no answer, but the noise of a line that turns around.
        came = len(self._buffer.removeprefix(self._frame))
        damaged = self._request is not None and came >= _LEAST_FRAME
        self._request = None
        self._buffer = b""
        return damaged


def _read_answer(request: Request, message: bytes) -> Answer:
    """What a message says to the request; raises RefusedError and DamagedError."""
    function = message[0]
    if function == request.function | _REFUSED and len(message) == _EXCEPTION_SIZE:
        refusal = _decoder.decode(message)
        raise RefusedError(refusal.exception_code if isinstance(refusal, ExceptionResponse) else 0)
    if function != request.function or len(message) != request.answer_size:
        raise DamagedError("an answer to something else")
    if not request.reads:
        # A device may tell in its answer that it set another value than it was given: that is for the read-back.
        size = 2 if request.function in _SINGLE else request.answer_size - 1
        if message[1 : 1 + size] != request.message.encode()[:size]:
            raise DamagedError("an answer that confirms something else")
        return b""
    if message[1] != request.answer_size - 2:
        raise DamagedError("an answer of the wrong length")
    if not request.bits:
        return message[2:]  # as bytes: the library would make a number of each
    answer = _decoder.decode(message)
    if answer is None:
        raise DamagedError("an answer that cannot be read")
    return list(answer.bits)
