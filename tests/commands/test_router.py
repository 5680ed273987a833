"""What becomes of commands: one at a time, never late, never twice, and the truth about each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from gateway.bus import Link
from gateway.commands import Asked, Sender, State
from gateway.errors import NotSentError, RequestError, UncertainError
from gateway.model import Acknowledgement, Description, Identity, Point, Value
from tests.commands.bench import PANEL, Bench, end
from tests.parts.waiting import eventually

# ---- proofs


async def test_sent_is_unconfirmed_where_nothing_more_is_asked_for(bench: Bench) -> None:
    assert await end(bench.submit("lamp", True)) == ("sent", "unconfirmed", None)
    assert await end(bench.submit("fan", True, confirm="sent")) == ("sent", "unconfirmed", None)


async def test_a_yes_of_the_device_is_executed(bench: Bench) -> None:
    command = await bench.sent()
    bench.board.answer()
    assert await end(command) == ("acked", "executed", None)


async def test_a_no_of_the_device_is_not_executed_and_says_why(bench: Bench) -> None:
    for error, detail in (("jammed", "jammed"), (None, "the device refused")):
        command = await bench.sent()
        bench.board.answer(ok=False, error=error)
        assert await end(command) == ("failed", "not_executed", detail)


async def test_a_reading_that_shows_the_value_verifies_with_or_without_a_yes(bench: Bench) -> None:
    command = await bench.sent("fan", True)
    bench.board.answer()
    await eventually(lambda: command.state is State.ACKED)
    assert not command.final
    bench.board.show(fan=True)
    assert await end(command) == ("verified", "executed", None)
    command = await bench.sent("fan", False)
    bench.board.show(fan=False)
    assert await end(command) == ("verified", "executed", None)


async def test_the_wire_has_its_own_scale_in_both_directions(bench: Bench) -> None:
    command = await bench.sent("level", 21.4)
    assert bench.board.written[0].value == 214
    bench.board.show(level=214)
    assert (await end(command))[0] == "verified"


async def test_a_read_back_that_stays_another_is_a_mismatch(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    command = await bench.sent("fan", True)
    bench.board.answer()
    bench.board.show(fan=False)
    state, outcome, detail = await end(command)
    assert (state, outcome) == ("mismatch", "not_executed")
    assert detail == "the device reports False"


async def test_a_number_that_is_on_its_way_when_the_time_is_over_is_no_mismatch(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    for shown, state in ((500, "timeout"), (1000, "mismatch")):
        bench.board.show(level=1000)
        command = await bench.sent("level", 20)
        bench.board.answer()
        bench.board.show(level=shown)
        assert (await end(command))[0] == state
    assert command.detail == "the device reports 100.0"


async def test_a_read_back_that_comes_round_verifies(bench: Bench) -> None:
    command = await bench.sent("fan", True)
    bench.board.show(fan=False)
    await asyncio.sleep(0)
    bench.board.show(fan=True)
    assert (await end(command))[0] == "verified"


async def test_a_read_back_that_cannot_be_trusted_proves_nothing_either_way(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    command = await bench.sent("level", 21.4)
    bench.board.answer()
    bench.board.show(level=float("nan"))
    assert (await end(command))[:2] == ("timeout", "unknown")


async def test_a_retained_reading_proves_nothing(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    command = await bench.sent("fan", True)
    bench.board.show(fan=True, retained=True)
    assert (await end(command))[:2] == ("timeout", "unknown")


async def test_a_reading_from_before_it_was_written_proves_nothing(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    gate = asyncio.Event()
    bench.board.hold = lambda: wait(gate)
    command = bench.submit("fan", True)
    await asyncio.sleep(0)
    bench.board.show(fan=True)
    gate.set()
    assert (await end(command))[:2] == ("timeout", "unknown")


async def test_a_reading_that_is_quicker_than_the_receipt_of_the_write_counts(bench: Bench) -> None:
    # On MQTT a device's state and the broker's receipt may well come in one packet.
    gate = asyncio.Event()
    bench.board.receipt = lambda: wait(gate)
    command = bench.submit("fan", True)
    await eventually(lambda: bench.board.written)
    assert command.state is State.ACCEPTED
    bench.board.show(fan=True)
    gate.set()
    assert (await end(command))[0] == "verified"


async def wait(gate: asyncio.Event) -> None:
    await gate.wait()


async def test_an_answer_that_is_quicker_than_the_end_of_the_write_counts(bench: Bench) -> None:
    async def answer_at_once() -> None:
        (wire_id,) = (flight.id for flight in bench.commands._carrier.flights)
        bench.board.answer(id=wire_id)

    bench.board.hold = answer_at_once
    assert await end(bench.submit()) == ("acked", "executed", None)


async def test_silence_is_a_timeout_and_its_outcome_unknown(bench: Bench) -> None:
    bench.board.answer_timeout = 0.02
    assert await end(bench.submit()) == ("timeout", "unknown", "no answer within 0.02 s")


async def test_a_late_a_second_and_a_foreign_answer_change_nothing(bench: Bench) -> None:
    bench.board.answer_timeout = 0.02
    late = await bench.sent()
    assert (await end(late))[0] == "timeout"
    bench.board.answer()
    assert late.state is State.TIMEOUT
    bench.board.answer_timeout = 10.0
    second = await bench.sent()
    bench.board.answer(id=late_id(bench))
    bench.attic.link.acknowledged(Acknowledgement(bench.board.written[-1].id, ok=False))  # another link's ids
    bench.board.answer(id=0)
    await asyncio.sleep(0)
    assert second.state is State.SENT
    bench.board.answer()
    bench.board.answer(ok=False)
    assert await end(second) == ("acked", "executed", None)


def late_id(bench: Bench) -> int:
    return bench.board.written[0].id


# ---- links


async def test_a_link_that_breaks_makes_what_was_sent_on_it_lost(bench: Bench) -> None:
    for point, value in (("reset", None), ("fan", True)):
        command, other = await bench.sent(point, value), await bench.sent(device="attic")
        bench.board.link.down("unplugged")
        assert await end(command) == ("lost", "unknown", "the link broke before the answer came")
        assert not other.final
        bench.attic.answer()
        await end(other)
        bench.board.link.up()
        bench.board.link.available(None, online=True)


async def test_a_device_that_is_offline_rejects(bench: Bench) -> None:
    bench.board.link.down("unplugged")
    assert await end(bench.submit()) == ("rejected", "not_executed", "the device is offline: unplugged")
    assert bench.board.written == []


async def test_a_device_or_adapter_that_went_rejects(bench: Bench) -> None:
    first = await bench.sent()
    waiting = bench.submit()
    del bench.commands.writers["bench"]
    bench.board.answer()
    await end(first)
    assert await end(waiting) == ("rejected", "not_executed", "the device is gone")


def taking(**changed: Any) -> Description:
    """A device with one point, `level`, which takes numbers up to 100."""
    return Description({"level": replace(Point("number", max=100.0, writable=True, confirm="sent"), **changed)})


@pytest.mark.parametrize("waits_for", ["the one before it", "its record"])
@pytest.mark.parametrize(
    ("now", "commandable", "why"),
    [
        (taking(writable=False), True, "the point takes no commands any more"),
        (taking(), False, "the point takes no commands any more"),
        (taking(max=50.0), True, "the point takes numbers from -∞ to 50 now"),
        (Description({}), True, "the device is gone"),
        (None, True, "the device is gone, and another has its id"),
    ],
)
async def test_a_device_that_says_another_thing_of_itself_is_not_sent_what_it_took_before(
    bench: Bench, now: Description | None, commandable: bool, why: str, waits_for: str
) -> None:
    link = Link("house", bench.devices, single=False)
    link.up()

    def describe(description: Description, commandable: bool) -> None:
        link.describe("lamp", description, commandable=commandable)
        link.available("lamp", online=True)

    describe(taking(), True)
    bench.commands.writers["house"] = bench.board
    go_on = asyncio.Event()

    async def hold(*_: object) -> None:
        await go_on.wait()

    if waits_for == "its record":
        bench.audit.claim = hold  # type: ignore[assignment, method-assign]
    else:
        bench.board.hold = hold
        bench.submit("level", 10, "house.lamp")
        await eventually(lambda: len(bench.commands._carrier.flights) == 1)
    waiting = bench.submit("level", 80, "house.lamp")
    await eventually(lambda: len(bench.commands._carrier.flights) == 1)
    if now is None:
        link.remove("lamp", "it went")
    describe(now or taking(), commandable)
    go_on.set()
    assert await end(waiting) == ("rejected", "not_executed", why)
    assert all(command.value == 10 for command in bench.board.written)


@pytest.mark.parametrize(
    ("error", "state", "outcome"),
    [
        (NotSentError("the port is shut"), "rejected", "not_executed"),
        (UncertainError("half of it left"), "lost", "unknown"),
    ],
)
async def test_a_write_that_fails_says_what_is_certain(
    bench: Bench, error: Exception, state: str, outcome: str
) -> None:
    bench.board.hold = raiser(error)
    assert await end(bench.submit()) == (state, outcome, str(error))


def raiser(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def test_a_bug_in_an_adapter_leaves_nothing_open_and_claims_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.board.hold = raiser(RuntimeError("a bug"))
    first, second = bench.submit(), bench.submit()
    assert (await end(first))[:2] == ("lost", "unknown")  # who knows how much of it left
    assert (await end(second))[:2] == ("rejected", "not_executed")
    assert "RuntimeError: a bug" in caplog.text
    bench.board.hold = None
    third = await bench.sent()
    bench.board.answer()
    assert (await end(third))[0] == "acked"


# ---- order and time


async def test_commands_to_one_device_go_in_order_one_at_a_time_and_devices_do_not_wait_for_each_other(
    bench: Bench,
) -> None:
    first, second, third = (bench.submit(key=key) for key in "123")
    elsewhere = await bench.sent(device="attic")
    await eventually(lambda: first.state is State.SENT)
    for command, after in ((first, second), (second, third), (third, None)):
        assert len(bench.board.written) == int(command.key)
        assert after is None or after.state is State.ACCEPTED
        bench.board.answer()
        await end(command)
        await eventually(lambda after=after: after is None or after.state is State.SENT)  # type: ignore[misc]
    assert len({outgoing.id for outgoing in bench.board.written}) == 3
    bench.attic.answer()
    await end(elsewhere)


async def test_nothing_is_sent_after_its_time_to_live(bench: Bench) -> None:
    first = await bench.sent(ttl=60)
    late, lively = bench.submit(ttl=5), bench.submit(ttl=6)
    bench.monotonic += 5
    bench.board.answer()
    await end(first)
    assert await end(late) == ("expired", "not_executed", None)
    await eventually(lambda: lively.state is State.SENT)
    assert bench.board.written[-1].deadline == 106.0
    assert len(bench.board.written) == 2


async def test_an_adapter_that_could_not_write_in_time_makes_it_expired(bench: Bench) -> None:
    async def too_long() -> None:
        bench.monotonic += 10
        raise NotSentError("its time to live ran out")

    bench.board.hold = too_long
    assert (await end(bench.submit(ttl=5)))[:2] == ("expired", "not_executed")


async def test_eight_commands_wait_for_a_device_and_the_ninth_is_refused(bench: Bench) -> None:
    commands = [await bench.sent(), *(bench.submit(key=f"k{number}") for number in range(8))]
    assert bench.refused() == "rate_limited"
    assert bench.submit(device="attic").state is State.ACCEPTED
    bench.commands.cancel(PANEL, "k3")
    commands.append(bench.submit())
    assert bench.refused() == "rate_limited"
    bench.board.link.down("unplugged")
    for command in commands:
        await end(command)
    bench.board.link.up()
    bench.board.link.available(None, online=True)
    await bench.sent()


# ---- keys and cancelling


async def test_a_repeated_key_returns_the_command_as_it_stands_and_sends_nothing(bench: Bench) -> None:
    first = await bench.sent("fan", True, key="k")
    assert bench.submit("fan", True, key="k") is first
    bench.board.show(fan=True)
    await end(first)
    assert bench.submit("fan", True, key="k") is first
    assert len(bench.board.written) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"value": False}, {"point": "lamp"}, {"device": "attic"}, {"ttl": 6.0}, {"confirm": "acked"},
    ],
)  # fmt: skip
async def test_a_key_with_another_body_is_a_conflict(bench: Bench, other: dict[str, Any]) -> None:
    await bench.sent("fan", True, key="k")
    assert bench.refused(**{"point": "fan", "value": True, "key": "k", **other}) == "conflict"
    bench.board.show(fan=True)


async def test_keys_are_each_identitys_own(bench: Bench) -> None:
    other = Identity("other", ("*",), ("*",))
    mine = bench.submit("lamp", True, key="k")
    theirs = bench.commands.submit(other, Asked("bench", "lamp", False, key="k"), Sender())
    assert mine is not theirs
    with pytest.raises(RequestError, match="no command"):
        bench.commands.cancel(Identity("third", ("*",), ("*",)), "k")
    await end(theirs)


async def test_a_repetition_needs_the_right_to_command_still(bench: Bench) -> None:
    bench.submit("lamp", True, key="k")
    with pytest.raises(RequestError) as caught:
        bench.commands.submit(Identity("panel", ("*",), ()), Asked("bench", "lamp", True, key="k"), Sender())
    assert caught.value.code == "forbidden"


async def test_a_cancel_works_until_the_write_begins(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.board.hold = lambda: wait(gate)
    writing, waiting = bench.submit(key="writing"), bench.submit(key="waiting")
    assert bench.commands.cancel(PANEL, "waiting") is waiting
    assert waiting.state is State.CANCELLED
    await eventually(lambda: bench.commands._carrier.flights)
    with pytest.raises(RequestError, match="being sent") as caught:
        bench.commands.cancel(PANEL, "writing")
    assert caught.value.code == "conflict"
    gate.set()
    await eventually(lambda: writing.state is State.SENT)
    with pytest.raises(RequestError, match="sent already"):
        bench.commands.cancel(PANEL, "writing")
    bench.board.answer()
    await end(writing)
    assert len(bench.board.written) == 1


# ---- the end of the gateway


async def test_a_stop_says_of_each_command_what_is_known() -> None:
    bench = Bench()
    await asyncio.sleep(0)
    gate = asyncio.Event()
    bench.attic.hold = lambda: wait(gate)
    sent, waiting, writing = await bench.sent(), bench.submit(), bench.submit(device="attic")
    await eventually(lambda: len(bench.commands._carrier.flights) == 2)
    unstarted = bench.submit("lamp", True)
    await bench.stop()
    assert await end(sent) == ("lost", "unknown", "the gateway stopped before the answer came")
    assert await end(writing) == ("lost", "unknown", "the gateway stopped while it was being sent")
    for command in (waiting, unstarted):
        assert await end(command) == ("rejected", "not_executed", "the gateway is stopping")
    assert bench.refused() == "unavailable"


async def test_a_command_that_comes_while_the_gateway_stops_is_unavailable_and_recorded_nowhere() -> None:
    bench = Bench()
    await asyncio.sleep(0)
    codes: list[str] = []
    # The sender of a command that is lost in the stop tries another one at once, on another device.
    await bench.sent()
    bench.commands.ledger.watch("panel", lambda c: codes.append(bench.refused(device="attic", key="late")))
    bench.task.cancel()
    await asyncio.wait((bench.task,))
    assert codes == ["unavailable"]
    assert bench.commands.ledger.find("panel", "late") is None


# ---- rights


@pytest.mark.parametrize(
    ("globs", "device"),
    list(product([(), ("bench",), ("*",), ("ben*",), ("attic",), ("bench.*",), ("Bench",)], ["bench", "attic"])),
)
async def test_rights_to_command_are_checked_before_anything_else(
    bench: Bench, globs: tuple[str, ...], device: str
) -> None:
    identity = Identity("intern", ("*",), globs)
    if any(glob in ("*", device) or (glob == "ben*" and device == "bench") for glob in globs):
        await end(bench.commands.submit(identity, Asked(device, "lamp", True), Sender()))
    else:
        for point in ("lamp", "no such point"):
            with pytest.raises(RequestError, match=f"intern may not command {device}") as caught:
                bench.commands.submit(identity, Asked(device, point, "wrong"), Sender())
            assert caught.value.code == "forbidden"


@pytest.mark.parametrize(
    ("device", "point", "value", "confirm", "code"),
    [
        ("nobody", "lamp", True, None, "not_found"),
        ("bench", "nothing", True, None, "not_found"),
        ("bench", "lamp", "on", None, "bad_request"),
        ("bench", "level", 100.1, None, "bad_request"),
        ("bench", "lamp", True, "acked", "unsupported"),
        ("bench", "reset", None, "verified", "unsupported"),
    ],
)
async def test_what_cannot_be_is_refused_and_its_key_stays_free(
    bench: Bench, device: str, point: str, value: Value, confirm: Any, code: str
) -> None:
    assert bench.refused(point, value, device, confirm=confirm, key="k") == code
    assert bench.commands.ledger.find("panel", "k") is None
    assert (await end(bench.submit("lamp", True, key="k")))[0] == "sent"


@pytest.mark.parametrize(("commandable", "said"), [(False, "`commands: true`"), (True, "bench.siren is not writable")])
async def test_what_a_device_would_take_is_refused_with_the_key_that_allows_it(
    bench: Bench, commandable: bool, said: str
) -> None:
    (device,) = [device for device in bench.devices if device.id == "bench"]
    siren = Point("boolean", writable=not commandable)
    bench.devices.describe(device, Description({"siren": siren}), commandable)
    with pytest.raises(RequestError, match=said) as caught:
        bench.submit("siren", True)
    assert caught.value.code == "unsupported"
