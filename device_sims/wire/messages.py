"""The JSON that devices speak, on a serial line and over MQTT alike.

{"temperature":21.4,"humidity":48,"fan":false}      a reading
{"command":"fan","value":true,"id":17}              a command
{"ack":17,"ok":true}                                its acknowledgement
{"ack":17,"ok":false,"error":"jammed"}              or refusal
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from device_sims.device import Command
from device_sims.kinds import Value


def encode_reading(values: Mapping[str, Value], **more: Value) -> bytes:
    """A reading as one JSON object; `more` comes first."""
    return json.dumps({**more, **values}, separators=(",", ":")).encode()


def encode_acknowledgement(command: Command, error: str | None) -> bytes:
    """The answer to a command, a refusal where there is an `error`."""
    answer: dict[str, object] = {"ack": command.id, "ok": error is None}
    if error is not None:
        answer["error"] = error
    return json.dumps(answer, separators=(",", ":")).encode()


def decode(frame: bytes) -> dict[str, object]:
    """The JSON object in the frame; `ValueError` where there is none."""
    try:
        message = json.loads(frame)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message


def command_in(message: Mapping[str, object]) -> Command | None:
    """The command that a message is, or None where it is something else."""
    if "command" not in message:
        return None
    return Command(message["command"], message.get("value"), message.get("id"), node=message.get("node"))
