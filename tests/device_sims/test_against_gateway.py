"""What the simulators say, the gateway reads; what it writes, they obey. Neither knows the code of the other."""

import asyncio
from typing import Any

import pytest

from device_sims.fixtures import SerialBoardFactory
from device_sims.serial_board import SerialBoard
from gateway.framing import Framing
from gateway.model import Acknowledgement, Outgoing, Sample
from tests.contract.parts import build
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.waiting import eventually

POINTS = ["temperature", "humidity", "pressure", "fan", "setpoint", "sequence"]
CHECKSUMS = ["none", "crc16-modbus", "crc16-ccitt", "crc32", "xor8", "sum8"]
FRAMINGS: dict[str, dict[str, Any]] = {
    "lines": {},
    "cobs": {},
    "slip": {},
    "stx_etx": {},
    "length_prefixed": {"sync": "AA55"},
    "fixed": {"sync": "AA55", "length": 17},
}
TEMPLATE = {"send": "SET {point} {value} #{id}", "ok": "OK #{id}", "error": "ERR {error} #{id}"}
# The codec and the command form that the gateway is configured with, for each codec of the simulators.
CODECS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "json": ("json", {}, "json", {}),
    "delimited": ("delimited", {"header": True}, "template", TEMPLATE),
    "key_value": ("key_value", {}, "template", TEMPLATE),
    "text": (
        "regex",
        {
            "pattern": r"climate (?P<sequence>\d+): temperature (?P<temperature>[-\d.]+) C, "
            r"humidity (?P<humidity>\d+) %, pressure (?P<pressure>[\d.]+) hPa, fan (?P<fan>on|off), "
            r"setpoint (?P<setpoint>[\d.]+)"
        },
        "template",
        TEMPLATE,
    ),
    "senml": ("senml", {}, "senml", {}),
    "number": ("number", {}, "template", TEMPLATE),
    "struct": (
        "struct",
        {
            "layout": "<xIhBf?f",
            "points": ["sequence", {"name": "temperature", "scale": 0.1}, "humidity", "pressure", "fan", "setpoint"],
        },
        "struct",
        {
            "layout": "<BIBf",
            "fields": [0x43, "id", "point", "value"],
            "points": {"fan": 1, "setpoint": 2},
            "ack": {"layout": "<BIB", "fields": [0x41, "id", "ok"]},
        },
    ),
}
STREAMS = [(framing, codec) for framing in FRAMINGS for codec in CODECS if framing != "fixed" and codec != "struct"]
BINARY = [(framing, "struct") for framing in FRAMINGS if framing not in ("lines", "fixed")]


def framing_of(name: str, checksum: str) -> Framing:
    options = FRAMINGS[name] if checksum == "none" else {**FRAMINGS[name], "checksum": checksum}
    built: Framing = build("framings", name, options)
    return built


async def talk(board: SerialBoard, framing: Framing, codec: Any, commands: Any) -> None:
    """Reads a reading, commands the fan, and sees that it is acknowledged and shown."""
    samples: list[Sample] = []
    answers: list[Acknowledgement] = []
    with listening(board.link) as port:
        taken = 0

        def samples_so_far() -> int:
            nonlocal taken
            for chunk in port.chunks[taken:]:
                for frame in framing.receive_data(chunk):
                    if (answer := commands.match(frame)) is not None:
                        answers.append(answer)
                    else:
                        samples.extend(codec.decode(frame))
            taken = len(port.chunks)
            return len(samples)

        board.report()
        await eventually(samples_so_far, DEADLINE, "a reading")
        command = Outgoing(device="greenhouse", name=None, point="fan", value=True, id=70_017, deadline=0.0)
        port.write(framing.encode(commands.encode(command, None)))
        async with asyncio.timeout(DEADLINE):
            await board.actuated(1)
        await eventually(lambda: samples_so_far() > 1, DEADLINE, "a reading that shows it")
    assert (framing.errors, framing.checksum_errors) == (0, 0)
    assert answers == ([Acknowledgement(70_017, True)] if commands.answers else [])
    first, second = samples
    if set(first.values) == set(POINTS):
        assert (first.values["sequence"], second.values["sequence"]) == (1, 2)
        assert first.values["fan"] in (False, 0, "off")
        assert second.values["fan"] in (True, 1, "on")
        assert float(first.values["humidity"] or 0) == pytest.approx(48, abs=12)
    else:
        assert set(first.values) == {""}  # of a bare number
    temperature = first.values.get("temperature", first.values.get(""))
    assert float(temperature or 0) == pytest.approx(21, abs=6)


@pytest.mark.parametrize(("name", "codec"), STREAMS + BINARY)
async def test_they_understand_each_other(serial_board: SerialBoardFactory, name: str, codec: str) -> None:
    checksum = "crc16-modbus"
    board = await serial_board(rate=0, framing=name, checksum=checksum, codec=codec)
    reads, options, writes, forms = CODECS[codec]
    await talk(board, framing_of(name, checksum), build("codecs", reads, options), build("commands", writes, forms))


@pytest.mark.parametrize("name", [name for name in FRAMINGS if name != "fixed"])
@pytest.mark.parametrize("checksum", CHECKSUMS)
async def test_they_agree_on_every_checksum(serial_board: SerialBoardFactory, name: str, checksum: str) -> None:
    board = await serial_board(rate=0, framing=name, checksum=checksum)
    await talk(board, framing_of(name, checksum), build("codecs", "json", {}), build("commands", "json", {}))


@pytest.mark.parametrize("checksum", CHECKSUMS)
async def test_they_agree_on_frames_of_one_length(serial_board: SerialBoardFactory, checksum: str) -> None:
    board = await serial_board(rate=0, framing="fixed", checksum=checksum, codec="struct")
    reads, options, writes, forms = CODECS["struct"]
    filled = {
        **forms,
        "layout": "<BIBf7x",
        "ack": {**forms["ack"], "layout": "<BIB11x"},
    }
    framing = framing_of("fixed", checksum)
    await talk(board, framing, build("codecs", reads, options), build("commands", writes, filled))


# What the gateway calls the points of each talker.
TALKERS = {
    "gps": {name: name for name in ("latitude", "longitude", "altitude", "speed", "course", "satellites", "fix")},
    "boat": {
        "wind_angle": "wind.angle",
        "wind_speed": "wind.speed",
        "depth": "depth",
        "water_temperature": "water.temperature",
        "heading": "heading.true",
        "speed": "water.speed",
    },
}


@pytest.mark.parametrize(("kind", "last"), [("gps", b"VTG"), ("boat", b"VHW")])
async def test_sentences_are_understood(serial_board: SerialBoardFactory, kind: str, last: bytes) -> None:
    board = await serial_board(kind, rate=0)
    framing, codec = framing_of("lines", "none"), build("codecs", "nmea0183", {})
    with listening(board.link) as port:
        board.devices[0].sequence = 20  # by then, the receiver has found its satellites
        board.report()
        await eventually(lambda: last in b"".join(port.chunks))
    values: dict[str, Any] = {}
    for frame in framing.receive_data(b"".join(port.chunks)):
        for sample in codec.decode(frame):
            values |= sample.values
    board.devices[0].sequence = 20
    told = board.devices[0].reading()
    for point, name in TALKERS[kind].items():
        within = 1e-6 if point in ("latitude", "longitude") else 0.05  # speeds are in knots on the way
        assert values[name] == pytest.approx(told[point], abs=within), point
