"""client.js: a command tells the truth about what happened."""

import pytest

from tests.browser.conftest import RunClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Sends one command and notes its states; `answer(state, more)` is the gateway telling a state of it.
SCRIPT = """
    const test = await startOnline();
    const states = [];
    const done = test.gateway.command("greenhouse", "fan", true, {
      ttl: 5, confirm: "acked", onState: (command) => states.push(command.state),
    });
    const asked = test.socket().asked("command");
    const { type: _, id, ...body } = asked;
    const blank = { by: "anyone", final: false, outcome: null, detail: null, time: 1 };
    const told = (state, more = {}) => ({ ...body, ...blank, state, ...more });
    const reply = (state, more) => test.socket().tell({ type: "ok", id, command: told(state, more) });
    const change = (state, more) => test.socket().tell({ type: "command", command: told(state, more) });
"""


async def test_the_promise_resolves_with_the_final_command_and_each_state_is_told(run_client: RunClient) -> None:
    asked, states, command = await run_client(
        SCRIPT
        + """
        await reply("accepted");
        await change("sent");
        await change("acked", { final: true, outcome: "executed" });
        return [asked, states, await done];
    """
    )
    key = asked.pop("key")
    assert asked == {
        "type": "command",
        "id": 1,
        "device": "greenhouse",
        "point": "fan",
        "value": True,
        "ttl": 5,
        "confirm": "acked",
    }
    assert 1 <= len(key) <= 64
    assert states == ["accepted", "sent", "acked"]
    assert (command["outcome"], command["key"]) == ("executed", key)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("sent", "unconfirmed"),
        ("verified", "executed"),
        ("rejected", "not_executed"),
        ("expired", "not_executed"),
        ("failed", "not_executed"),
        ("mismatch", "not_executed"),
        ("timeout", "unknown"),
        ("lost", "unknown"),
    ],
)
async def test_every_outcome_is_handed_on_as_it_is(run_client: RunClient, state: str, outcome: str) -> None:
    command = await run_client(
        SCRIPT
        + f"""
        await reply("accepted");
        await change("{state}", {{ final: true, outcome: "{outcome}", detail: "jammed" }});
        return done;
    """
    )
    assert (command["state"], command["outcome"], command["detail"]) == (state, outcome, "jammed")


RECONNECTED = """
        await reply("accepted");
        await test.socket().end(1006);
        await test.clock.advance(500);
        await test.socket().open(HELLO);
        const again = test.socket().asked("command");
"""


async def test_after_a_drop_the_client_asks_what_became_of_its_command_and_sends_nothing_late(
    run_client: RunClient,
) -> None:
    command, states, again = await run_client(
        SCRIPT
        + RECONNECTED
        + """
        const { dry_run, ...command } = again;
        await test.socket().tell({ type: "ok", id: again.id, command: { ...command, state: "sent", final: false } });
        await test.socket().tell({
          type: "command",
          command: { ...command, state: "acked", final: true, outcome: "executed", detail: null },
        });
        return [await done, states, again];
    """
    )
    assert again["dry_run"] is True
    assert (command["state"], command["outcome"]) == ("acked", "executed")
    assert states == ["accepted", "sent", "acked"]


@pytest.mark.parametrize(
    "answer",
    [
        'type: "ok", command: { ...again, state: "accepted", final: true, outcome: "not_executed" }',
        'type: "error", code: "forbidden", message: "no"',
    ],
)
async def test_a_command_that_the_gateway_does_not_know_after_a_drop_ends_unknown(
    run_client: RunClient, answer: str
) -> None:
    command, states = await run_client(
        SCRIPT
        + RECONNECTED
        + f"""
        await test.socket().tell({{ id: again.id, {answer} }});
        return [await done, states];
    """
    )
    assert (command["state"], command["outcome"], command["detail"]) == ("lost", "unknown", "connection lost")
    assert states == ["accepted", "lost"]


@pytest.mark.parametrize("end", ["await test.clock.advance(30000);", "test.gateway.close();"])
async def test_a_command_whose_connection_stays_away_ends_unknown(run_client: RunClient, end: str) -> None:
    command = await run_client(
        SCRIPT
        + f"""
        await reply("accepted");
        await test.socket().end(1006);
        {end}
        return done;
    """
    )
    assert (command["state"], command["outcome"]) == ("lost", "unknown")


async def test_a_command_without_a_reply_at_a_drop_ends_unknown_too(run_client: RunClient) -> None:
    command = await run_client(
        SCRIPT
        + """
        await test.socket().end(1001);
        await test.clock.advance(30000);
        return done;
    """
    )
    assert command["outcome"] == "unknown"


async def test_a_command_while_disconnected_is_certainly_not_executed(run_client: RunClient) -> None:
    command, sent = await run_client("""
        const test = await start();
        const command = await test.gateway.command("greenhouse", "fan", true);
        await test.socket().open(HELLO);
        return [command, test.socket().sent];
    """)
    assert (command["state"], command["outcome"], command["final"]) == ("rejected", "not_executed", True)
    assert sent == []


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("forbidden", "not_executed"),
        ("bad_request", "not_executed"),
        ("unavailable", "not_executed"),
        ("internal", "unknown"),
    ],
)
async def test_a_refusal_tells_whether_it_is_certain(run_client: RunClient, code: str, outcome: str) -> None:
    command, states = await run_client(
        SCRIPT
        + f"""
        await test.socket().tell({{ type: "error", id, code: "{code}", message: "why" }});
        return [await done, states];
    """
    )
    assert (command["outcome"], command["detail"], command["code"]) == (outcome, "why", code)
    assert states == [command["state"]]


async def test_falsy_values_are_sent_and_an_action_has_none(run_client: RunClient) -> None:
    values, action = await run_client("""
        const test = await startOnline();
        const values = [];
        for (const value of [0, false, ""]) {
          test.gateway.command("greenhouse", "point", value);
          values.push(test.socket().asked("command").value);
        }
        test.gateway.command("greenhouse", "reset");
        return [values, "value" in JSON.parse(JSON.stringify(test.socket().asked("command")))];
    """)
    assert values == [0, False, ""]
    assert action is False


async def test_a_number_that_json_cannot_carry_is_refused_here(run_client: RunClient) -> None:
    refused, sent = await run_client("""
        const test = await startOnline();
        let refused = null;
        try { test.gateway.command("greenhouse", "speed", NaN); } catch (error) { refused = error.name; }
        return [refused, test.socket().sent];
    """)
    assert refused == "TypeError"
    assert sent == []


async def test_a_message_over_the_gateways_limit_is_refused_here(run_client: RunClient) -> None:
    command, sent = await run_client("""
        const test = await startOnline();
        const command = await test.gateway.command("greenhouse", "text", "ä".repeat(40000));
        return [command, test.socket().sent];
    """)
    assert (command["outcome"], command["code"]) == ("not_executed", "too_large")
    assert sent == []


async def test_keys_differ_and_need_no_secure_page(run_client: RunClient) -> None:
    keys = await run_client("""
        const test = await startOnline();
        Object.defineProperty(crypto, "randomUUID", { value: undefined }); // as on plain http from another machine
        for (let i = 0; i < 5; i += 1) test.gateway.command("greenhouse", "fan", true);
        return test.socket().sent.map((message) => message.key);
    """)
    assert len(set(keys)) == 5
    assert all(len(key) == 32 for key in keys)


async def test_the_same_key_twice_ends_both_calls(run_client: RunClient) -> None:
    outcomes = await run_client("""
        const test = await startOnline();
        const calls = [1, 2].map(() => test.gateway.command("greenhouse", "fan", true, { key: "mine" }));
        const command = { key: "mine", state: "acked", final: true, outcome: "executed" };
        await test.socket().tell({ type: "command", command });
        return (await Promise.all(calls)).map(({ outcome }) => outcome);
    """)
    assert outcomes == ["executed", "executed"]


async def test_cancel_names_the_key(run_client: RunClient) -> None:
    request, command = await run_client(
        SCRIPT
        + """
        await reply("accepted");
        test.gateway.cancel(body.key);
        const request = test.socket().asked("cancel");
        await change("cancelled", { final: true, outcome: "not_executed" });
        return [[request.key === body.key, request.type], (await done).state];
    """
    )
    assert request == [True, "cancel"]
    assert command == "cancelled"


async def test_a_callback_that_throws_does_not_cost_the_outcome(run_client: RunClient) -> None:
    outcome, caught = await run_client("""
        const caught = new Promise((resolve) => addEventListener("error", (event) => {
          event.preventDefault();
          resolve(event.error.message);
        }, { once: true }));
        const test = await start();
        const done = test.gateway.command("a", "b", 1, { onState: () => { throw new Error("of the app"); } });
        return [(await done).outcome, await caught];
    """)
    assert outcome == "not_executed"
    assert caught == "of the app"
