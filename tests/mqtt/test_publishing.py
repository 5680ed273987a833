"""Messages to a broker: what it is told beside them, what it refuses, and what of it waits."""

import asyncio
import time
from pathlib import Path

import pytest

from gateway.errors import NotSentError, RefusedError, UncertainError
from gateway.mqtt import MessageProperties
from tests.adapters.bystander import bystander
from tests.adapters.guarded_mosquitto import PASSWORD, USER, GuardedMosquitto
from tests.mqtt.scripted import CONNECT, PINGREQ, PUBLISH, SUBSCRIBE, Script, playing
from tests.mqtt.talking import talking
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

MAXIMUM_QOS, RETAIN_AVAILABLE, RECEIVE_MAXIMUM, SERVER_KEEP_ALIVE, MAXIMUM_PACKET = 36, 37, 33, 19, 39


# ---- properties


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("size", [10, 200_000])  # delivered at once, and by way of paho
async def test_what_stands_beside_a_message_arrives_with_it(mosquitto: Mosquitto, qos: int, size: int) -> None:
    async with (
        talking(mosquitto.url, "a/#", qos=qos, wants_properties=True) as talk,
        talking(mosquitto.url) as other,
    ):
        await other.connection.publish(
            "a/1",
            b"x" * size,
            30,
            qos=qos,
            response_topic="answers",
            correlation=b"\0\xff",
            user_properties=(("who", "me"), ("who", "you")),
        )
        await other.connection.publish("a/2", b"plain", qos=qos)
        await talk.until(1)
        ((topic, payload, retained, properties),) = talk.described
        assert (topic, len(payload), retained) == ("a/1", size, False)
        assert properties.expiry in (29, 30)
        assert properties == MessageProperties(
            properties.expiry, None, "answers", b"\0\xff", (("who", "me"), ("who", "you"))
        )
        assert talk.came == [("a/2", b"plain", False)]


async def test_who_does_not_ask_for_properties_gets_the_message_all_the_same(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, "a/#") as talk, talking(mosquitto.url) as other:
        await other.connection.publish("a/1", b"1", correlation=b"x", user_properties=(("a", "b" * 300),))
        await other.connection.publish("a/2", b"2", correlation=b"x")
        assert await talk.until(2) == [("a/1", b"1", False), ("a/2", b"2", False)]


async def test_mqtt_3_leaves_them_out(mosquitto: Mosquitto) -> None:
    async with (
        talking(mosquitto.url, "a", version="3.1.1", wants_properties=True) as talk,
        talking(mosquitto.url, version="3.1.1") as other,
    ):
        await other.connection.publish(
            "a", b"1", 30, correlation=b"x", response_topic="b", user_properties=(("a", "b"),)
        )
        assert await talk.until(1) == [("a", b"1", False)]


async def test_properties_that_are_none_end_the_connection() -> None:
    says = b"\x30\x07\0\x01a\x02\x02\0p"
    async with playing(Script(after_connack=says)) as script, talking(script.url, wants_properties=True) as talk:
        assert "it sends what is no MQTT" in await talk.lost()


@pytest.mark.parametrize(
    "given", [{"correlation": b"x" * 70_000}, {"response_topic": "\ud800"}, {"user_properties": (("a", "x" * 70_000),)}]
)
async def test_a_property_that_cannot_be_written_is_refused_and_costs_nothing(
    mosquitto: Mosquitto, given: dict[str, object]
) -> None:
    async with talking(mosquitto.url) as talk, bystander(mosquitto.port, "#") as other:
        for _ in range(30):  # more than may be in flight
            with pytest.raises(NotSentError, match="no topic or property that can be sent"):
                await talk.connection.publish("a", b"1", **given)  # type: ignore[arg-type]
        await talk.connection.publish("b", b"2")
        assert (await other.next()).topic == "b"


@pytest.mark.parametrize("topic", ["a/+", "#", "", "a\0b", "x" * 70_000, "\ud800", "a\a", "\x85", "\uffff"])
async def test_a_topic_that_is_none_is_refused(
    mosquitto: Mosquitto, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with talking(mosquitto.url) as talk:
        with pytest.raises(NotSentError):
            await talk.connection.publish(topic, b"1")
        for qos in (0, 1):
            talk.connection.post(topic, b"1", qos=qos)
        await talk.connection.publish("b", b"2")
        assert talk.connection.is_idle
    assert "is lost: " in caplog.text


@pytest.mark.parametrize("topic", ["a\0b", "a\a", "\x85/b", "\ufdd0", "\uffff", "\ud800"])
async def test_a_topic_filter_that_is_none_is_refused_and_costs_no_connection(mosquitto: Mosquitto, topic: str) -> None:
    async with talking(mosquitto.url) as talk, bystander(mosquitto.port, "b") as other:
        with pytest.raises(RefusedError):
            await talk.connection.subscribe([(topic, 0)])
        await talk.connection.publish("b", b"2")
        assert (await other.next()).topic == "b"


# ---- what the broker refuses


async def test_a_message_that_the_broker_refuses_is_not_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = GuardedMosquitto(tmp_path, "topic read #\ntopic write allowed")
    broker.start()
    try:
        async with talking(f"mqtt://127.0.0.1:{broker.port}", username=USER, password=PASSWORD) as talk:
            await talk.connection.publish("allowed", b"1")
            with pytest.raises(NotSentError, match=r"^the broker refuses the message: Not authorized$"):
                await talk.connection.publish("denied", b"1")
            await talk.connection.publish("allowed", b"1")
            assert talk.connection.post("denied", b"1", qos=1)
            await eventually(lambda: talk.connection.is_idle)
        assert "a message on 'denied' is lost: the broker refuses it: Not authorized" in caplog.text
    finally:
        broker.kill()


async def test_a_status_that_the_broker_refuses_costs_no_connection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = GuardedMosquitto(tmp_path, "topic read #")
    broker.start()
    try:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with talking(url, "a", username=USER, password=PASSWORD, status="me/status"):
            pass
        assert "the status on me/status is not published: the broker refuses the message: Not authorized" in caplog.text
    finally:
        broker.kill()


async def test_a_message_that_is_never_confirmed_is_uncertain_and_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.mqtt.connection._CONFIRM_TIMEOUT", 0.1)
    async with playing(Script(puback=None)) as script, talking(script.url) as talk:
        with pytest.raises(UncertainError, match=r"^the broker did not confirm the message$"):
            await talk.connection.publish("a", b"1")
        assert (await talk.lost()).endswith(": it does not confirm messages")
        with pytest.raises(NotSentError, match=r"^the broker is not connected: it does not confirm messages$"):
            await talk.connection.publish("a", b"1")
        assert not talk.connection.post("a", b"1")


async def test_a_broker_that_goes_leaves_its_messages_uncertain_at_once(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url) as talk:
        mosquitto.freeze()
        began = time.monotonic()
        publishing = asyncio.create_task(talk.connection.publish("a", b"1"), name="publishing")
        await asyncio.sleep(0)
        mosquitto.kill()
        with pytest.raises(UncertainError, match=r"^the broker did not confirm the message: it closed the connection$"):
            await publishing
        assert time.monotonic() - began < 2


# ---- limits of the broker


async def test_the_quality_is_no_better_than_the_broker_knows() -> None:
    async with playing(Script([(0, bytes([MAXIMUM_QOS, 0]))])) as script, talking(script.url) as talk:
        await talk.connection.publish("a", b"1", qos=1)
        await eventually(lambda: script.of_type(PUBLISH))
        assert script.of_type(PUBLISH) == [(0x30, b"\0\x01a\x001")]


async def test_nothing_is_retained_where_the_broker_cannot() -> None:
    async with playing(Script([(0, bytes([RETAIN_AVAILABLE, 0]))])) as script, talking(script.url) as talk:
        await talk.connection.publish("a", b"1", retain=True, qos=0)
        talk.connection.post("b", b"2", retain=True)
        await eventually(lambda: len(script.of_type(PUBLISH)) == 2)
        assert [first for first, _ in script.of_type(PUBLISH)] == [0x30, 0x30]


@pytest.mark.parametrize(("code", "flags"), [(0x9A, 0x0E), (0x9B, 0x26)])  # will with QoS 1; will retained
async def test_a_broker_that_cannot_have_the_will_so_gets_a_lesser_one(code: int, flags: int) -> None:
    async with playing(Script([(code, b""), (0, b"")])) as script, talking(script.url, status="me/status"):
        assert [body[7] for _, body in script.of_type(CONNECT)] == [0x2E, flags]


async def test_a_broker_that_can_have_no_will_at_all_is_a_reason_and_not_a_loop() -> None:
    async with playing(Script([(0x9A, b"")])) as script:
        with pytest.raises(Exception, match=r"it refuses us: Retain not supported$"):
            async with talking(script.url, status="me/status"):
                pass
        assert script.connections == 2


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_message_that_is_larger_than_the_broker_takes_is_not_sent(
    qos: int, caplog: pytest.LogCaptureFixture
) -> None:
    limit = bytes([MAXIMUM_PACKET, 0, 0, 1, 0])
    async with playing(Script([(0, limit)])) as script, talking(script.url) as talk:
        with pytest.raises(NotSentError, match=r"^the message has \d+ bytes, and the broker takes 256 at most$"):
            await talk.connection.publish("a", b"x" * 256, qos=qos)
        assert talk.connection.post("a", b"x" * 256, qos=qos)
        await talk.connection.publish("b", b"y" * 200, qos=qos)
        await eventually(lambda: script.of_type(PUBLISH))
        assert len(script.of_type(PUBLISH)) == 1
    assert "a message on 'a' is lost: " in caplog.text


async def test_no_more_is_in_flight_than_the_broker_takes_and_the_rest_is_not_late() -> None:
    """What waits in the library would be written whenever there is room, however long ago its command was given."""
    async with (
        playing(Script([(0, bytes([RECEIVE_MAXIMUM, 0, 2]))], puback=None)) as script,
        talking(script.url) as talk,
    ):
        waiting = [asyncio.create_task(talk.connection.publish(f"a/{n}", b"1", 5), name=f"a/{n}") for n in range(2)]
        await eventually(lambda: len(script.of_type(PUBLISH)) == 2)
        began = time.monotonic()
        with pytest.raises(NotSentError, match=r"^the broker takes no more messages for now$"):
            await talk.connection.publish("late", b"1", 0.2)
        assert 0.1 < time.monotonic() - began < 1
        assert len(script.of_type(PUBLISH)) == 2
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_what_waits_for_room_is_written_once_there_is(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, "a/#", version="3.1.1") as talk:
        await asyncio.gather(*(talk.connection.publish(f"a/{number}", b"1", 5) for number in range(200)))
        await talk.until(200)
        assert len({topic for topic, _, _ in talk.came}) == 200


async def test_a_command_is_not_written_after_its_time(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url) as talk, bystander(mosquitto.port, "a") as other:
        with pytest.raises(NotSentError, match=r"^its time to live ran out$"):
            await talk.connection.publish("a", b"late", 0.0)
        await talk.connection.publish("a", b"1", 1.9)
        seen = await other.next()
        assert (seen.payload, seen.retain, seen.expiry) == (b"1", False, 1)


@pytest.mark.parametrize(("told", "expected"), [(0, 1), (3600, 1)])
async def test_the_brokers_keepalive_does_not_make_us_wait_longer_for_a_dead_one(told: int, expected: int) -> None:
    properties = bytes([SERVER_KEEP_ALIVE]) + told.to_bytes(2, "big")
    async with playing(Script([(0, properties)])) as script, talking(script.url, keepalive=expected):
        await eventually(lambda: script.of_type(PINGREQ), 5, "a ping")


async def test_a_broker_that_asks_for_more_pings_gets_them() -> None:
    properties = bytes([SERVER_KEEP_ALIVE, 0, 1])
    async with playing(Script([(0, properties)])) as script, talking(script.url, keepalive=60):
        await eventually(lambda: script.of_type(PINGREQ), 5, "a ping")


# ---- posting


async def test_what_is_posted_comes_in_order_with_what_is_published_between(mosquitto: Mosquitto) -> None:
    async with talking(mosquitto.url, "a", version="3.1.1") as talk, talking(mosquitto.url) as other:
        expected = []
        for number in range(20):
            for part in range(5):
                assert other.connection.post("a", b"%d.%d" % (number, part))
                expected.append(b"%d.%d" % (number, part))
            await other.connection.publish("a", b"%d" % number, qos=number % 2)
            expected.append(b"%d" % number)
        await talk.until(len(expected))
        assert [payload for _, payload, _ in talk.came] == expected


async def test_a_broker_that_takes_nothing_bounds_what_is_posted_and_says_when_it_takes_again(
    mosquitto: Mosquitto,
) -> None:
    async with talking(mosquitto.url, keepalive=30) as talk:
        mosquitto.freeze()
        again = asyncio.Event()
        talk.connection.on_drained(again.set)
        posted = 0
        takes_more = True
        while takes_more:
            assert talk.connection.post("a", b"x" * 1000)
            posted += 1
            if posted % 50 == 0:
                await asyncio.sleep(0)
            assert posted < 100_000, "it grows without a bound"
            takes_more = talk.connection.takes_more
        while talk.connection.post("a", b"x" * 1000):
            posted += 1
            assert posted < 100_000, "it grows without a bound"
        assert not talk.connection.is_idle
        again.clear()
        mosquitto.thaw()
        async with asyncio.timeout(10):
            await again.wait()
        await eventually(lambda: talk.connection.is_idle and talk.connection.takes_more, 10)
        await talk.connection.publish("b", b"1")


async def test_a_message_may_be_posted_where_one_is_received(mosquitto: Mosquitto) -> None:
    """paho's lock is held there, which is none that may be taken twice."""
    async with talking(mosquitto.url, "a", qos=1) as talk, talking(mosquitto.url, "b") as other:

        def answer(topic: str, payload: bytes, retained: bool) -> None:
            talk.connection.post("b", b"0")
            talk.connection.post("b", b"1", qos=1)
            talk.connection.post("b", b"c", correlation=b"x")

        talk.connection._client._receive = answer
        await other.connection.publish("a", b"1")
        assert await other.until(3) == [("b", b"0", False), ("b", b"1", False), ("b", b"c", False)]


@pytest.mark.parametrize(("topic", "flags"), [("a/+", 0x05), ("$share/gateways/a/+", 0x01)])
async def test_ones_own_messages_do_not_come_back_unless_a_shared_subscription_forbids_to_ask(
    topic: str, flags: int
) -> None:
    async with playing(Script()) as script, talking(script.url, topic, qos=1):
        ((_, body),) = script.of_type(SUBSCRIBE)
        assert body[-1] == flags  # 4: no local; 1: the QoS (MQTT 5 §3.8.3.1)
