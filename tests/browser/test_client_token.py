"""client.js: which token it shows, when it asks for another, and what it does when none is taken."""

import pytest

from tests.browser.conftest import RunClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The opening of a gateway that needs a token, and a client that has brought one.
WITH_TOKEN = """
    const REQUIRED = { ...HELLO, auth: "required", identity: undefined };
    const brought = async (test) => {
      await test.socket().open(REQUIRED);
      const { id, token } = test.socket().asked("auth");
      const identity = { name: "panel", read: ["*"], command: [], expires: 1060 };
      await test.socket().tell({ type: "ok", id, identity });
      return token;
    };
"""


async def test_a_refused_token_is_asked_for_again_and_not_tried_again(run_client: RunClient) -> None:
    state, reason, tokens = await run_client("""
        const test = await start({ token: "old" });
        const hello = { ...HELLO, auth: "required", identity: undefined };
        await test.socket().open(hello);
        const { id } = test.socket().asked("auth");
        await test.socket().tell({ type: "error", id, code: "unauthorized", message: "not a token of this gateway" });
        const { state, reason } = test.gateway.status;
        test.gateway.retryNow();
        await test.socket().open(hello);
        return [state, reason, test.socket().sent];
    """)
    assert state == "token"
    assert reason == "not a token of this gateway"
    assert tokens == []


async def test_a_token_that_is_fetched_is_fetched_again_when_it_expires(run_client: RunClient) -> None:
    waiting, tokens = await run_client("""
        let count = 0;
        const test = await start({ token: async () => `token${++count}` });
        const hello = { ...HELLO, auth: "required", identity: undefined };
        const authenticate = async () => {
          await test.socket().open(hello);
          const { id, token } = test.socket().asked("auth");
          await test.socket().tell({ type: "ok", id, identity: { name: "panel", read: [], command: [] } });
          return token;
        };
        const tokens = [await authenticate()];
        await test.socket().tell({ type: "expiring", expires: 1060 });
        tokens.push(test.socket().asked("auth").token);
        await test.socket().end(4410);
        const { state } = test.gateway.status;
        await test.clock.advance(500);
        tokens.push(await authenticate());
        return [state, tokens];
    """)
    assert waiting == "waiting"
    assert tokens == ["token1", "token2", "token3"]


async def test_a_renewal_is_on_the_connection_that_stands_and_subscribes_to_nothing_anew(run_client: RunClient) -> None:
    expires, sockets, subscribed, states = await run_client(f"""{WITH_TOKEN}
        let count = 0;
        const test = await start({{ token: () => `token${{++count}}` }});
        await brought(test);
        await subscribed(test);
        await test.socket().tell({{ type: "expiring", expires: 1060 }});
        const {{ id, token }} = test.socket().asked("auth");
        if (token !== "token2") throw new Error(token);
        const identity = {{ name: "panel", read: ["*"], command: [], expires: 4660 }};
        await test.socket().tell({{ type: "ok", id, identity }});
        const subscribes = test.socket().sent.filter(({{ type }}) => type === "subscribe").length;
        return [test.gateway.identity.expires, test.sockets.length, subscribes, test.gateway.status.state];
    """)
    assert (expires, sockets, subscribed, states) == (4660, 1, 1, "online")


@pytest.mark.parametrize(
    ("renewal", "code"),
    [
        ("(() => { throw new Error('the portal is down') })()", "unauthorized"),
        ("Promise.reject(new Error('the portal is down'))", "unauthorized"),
        ("null", None),
    ],
)
async def test_a_renewal_that_fails_keeps_the_connection_until_4410(
    run_client: RunClient, renewal: str, code: str | None
) -> None:
    result = await run_client(f"""{WITH_TOKEN}
        let count = 0;
        const test = await start({{ token: () => ++count === 2 ? {renewal} : `token${{count}}` }});
        const errors = [];
        test.gateway.on("error", (error) => errors.push(error.code));
        await brought(test);
        await subscribed(test);
        await test.socket().tell({{ type: "expiring", expires: 1060 }});
        const kept = [test.gateway.status.state, test.gateway.identity.name];
        await test.socket().end(4410);
        await test.clock.advance(500);
        const token = await brought(test);
        const {{ since }} = test.socket().asked("subscribe");
        return [kept, errors, token, test.gateway.status.state, since];
    """)
    assert result == [["online", "panel"], [code] if code else [], "token3", "online", "c1"]


async def test_a_renewal_that_the_gateway_refuses_keeps_the_connection(run_client: RunClient) -> None:
    result = await run_client(f"""{WITH_TOKEN}
        const test = await start({{ token: () => "token" }});
        const errors = [];
        test.gateway.on("error", (error) => errors.push(error.code));
        await brought(test);
        await test.socket().tell({{ type: "expiring", expires: 1060 }});
        const {{ id }} = test.socket().asked("auth");
        await test.socket().tell({{ type: "error", id, code: "conflict", message: "the rights to read differ" }});
        return [test.gateway.status.state, errors, test.sockets.length];
    """)
    assert result == ["online", ["conflict"], 1]


async def test_a_token_that_cannot_be_fetched_is_fetched_again_after_the_back_off(run_client: RunClient) -> None:
    result = await run_client(f"""{WITH_TOKEN}
        let count = 0;
        const test = await start({{
          token: async () => {{
            if (++count < 3) throw new Error("the portal is down");
            return `token${{count}}`;
          }},
        }});
        await test.socket().open(REQUIRED);
        const first = {{ ...test.gateway.status }};
        await test.clock.advance(500);
        await test.socket().open(REQUIRED);
        const second = test.gateway.status.delay;
        await test.clock.advance(1000);
        return [first.state, first.reason, first.delay, second, await brought(test), test.gateway.status.state];
    """)
    assert result == ["waiting", "no token could be fetched: the portal is down", 500, 1000, "token3", "online"]


async def test_a_token_that_is_not_looked_at_for_a_while_is_kept_and_shown_again_later(run_client: RunClient) -> None:
    result = await run_client(f"""{WITH_TOKEN}
        const test = await start({{ token: "typed" }});
        await test.socket().open(REQUIRED);
        const {{ id }} = test.socket().asked("auth");
        await test.socket().tell({{ type: "error", id, code: "rate_limited", message: "too many wrong tokens" }});
        const {{ state, code, reason, delay }} = test.gateway.status;
        await test.clock.advance(delay);
        return [state, code, reason, delay >= 15000, await brought(test), test.gateway.status.state];
    """)
    assert result == ["waiting", 4429, "too many wrong tokens", True, "typed", "online"]


async def test_a_token_typed_by_hand_is_asked_for_when_it_expires(run_client: RunClient) -> None:
    state = await run_client("""
        const test = await start({ token: "typed" });
        await test.socket().open(HELLO);
        await test.socket().end(4410);
        await test.clock.advance(60000);
        return [test.gateway.status.state, test.gateway.status.code, test.sockets.length];
    """)
    assert state == ["token", 4410, 1]


async def test_a_token_that_is_not_needed_and_not_taken_is_told_and_dropped(run_client: RunClient) -> None:
    states, errors, sent = await run_client("""
        const test = await start({ token: "of another gateway" });
        const errors = [];
        test.gateway.on("error", (error) => errors.push(error.code));
        await test.socket().open(HELLO);
        const { id } = test.socket().asked("auth");
        await test.socket().tell({ type: "error", id, code: "unauthorized", message: "no" });
        const states = [test.gateway.status.state];
        await test.socket().end(4401); // some gateways close for a bad token even where none is needed
        states.push(test.gateway.status.state);
        await test.clock.advance(500);
        await test.socket().open(HELLO);
        states.push(test.gateway.status.state);
        return [states, errors, test.socket().sent];
    """)
    assert states == ["online", "waiting", "online"]
    assert errors == ["unauthorized"]
    assert sent == []


async def test_another_token_is_used_on_a_new_connection(run_client: RunClient) -> None:
    first_closed, sent, since = await run_client("""
        const test = await startOnline();
        await subscribed(test);
        const first = test.socket();
        test.gateway.useToken("better");
        await test.socket().open(HELLO);
        const { id, token } = test.socket().asked("auth");
        await test.socket().tell({ type: "ok", id, identity: { name: "better", read: ["*"], command: ["*"] } });
        return [first.closedWith, token, test.socket().asked("subscribe").since];
    """)
    assert first_closed == 1000
    assert sent == "better"
    assert since == "c1"


async def test_a_late_answer_of_an_old_token_does_not_reach_the_new_connection(run_client: RunClient) -> None:
    sent = await run_client("""
        let release;
        const test = await start({ token: () => new Promise((resolve) => { release ??= resolve; }) });
        await test.socket().open(HELLO);
        await test.socket().end(1006);
        await test.clock.advance(500);
        await test.socket().open();
        release("late");
        await settle();
        return test.socket().sent;
    """)
    assert sent == []
