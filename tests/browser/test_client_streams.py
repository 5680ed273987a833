"""client.js: what a subscription shows, and that nothing goes missing silently."""

import pytest

from tests.browser.conftest import RunClient

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_subscription_gets_its_snapshot_and_every_reading_after_it(run_client: RunClient) -> None:
    request, told, held = await run_client("""
        const test = await startOnline();
        const { told, subscription } = await subscribed(test);
        await test.socket().tell({ type: "update", sub: "s1", prev: "c1", cursor: "c2", readings: [
          { device: "greenhouse", time: 5, values: { temperature: 21.4 } },
          { device: "greenhouse", time: 6, values: { temperature: 21.5, humidity: 48 } },
        ] });
        return [test.socket().asked("subscribe"), told.map(([event]) => event), plain(subscription.devices)];
    """)
    assert request == {"type": "subscribe", "id": 1, "devices": ["*"], "mode": "all"}
    assert told == ["snapshot", "update"]
    [[device_id, device]] = held
    assert device_id == "greenhouse"
    assert device["values"] == [
        ["temperature", {"value": 21.5, "time": 6, "quality": "good"}],
        ["humidity", {"value": 48, "time": 6, "quality": "good"}],
    ]


async def test_options_travel_by_the_protocols_names(run_client: RunClient) -> None:
    request = await run_client("""
        const test = await startOnline();
        test.gateway.subscribe("house.*", { points: ["temp*"], mode: "latest", maxRate: 10 });
        return test.socket().asked("subscribe");
    """)
    assert request == {
        "type": "subscribe",
        "id": 1,
        "devices": ["house.*"],
        "points": ["temp*"],
        "mode": "latest",
        "max_rate": 10,
    }


async def test_a_snapshot_in_parts_is_shown_once_whole_and_replaces_everything(run_client: RunClient) -> None:
    told = await run_client("""
        const test = await startOnline();
        const { told } = await subscribed(test, [{ id: "old" }]);
        await test.socket().tell(
          { type: "snapshot", sub: "s1", cursor: "c5", more: true, devices: [{ id: "a" }] },
          { type: "snapshot", sub: "s1", cursor: "c5", more: true, devices: [{ id: "b" }] },
        );
        const before = told.length;
        await test.socket().tell({ type: "snapshot", sub: "s1", cursor: "c5", devices: [{ id: "c" }] });
        return [before, told.at(-1)[1].map(([id]) => id)];
    """)
    assert told == [1, ["a", "b", "c"]]


async def test_a_missing_frame_resubscribes_from_the_last_cursor_and_shows_no_hole(run_client: RunClient) -> None:
    request, told, values = await run_client("""
        const test = await startOnline();
        const { told, subscription } = await subscribed(test);
        const reading = (value) => [{ device: "greenhouse", time: value, values: { t: value } }];
        await test.clock.advance(5000);
        await test.socket().tell({ type: "update", sub: "s1", prev: "c2", cursor: "c3", readings: reading(3) });
        const request = test.socket().asked("subscribe");
        // Frames of the broken chain that were on their way.
        await test.socket().tell({ type: "update", sub: "s1", prev: "c3", cursor: "c4", readings: reading(4) });
        await test.socket().tell(
          { type: "ok", id: request.id, sub: "s1", cursor: "c1", recovered: true },
          { type: "update", sub: "s1", prev: "c1", cursor: "c2", readings: reading(2) },
          { type: "update", sub: "s1", prev: "c2", cursor: "c4", readings: [...reading(3), ...reading(4)] },
        );
        return [request, told.slice(1).map(([event, detail]) => [event, detail.readings.map((r) => r.values.t)]),
                plain(subscription.devices)[0][1].values];
    """)
    assert request["since"] == "c1"
    assert told == [["update", [2]], ["update", [3, 4]]]
    assert values == [["t", {"value": 4, "time": 4, "quality": "good"}]]


async def test_a_hole_that_cannot_be_filled_is_told_before_the_new_snapshot(run_client: RunClient) -> None:
    told = await run_client("""
        const test = await startOnline();
        const { told } = await subscribed(test);
        await test.clock.advance(5000);
        await test.socket().tell({ type: "update", sub: "s1", prev: "c8", cursor: "c9", readings: [] });
        await answerSubscribe(test, [{ id: "greenhouse" }], "c9");
        return told.map(([event, detail]) => event === "gap" ? [event, detail] : event);
    """)
    assert told == ["snapshot", ["gap", {"reason": "not_recovered", "lost": None}], "snapshot"]


async def test_a_gateway_that_never_chains_is_asked_ever_more_slowly(run_client: RunClient) -> None:
    asked = await run_client("""
        const test = await startOnline();
        await subscribed(test);
        for (let second = 0; second < 20; second += 1) {
          await test.socket().tell({ type: "update", sub: "s1", prev: "wrong", cursor: "wrong", readings: [] });
          const { id, answered } = test.socket().asked("subscribe");
          await test.socket().tell({ type: "ok", id, sub: "s1", cursor: "c1", recovered: true });
          await test.clock.advance(500);
        }
        return test.socket().sent.filter((message) => message.type === "subscribe").length;
    """)
    assert asked <= 6


async def test_every_subscription_resumes_from_its_own_cursor_after_a_drop(run_client: RunClient) -> None:
    since, told = await run_client("""
        const test = await startOnline();
        const { told } = await subscribed(test);
        await test.socket().tell({ type: "update", sub: "s1", prev: "c1", cursor: "c2", readings: [] });
        await test.socket().end(1001);
        await test.clock.advance(500);
        await test.socket().open(HELLO);
        const { id, since } = test.socket().asked("subscribe");
        await test.socket().tell(
          { type: "ok", id, sub: "s9", cursor: "c2", recovered: true },
          { type: "update", sub: "s9", prev: "c2", cursor: "c3", readings: [] },
        );
        return [since, told.map(([event]) => event)];
    """)
    assert since == "c2"
    assert told == ["snapshot", "update", "update"]


async def test_a_drop_before_the_first_snapshot_starts_afresh(run_client: RunClient) -> None:
    request = await run_client("""
        const test = await startOnline();
        test.gateway.subscribe(["*"]);
        const { id } = test.socket().asked("subscribe");
        await test.socket().tell({ type: "ok", id, sub: "s1", cursor: "c1", recovered: false });
        await test.socket().end(1006);
        await test.clock.advance(500);
        await test.socket().open(HELLO);
        return test.socket().asked("subscribe");
    """)
    assert "since" not in request


async def test_a_declared_gap_reaches_the_app_and_the_chain_goes_on_from_its_snapshot(run_client: RunClient) -> None:
    told, asked = await run_client("""
        const test = await startOnline();
        const { told } = await subscribed(test);
        await test.socket().tell(
          { type: "gap", sub: "s1", cursor: "c7", lost: 1204, reason: "slow_consumer" },
          { type: "snapshot", sub: "s1", cursor: "c7", devices: [] },
          { type: "update", sub: "s1", prev: "c7", cursor: "c8", readings: [] },
        );
        return [told.slice(1).map(([event, detail]) => event === "gap" ? [event, detail] : event),
                test.socket().sent.filter((message) => message.type === "subscribe").length];
    """)
    assert told == [["gap", {"reason": "slow_consumer", "lost": 1204}], "snapshot", "update"]
    assert asked == 1


async def test_falsy_values_are_values_and_a_missing_one_is_bad(run_client: RunClient) -> None:
    values = await run_client("""
        const test = await startOnline();
        const { subscription } = await subscribed(test);
        await test.socket().tell({ type: "update", sub: "s1", prev: "c1", cursor: "c2", readings: [{
          device: "greenhouse", time: 5,
          values: { zero: 0, float: 0.0, off: false, empty: "", nan: null, doubtful: 7 },
          quality: { nan: "bad", doubtful: "uncertain" },
        }] });
        return plain(subscription.devices)[0][1].values.map(([point, held]) => [point, held.value, held.quality]);
    """)
    assert values == [
        ["zero", 0, "good"],
        ["float", 0, "good"],
        ["off", False, "good"],
        ["empty", "", "good"],
        ["nan", None, "bad"],
        ["doubtful", 7, "uncertain"],
    ]


async def test_names_of_the_objects_prototype_are_names_like_any_other(run_client: RunClient) -> None:
    ids, values, polluted = await run_client("""
        const test = await startOnline();
        const device = JSON.parse('{"id":"__proto__","name":"__proto__","points":{"__proto__":{"type":"number"}},' +
          '"values":{"__proto__":{"value":1,"time":1,"quality":"good"}}}');
        const { subscription } = await subscribed(test, [device]);
        const reading = JSON.parse('{"device":"__proto__","time":2,"quality":{},' +
          '"values":{"__proto__":5,"constructor":6}}');
        await test.socket().tell({ type: "update", sub: "s1", prev: "c1", cursor: "c2", readings: [reading] });
        const [[id, held]] = plain(subscription.devices);
        return [id, [...subscription.devices.get("__proto__").values].map(([p, v]) => [p, v.value, v.quality]),
                ({}).value ?? ({}).type ?? null];
    """)
    assert ids == "__proto__"
    assert values == [["__proto__", 5, "good"], ["constructor", 6, "good"]]
    assert polluted is None


async def test_devices_appear_change_and_go(run_client: RunClient) -> None:
    after = await run_client("""
        const test = await startOnline();
        const values = { t: { value: 1, time: 1 } };
        const { subscription } = await subscribed(test, [{ id: "a", state: "online", values }]);
        const after = [];
        const tell = async (prev, cursor, devices, readings = []) => {
          await test.socket().tell({ type: "update", sub: "s1", prev, cursor, devices, readings });
          const held = (device) => [...device.values].map(([point, { value }]) => [point, value]);
          after.push([...subscription.devices].map(([id, device]) => [id, device.state, held(device)]));
        };
        await tell("c1", "c2", [{ id: "b", state: "online" }], [{ device: "b", time: 1, values: { x: 1 } }]);
        await tell("c2", "c3", [{ id: "a", state: "offline", reason: "unplugged" }]);
        await tell("c3", "c4", [{ id: "a", removed: true }]);
        return after;
    """)
    assert after == [
        [["a", "online", [["t", 1]]], ["b", "online", [["x", 1]]]],
        [["a", "offline", [["t", 1]]], ["b", "online", [["x", 1]]]],
        [["b", "online", [["x", 1]]]],
    ]


async def test_equal_subscriptions_share_one_stream_which_ends_with_the_last(run_client: RunClient) -> None:
    types, second, after_first = await run_client("""
        const test = await startOnline();
        const { told, subscription } = await subscribed(test);
        const heard = [];
        const snapshot = (devices) => heard.push(devices.size);
        const other = test.gateway.subscribe(["*", "*"], { mode: "all" }, { snapshot });
        await settle();
        subscription.close();
        const afterFirst = test.socket().asked("unsubscribe") ?? null;
        other.close();
        return [test.socket().sent, heard, afterFirst];
    """)
    assert [message["type"] for message in types] == ["subscribe", "unsubscribe"]
    assert types[1]["sub"] == "s1"
    assert second == [1]
    assert after_first is None


async def test_closing_before_the_answer_ends_the_stream_when_the_answer_comes(run_client: RunClient) -> None:
    sent, told = await run_client("""
        const test = await startOnline();
        const told = [];
        test.gateway.subscribe(["*"], {}, { snapshot: () => told.push("late") }).close();
        await answerSubscribe(test, [], "c1");
        return [test.socket().sent.map(({ type, sub }) => [type, sub ?? null]), told];
    """)
    assert sent == [["subscribe", None], ["unsubscribe", "s1"]]
    assert told == []


async def test_closing_and_subscribing_again_before_the_answer_keeps_the_stream(run_client: RunClient) -> None:
    sent, told = await run_client("""
        const test = await startOnline();
        const told = [];
        test.gateway.subscribe(["*"]).close();
        test.gateway.subscribe(["*"], {}, { snapshot: () => told.push("snapshot") });
        await answerSubscribe(test, [], "c1");
        return [test.socket().sent.map(({ type }) => type), told];
    """)
    assert sent == ["subscribe"]
    assert told == ["snapshot"]


async def test_a_refused_subscription_is_told_and_tried_again_only_where_that_may_help(run_client: RunClient) -> None:
    told, asked = await run_client("""
        const test = await startOnline();
        const told = [];
        const handlers = { error: (error) => told.push(error.code) };
        const asked = [];
        for (const [device, code, retry] of [["a", "forbidden", false], ["b", "unavailable", true]]) {
          test.gateway.subscribe([device], {}, handlers);
          const { id } = test.socket().asked("subscribe");
          await test.socket().tell({ type: "error", id, code, message: "no", retry });
          const before = test.socket().sent.length;
          await test.clock.advance(1000);
          asked.push(test.socket().sent.length - before);
        }
        return [told, asked];
    """)
    assert told == ["forbidden", "unavailable"]
    assert asked == [0, 1]


async def test_a_listener_that_throws_costs_the_others_nothing(run_client: RunClient) -> None:
    heard = await run_client("""
        const caught = new Promise((resolve) => addEventListener("error", (event) => {
          event.preventDefault();
          resolve(event.error.message);
        }, { once: true }));
        const test = await startOnline();
        test.gateway.subscribe(["*"], {}, { snapshot: () => { throw new Error("of the app"); } });
        const heard = [];
        test.gateway.subscribe(["*"], {}, { snapshot: () => heard.push("snapshot") });
        await answerSubscribe(test, [], "c1");
        return [heard, await caught];
    """)
    assert heard == [["snapshot"], "of the app"]


async def test_an_identity_that_sees_other_devices_gets_everything_anew(run_client: RunClient) -> None:
    since, told = await run_client("""
        const test = await startOnline();
        const { told } = await subscribed(test);
        const resumed = [];
        for (const read of [["*"], ["greenhouse"]]) {
          await test.socket().end(1001);
          await test.clock.advance(test.gateway.status.delay);
          await test.socket().open({ ...HELLO, identity: { ...HELLO.identity, read } });
          resumed.push(test.socket().asked("subscribe").since ?? null);
        }
        await answerSubscribe(test, [{ id: "greenhouse" }], "c5");
        return [resumed, told.map(([event]) => event)];
    """)
    assert since == ["c1", None]
    assert told == ["snapshot", "snapshot"]
