"""Polling on a real line: who answers, who does not, whose a late answer is, and commands in between."""

import asyncio
import json
import logging
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.adapters.serial.adapter import SerialAdapter
from gateway.adapters.serial.poller import Poller
from gateway.model import DeviceState
from tests.adapters.held import held
from tests.adapters.polled import Nodes, named, nameless, polled
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.waiting import eventually

FIVE = ["n1", "n2", "n3", "n4", "n5"]


def config(nodes: Nodes, poll: str, more: str = ", devices: {field: node}", points: str = "") -> str:
    return f"""
adapters: [{{id: line, type: serial, port: "{nodes.pty.link}", poll: {{{poll}}}{more}}}]
{points}
"""


def all_of(names: list[str]) -> str:
    return f'requests: [{{devices: [{", ".join(names)}], send: "READ {{device}}"}}]'


def poller(rig: Rig) -> Poller:
    assert isinstance(rig.adapter, SerialAdapter)
    assert rig.adapter._poller is not None
    return rig.adapter._poller


async def until(value: Callable[[], object], wanted: object) -> None:
    """Returns once the value is the wanted one."""
    await eventually(lambda: value() == wanted, WITHIN, f"{wanted!r}")


# ---- answers


async def test_every_node_is_asked_in_turn_and_its_answer_is_its_reading(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 50ms, {all_of(FIVE)}")) as rig:
        await eventually(
            lambda: all(len(rig.values("n", node)) >= 4 for node in FIVE if heard(rig, node)), WITHIN, "it"
        )
        await eventually(lambda: all(heard(rig, node) >= 4 for node in FIVE), WITHIN, "four answers each")
        for node in FIVE:
            values = rig.values("n", node)
            assert values == list(range(1, len(values) + 1))
        assert [node for _, node in nodes.asked[:5]] == FIVE
        assert nodes.collisions == 0
        assert rig.errors() == 0
        assert poller(rig).timeouts == 0
        assert poller(rig).requests == pytest.approx(len(nodes.asked), abs=1)


def heard(rig: Rig, node: str) -> int:
    return sum(reading.device == f"line.{node}" for reading in rig.readings)


async def test_an_answer_that_names_nobody_is_the_asked_devices(tmp_path: Path) -> None:
    async with (
        polled(tmp_path, nameless) as nodes,
        running(config(nodes, f"every: 30ms, {all_of(FIVE)}", ", codec: text")) as rig,
    ):
        await eventually(lambda: all(heard(rig, node) >= 4 for node in FIVE), WITHIN, "four answers each")
        for node in FIVE:
            assert {str(value).split()[0] for value in rig.values("value", node)} == {node}
        assert sorted(device.id for device in rig.devices) == [f"line.{node}" for node in FIVE]


async def test_without_a_device_the_adapter_is_asked(tmp_path: Path) -> None:
    async with (
        polled(tmp_path, nameless) as nodes,
        running(config(nodes, 'every: 20ms, requests: [{send: "READ it"}]', ", codec: text")) as rig,
    ):
        await eventually(lambda: len(rig.values("value")) >= 3, WITHIN, "three answers")
        nodes.say(b"by itself\n")
        await rig.reading(lambda reading: reading.values["value"] == "by itself")
        assert [device.id for device in rig.devices] == ["line"]


async def test_bytes_are_asked_as_hexadecimal_digits(tmp_path: Path) -> None:
    async with polled(tmp_path, nameless) as nodes:
        text = config(nodes, "every: 20ms, requests: [{hex: '52 45 41 44 20 69 74'}]", ", codec: text")
        async with running(text) as rig:
            await rig.reading()
            assert nodes.asked[0][1] == "it"


async def test_a_device_is_asked_by_what_the_wire_calls_it(tmp_path: Path) -> None:
    names = ', devices: {field: node, names: {"7": cellar}}'
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 20ms, {all_of(['cellar'])}", names)) as rig:
        await eventually(lambda: heard(rig, "cellar") >= 3, WITHIN, "three answers")
        assert {node for _, node in nodes.asked} == {"7"}
        assert [device.id for device in rig.devices] == ["line.cellar"]


async def test_frames_that_come_unasked_still_count_where_they_say_whose_they_are(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 10s, {all_of(['n1'])}")) as rig:
        await eventually(lambda: heard(rig, "n1") == 1, WITHIN, "the answer")
        nodes.say(named("n9", 5))
        await eventually(lambda: heard(rig, "n9") == 1, WITHIN, "the other's")


async def test_a_frame_that_comes_unasked_and_names_nobody_is_an_error(tmp_path: Path) -> None:
    async with (
        polled(tmp_path, nameless) as nodes,
        running(config(nodes, f"every: 10s, {all_of(['n1'])}", ", codec: text")) as rig,
    ):
        await eventually(lambda: heard(rig, "n1") == 1, WITHIN, "the answer")
        nodes.say(b"who am I\n")
        await eventually(lambda: rig.errors() == 1, WITHIN, "the error")
        assert heard(rig, "n1") == 1


async def test_the_echo_of_a_half_duplex_line_is_no_answer(tmp_path: Path) -> None:
    async with polled(tmp_path, nameless, delay=0.05) as nodes:
        nodes.echo = True
        async with running(config(nodes, f"every: 10ms, {all_of(FIVE)}", ", codec: text")) as rig:
            await eventually(lambda: all(heard(rig, node) >= 2 for node in FIVE), WITHIN, "answers")
            assert nodes.collisions == 0
            for node in FIVE:
                assert {str(value).split()[0] for value in rig.values("value", node)} == {node}
            assert rig.errors() == 0


async def test_noise_before_the_answer_does_not_end_the_wait(tmp_path: Path) -> None:
    def noisy(node: str, count: int) -> bytes:
        return b"{noise\n" + named(node, count)

    async with polled(tmp_path, noisy) as nodes, running(config(nodes, f"every: 20ms, {all_of(['n1', 'n2'])}")) as rig:
        await eventually(lambda: heard(rig, "n1") >= 3 and heard(rig, "n2") >= 3, WITHIN, "answers")
        assert rig.device("n1").errors >= 2, "it spoke while n1 was asked"
        assert poller(rig).timeouts == 0


async def test_each_request_keeps_its_own_pace_and_the_line_its_pause(tmp_path: Path) -> None:
    poll = "every: 100ms, pause: 30ms, requests: [{device: n1, send: READ n1}, {device: n2, send: READ n2, every: 10s}]"
    async with polled(tmp_path) as nodes, running(config(nodes, poll)):
        await eventually(lambda: nodes.count("n1") >= 5, WITHIN, "five requests")
        assert nodes.count("n2") == 1
        times = [when for when, _ in nodes.asked]
        assert min(after - before for before, after in pairwise(times)) > 0.029


# ---- devices that do not answer


async def test_one_dead_node_of_five_leaves_the_others_nine_tenths_of_their_rate(tmp_path: Path) -> None:
    """Beside a line on which all answer, so that both have the same machine."""
    folders = [tmp_path / "all", tmp_path / "lamed"]
    for folder in folders:
        folder.mkdir()
    async with polled(folders[0]) as all_there, polled(folders[1]) as lamed:
        lamed.dead.add("n3")
        poll = f"every: 50ms, timeout: 100ms, {all_of(FIVE)}"
        async with running(config(all_there, poll)) as whole, running(config(lamed, poll)) as rig:
            # From the first request on.
            await eventually(lambda: heard(whole, "n5") >= 60, 3 * WITHIN, "three seconds' answers")
            found = {node: heard(rig, node) / heard(whole, node) for node in FIVE}
    assert found.pop("n3") == 0
    assert min(found.values()) >= 0.9, found


async def test_a_dead_node_is_offline_after_some_requests_and_online_by_its_first_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with polled(tmp_path) as nodes:
        nodes.dead.add("n2")
        async with running(config(nodes, f"every: 20ms, timeout: 20ms, {all_of(['n1', 'n2'])}")) as rig:
            device = await rig.state(DeviceState.OFFLINE, "n2")
            assert device.reason == "does not answer (3 requests)"
            assert nodes.count("n2") == 3
            assert rig.device("n1").state is DeviceState.ONLINE
            nodes.dead.clear()
            device = await rig.state(DeviceState.ONLINE, "n2")
            assert device.reason is None
            assert heard(rig, "n2") == 1
            asked = [when for when, node in nodes.asked if node == "n2"]
            assert [after - before > 9 * 0.02 for before, after in pairwise(asked)] == [True] * 3
    assert "line.n2 is offline: does not answer (3 requests)" in caplog.text


async def test_the_only_device_of_a_line_may_be_dead_too(tmp_path: Path) -> None:
    async with polled(tmp_path, nameless) as nodes:
        nodes.dead.add("it")
        poll = 'every: 10ms, timeout: 10ms, requests: [{send: "READ it"}]'
        async with running(config(nodes, poll, ", codec: text")) as rig:
            assert (await rig.state(DeviceState.OFFLINE)).reason == "does not answer (3 requests)"
            nodes.dead.clear()
            await rig.state(DeviceState.ONLINE)


async def test_a_device_that_answers_nonsense_is_said_to_do_that(tmp_path: Path) -> None:
    def nonsense(node: str, count: int) -> bytes:
        return b"?\n"

    async with (
        polled(tmp_path, nonsense) as nodes,
        running(config(nodes, f"every: 20ms, timeout: 20ms, {all_of(['n1'])}")) as rig,
    ):
        device = await rig.state(DeviceState.OFFLINE, "n1")
        assert device.reason == "gives no answer that can be read (3 requests)"


async def test_a_request_to_all_is_answered_by_whoever_does_and_is_nobodys_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with polled(tmp_path) as nodes:
        poll = "every: 20ms, timeout: 20ms, requests: [{send: READ all}]"
        async with running(config(nodes, poll)) as rig:
            await eventually(lambda: heard(rig, "all") >= 2, WITHIN, "answers")
            nodes.dead.add("all")
            await eventually(lambda: "line: b'READ all': does not answer (3 requests)" in caplog.text, WITHIN, "it")
            assert [device.id for device in rig.devices] == ["line.all"]
            assert rig.device("all").state is DeviceState.ONLINE


async def test_a_dead_node_that_speaks_by_itself_is_asked_again_at_once(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes:
        nodes.dead.add("n1")
        async with running(config(nodes, f"every: 50ms, timeout: 50ms, {all_of(['n1'])}")) as rig:
            await rig.state(DeviceState.OFFLINE, "n1")  # and not asked for another 1.8 s
            nodes.dead.clear()
            before = nodes.count("n1")
            nodes.say(named("n1", 0))
            await rig.state(DeviceState.ONLINE, "n1")
            await eventually(lambda: nodes.count("n1") >= before + 3, 1.0, "requests as ever")


async def test_a_late_answer_that_names_its_sender_is_the_senders(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes:
        nodes.delays["n1"] = 0.08
        async with running(config(nodes, f"every: 100ms, timeout: 40ms, {all_of(FIVE)}")) as rig:
            await eventually(lambda: heard(rig, "n1") >= 3 and heard(rig, "n2") >= 10, WITHIN, "answers")
            for node in FIVE:
                values = rig.values("n", node)
                assert values == list(range(1, len(values) + 1)), node
            assert rig.device("n1").state is DeviceState.ONLINE


async def test_a_late_answer_that_names_nobody_is_not_the_next_devices(tmp_path: Path) -> None:
    async with polled(tmp_path, nameless) as nodes:
        nodes.delays["n1"] = 0.08
        text = config(nodes, f"every: 50ms, timeout: 50ms, {all_of(FIVE)}", ", codec: text")
        async with running(text) as rig:
            await eventually(lambda: heard(rig, "n1") >= 5 and heard(rig, "n2") >= 5, WITHIN, "answers")
            for node in FIVE:
                assert {str(value).split()[0] for value in rig.values("value", node)} == {node}
            assert poller(rig).timeouts >= 5
            assert nodes.collisions == 0


# ---- the link


async def test_polling_ends_with_the_link_and_begins_anew_with_it(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 20ms, {all_of(FIVE)}")) as rig:
        await eventually(lambda: heard(rig, "n5") >= 2, WITHIN, "answers")
        before = held()
        nodes.pty.link.unlink()
        assert isinstance(rig.adapter, SerialAdapter)
        for number in range(1, 4):
            assert rig.adapter._connection is not None
            rig.adapter._connection.close()
            await rig.down()
            count, sent = len(nodes.asked), poller(rig).requests
            await asyncio.sleep(0)
            nodes.pty.link.symlink_to(nodes.pty.path)
            assert (len(nodes.asked), poller(rig).requests) == (count, sent)
            await until(lambda: rig.link.info.reconnects, number)
            nodes.pty.link.unlink()
            await until(lambda: len(nodes.asked) >= count + 10, True)  # noqa: B023  it is awaited here
            assert [node for _, node in nodes.asked[count : count + 5]] == FIVE
        assert held() == before


async def test_a_port_that_takes_nothing_is_no_devices_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with polled(tmp_path) as nodes:
        asyncio.get_running_loop().remove_reader(nodes.pty.master)
        nodes.pty.fill()
        async with running(config(nodes, f"every: 20ms, timeout: 50ms, {all_of(['n1'])}")) as rig:
            await eventually(lambda: "a request was not sent" in caplog.text, WITHIN, "the warning")
            assert rig.link.is_up
            assert (poller(rig).requests, poller(rig).timeouts) == (0, 0)
            assert rig.devices.get("line.n1") is None


# ---- commands in between

POINTS = "devices: {line.n1: {points: {fan: &p {type: boolean, writable: true}}}, line.n2: {points: {fan: *p}}}"


async def test_a_command_goes_before_the_next_request_and_no_request_before_its_answer(tmp_path: Path) -> None:
    more = ", devices: {field: node}, commands: {timeout: 5s}"
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 1ms, {all_of(FIVE)}", more, POINTS)) as rig:
        await eventually(lambda: heard(rig, "n5") >= 1, WITHIN, "a round")
        commands = [rig.submit("fan", True, node) for node in ("n1", "n2")]
        for number, command in enumerate(commands):
            await until(lambda: len(nodes.others), number + 1)
            count = len(nodes.asked)
            sent = json.loads(nodes.others[number])
            await until(lambda: command.state, "sent")  # noqa: B023  it is awaited here
            await asyncio.sleep(0.05)  # time for fifty requests
            assert len(nodes.asked) == count
            assert len(nodes.others) == number + 1
            nodes.say(b'{"ack":%d,"ok":true}\n' % sent["id"])
            async with asyncio.timeout(WITHIN):
                await rig.commands.finished(command)
            assert command.outcome == "executed"
        await eventually(lambda: len(nodes.asked) > count + 5, WITHIN, "requests again")
        assert nodes.collisions == 0


async def test_a_command_without_an_answer_holds_the_line_until_its_time_is_over(tmp_path: Path) -> None:
    more = ", devices: {field: node}, commands: {timeout: 200ms}"
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 1ms, {all_of(FIVE)}", more, POINTS)) as rig:
        await eventually(lambda: heard(rig, "n5") >= 1, WITHIN, "a round")
        command = await rig.command("fan", True, "n1")
        assert command.state == "timeout"
        count = len(nodes.asked)
        await eventually(lambda: len(nodes.asked) > count, WITHIN, "requests again")
        times = [when for when, _ in nodes.asked]
        assert max(after - before for before, after in pairwise(times)) >= 0.19


async def test_a_form_without_answers_does_not_hold_the_line_and_the_next_reading_is_the_proof(tmp_path: Path) -> None:
    template = 'commands: {codec: {type: template, send: "SET {device} {point} {value}"}, timeout: 5s}'
    points = "devices: {line.n1: {points: {n: {type: integer, writable: true, confirm: verified}}}}"
    async with polled(tmp_path) as nodes:
        text = config(nodes, f"every: 20ms, {all_of(['n1', 'n2'])}", f", devices: {{field: node}}, {template}", points)
        async with running(text) as rig:
            await eventually(lambda: heard(rig, "n2") >= 1, WITHIN, "a round")
            wanted = nodes.answers["n1"] + 20
            command = await rig.command("n", wanted, "n1")
            assert nodes.others == [f"SET n1 n {wanted}".encode()]
            assert (command.state, command.outcome) == ("verified", "executed")


async def test_a_command_on_a_line_whose_frames_name_nobody_says_whose_it_is(tmp_path: Path) -> None:
    more = ", codec: text, commands: {timeout: 5s}, devices: {names: {'7': n1}}"
    async with (
        polled(tmp_path, nameless) as nodes,
        running(config(nodes, f"every: 20ms, {all_of(['n1', 'n2'])}", more, POINTS)) as rig,
    ):
        await eventually(lambda: heard(rig, "n2") >= 1, WITHIN, "a round")
        rig.submit("fan", True, "n1")
        await eventually(lambda: nodes.others, WITHIN, "the command")
        assert json.loads(nodes.others[0])["device"] == "7"


async def test_a_command_that_cannot_get_its_turn_in_time_was_not_sent(tmp_path: Path) -> None:
    async with polled(tmp_path) as nodes:
        nodes.dead.add("n1")
        more = ", devices: {field: node}, commands: {}"
        text = config(nodes, f"every: 1ms, timeout: 2s, {all_of(['n1'])}", more, POINTS)
        async with running(text) as rig:
            await eventually(lambda: nodes.asked, WITHIN, "the request that nobody answers")
            command = await rig.command("fan", True, "n2", ttl=0.3)
            assert (command.state, command.outcome) == ("expired", "not_executed")
            assert command.detail == "the line was waiting for another answer"
            assert nodes.others == []


async def test_a_command_whose_link_broke_does_not_hold_the_next_connection(tmp_path: Path) -> None:
    more = ", devices: {field: node}, commands: {timeout: 60s}"
    async with polled(tmp_path) as nodes, running(config(nodes, f"every: 20ms, {all_of(FIVE)}", more, POINTS)) as rig:
        await eventually(lambda: heard(rig, "n5") >= 1, WITHIN, "a round")
        command = rig.submit("fan", True, "n1")
        await until(lambda: command.state, "sent")
        assert isinstance(rig.adapter, SerialAdapter)
        assert rig.adapter._connection is not None
        rig.adapter._connection.close()
        await until(lambda: command.state, "lost")
        await until(lambda: rig.link.info.reconnects, 1)
        count = len(nodes.asked)
        await eventually(lambda: len(nodes.asked) > count + 5, WITHIN, "requests again")
