"""From the simulators' own commands and a hand-written configuration to a subscribed client."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adapters.bystander import bystander
from tests.adapters.pty import bare_pty
from tests.e2e.simulators import Simulators
from tests.e2e.site import Watched, ready, site, watching
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto


def without_a_hole(numbers: list[Any]) -> bool:
    return all(b == a + 1 for a, b in pairwise(numbers))


async def test_serial_and_mqtt_devices_stream_whole_and_in_order(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    await simulators.mqtt(mosquitto.url, "--devices", 3, "--rate", 50)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    ids = ["board", "house.node1", "house.node2", "house.node3"]
    async with watching(gateway.ws_url) as watched:
        await watched.until(
            lambda: all(len(watched.values(id, "sequence")) > 100 for id in ids), "100 readings of each"
        )
        for id in ids:
            assert without_a_hole(watched.values(id, "sequence"))
            device = watched.devices[id]
            assert (device["state"], device["link"]["errors"], device["link"]["reconnects"]) == ("online", 0, 0)
        assert watched.devices["board"]["name"] == "Greenhouse"
        assert watched.devices["board"]["points"]["fan"] == {"type": "boolean", "writable": True, "confirm": "acked"}
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/readyz") as ready:
        assert ready.status == 200


async def test_many_devices_reach_many_clients_without_a_hole(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto
) -> None:
    count = 200
    gateway = await gateway_process(site(url=mosquitto.url))
    async with watching(gateway.ws_url) as all_of_them, watching(gateway.ws_url, "house.node1?") as some:
        await simulators.mqtt(mosquitto.url, "--devices", count, "--rate", 2)

        def enough(watched: Watched, wanted: int) -> bool:
            counts: dict[str, int] = {}
            for reading in watched.readings:
                counts[reading["device"]] = counts.get(reading["device"], 0) + 1
            return len(counts) == wanted and min(counts.values()) >= 6

        await all_of_them.until(lambda: enough(all_of_them, count), "6 readings of each", 40)
        await some.until(lambda: enough(some, 10), "6 readings of ten")
        for watched in (all_of_them, some):
            for id in {reading["device"] for reading in watched.readings}:
                assert without_a_hole(watched.values(id, "sequence"))


VALUES = b'{"zero":0,"real":0.0,"no":false,"empty":"","nan":NaN,"inf":-Infinity,"null":null}'


def strictly(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("wire", ["serial", "mqtt"])
async def test_falsy_values_arrive_as_values_and_what_is_no_number_as_null_with_quality_bad(
    gateway_process: StartGateway, mosquitto: Mosquitto, tmp_path: Path, wire: str
) -> None:
    link = tmp_path / "board"
    with bare_pty(link) as pty:
        gateway = await gateway_process(site(link, mosquitto.url))
        id = "board" if wire == "serial" else "house.a"
        async with bystander(mosquitto.port) as other, watching(gateway.ws_url) as watched:
            await ready(gateway.url)
            if wire == "serial":
                pty.say(VALUES + b"\n")
            else:
                await other.publish("sensors/a/telemetry", VALUES)
            await watched.until(lambda: watched.readings, "the reading")
            (reading,) = watched.readings
            assert [repr(reading["values"][name]) for name in ("zero", "real", "no", "empty")] == [
                "0",
                "0.0",
                "False",
                "''",
            ]
            assert [reading["values"][name] for name in ("nan", "inf", "null")] == [None, None, None]
            assert reading["quality"] == {"nan": "bad", "inf": "bad", "null": "bad"}
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{gateway.url}/api/v1/devices/{id}") as answer,
            ):
                values = json.loads(await answer.text(), parse_constant=strictly)["values"]
            assert {name: (value["value"], value["quality"]) for name, value in values.items()} == {
                "zero": (0, "good"),
                "real": (0.0, "good"),
                "no": (False, "good"),
                "empty": ("", "good"),
                "nan": (None, "bad"),
                "inf": (None, "bad"),
                "null": (None, "bad"),
            }


@pytest.mark.parametrize("wire", ["serial", "mqtt"])
async def test_a_malformed_line_or_payload_is_counted_and_costs_nothing_else(
    gateway_process: StartGateway, mosquitto: Mosquitto, tmp_path: Path, wire: str
) -> None:
    bad = [b"\xff\xfe", b"{", b"boot ok", b"x" * 5000, b'{"a":' * 40 + b"1" + b"}" * 40]
    link = tmp_path / "board"
    with bare_pty(link) as pty:
        gateway = await gateway_process(site(link, mosquitto.url))
        id = "board" if wire == "serial" else "house.a"
        async with bystander(mosquitto.port) as other, watching(gateway.ws_url) as watched:
            await ready(gateway.url)

            async def say(data: bytes) -> None:
                if wire == "serial":
                    pty.say(data + b"\n")
                else:
                    await other.publish("sensors/a/telemetry", data)

            await say(b'{"n":0}')
            for number, data in enumerate(bad, start=1):
                await say(data)
                await say(b'{"n":%d}' % number)
                await watched.until(lambda number=number: number in watched.values(id, "n"), f"reading {number}")  # type: ignore[misc]
            assert watched.values(id, "n") == list(range(len(bad) + 1))
        async with watching(gateway.ws_url) as later:
            await later.until(lambda: later.devices, "the snapshot")
            link = later.devices[id]["link"]
            assert (link["frames"], link["errors"], link["reconnects"]) == (len(bad) + 1, len(bad), 0)
            assert later.devices[id]["state"] == "online"


async def test_garbage_on_the_line_spoils_no_reading(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 100, "--fault", "garbage=every:3,size:40")
    gateway = await gateway_process(site(tmp_path / "board"))
    async with watching(gateway.ws_url) as watched:
        await watched.until(lambda: len(watched.readings) > 200, "200 readings")
        assert without_a_hole(watched.values("board", "sequence"))
    async with watching(gateway.ws_url) as later:
        await later.until(lambda: later.devices, "the snapshot")
        assert later.devices["board"]["link"]["errors"] > 50
