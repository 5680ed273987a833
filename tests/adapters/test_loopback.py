"""The loopback adapter: a device without hardware that keeps every rule of a real one."""

import time

import pytest

from gateway.adapters.loopback import LoopbackAdapter
from gateway.errors import NotSentError
from gateway.model import DeviceState, Outgoing
from tests.adapters.rig import running

CONFIG = """
adapters: [{id: virtual, type: loopback}]
devices:
  virtual:
    points:
      lamp: {type: boolean, writable: true}
      level: {type: number, writable: true, scale: 0.1}
      mode: {values: {0: off, 1: heating, A: auto}, writable: true, interval: 60s, confirm: verified}
      blink: {type: action, writable: true}
"""


async def test_it_is_online_from_the_start() -> None:
    async with running(CONFIG) as rig:
        device = await rig.state(DeviceState.ONLINE)
        assert device.points["lamp"].confirm == "acked"


async def test_a_commanded_value_is_acknowledged_and_comes_back_as_a_reading() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        for value in (True, False):
            command = await rig.command("lamp", value)
            assert (command.state, command.outcome) == ("acked", "executed")
        assert rig.values("lamp") == [True, False]


async def test_a_value_goes_through_scale_and_back() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        await rig.command("level", 21.5)
        assert rig.values("level") == [21.5]


async def test_a_name_goes_to_the_wire_as_its_code_and_is_proven_by_what_is_held_back_too() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        for name in ("heating", "auto", "off"):
            command = await rig.command("mode", name)
            assert command.state == "verified"
        assert rig.values("mode") == ["heating", "auto", "off"]  # as heard
        device = rig.devices.get("virtual")
        assert device is not None
        assert device.to_json()["values"]["mode"]["value"] == "heating"  # as published


async def test_an_action_is_acknowledged_and_shows_no_value() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        assert (await rig.command("blink", None)).outcome == "executed"
        assert rig.readings == []


async def test_nothing_is_written_after_the_deadline() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        late = Outgoing("virtual", None, "lamp", True, 1, time.monotonic() - 0.001)
        with pytest.raises(NotSentError, match="time to live"):
            await rig.adapter.write(late)
        assert rig.readings == []


async def test_whoever_embeds_it_publishes_values_as_if_the_device_had_sent_them() -> None:
    async with running(CONFIG) as rig:
        await rig.up()
        assert isinstance(rig.adapter, LoopbackAdapter)
        for value in (0, 0.0, False, ""):
            rig.adapter.receive({f"a_{type(value).__name__}": value})
        assert [reading.values for reading in rig.readings] == [
            {"a_int": 0},
            {"a_float": 0.0},
            {"a_bool": False},
            {"a_str": ""},
        ]
