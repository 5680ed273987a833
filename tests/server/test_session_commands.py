"""Commands as one connection asks for them and hears of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.config.limits import LimitsSection
from gateway.model import Outgoing
from tests.parts.waiting import eventually
from tests.server.desk import Desk, auth, running

MAX_COMMANDS = LimitsSection().commands


class Silent:
    """An adapter that takes commands and never answers."""

    answer_timeout = 60.0

    async def write(self, command: Outgoing) -> None:
        return


async def test_a_command_is_answered_first_and_then_told_at_every_change(desk: Desk) -> None:
    visitor = desk.open()
    answer = visitor.ask("command", device="bench", point="fan", value=True, key="k1")
    assert answer["command"]["state"] == "accepted"
    assert answer["command"]["final"] is False
    await eventually(lambda: "acked" in visitor.states())
    assert visitor.states() == ["sent", "acked"]
    command = visitor.peer.take("command")[-1]["command"]
    assert command == {
        "key": "k1", "device": "bench", "point": "fan", "value": True, "by": "local", "state": "acked", "final": True,
        "outcome": "executed", "detail": None, "time": command["time"],
    }  # fmt: skip


async def test_a_command_without_a_key_gets_one(desk: Desk) -> None:
    visitor = desk.open()
    keys = {visitor.ask("command", device="bench", point="reset")["command"]["key"] for _ in range(2)}
    assert len(keys) == 2


async def test_every_connection_of_the_sender_hears_of_its_commands_and_no_other() -> None:
    async with running(Desk(auth(panel=(["*"], ["*"]), other=(["*"], ["*"])))) as desk:
        sender, twin, stranger, gone = (desk.open() for _ in range(4))
        for visitor, name in ((sender, "panel"), (twin, "panel"), (stranger, "other"), (gone, "panel")):
            visitor.ask("auth", token=f"{name}-token")
        gone.session.close()
        sender.ask("command", device="bench", point="fan", value=True)
        await eventually(lambda: sender.states() == ["sent", "acked"])
        assert twin.states() == ["sent", "acked"]
        assert stranger.states() == []
        assert gone.states() == []


async def test_a_sender_that_comes_back_hears_the_end_of_its_command(desk: Desk) -> None:
    desk.commands.writers["bench"] = Silent()
    first = desk.open()
    first.ask("command", device="bench", point="fan", value=True, key="k")
    await eventually(lambda: first.states() == ["sent"])
    first.session.close()
    second = desk.open()
    second.session.greet()
    assert second.states() == ["sent"], "it is told what it may have missed, as it stands now"
    desk.commands.link_lost("bench")
    await eventually(lambda: second.states() == ["sent", "lost"])
    assert first.states() == ["sent"]


async def test_a_sender_that_comes_back_too_late_for_the_end_is_told_of_it_after_the_hello(desk: Desk) -> None:
    desk.commands.writers["bench"] = Silent()
    first = desk.open()
    first.ask("command", device="bench", point="fan", value=True, key="k")
    await eventually(lambda: first.states() == ["sent"])
    first.session.close()
    desk.commands.link_lost("bench")
    await eventually(lambda: desk.commands.ledger.owed("local")[0].final)
    second = desk.open()
    second.session.greet()
    assert [message["type"] for message in second.peer.messages] == ["hello", "command"]
    assert second.states() == ["lost"]


async def test_a_dry_run_is_answered_and_leaves_nothing_behind(desk: Desk) -> None:
    visitor = desk.open()
    told = visitor.ask("command", device="bench", point="fan", value=True, key="k", dry_run=True)["command"]
    assert (told["dry_run"], told["state"], told["outcome"]) == (True, "accepted", "not_executed")
    told = visitor.ask("command", device="bench", point="fan", value=False, key="k")["command"]
    assert "dry_run" not in told
    assert visitor.refused("command", device="bench", point="level", value=99, dry_run=True) == "bad_request"


async def test_a_connection_has_so_many_commands_on_their_way(desk: Desk) -> None:
    desk.commands.writers["bench"] = Silent()
    visitor = desk.open()
    for number in range(MAX_COMMANDS):
        assert visitor.ask("command", device="bench", point="reset", key=f"k{number}")["type"] == "ok"
    assert visitor.refused("command", device="attic", point="fan", value=True) == "rate_limited"
    assert visitor.ask("command", device="bench", point="reset", key="k3")["type"] == "ok"  # a repetition
    visitor.ask("cancel", key="k3")
    assert visitor.ask("command", device="attic", point="fan", value=True)["type"] == "ok"


async def test_commands_of_a_former_identity_do_not_block_the_connection_for_ever() -> None:
    async with running(Desk(auth(panel=(["*"], ["*"]), other=(["*"], ["*"])))) as desk:
        desk.commands.writers["bench"] = Silent()
        visitor = desk.open()
        visitor.ask("auth", token="panel-token")
        for number in range(MAX_COMMANDS):
            visitor.ask("command", device="bench", point="reset", key=f"k{number}", ttl=0.05)
        visitor.ask("auth", token="other-token")
        panel = [desk.commands.ledger.find("panel", f"k{number}") for number in range(MAX_COMMANDS)]
        await asyncio.sleep(0)
        desk.commands.link_lost("bench")
        desk.adapters["bench"].link.down("unplugged")
        await eventually(lambda: all(command is not None and command.final for command in panel))
        assert visitor.ask("command", device="attic", point="fan", value=True)["type"] == "ok"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"device": "nobody", "point": "fan", "value": True}, "not_found"),
        ({"device": "bench", "point": "nothing", "value": True}, "not_found"),
        ({"device": "bench", "point": "temperature", "value": 1}, "unsupported"),
        ({"device": "bench", "point": "fan", "value": 1}, "bad_request"),
        ({"device": "bench", "point": "fan"}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": {}}, "bad_request"),
        ({"device": "bench", "point": "level", "value": 11}, "bad_request"),
        ({"device": "bench", "point": "level", "value": 1.5}, "bad_request"),
        ({"device": "bench", "point": "level", "value": 10**30}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "confirm": "verified"}, "unsupported"),
        ({"device": "bench", "point": "fan", "value": True, "confirm": "perhaps"}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "ttl": 0}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "ttl": 60.1}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "ttl": -1}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "key": ""}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "lease": 10}, "unsupported"),
        ({"device": "bench", "point": "fan", "value": True, "lease": 0.5}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "lease": 3601}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "dry_run": "yes"}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "key": "x" * 65}, "bad_request"),
        ({"device": "bench", "point": "fan", "value": True, "key": 7}, "bad_request"),
        ({"device": "", "point": "fan", "value": True}, "bad_request"),
        ({"point": "fan", "value": True}, "bad_request"),
        ({"device": "bench", "value": True}, "bad_request"),
    ],
)
async def test_a_command_that_cannot_be_is_refused_before_anything_is_accepted(
    desk: Desk, members: dict[str, Any], code: str
) -> None:
    visitor = desk.open()
    assert visitor.refused("command", **members) == code
    assert visitor.states() == []


async def test_a_cancel_works_until_sent(desk: Desk) -> None:
    desk.commands.writers["bench"] = Silent()
    visitor = desk.open()
    visitor.ask("command", device="bench", point="reset", key="first")
    visitor.ask("command", device="bench", point="reset", key="second")
    await eventually(lambda: "sent" in visitor.states())
    assert visitor.refused("cancel", key="first") == "conflict"
    assert visitor.ask("cancel", key="second")["command"]["state"] == "cancelled"
    assert visitor.refused("cancel", key="second") == "conflict"
    assert visitor.refused("cancel", key="never") == "not_found"
    assert visitor.refused("cancel") == "bad_request"


def test_a_gateway_that_stops_takes_no_commands() -> None:
    assert Desk().open().refused("command", device="bench", point="fan", value=True) == "unavailable"
