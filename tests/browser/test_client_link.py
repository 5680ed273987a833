"""client.js: opening, the token, the heartbeat, and what each close code leads to."""

import pytest

from tests.browser.conftest import RunClient

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_socket_offers_the_protocol_and_carries_no_token_in_its_address(run_client: RunClient) -> None:
    url, protocols, sent = await run_client("""
        const test = await start({ token: "secret" });
        await test.socket().open({ ...HELLO, auth: "required", identity: undefined });
        return [test.socket().url, test.socket().protocols, test.socket().sent];
    """)
    assert url == "ws://gateway/ws"
    assert protocols == ["fieldgate.v1"]
    assert sent == [{"type": "auth", "token": "secret", "id": 1}]


async def test_the_default_address_is_beside_the_file_it_came_from(run_client: RunClient) -> None:
    url = await run_client("""
        const test = await start({ url: undefined });
        return test.socket().url;
    """)
    assert url == "ws://127.0.0.1/ws"


async def test_delays_double_from_half_a_second_to_thirty(run_client: RunClient) -> None:
    delays = await run_client("""
        const test = await start();
        const delays = [];
        for (let i = 0; i < 9; i += 1) {
          await test.socket().end(1006);
          delays.push(test.gateway.status.delay);
          await test.clock.advance(test.gateway.status.delay);
        }
        return delays;
    """)
    assert delays == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]


async def test_the_jitter_is_full(run_client: RunClient) -> None:
    delays = await run_client("""
        const lucky = await start({ random: () => 0 });
        await lucky.socket().end(1006);
        const halfway = await start({ random: () => 0.5 });
        await halfway.socket().end(1006);
        return [lucky.gateway.status.delay, halfway.gateway.status.delay];
    """)
    assert delays == [0, 250]


async def test_sixty_seconds_of_health_reset_the_delay_and_less_does_not(run_client: RunClient) -> None:
    delays = await run_client("""
        const test = await start();
        const delays = [];
        for (const up of [0, 0, 59000, 61000]) {
          await test.socket().open(HELLO);
          for (let passed = 0; passed < up; passed += 10000) {
            await test.clock.advance(Math.min(10000, up - passed));
            await test.socket().tell({ type: "heartbeat", time: 1 });
          }
          await test.socket().end(1001);
          delays.push(test.gateway.status.delay);
          await test.clock.advance(test.gateway.status.delay);
        }
        return delays;
    """)
    assert delays == [500, 1000, 2000, 500]


async def test_silence_for_twice_the_heartbeat_reconnects(run_client: RunClient) -> None:
    before, after, reason, closed, sockets = await run_client("""
        const test = await startOnline();
        await test.clock.advance(39999);
        const before = test.gateway.status.state;
        const first = test.socket();
        await test.clock.advance(1);
        const { state, reason } = test.gateway.status;
        await test.clock.advance(500);
        return [before, state, reason, first.closedWith, test.sockets.length];
    """)
    assert (before, after) == ("online", "waiting")
    assert "silent" in reason
    assert closed == 1000
    assert sockets == 2


async def test_any_frame_counts_as_life(run_client: RunClient) -> None:
    state = await run_client("""
        const test = await startOnline();
        for (const frame of [{ type: "heartbeat", time: 1 }, { type: "of a later protocol" }, { type: "heartbeat" }]) {
          await test.clock.advance(30000);
          await test.socket().tell(frame);
        }
        await test.clock.advance(30000);
        return test.gateway.status.state;
    """)
    assert state == "online"


async def test_a_gateway_that_accepts_and_says_nothing_is_given_up(run_client: RunClient) -> None:
    state = await run_client("""
        const test = await start();
        await test.socket().open();
        await test.clock.advance(15000);
        return test.gateway.status.state;
    """)
    assert state == "waiting"


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (1000, "waiting"),
        (1001, "waiting"),
        (1006, "waiting"),
        (1011, "waiting"),
        (4408, "waiting"),
        (4413, "waiting"),
        (4429, "waiting"),
        (1003, "stopped"),
        (1007, "stopped"),
        (1009, "stopped"),
        (4400, "stopped"),
        (4403, "stopped"),
        (4401, "token"),
    ],
)
async def test_each_close_code_leads_where_the_protocol_says(run_client: RunClient, code: int, state: str) -> None:
    found, sockets = await run_client(f"""
        const test = await startOnline();
        await test.socket().end({code});
        const found = test.gateway.status.state;
        await test.clock.advance(120000);
        return [found, test.sockets.length > 1];
    """)
    assert found == state
    assert sockets is (state == "waiting")


async def test_too_many_requests_are_followed_by_a_pause(run_client: RunClient) -> None:
    delay = await run_client("""
        const test = await start({ random: () => 0 });
        await test.socket().open(HELLO);
        await test.socket().end(4429);
        return test.gateway.status.delay;
    """)
    assert delay == 15000


async def test_without_a_token_where_one_is_needed_it_asks_and_waits(run_client: RunClient) -> None:
    state, socket_count, then, sent = await run_client("""
        const test = await start();
        await test.socket().open({ ...HELLO, auth: "required", identity: undefined });
        const { state } = test.gateway.status;
        await test.clock.advance(120000);
        const count = test.sockets.length;
        test.gateway.useToken("fresh");
        await test.socket().open({ ...HELLO, auth: "required", identity: undefined });
        const { id } = test.socket().asked("auth");
        await test.socket().tell({ type: "ok", id, identity: { name: "panel", read: ["*"], command: [] } });
        return [state, count, test.gateway.status.state, test.gateway.identity.name];
    """)
    assert state == "token"
    assert socket_count == 1
    assert (then, sent) == ("online", "panel")


async def test_noise_on_the_socket_is_ignored(run_client: RunClient) -> None:
    state = await run_client("""
        const test = await startOnline();
        const texts = ["{", "null", "3", "[]", '{"type":"unknown"}', '{"type":"ok","id":77}'];
        for (const data of [...texts, new ArrayBuffer(3)]) {
          test.socket().onmessage({ data });
        }
        return test.gateway.status.state;
    """)
    assert state == "online"


async def test_close_is_for_good(run_client: RunClient) -> None:
    result = await run_client("""
        const test = await startOnline();
        test.gateway.close();
        await test.clock.advance(120000);
        test.gateway.retryNow();
        return [test.gateway.status.state, test.sockets.length, test.socket().closedWith];
    """)
    assert result == ["closed", 1, 1000]


async def test_requests_are_answered_by_id_and_lost_with_the_connection(run_client: RunClient) -> None:
    result = await run_client("""
        const test = await startOnline();
        const first = test.gateway.devices();
        const second = test.gateway.devices();
        const [one, two] = test.socket().sent;
        await test.socket().tell({ type: "ok", id: two.id, devices: ["two"] });
        const third = test.gateway.ping().catch((error) => error.code);
        const lost = first.catch((error) => error.code);
        await test.socket().end(1001);
        const unsent = await test.gateway.devices().catch((error) => [error.code, error.sent]);
        return [await second, await lost, await third, unsent];
    """)
    assert result == [["two"], "disconnected", "disconnected", ["disconnected", False]]


async def test_the_gateways_clock_is_kept(run_client: RunClient) -> None:
    after_hello, after_heartbeat = await run_client("""
        const test = await startOnline();
        const afterHello = test.gateway.now();
        await test.socket().tell({ type: "heartbeat", time: 5000 });
        return [afterHello, test.gateway.now()];
    """)
    assert 1000 <= after_hello < 1010
    assert 5000 <= after_heartbeat < 5010


async def test_globs_match_as_the_protocol_says(run_client: RunClient) -> None:
    found = await run_client("""
        return [
          matches("*", "house.lamp"), matches("house.*", "house.lamp"), matches("house.*", "houseXlamp"),
          matches("lamp?", "lamp1"), matches("lamp?", "lamp"), matches("a+b", "a+b"), matches("a+b", "aab"),
        ];
    """)
    assert found == [True, True, False, True, False, True, False]
