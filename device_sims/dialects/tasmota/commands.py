"""How a board with Tasmota takes a command: it never refuses, it answers what it understood."""

from __future__ import annotations

import re
from collections.abc import Callable

from device_sims.dialects.base import Publication
from device_sims.dialects.tasmota.board import COLDEST, WARMEST, Board
from device_sims.dialects.tasmota.models import LIGHT, SHUTTER
from device_sims.dialects.tasmota.status import status

NOTHING = -99  # the number of a text that has none
OFF, ON, TOGGLE = 0, 1, 2
_WORDS = {
    **dict.fromkeys(("OFF", "FALSE", "STOP"), OFF),
    **dict.fromkeys(("ON", "TRUE", "START"), ON),
    "TOGGLE": TOGGLE,
}
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_COMMAND = re.compile(r"(.*?)([0-9]*)", re.ASCII | re.DOTALL)
_GREATEST = 2**31 - 1

Obey = Callable[[Board, int, str], list[Publication]]


def obey(board: Board, command: str, text: str) -> list[Publication]:
    """The answers to `text` on `cmnd/<topic>/<command>`."""
    split = _COMMAND.fullmatch(command.upper())
    name, index = (split[1], int(split[2][:9] or 1)) if split else ("", 1)
    text = text.lstrip()
    handler = _COMMANDS.get(name)
    if handler is None or (name in _FOR_LIGHTS and LIGHT not in board.model.relays):
        handler = _unknown
    if name in _FOR_SHUTTERS and not board.model.shutters:
        handler = _unknown
    return handler(board, index, "" if text == "?" else text)


def number(text: str) -> int:
    """What the firmware reads of a text: a word for a state, or the number that it begins with; else NOTHING."""
    word = _WORDS.get(text.strip().upper())
    if word is not None:
        return word
    found = _NUMBER.match(text)
    if not found:
        return NOTHING
    digits = found[0].lstrip("+-")
    base = 16 if digits[:2] in {"0x", "0X"} else 10
    value = min(int(digits[:20], base), _GREATEST)
    return -value if found[0].startswith("-") else value


def _unknown(board: Board, _index: int, _text: str) -> list[Publication]:
    return [board.result({"Command": "Unknown"})]


def _error(board: Board) -> list[Publication]:
    return [board.result({"Command": "Error"})]


def _power(board: Board, index: int, text: str) -> list[Publication]:
    """`POWER`; 0 is all relays, and a number that no relay has is an error."""
    if index > len(board.power) or not board.power:
        return _error(board)
    wanted = number(text)
    said: list[Publication] = []
    for relay in range(len(board.power)) if index == 0 else [index - 1]:
        if wanted in {OFF, ON, TOGGLE}:
            said += _switch(board, relay, not board.power[relay] if wanted == TOGGLE else wanted == ON)
        else:
            said += board.power_messages(relay)
    return said


def _switch(board: Board, relay: int, on: bool) -> list[Publication]:
    board.record("POWER" if len(board.power) == 1 else f"POWER{relay + 1}", on)
    if board.model.relays[relay] != SHUTTER:
        board.power[relay] = on
        return board.power_messages(relay)
    if not on:
        return _halt(board)
    return _move(board, 0 if relay % 2 else 100) or board.power_messages(relay)


def _lit(board: Board, on: bool) -> list[Publication]:
    """The answer of a light whose power may have changed with its brightness."""
    changed, board.power[0] = board.power[0] != on, on
    power = [board.stat("POWER", b"ON" if on else b"OFF")] if changed else []
    return [board.result(board.light()), *power]


def _dimmer(board: Board, _index: int, text: str) -> list[Publication]:
    wanted = {"+": min(board.dimmer + 10, 100), "-": max(board.dimmer - 10, 1)}.get(text, number(text))
    if not text or not 0 <= wanted <= 100:
        return [board.result({"Dimmer": board.dimmer})]
    board.record("Dimmer", wanted)
    board.dimmer = wanted or board.dimmer
    return _lit(board, wanted > 0)


def _ct(board: Board, _index: int, text: str) -> list[Publication]:
    wanted = number(text)
    if not text or not COLDEST <= wanted <= WARMEST:
        return [board.result({"CT": board.mired})]
    board.record("CT", wanted)
    board.mired = wanted
    return _lit(board, board.power[0])


def _move(board: Board, target: int) -> list[Publication]:
    moving = board.shutter.target is not None
    if not board.shutter.go(float(target)):
        return board.rest() if moving else []
    relay = 0 if board.shutter.opened else 1
    said: list[Publication] = []
    for index in (1 - relay, relay):  # never both at once
        if board.power[index] != (index == relay):
            board.power[index] = index == relay
            said += board.power_messages(index)
    return [*said, board.result(board.shutter_state())]


def _halt(board: Board) -> list[Publication]:
    board.shutter.stop()
    return board.rest()


def _position(board: Board, index: int, text: str) -> list[Publication]:
    if index != 1:
        return _error(board)
    words = {"UP": 100, "OPEN": 100, "DOWN": 0, "CLOSE": 0}
    wanted = words.get(text.strip().upper(), number(text))
    if text.strip().upper() == "STOP":
        return _stop(board, index, "")
    if not text or wanted == NOTHING:
        return [board.result({"ShutterPosition1": round(board.shutter.position)})]
    return _travel(board, "ShutterPosition1", min(100, max(0, wanted)))


def _travel(board: Board, command: str, target: int) -> list[Publication]:
    board.record("ShutterPosition1", target)
    return [*_move(board, target), board.result({command: target})]


def _open(board: Board, index: int, _text: str) -> list[Publication]:
    return _travel(board, "ShutterOpen1", 100) if index == 1 else _error(board)


def _close(board: Board, index: int, _text: str) -> list[Publication]:
    return _travel(board, "ShutterClose1", 0) if index == 1 else _error(board)


def _stop(board: Board, index: int, _text: str) -> list[Publication]:
    if index != 1:
        return _error(board)
    moving = board.shutter.target is not None
    board.record("ShutterStop1", True)
    return [*(_halt(board) if moving else []), board.result({"ShutterStop1": "Done"})]


def _status(board: Board, index: int, text: str) -> list[Publication]:
    return status(board, 0 if index == 0 else number(text), together=index == 0) or _error(board)


def _state(board: Board, _index: int, _text: str) -> list[Publication]:
    return [board.result(board.state())]


_COMMANDS: dict[str, Obey] = {
    "POWER": _power,
    "DIMMER": _dimmer,
    "CT": _ct,
    "SHUTTERPOSITION": _position,
    "SHUTTEROPEN": _open,
    "SHUTTERCLOSE": _close,
    "SHUTTERSTOP": _stop,
    "STATUS": _status,
    "STATE": _state,
}
_FOR_LIGHTS = {"DIMMER", "CT"}
_FOR_SHUTTERS = {"SHUTTERPOSITION", "SHUTTEROPEN", "SHUTTERCLOSE", "SHUTTERSTOP"}
