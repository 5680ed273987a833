"""More than a broker takes: bounded, counted, and at the end the newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gateway.audit import NoAudit
from gateway.bus import Devices, Link, Log
from gateway.commands import Commands, Ledger
from gateway.config.publish import PublishSection
from gateway.model import Description, Point, Sample
from gateway.northbound import Northbound
from tests.northbound.site import watcher
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

TOPIC = "fieldgate/workshop/board/n"


@asynccontextmanager
async def published(url: str) -> AsyncIterator[tuple[Northbound, Link]]:
    """A link whose one device is published."""
    log = Log(1000, 60)
    devices = Devices(log, {})
    link = Link("board", devices, single=True)
    commands = Commands(devices, Ledger(NoAudit()), NoAudit())
    section = PublishSection(url=url, keepalive=60, commands=("board",))
    northbound = Northbound(section, "workshop", log, devices, commands, adapters=lambda: {"board": "serial"})
    task = asyncio.create_task(northbound.run(), name="northbound")
    try:
        await eventually(lambda: northbound.reason is None, 10, "the connection")
        link.up()
        yield northbound, link
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_a_frozen_broker_cannot_take_is_counted_and_the_newest_comes_when_it_can(
    mosquitto: Mosquitto,
) -> None:
    async with published(mosquitto.url) as (northbound, link), watcher(mosquitto.port, TOPIC) as seen:
        link.receive(None, Sample({"n": -1}))
        await seen.shows(TOPIC, "-1")
        mosquitto.freeze()
        count = 0
        try:
            # Until the kernel's buffers and ours are full, and then a thousand more.
            async with asyncio.timeout(60):
                while northbound.conflated < 1000:
                    for _ in range(10):  # fewer than ever wait in one turn of the loop
                        link.receive(None, Sample({"n": count, "text": "x" * 2000}))
                        count += 1
                    await asyncio.sleep(0)
        finally:
            mosquitto.thaw()
        await seen.shows(TOPIC, str(count - 1))
        came = [int(payload) for payload in seen.payloads(TOPIC)]
        assert came == sorted(set(came)), "in order, and none twice"
        assert count - len(came) >= northbound.conflated // 2 - 1, "of each reading, both values are counted"


async def test_points_that_a_device_has_no_more_leave_nothing_on_the_broker_and_nothing_here(
    mosquitto: Mosquitto,
) -> None:
    async with published(mosquitto.url) as (northbound, link), watcher(mosquitto.port) as seen:
        here = TOPIC.removesuffix("/n")
        for number in range(50):
            points = {f"p{number}": Point("number", writable=True, confirm="sent")}
            link.describe(None, Description(points), commandable=True)
            link.receive(None, Sample({f"p{number}": number}))
            await seen.shows(f"{here}/p{number}", str(number))
            if number:
                before = f"{here}/p{number - 1}"
                await seen.until(lambda: seen.last(before) == "", "an end to what went")  # noqa: B023
        assert len(northbound._owners) == 4  # the gateway's status, and state, value and commands of the device
        assert list(northbound._targets) == [f"{here}/p49/set"]
        link.describe(None, Description({"p0": Point("number")}), commandable=True)
        link.receive(None, Sample({"p0": 7}))
        await seen.shows(f"{here}/p0", "7")


async def test_as_much_as_a_broker_takes_is_published_without_a_gap(mosquitto: Mosquitto) -> None:
    async with published(mosquitto.url) as (northbound, link), watcher(mosquitto.port, TOPIC) as seen:
        for burst in range(20):
            for number in range(25):
                link.receive(None, Sample({"n": burst * 25 + number, "text": "x"}))
            await asyncio.sleep(0.001)
        await seen.shows(TOPIC, "499")
        assert seen.payloads(TOPIC) == [str(number) for number in range(500)]
        assert northbound.conflated == 0
