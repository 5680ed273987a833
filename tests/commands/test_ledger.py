"""The states of a command, each step legal or refused; keys; who is told."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.audit import NoAudit
from gateway.commands import Command, Ledger, Outcome, State
from gateway.commands import ledger as ledger_module
from gateway.commands.ledger import outcome_of
from gateway.errors import RequestError
from gateway.model import Confirm

CONFIRMS: tuple[Confirm, ...] = ("sent", "acked", "verified")

# The table of the protocol, written once more: state, then the states that may follow it.
LEGAL = {
    "accepted": "sent rejected expired cancelled lost",
    "sent": "acked verified failed mismatch timeout lost",
    "acked": "verified mismatch timeout lost",
}
OUTCOMES = {
    "verified": "executed", "rejected": "not_executed", "expired": "not_executed", "cancelled": "not_executed",
    "failed": "not_executed", "mismatch": "not_executed", "timeout": "unknown", "lost": "unknown",
}  # fmt: skip


class Time:
    """Two clocks that a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1e9, 50.0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(time: Time) -> Ledger:
    return Ledger(NoAudit(), lambda: time.wall, lambda: time.monotonic)


def a_command(confirm: Confirm = "verified", key: str = "k", by: str = "panel", body: bytes = b"body") -> Command:
    return Command(key, by, "bench", "fan", True, confirm, 60.0, body, 1e9)


def way_to(state: State, confirm: Confirm) -> list[State] | None:
    """The steps from `accepted` to a state; None where there are none for this proof."""
    if state is State.ACCEPTED:
        return []
    if state in (State.REJECTED, State.EXPIRED, State.CANCELLED):
        return [state]
    if state is State.SENT:
        return [State.SENT]
    return None if confirm == "sent" and state is not State.LOST else [State.SENT, state][confirm == "sent" :]


def final(state: State, confirm: Confirm) -> str | None:
    """The outcome of a state, from the protocol's table."""
    if state is State.SENT:
        return "unconfirmed" if confirm == "sent" else None
    if state is State.ACKED:
        return "executed" if confirm == "acked" else None
    return OUTCOMES.get(state.value)


@pytest.mark.parametrize(("before", "after", "confirm"), list(product(State, State, CONFIRMS)))
def test_each_step_is_taken_or_refused_as_the_table_says(
    ledger: Ledger, before: State, after: State, confirm: Confirm
) -> None:
    way = way_to(before, confirm)
    if way is None:
        return  # a state that this proof never reaches
    command = a_command(confirm)
    ledger.accept(command)
    for step in way:
        ledger.move(command, step)
    assert command.final is (final(before, confirm) is not None)
    if not command.final and after.value in LEGAL[before.value].split():
        ledger.move(command, after, "why")
        assert (command.state, command.outcome, command.detail) == (after, final(after, confirm), "why")
    else:
        with pytest.raises(ValueError, match="cannot become"):
            ledger.move(command, after)
        assert command.state is before


@pytest.mark.parametrize(("state", "confirm"), list(product(State, CONFIRMS)))
def test_the_outcome_of_a_state_is_the_protocols(state: State, confirm: Confirm) -> None:
    assert outcome_of(state, confirm) == final(state, confirm)


def test_executed_is_claimed_from_the_devices_word_or_reading_only() -> None:
    claims = {(s, c) for s, c in product(State, CONFIRMS) if outcome_of(s, c) is Outcome.EXECUTED}
    assert claims == {(State.ACKED, "acked"), *((State.VERIFIED, confirm) for confirm in CONFIRMS)}


@given(st.lists(st.sampled_from(list(State)), max_size=12), st.sampled_from(CONFIRMS))
def test_whatever_happens_in_whatever_order_a_command_ends_once_and_stays_ended(
    events: list[State], confirm: Confirm
) -> None:
    ledger = Ledger(NoAudit())
    command = a_command(confirm)
    told: list[tuple[State, Outcome | None]] = []
    ledger.watch("panel", lambda changed: told.append((changed.state, changed.outcome)))
    ledger.accept(command)
    for event in events:
        ended = command.final
        before = command.state, command.outcome
        try:
            ledger.move(command, event)
        except ValueError:
            assert (command.state, command.outcome) == before
        else:
            assert not ended
    assert [outcome for _, outcome in told if outcome is not None] == [command.outcome][: command.final]
    assert told[-1:] == [(command.state, command.outcome)][: len(told)]
    states = [State.ACCEPTED, *(state for state, _ in told)]
    assert states.count(State.SENT) <= 1
    if command.outcome is Outcome.EXECUTED:
        assert State.SENT in states
    if {State.EXPIRED, State.CANCELLED, State.REJECTED} & {*states}:
        assert State.SENT not in states


def test_every_change_is_told_to_the_watchers_of_its_sender_and_to_its_own(ledger: Ledger, time: Time) -> None:
    command, told = a_command("acked"), list[str]()
    for by in ("panel", "panel", "other"):
        ledger.watch(by, lambda changed, by=by: told.append(f"{by} {changed.state}"))  # type: ignore[misc]
    command.watchers.append(lambda changed: told.append(f"own {changed.state}"))
    ledger.accept(command)
    assert told == []  # its sender hears of that by the reply
    time.wall += 5
    ledger.move(command, State.SENT)
    assert told == ["own sent", "panel sent", "panel sent"]
    assert command.time == time.wall


def test_who_stopped_watching_is_told_nothing_and_leaves_nothing(ledger: Ledger) -> None:
    told: list[Command] = []
    ledger.watch("panel", told.append)
    ledger.watch("panel", told.append)
    ledger.unwatch("panel", told.append)
    command = a_command()
    ledger.accept(command)
    ledger.move(command, State.SENT)
    assert len(told) == 1
    ledger.unwatch("panel", told.append)
    assert ledger._watchers == {}


def test_the_same_key_with_the_same_body_is_the_same_command(ledger: Ledger) -> None:
    command = a_command()
    ledger.accept(command)
    assert ledger.repeated("panel", "k", b"body") is command
    assert ledger.repeated("panel", "other", b"body") is None
    assert ledger.repeated("intern", "k", b"body") is None
    with pytest.raises(RequestError) as caught:
        ledger.repeated("panel", "k", b"another")
    assert caught.value.code == "conflict"


def test_a_key_is_remembered_for_ten_minutes_after_the_end_and_forgotten_then(ledger: Ledger, time: Time) -> None:
    command = a_command("sent")
    ledger.accept(command)
    time.monotonic += 10_000  # on its way it is never forgotten
    ledger.forget_old()
    ledger.move(command, State.SENT)
    time.monotonic += 599.9
    time.wall -= 86_400  # the wall clock has no say in it
    ledger.forget_old()
    assert ledger.find("panel", "k") is command
    time.monotonic += 0.2
    ledger.forget_old()
    assert ledger.find("panel", "k") is None
    assert ledger._ended == {}


def test_too_many_commands_are_refused_until_old_ones_are_forgotten(
    ledger: Ledger, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_MAX_COMMANDS", 3)
    for number in range(3):
        command = a_command("sent", key=f"k{number}")
        ledger.accept(command)
        ledger.move(command, State.SENT)
    with pytest.raises(RequestError) as caught:
        ledger.accept(a_command(key="more"))
    assert caught.value.code == "rate_limited"
    time.monotonic += 601
    ledger.accept(a_command(key="more"))
    assert len(ledger._commands) == 1
