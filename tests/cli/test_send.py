"""`fieldgate send`."""

import json
import sys

from device_sims.faults import NoAcknowledgement, Refusal
from device_sims.fixtures import SerialBoardFactory
from tests.cli.command import Fieldgate
from tests.cli.relay import Relay
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.waiting import eventually

BENCH = """\
adapters: [{id: bench, type: loopback}]
devices:
  bench:
    points:
      heater: {type: number, min: -20, max: 40, unit: Cel, writable: true}
      label: {type: string, writable: true}
      on: {type: boolean, writable: true}
      spin: {type: action, writable: true}
      blind: {type: boolean, writable: true, confirm: sent}
      seen: {type: number}
      pump: {type: boolean, writable: true, require: [{point: bench.seen, above: 10}]}
      lamp: {type: boolean, writable: true, safe: false, safe_on: [lease]}
"""


def serial(link: object, timeout: str = "2s") -> str:
    """A gateway with one board, of which every answer must come within `timeout`."""
    return f"""\
adapters:
  - {{id: board, type: serial, port: {link}, commands: {{timeout: {timeout}}}}}
devices:
  board: {{points: {{fan: {{type: boolean, writable: true}}}}}}
"""


async def known(fieldgate: Fieldgate, gateway: GatewayProcess, device: str = "board") -> None:
    """Waits until a device is online, as its readings tell."""
    process = fieldgate.start("tail", device, "--url", gateway.url)
    await eventually(process.stdout_text, 10, f"a reading of {device}")
    process.kill()


async def test_an_acknowledged_command_prints_its_states_and_ends_with_0(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate")
    gateway = await gateway_process(serial(board.link))
    await known(fieldgate, gateway)
    ended = await fieldgate.run("send", "board", "fan", "on", "--url", gateway.url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == ["accepted", "sent", "acked", "executed"]
    assert [(done.point, done.value) for done in board.actuations] == [("fan", True)]


async def test_a_refusal_of_the_device_ends_with_1_and_its_reason(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", faults=[Refusal(error="jammed\x1b[2J")])
    gateway = await gateway_process(serial(board.link))
    await known(fieldgate, gateway)
    ended = await fieldgate.run("send", "board", "fan", "on", "--url", gateway.url)
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.splitlines() == ["accepted", "sent", "failed: jammed\\x1b[2J", "not executed"]


async def test_a_device_that_stays_silent_leaves_the_outcome_unknown_which_is_3(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", faults=[NoAcknowledgement()])
    gateway = await gateway_process(serial(board.link, timeout="1s"))
    await known(fieldgate, gateway)
    ended = await fieldgate.run("send", "board", "fan", "on", "--url", gateway.url)
    assert (ended.code, ended.err) == (3, "")
    assert ended.out.splitlines() == ["accepted", "sent", "timeout: no answer within 1 s", "unknown"]


async def test_a_command_whose_connection_is_lost_is_asked_after(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory, relay: Relay
) -> None:
    board = await serial_board("climate", faults=[NoAcknowledgement()])
    gateway = await gateway_process(serial(board.link, timeout="3s"))
    await known(fieldgate, gateway)
    process = fieldgate.start("send", "board", "fan", "on", "--url", relay.url_for(gateway.url))
    await eventually(lambda: "sent" in process.stdout_text(), 20, "the command's way to the wire")
    relay.cut()
    ended = await fieldgate.ended(process)
    assert ended.code == 3
    assert ended.out.splitlines() == ["accepted", "sent", "timeout: no answer within 3 s", "unknown"]
    assert "the connection broke; asking what became of the command" in ended.err
    assert len(board.actuations) == 1  # asked after, and not sent again


async def test_a_gateway_that_is_killed_on_the_way_leaves_the_outcome_unknown(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", faults=[NoAcknowledgement()])
    gateway = await gateway_process(serial(board.link, timeout="60s"))
    await known(fieldgate, gateway)
    process = fieldgate.start("send", "board", "fan", "on", "--url", gateway.url)
    await eventually(lambda: "sent" in process.stdout_text(), 20, "the command's way to the wire")
    gateway.kill()
    ended = await fieldgate.ended(process)
    assert ended.code == 3
    assert ended.out.splitlines() == ["accepted", "sent", "unknown"]
    assert "the outcome is unknown" in ended.err


async def test_values_are_read_as_their_points_type(fieldgate: Fieldgate, gateway_process: StartGateway) -> None:
    gateway = await gateway_process(BENCH)
    for arguments, sent in ((["heater", "-5"], -5), (["label", ""], ""), (["spin"], None)):
        ended = await fieldgate.run("send", "bench", *arguments, "--json", FIELDGATE_URL=gateway.url)
        assert (ended.code, ended.err) == (0, "")
        states = [json.loads(line) for line in ended.out.splitlines()]
        assert [(state["state"], state["value"]) for state in states] == [
            ("accepted", sent),
            ("sent", sent),
            ("acked", sent),
        ]


async def test_a_value_that_the_point_does_not_take_is_exit_2_and_says_what_it_takes(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(BENCH)
    for arguments, expected in (
        (["on", "banana"], "bench.on takes on or off (also true, false, yes, no, 1, 0), not 'banana'"),
        (["heater"], "bench.heater needs a value: a number from -20 to 40 (Cel)"),
        (["on", "on", "--key", "k" * 65], "--key takes 1 to 64 characters"),
    ):
        ended = await fieldgate.run("send", "bench", *arguments, "--url", gateway.url)
        assert (ended.code, ended.out, ended.err) == (2, "", f"fieldgate: {expected}\n")


async def test_what_the_gateway_refuses_is_exit_1(fieldgate: Fieldgate, gateway_process: StartGateway) -> None:
    gateway = await gateway_process(BENCH)
    for arguments, reason in (
        (["bench", "heatr", "1"], "bench has no point 'heatr' (did you mean 'heater'?)"),
        (["bank", "on", "on"], "there is no device bank"),
        (["bench", "seen", "1"], "bench.seen is not writable"),
        (["bench", "on", "on", "--confirm", "verified"], "bench.on offers confirmation up to acked, not verified"),
    ):
        ended = await fieldgate.run("send", *arguments, "--url", gateway.url)
        assert (ended.code, ended.out, ended.err) == (1, "", f"fieldgate: not executed: {reason}\n")


async def test_sent_is_enough_only_for_who_says_so(fieldgate: Fieldgate, gateway_process: StartGateway) -> None:
    gateway = await gateway_process(BENCH)
    unasked = await fieldgate.run("send", "bench", "blind", "on", "--url", gateway.url)
    assert (unasked.code, unasked.out) == (3, "accepted\nsent\nunconfirmed\n")
    assert "this point confirms nothing" in unasked.err
    asked = await fieldgate.run("send", "bench", "blind", "on", "--confirm", "sent", "--url", gateway.url)
    assert (asked.code, asked.out, asked.err) == (0, "accepted\nsent\nunconfirmed\n", "")


async def test_the_same_key_is_not_done_twice(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate")
    gateway = await gateway_process(serial(board.link))
    await known(fieldgate, gateway)
    arguments = ("send", "board", "fan", "on", "--key", "today", "--url", gateway.url)
    first, second = await fieldgate.run(*arguments), await fieldgate.run(*arguments)
    assert (first.code, second.code) == (0, 0)
    assert second.out == "acked\nexecuted\n"
    assert len(board.actuations) == 1


async def test_a_dry_run_says_whether_it_would_be_sent_and_does_nothing(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(BENCH)
    would = await fieldgate.run("send", "bench", "on", "on", "--dry-run", "--url", gateway.url)
    assert (would.code, would.out) == (0, "accepted: dry run: nothing was sent\nwould be sent\n")
    would_not = await fieldgate.run("send", "bench", "pump", "on", "--dry-run", "--url", gateway.url)
    assert would_not.code == 1
    assert would_not.out == "rejected: interlock: there is no value of bench.seen\nwould not be sent\n"


async def test_a_lease_ends_in_the_safe_value(fieldgate: Fieldgate, gateway_process: StartGateway) -> None:
    gateway = await gateway_process(BENCH)
    process = fieldgate.start("tail", "bench", "--json", "--url", gateway.url)
    leased = await fieldgate.run("send", "bench", "lamp", "on", "--lease", "1", "--url", gateway.url)
    assert leased.code == 0
    await eventually(lambda: '"lamp":false' in process.stdout_text(), 15, "the safe value")
    refused = await fieldgate.run("send", "bench", "on", "on", "--lease", "1", "--url", gateway.url)
    assert (refused.code, refused.err) == (
        1, "fieldgate: not executed: bench.on has no safe value, and so nothing to lease\n",
    )  # fmt: skip


async def test_a_gateway_that_is_not_there_is_exit_1(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("send", "bench", "on", "on", FIELDGATE_URL="http://127.0.0.1:1")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing listens at http://127.0.0.1:1: is the gateway running?" in ended.err


async def test_the_token_comes_from_the_variable_and_decides_what_may_be_done(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    made = [
        (await fieldgate.run("token", "create", name, *rights)).out.splitlines()
        for name, rights in {
            "reader": ["--read", "*"],
            "switcher": ["--command", "bench"],
        }.items()
    ]
    lines = "\n".join(["auth:", "  tokens:", *(printed[-1] for printed in made)])
    gateway = await gateway_process(f"{lines}\n{BENCH}")
    reader, switcher = (printed[0] for printed in made)
    arguments = ("send", "bench", "heater", "-5", "--url", gateway.url)

    without = await fieldgate.run(*arguments)
    assert (without.code, without.out) == (1, "")
    assert "needs a token: set FIELDGATE_TOKEN" in without.err
    wrong = await fieldgate.run(*arguments, FIELDGATE_TOKEN="fg_wrong")
    assert (wrong.code, wrong.out) == (1, "")
    assert "does not accept the token" in wrong.err
    assert "fg_wrong" not in wrong.err
    reading = await fieldgate.run(*arguments, FIELDGATE_TOKEN=reader)
    assert (reading.code, reading.err) == (1, "fieldgate: not executed: reader may not command bench\n")
    # It may not see the point's type, and the value is taken for what it looks like.
    switching = await fieldgate.run(*arguments, "--token", switcher)
    assert (switching.code, switching.out) == (0, "accepted\nsent\nacked\nexecuted\n")
    assert reader not in gateway.stderr_text()
    assert switcher not in gateway.stderr_text()


async def test_a_reader_that_goes_does_not_change_the_exit_code(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(BENCH)
    line = f"{sys.executable} -m gateway.cli send bench blind on --url {gateway.url} | true; exit ${{PIPESTATUS[0]}}"
    ended = await fieldgate.ended(fieldgate.start_program("bash", "-c", line))
    assert ended.code == 3
