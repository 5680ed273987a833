"""Unknown topics as templates: what they bring, and what they leave alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detection.topics import Presence, Proposal, kind_of, propose

JSON, NUMBER, WORD, TEXT = b'{"temperature":21.4}', b"21.5", b"ON", b"hello"
ROOMS = ("kitchen", "bath")


def templates(heard: dict[str, bytes]) -> dict[str, str]:
    """Templates and codecs."""
    return {each.readings: each.codec for each in propose({topic: [payload] for topic, payload in heard.items()})}


@pytest.mark.parametrize(
    ("payloads", "codec"),
    [
        ([b'{"a":1}', b'{"a":2}'], "json"),
        ([b'[{"n":"t","v":1}]'], "senml"),
        ([b"1", b"-2.5e3", b""], "number"),
        ([b"21.4 \xc2\xb0C"], "number"),
        ([b"ON", b"OFF"], "boolean"),
        ([b"true"], "boolean"),
        ([b"1", b"ON"], "text"),
        ([b"idle"], "text"),
        ([b"1", b'{"a":1}'], None),
        ([b"\xff\x00"], None),
        ([b"[1,2]"], None),
        ([b"{broken"], None),
        ([b""], None),
        ([], None),
    ],
)
def test_the_codec_is_the_one_that_reads_all_payloads(payloads: list[bytes], codec: str | None) -> None:
    assert kind_of(payloads) == codec


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ({f"sensors/node{i}/telemetry": JSON for i in range(3)}, {"sensors/{device}/telemetry": "json"}),
        ({"garden/weather/json": JSON}, {"garden/{device}/json": "json"}),
        ({"garden/weather": JSON}, {"garden/{device}": "json"}),
        ({"weather": JSON}, {"weather": "json"}),
        ({f"home/{room}/{point}": NUMBER for room in ROOMS for point in ("temperature", "humidity")},
         {"home/{device}/{point}": "number"}),
        ({f"garden/{point}": NUMBER for point in ("temperature", "humidity")}, {"garden/{point}": "number"}),
        ({f"lab/temperature/{room}": NUMBER for room in ROOMS}, {"lab/{point}/{device}": "number"}),
        ({f"home/floor{floor}/{room}/temperature": NUMBER for floor in (1, 2) for room in ROOMS},
         {"home/floor1/{device}/{point}": "number", "home/floor2/{device}/{point}": "number"}),
        ({f"tele/{room}/{kind}": JSON for room in ROOMS for kind in ("SENSOR", "STATE")},
         {"tele/{device}/SENSOR": "json", "tele/{device}/STATE": "json"}),
        ({"door": WORD}, {"door": "boolean"}),
    ],
)  # fmt: skip
def test_what_differs_is_the_device_and_what_was_measured_is_the_point(
    heard: dict[str, bytes], expected: dict[str, str]
) -> None:
    assert templates(heard) == expected


def test_points_of_another_kind_have_a_template_of_their_own_that_comes_first() -> None:
    heard = {f"home/{room}/{point}": NUMBER for room in ROOMS for point in ("temperature", "humidity")}
    heard |= {f"home/{room}/fan": WORD for room in ROOMS} | {f"home/{room}/note": TEXT for room in ROOMS}
    assert list(templates(heard).items()) == [
        ("home/{device}/fan", "boolean"), ("home/{device}/note", "text"), ("home/{device}/{point}", "number")
    ]  # fmt: skip
    proposals = propose({topic: [payload] for topic, payload in heard.items()})
    assert [proposal.point for proposal in proposals] == ["fan", "note", None]


def test_where_devices_say_whether_they_are_there_stands_with_their_readings() -> None:
    heard = {f"sensors/{room}/{last}": payload for room in ROOMS for last, payload in (("t", JSON), ("LWT", b"Online"))}
    (proposal,) = propose({topic: [payload] for topic, payload in heard.items()})
    assert proposal == Proposal(
        "sensors/{device}/t",
        "json",
        ("bath", "kitchen"),
        ("sensors/bath/t", "sensors/kitchen/t"),
        ("sensors/bath/t", JSON),
        Presence("sensors/{device}/LWT", "Online", "Offline"),
        ("sensors/kitchen/LWT", "sensors/bath/LWT"),
    )


def test_a_status_that_is_no_such_word_is_a_reading() -> None:
    assert templates({f"a/{room}/status": b"running" for room in ROOMS}) == {"a/{device}/{point}": "text"}


def test_commands_and_what_cannot_stand_in_a_template_are_left_alone() -> None:
    heard = {"a/x/set": JSON, "cmnd/y/POWER": WORD, "a/{x}/t": JSON, "a/\x07/t": JSON, "a/${HOME}/t": JSON, "": JSON}
    assert templates(heard | {"/".join("abcdefghijklm"): NUMBER}) == {}


level = st.sampled_from(["a", "b", "c1", "c2", "temperature", "status", "set", "", "ä", "{", "state"])
payload = st.sampled_from([JSON, NUMBER, WORD, TEXT, b"online", b"", b"\xff", b"[", b"0"]) | st.binary(max_size=4)


@given(
    heard=st.dictionaries(
        st.lists(level, min_size=1, max_size=5).map("/".join), st.lists(payload, max_size=3), max_size=30
    )
)
def test_whatever_is_heard_each_topic_is_in_one_family_whose_template_brings_it(heard: dict[str, list[bytes]]) -> None:
    seen: set[str] = set()
    for proposal in propose(heard):
        assert proposal.topics
        assert proposal.example[0] in proposal.topics
        for topic in proposal.topics:
            assert topic not in seen
            seen.add(topic)
            levels = zip(proposal.readings.split("/"), topic.split("/"), strict=True)
            assert all(wanted == given or wanted in ("{device}", "{point}") for wanted, given in levels)
            assert proposal.codec == "text" or kind_of(heard[topic]) == proposal.codec


def test_a_large_broker_takes_no_long_time() -> None:
    heard = {f"site/{a}/{b}/{c}": [NUMBER] for a in range(10) for b in range(20) for c in range(20)}
    assert len(propose(heard)) <= 10
