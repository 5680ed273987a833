"""The protocol `fieldgate.v1`, request by request, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.auth import Rights
from gateway.config.limits import LimitsSection
from gateway.model import Identity
from tests.server.desk import Desk, Visitor, auth, running

PANEL = auth(panel=(["bench", "house.*"], ["bench"]), other=(["*"], ["*"]))


# ---- hello and auth


def test_hello_says_who_speaks_and_what_the_limits_are(desk: Desk) -> None:
    visitor = desk.open()
    visitor.session.greet()
    (hello,) = visitor.peer.messages
    assert hello["type"] == "hello"
    assert hello["protocol"] == "fieldgate.v1"
    assert hello["server"].startswith("fieldgate/")
    assert hello["gateway"] == "test"
    assert hello["clock"] in ("synced", "unsynced", "unknown")
    assert hello["heartbeat"] == 20
    assert hello["auth"] == "ok"
    assert hello["identity"] == {"name": "local", "read": ["*"], "command": ["*"], "expires": None}
    assert hello["limits"] == {"message": 65536, "subscriptions": 64, "commands": 8}


def test_hello_without_a_token_asks_for_one_and_names_nobody() -> None:
    visitor = Desk(PANEL).open()
    visitor.session.greet()
    assert visitor.peer.messages[0]["auth"] == "required"
    assert "identity" not in visitor.peer.messages[0]


@pytest.mark.parametrize("kind", ["ping", "devices", "subscribe", "unsubscribe", "command", "cancel", "nonsense"])
def test_any_request_before_auth_is_unauthorized_and_closes(kind: str) -> None:
    visitor = Desk(PANEL).open()
    assert visitor.refused(kind) == "unauthorized"
    assert visitor.peer.closes == [4401]


def test_a_token_in_the_first_message_authenticates() -> None:
    visitor = Desk(PANEL).open()
    answer = visitor.ask("auth", token="panel-token")
    identity = {"name": "panel", "read": ["bench", "house.*"], "command": ["bench"], "expires": None}
    assert answer == {"type": "ok", "id": 1, "identity": identity}
    assert visitor.ask("ping")["type"] == "pong"


@pytest.mark.parametrize("token", ["wrong", "", "panel-token ", "x" * 8192, "\u0000", "панель"])
def test_a_wrong_token_is_unauthorized_and_closes(token: str) -> None:
    visitor = Desk(PANEL).open()
    assert visitor.refused("auth", token=token) == "unauthorized"
    assert visitor.peer.closes == [4401]


@pytest.mark.parametrize("members", [{}, {"token": 7}, {"token": None}, {"token": "x" * 8193}])
def test_an_auth_without_a_proper_token_is_a_bad_request(members: dict[str, Any]) -> None:
    assert Desk(PANEL).open().refused("auth", **members) == "bad_request"


def test_anonymous_visitors_have_the_rights_that_are_given_to_them() -> None:
    visitor = Desk(auth(anonymous=Rights(read=("bench",)))).open()
    assert [d["id"] for d in visitor.ask("devices")["devices"]] == ["bench"]
    assert visitor.refused("command", device="bench", point="fan", value=True) == "forbidden"


def test_auth_again_renews_in_place_and_streams_go_on() -> None:
    desk = Desk(PANEL)
    visitor = desk.open()
    visitor.ask("auth", token="panel-token")
    visitor.ask("subscribe", devices=["bench"])
    assert visitor.ask("auth", token="panel-token")["type"] == "ok"
    desk.say("bench", {"temperature": 1})
    desk.clock.advance()
    assert visitor.peer.take("update")


def test_auth_with_other_rights_to_read_needs_the_streams_gone() -> None:
    visitor = Desk(PANEL).open()
    visitor.ask("auth", token="panel-token")
    sub = visitor.ask("subscribe", devices=["bench"])["sub"]
    assert visitor.refused("auth", token="other-token") == "conflict"
    assert [d["id"] for d in visitor.ask("devices")["devices"]] == ["bench"]
    visitor.ask("unsubscribe", sub=sub)
    assert visitor.ask("auth", token="other-token")["identity"]["name"] == "other"
    assert len(visitor.ask("devices")["devices"]) == 2


# ---- requests as such


@pytest.mark.parametrize("id", [0, -1, 2**53, 2**64 - 1, "", "seven", "x" * 128, "😀"])
def test_an_id_is_an_integer_or_a_text_and_comes_back_as_it_was(desk: Desk, id: object) -> None:
    answer = desk.open().ask("ping", id)
    assert answer["type"] == "pong"
    assert answer["id"] == id
    assert isinstance(answer["time"], float)


@pytest.mark.parametrize("id", [None, True, 1.5, [], {}, "x" * 129, 10**30])
def test_another_id_is_a_bad_request_that_answers_to_none(desk: Desk, id: object) -> None:
    answer = desk.open().ask("ping", id)
    assert (answer["type"], answer["code"], answer["id"]) == ("error", "bad_request", None)


def test_a_request_without_an_id_is_a_bad_request(desk: Desk) -> None:
    answer = desk.open().ask_raw('{"type":"ping"}')
    assert (answer["code"], answer["id"]) == ("bad_request", None)


def test_members_that_nobody_knows_are_ignored(desk: Desk) -> None:
    assert desk.open().ask("devices", colour="blue", __proto__={})["type"] == "ok"


def test_an_unknown_type_is_an_error_and_closes_nothing(desk: Desk) -> None:
    visitor = desk.open()
    for _ in range(50):
        assert visitor.refused("sing") == "bad_request"
    assert visitor.peer.closes == []


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "7", '"text"', "null", "{}", '{"type":7}', '{"type":null}', "{", '{"type":"ping"',
        '{"id":NaN,"type":"ping"}', '{"type":"ping","id":1e999}', "[" * 5000 + "]" * 5000, '{"type":"\\ud800"}',
    ],
)  # fmt: skip
def test_the_tenth_malformed_frame_closes(desk: Desk, text: str) -> None:
    visitor = desk.open()
    for count in range(1, 11):
        assert visitor.peer.closes == []
        answer = visitor.ask_raw(text)
        assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "bad_request"), count
    assert visitor.peer.closes == [4400]


# ---- devices and subscriptions


def test_devices_lists_what_may_be_read() -> None:
    desk = Desk(PANEL)
    visitor = desk.open(Identity("panel", ("bench",), ()))
    (device,) = visitor.ask("devices")["devices"]
    assert device == json.loads(json.dumps(device))
    assert (device["id"], device["name"], device["adapter"], device["state"]) == ("bench", "Bench", "bench", "online")
    assert device["points"]["fan"] == {"type": "boolean", "writable": True, "confirm": "acked"}
    assert {"frames": 0, "errors": 0, "reconnects": 0}.items() <= device["link"].items()


def test_a_device_by_name_that_may_not_be_read_is_forbidden_and_a_glob_is_narrowed() -> None:
    desk = Desk(PANEL)
    visitor = desk.open(Identity("panel", ("bench",), ()))
    assert visitor.refused("subscribe", devices=["bench", "attic"]) == "forbidden"
    assert visitor.refused("subscribe", devices=["never.heard.of"]) == "forbidden"
    visitor.ask("subscribe", devices=["*", "att?c"])
    assert [d["id"] for d in visitor.peer.take("snapshot")[0]["devices"]] == ["bench"]
    desk.say("attic", {"temperature": 1})
    desk.clock.advance()
    assert visitor.peer.take("update") == []


def test_a_device_that_does_not_exist_yet_appears_when_it_does(desk: Desk) -> None:
    visitor = desk.open()
    visitor.ask("subscribe", devices=["bench.later"])
    assert visitor.peer.take("snapshot")[0]["devices"] == []
    device = desk.devices.add("bench.later", "later", desk.adapters["bench"].link.info, "sent")
    desk.devices.announce(device)
    desk.devices.remove(device)
    desk.clock.advance()
    (update,) = visitor.peer.take("update")
    assert update["devices"] == [{"id": "bench.later", "removed": True}]


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"devices": []}, {"devices": "bench"}, {"devices": [7]}, {"devices": [""]}, {"devices": ["x" * 257]},
        {"devices": ["x"] * 65}, {"devices": None}, {"devices": ["*"], "points": []}, {"devices": ["*"], "points": [1]},
        {"devices": ["*"], "mode": "some"}, {"devices": ["*"], "max_rate": 0}, {"devices": ["*"], "max_rate": -1},
        {"devices": ["*"], "max_rate": 10**9}, {"devices": ["*"], "max_rate": "fast"}, {"devices": ["*"], "since": 7},
        {"devices": ["*"], "since": "x" * 65}, {"devices": ["*"], "max_rate": True},
    ],
)  # fmt: skip
def test_a_wrong_subscription_is_a_bad_request_that_names_the_member(desk: Desk, wrong: dict[str, Any]) -> None:
    visitor = desk.open()
    assert visitor.refused("subscribe", **wrong) == "bad_request"
    wrong_member = next(iter(set(wrong) - {"devices"}), "devices")
    assert visitor.peer.messages[-1]["message"].startswith(wrong_member)


@pytest.mark.parametrize("right", [{"max_rate": 10}, {"max_rate": 0.5}, {"max_rate": None}, {"since": None}])
def test_numbers_and_null_are_taken_where_they_make_sense(desk: Desk, right: dict[str, Any]) -> None:
    assert desk.open().ask("subscribe", devices=["*"], **right)["type"] == "ok"


def test_subscribing_again_gives_the_same_sub_and_a_fresh_snapshot_and_one_unsubscribe_ends_it(desk: Desk) -> None:
    visitor = desk.open()
    first = visitor.ask("subscribe", 1, devices=["bench", "attic"], points=["t*", "fan"])
    again = visitor.ask("subscribe", 2, devices=["attic", "bench", "bench"], points=["fan", "t*"])
    assert again["sub"] == first["sub"]
    assert len(visitor.peer.take("snapshot")) == 2
    desk.say("bench", {"temperature": 1})
    desk.clock.advance()
    assert len(visitor.peer.take("update")) == 1
    assert visitor.ask("unsubscribe", sub=first["sub"])["type"] == "ok"
    desk.say("bench", {"temperature": 2})
    desk.clock.advance()
    assert visitor.peer.take("update") == []
    assert visitor.refused("unsubscribe", sub=first["sub"]) == "not_found"


def test_two_subscriptions_that_overlap_are_two_streams(desk: Desk) -> None:
    visitor = desk.open()
    subs = {visitor.ask("subscribe", devices=[glob])["sub"] for glob in ("bench", "*")}
    desk.say("bench", {"temperature": 1})
    desk.clock.advance()
    assert {update["sub"] for update in visitor.peer.take("update")} == subs
    assert len(subs) == 2


def test_a_subscription_of_another_connection_cannot_be_ended(desk: Desk) -> None:
    one, other = desk.open(), desk.open()
    sub = one.ask("subscribe", devices=["bench"])["sub"]
    assert other.refused("unsubscribe", sub=sub) == "not_found"
    assert other.refused("unsubscribe") == "bad_request"
    desk.say("bench", {"temperature": 1})
    desk.clock.advance()
    assert one.peer.take("update")


def test_a_connection_has_so_many_subscriptions_and_may_renew_each(desk: Desk) -> None:
    visitor = desk.open()
    subs = [visitor.ask("subscribe", devices=[f"d{n}"])["sub"] for n in range(LimitsSection().subscriptions)]
    assert visitor.refused("subscribe", devices=["one-more"]) == "rate_limited"
    assert visitor.ask("subscribe", devices=["d0"])["sub"] == subs[0]
    visitor.ask("unsubscribe", sub=subs[1])
    assert visitor.ask("subscribe", devices=["one-more"])["type"] == "ok"


def test_a_resume_by_cursor_gives_exactly_what_was_missed(desk: Desk) -> None:
    first = desk.open()
    first.ask("subscribe", devices=["*"])
    desk.say("bench", {"temperature": 1})
    desk.clock.advance()
    cursor = first.peer.take("update")[-1]["cursor"]
    first.session.close()
    desk.say("bench", {"temperature": 2})
    second = desk.open()
    answer = second.ask("subscribe", devices=["*"], since=cursor)
    assert (answer["recovered"], answer["cursor"]) == (True, cursor)
    (update,) = second.peer.take("update")
    assert update["prev"] == cursor
    assert [reading["values"] for reading in update["readings"]] == [{"temperature": 2}]
    assert second.peer.take("snapshot") == []


# ---- the end


async def test_nothing_of_a_closed_connection_remains(desk: Desk) -> None:
    visitor = desk.open()
    visitor.ask("subscribe", devices=["*"])
    visitor.ask("subscribe", devices=["bench"], max_rate=1)
    desk.say("bench", {"temperature": 1})
    visitor.session.close()
    visitor.peer.take()
    desk.clock.advance(5)
    assert visitor.peer.messages == []
    assert desk.services.fanout.streams == 0
    assert desk.commands.ledger._watchers == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
likely = {
    "type": st.sampled_from(["auth", "ping", "devices", "subscribe", "unsubscribe", "command", "cancel"]) | st.text(),
    "id": st.integers() | st.text() | json_values,
    "devices": st.lists(st.text(max_size=8), max_size=3) | json_values,
    "points": st.lists(st.text(max_size=8), max_size=3) | json_values,
    "device": st.sampled_from(["bench", "attic"]) | json_values,
    "point": st.sampled_from(["fan", "level", "reset", "temperature"]) | json_values,
    **dict.fromkeys(("mode", "max_rate", "since", "sub", "value", "key", "ttl", "confirm", "token"), json_values),
}


@given(st.lists(st.fixed_dictionaries({}, optional=likely) | json_values, max_size=8))
async def test_any_json_gets_exactly_one_answer_and_never_raises(requests: list[Any]) -> None:
    async with running(Desk()) as desk:
        visitor = Visitor(desk, desk.services.authenticator.without_token())
        for number, drawn in enumerate(requests):
            if visitor.peer.closed is not None:
                break
            request = drawn
            if isinstance(drawn, dict) and number % 2:
                request = {"type": "command", "id": number, **drawn}
            answer = visitor.ask_raw(json.dumps(request, ensure_ascii=bool(number % 3)).replace("Infinity", "1e999"))
            assert answer.get("code") != "internal"
        visitor.session.close()
        desk.clock.advance(20)
        assert desk.services.fanout.streams == 0
