"""What MQTT 5 adds to commands: the answer on the gateway's own topic, and user properties. And bare words."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.config import parse
from gateway.errors import ConfigurationError
from tests.adapters.bystander import bystander
from tests.adapters.rig import WITHIN, running
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

Answer = Callable[[dict[str, Any]], list[tuple[bytes, bytes | None]]]  # a command → payloads with correlation data


def config(broker: Mosquitto, commands: str = "response: true, timeout: 0.5s", more: str = "") -> str:
    return f"""
adapters:
  - id: house
    type: mqtt
    url: {broker.url}
    topics: [{{readings: "s/{{device}}", commands: {{topic: "s/{{device}}/set", {commands}}}}}]
    {more}
devices:
  house.a: {{points: {{fan: {{type: boolean, writable: true}}}}}}
"""


@asynccontextmanager
async def device(port: int, answer: Answer) -> AsyncIterator[list[aiomqtt.Message]]:
    """A device that responds as MQTT 5 §4.10 says; gives the commands that it got."""
    commands: list[aiomqtt.Message] = []
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("s/a/set", qos=1)

        async def respond() -> None:
            async for message in client.messages:
                commands.append(message)
                assert message.properties is not None
                for payload, correlation in answer(json.loads(message.payload)):
                    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
                    if correlation is not None:
                        properties.CorrelationData = correlation or message.properties.CorrelationData  # type: ignore[attr-defined]
                    await client.publish(
                        message.properties.ResponseTopic,  # type: ignore[attr-defined]
                        payload,
                        qos=1,
                        properties=properties,
                    )

        responding = asyncio.create_task(respond(), name="device")
        try:
            yield commands
        finally:
            responding.cancel()
            await asyncio.wait([responding])


ITS_OWN = b""  # the correlation data that the command had


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (lambda command: [(b"", ITS_OWN)], ("acked", "executed", None)),
        (lambda command: [(b'{"ok":true}', ITS_OWN)], ("acked", "executed", None)),
        (lambda command: [(b'{"ack":%d,"ok":true}' % command["id"], ITS_OWN)], ("acked", "executed", None)),
        (lambda command: [(b'{"ok":false,"error":"jammed"}', ITS_OWN)], ("failed", "not_executed", "jammed")),
    ],
)
async def test_a_response_with_the_commands_correlation_data_is_the_answer(
    mosquitto: Mosquitto, answer: Answer, ending: tuple[str, str, str | None]
) -> None:
    async with device(mosquitto.port, answer) as commands, running(config(mosquitto)) as rig:
        await rig.up()
        command = await rig.command("fan", True, "a")
        assert (command.state, command.outcome) == ending[:2]
        assert ending[2] in (None, command.detail)
        assert rig.errors() == 0
        (message,) = commands
        assert message.properties is not None
        topic = message.properties.ResponseTopic  # type: ignore[attr-defined]
        assert topic.startswith("fieldgate/test/house/response/")


async def test_responses_that_answer_no_command_are_counted_and_end_none(mosquitto: Mosquitto) -> None:
    def answer(command: dict[str, Any]) -> list[tuple[bytes, bytes | None]]:
        other = b'{"ack":%d,"ok":true}' % (command["id"] + 1)
        return [(b"", None), (b"", b"0"), (b"\xff", b"\xff" * 30_000), (b"fine", ITS_OWN), (other, ITS_OWN)]

    async with device(mosquitto.port, answer), running(config(mosquitto)) as rig:
        await rig.up()
        command = await rig.command("fan", True, "a")
        assert (command.state, command.outcome) == ("timeout", "unknown")
        assert rig.errors() == 5


async def test_user_properties_travel_with_every_command(mosquitto: Mosquitto) -> None:
    text = config(mosquitto, 'properties: {source: fieldgate, "größe": ""}')
    async with device(mosquitto.port, lambda command: []) as commands, running(text) as rig:
        await rig.up()
        for _ in range(2):
            command = await rig.command("fan", True, "a")
            assert command.outcome == "unconfirmed"
        await eventually(lambda: len(commands) == 2, WITHIN, "both commands")
        for message in commands:
            properties = message.properties
            assert properties is not None
            assert properties.UserProperty == [("source", "fieldgate"), ("größe", "")]  # type: ignore[attr-defined]
            assert not hasattr(properties, "ResponseTopic")


@pytest.mark.parametrize("key", ["response: true", "properties: {a: b}"])
def test_what_needs_mqtt_5_is_an_error_before(mosquitto: Mosquitto, key: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"adapters.0.topics.0.commands.{key.partition(':')[0]}: needs MQTT 5"
    ):
        parse(config(mosquitto, key, "version: 3.1.1"), "fieldgate.yaml", Path())


@pytest.mark.parametrize(
    ("said", "on", "off"),
    [(None, b"ON", b"OFF"), (b"off", b"on", b"off"), (b"1", b"1", b"0"), (b"True", b"True", b"False")],
)
async def test_a_switch_is_told_in_the_words_that_it_speaks(
    mosquitto: Mosquitto, said: bytes | None, on: bytes, off: bytes
) -> None:
    text = f"""
adapters:
  - id: house
    type: mqtt
    url: {mosquitto.url}
    topics: [{{readings: "s/{{device}}/{{point}}", codec: boolean, commands: {{topic: "s/{{device}}/{{point}}/set"}}}}]
devices:
  house.a: {{points: {{fan: {{type: boolean, writable: true, confirm: verified}}}}}}
"""
    async with bystander(mosquitto.port, "s/a/fan/set") as other, running(text) as rig:
        await rig.up()
        if said is not None:
            await other.publish("s/a/fan", said)
            await rig.reading()
        for value, payload in ((True, on), (False, off)):
            command = rig.submit("fan", value, "a")
            assert (await other.next()).payload == payload
            await other.publish("s/a/fan", payload)
            await rig.commands.finished(command)
            assert (command.state, command.outcome) == ("verified", "executed")
