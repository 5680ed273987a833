"""Both generations of Shellies say what shelly-api-docs documents, and answer as they do."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.shelly import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]
START = 1_767_225_600  # when the age is 0


class Household:
    """One Shelly of each kind."""

    def __init__(self, devices: int = 9, seed: int = 1) -> None:
        self.recorded: Recorded = []
        self.fleet = Fleet(devices, seed, lambda *what: self.recorded.append(what))
        self.ids = {name.rpartition("-")[0]: name for name in self.fleet.devices}

    def say(self, model: str, end: str, text: bytes) -> list[tuple[str, str]]:
        """What a device of the first generation answers to a text on one of its topics."""
        base = f"shellies/{self.ids[model]}/"
        return [(each.topic.removeprefix(base), each.payload.decode()) for each in self.fleet.receive(base + end, text)]

    def call(self, model: str, method: str, **params: object) -> list[dict[str, Any]]:
        """The answer of a device of the second generation, and its notifications."""
        frame = {"id": 1, "src": "test/me", "method": method, "params": params}
        said = self.fleet.receive(f"{self.ids[model]}/rpc", json.dumps(frame).encode())
        assert said[0].topic == "test/me/rpc"
        assert all(each.topic == f"{self.ids[model]}/events/rpc" for each in said[1:])
        return [json.loads(each.payload) for each in said]

    def result(self, model: str, method: str, **params: object) -> Any:
        return self.call(model, method, **params)[0]["result"]

    def notified(self, model: str, age: float) -> list[dict[str, Any]]:
        return [json.loads(each.payload) for each in self.fleet.report(self.ids[model], age)]


@pytest.fixture
def home() -> Household:
    return Household()


def texts(said: list[Publication]) -> dict[str, str]:
    return {each.topic: each.payload.decode() for each in said}


def test_a_fleet_is_a_dialect(home: Household) -> None:
    dialect: Dialect = home.fleet
    assert [name.rpartition("-")[0] for name in dialect.devices] == [
        "shelly1pm",
        "shellyplus1pm",
        "shellyswitch25",
        "shellyplus2pm",
        "shellyht",
        "shellyplusht",
        "shellydimmer2",
        "shellypro3em",
        "shellyplus010v",
    ]
    assert dialect.will == Publication(f"shellies/{home.ids['shelly1pm']}/online", b"false", retain=True)


def test_every_device_is_online_until_it_parts(home: Household) -> None:
    said = [each for each in home.fleet.hello() if each.topic.endswith("/online")]
    assert {(each.payload, each.retain) for each in said} == {(b"true", True)}
    assert [each.topic for each in said] == [each.topic for each in home.fleet.goodbye()]
    assert [each.topic.removeprefix("shellies/").split("/")[0] for each in said] == home.fleet.devices
    assert {(each.payload, each.retain) for each in home.fleet.goodbye()} == {(b"false", True)}


# The first generation


def test_all_that_are_awake_announce_themselves_when_asked(home: Household) -> None:
    said = home.fleet.receive("shellies/command", b"announce")
    announced = [json.loads(each.payload) for each in said if each.topic == "shellies/announce"]
    assert [(info["id"], info["model"]) for info in announced] == [
        (home.ids["shelly1pm"], "SHSW-PM"),
        (home.ids["shellyswitch25"], "SHSW-25"),
        (home.ids["shellydimmer2"], "SHDM-2"),
    ]
    relay = announced[0]
    assert list(relay) == ["id", "model", "mac", "ip", "new_fw", "fw_ver"]
    assert (relay["id"], relay["new_fw"]) == (f"shelly1pm-{relay['mac']}", False)
    assert announced[1]["mode"] == "roller"
    assert texts(said)[f"shellies/{relay['id']}/announce"] == texts(said[:1])["shellies/announce"]
    assert home.say("shellydimmer2", "command", b"announce")[1][0] == "announce"


def test_a_relay_has_a_topic_for_each_value(home: Household) -> None:
    base = f"shellies/{home.ids['shelly1pm']}/"
    said = {
        topic.removeprefix(base): text for topic, text in texts(home.fleet.report(home.ids["shelly1pm"], 60)).items()
    }
    info = json.loads(said.pop("info"))
    assert list(said) == [
        "relay/0",
        "relay/0/power",
        "relay/0/energy",
        "input/0",
        "temperature",
        "temperature_f",
        "overtemperature",
        "temperature_status",
    ]
    assert (said["relay/0"], said["input/0"], said["overtemperature"]) == ("on", "0", "0")
    assert float(said["temperature_f"]) == pytest.approx(float(said["temperature"]) * 1.8 + 32, abs=0.02)
    assert info["relays"][0]["ison"] is True
    assert info["meters"][0]["power"] == float(said["relay/0/power"]) > 0


def test_the_energy_of_the_first_generation_is_in_watt_minutes(home: Household) -> None:
    relay = home.ids["shelly1pm"]
    topic = f"shellies/{relay}/relay/0/"
    told = [texts(home.fleet.report(relay, age)) for age in (1000, 1060)]
    grown = int(told[1][topic + "energy"]) - int(told[0][topic + "energy"])
    assert grown == pytest.approx(float(told[1][topic + "power"]), abs=1)


def test_a_relay_answers_with_its_state(home: Household) -> None:
    assert home.say("shelly1pm", "relay/0/command", b"off") == [("relay/0", "off")]
    assert home.say("shelly1pm", "relay/0/command", b"toggle") == [("relay/0", "on")]
    assert home.recorded == [(home.ids["shelly1pm"], "relay/0", False), (home.ids["shelly1pm"], "relay/0", True)]


def test_a_roller_moves_and_stops_at_its_position(home: Household) -> None:
    roller = home.ids["shellyswitch25"]
    base = f"shellies/{roller}/roller/0"
    home.say("shellyswitch25", "roller/0/command", b"close")
    home.fleet.report(roller, 100)
    assert home.say("shellyswitch25", "roller/0/command/pos", b"50") == [("roller/0", "open")]
    assert texts(home.fleet.report(roller, 101))[base] == "open"
    said = texts(home.fleet.report(roller, 120))
    assert (said[base], said[f"{base}/pos"], said[f"{base}/stop_reason"]) == ("stop", "50", "normal")
    assert {f"{base}/power", f"{base}/energy", f"shellies/{roller}/voltage"} <= set(said)
    home.say("shellyswitch25", "roller/0/command", b"open")
    home.fleet.report(roller, 121.8)
    assert home.say("shellyswitch25", "roller/0/command", b"stop") == [("roller/0", "stop"), ("roller/0/pos", "60")]
    assert [value for _, _, value in home.recorded] == ["close", 50, "open", "stop"]


def test_a_dimmer_takes_a_word_or_json(home: Household) -> None:
    assert home.say("shellydimmer2", "light/0/command", b"on")[0] == ("light/0", "on")
    said = dict(home.say("shellydimmer2", "light/0/set", b'{"brightness":30,"turn":"off"}'))
    status = json.loads(said["light/0/status"])
    assert (said["light/0"], status["ison"], status["brightness"], status["mode"]) == ("off", False, 30, "white")
    assert [(point, value) for _, point, value in home.recorded] == [
        ("light/0", True),
        ("light/0.brightness", 30),
        ("light/0", False),
    ]


def test_a_thermometer_that_wakes_up_says_who_it_is_and_what_it_measured(home: Household) -> None:
    name = home.ids["shellyht"]
    said = texts(home.fleet.report(name, 600))
    assert list(said)[:3] == [f"shellies/{name}/online", "shellies/announce", f"shellies/{name}/announce"]
    ends = [topic.rpartition("/")[2] for topic in said if "/sensor/" in topic]
    assert ends == ["temperature", "humidity", "battery", "ext_power", "error", "act_reasons"]
    assert not [topic for topic in home.fleet.subscriptions if name in topic]


@pytest.mark.parametrize(
    ("model", "end", "text"),
    [
        ("shelly1pm", "relay/0/command", b"ON"),
        ("shelly1pm", "relay/1/command", b"on"),
        ("shelly1pm", "command", b"reboot"),
        ("shelly1pm", "relay/0/command", b"\xff"),
        ("shellyswitch25", "roller/0/command", b"up"),
        ("shellyswitch25", "roller/0/command/pos", b"101"),
        ("shellyswitch25", "roller/0/command/pos", b"-1"),
        ("shellyswitch25", "roller/0/command/pos", "²".encode()),
        ("shellydimmer2", "light/0/set", b'{"brightness":"30"}'),
        ("shellydimmer2", "light/0/set", b'{"brightness":30,"turn":"up"}'),
        ("shellydimmer2", "light/0/set", b"[" * 100_000),
        ("shellyht", "command", b"announce"),
    ],
)
def test_what_the_first_generation_does_not_know_moves_nothing(
    home: Household, model: str, end: str, text: bytes
) -> None:
    before = home.fleet.hello()
    with pytest.raises(ValueError):  # noqa: PT011 - some words are those of libraries
        home.say(model, end, text)
    assert home.recorded == []
    assert home.fleet.hello() == before


# The second generation


def test_the_full_status_is_told_at_the_start(home: Household) -> None:
    name = home.ids["shellyplus1pm"]
    (frame,) = [json.loads(each.payload) for each in home.fleet.hello() if each.topic == f"{name}/events/rpc"]
    assert (frame["src"], frame["dst"], frame["method"]) == (name, f"{name}/events", "NotifyFullStatus")
    assert list(frame["params"]) == [
        "ts",
        "ble",
        "cloud",
        "input:0",
        "mqtt",
        "switch:0",
        "sys",
        "wifi",
        "ws",
    ]
    switch = frame["params"]["switch:0"]
    assert list(switch) == [
        "id",
        "source",
        "output",
        "apower",
        "voltage",
        "freq",
        "current",
        "pf",
        "aenergy",
        "temperature",
    ]
    assert (switch["id"], switch["output"], frame["params"]["ts"]) == (0, True, START)
    assert list(switch["aenergy"]) == ["total", "by_minute", "minute_ts"]
    assert frame["params"]["sys"]["mac"] == name.rpartition("-")[2].upper()


def test_a_switch_answers_with_what_it_was_and_notifies(home: Household) -> None:
    name = home.ids["shellyplus1pm"]
    answer, notification = home.call("shellyplus1pm", "Switch.Set", id=0, on=False)
    assert answer == {"id": 1, "src": name, "dst": "test/me", "result": {"was_on": True}}
    assert notification == {
        "src": name,
        "dst": f"{name}/events",
        "method": "NotifyStatus",
        "params": {"ts": START, "switch:0": {"id": 0, "output": False, "source": "MQTT"}},
    }
    assert home.call("shellyplus1pm", "Switch.Set", id=0, on=False)[1:] == []
    status = home.result("shellyplus1pm", "Switch.GetStatus", id=0)
    assert (status["output"], status["source"], status["apower"]) == (False, "MQTT", 0)
    assert home.result("shellyplus1pm", "Switch.Toggle", id=0) == {"was_on": False}
    assert [(point, value) for _, point, value in home.recorded] == [
        ("switch:0.output", False),
        ("switch:0.output", False),
        ("switch:0.output", True),
    ]


def test_a_timer_turns_the_switch_back(home: Household) -> None:
    home.notified("shellyplus1pm", 10)
    home.call("shellyplus1pm", "Switch.Set", id=0, on=False, toggle_after=30)
    assert len(home.notified("shellyplus1pm", 39)) == 1  # its readings
    changed = home.notified("shellyplus1pm", 40)[0]["params"]["switch:0"]
    assert changed == {"id": 0, "output": True, "source": "timer"}


@pytest.mark.parametrize(
    ("model", "method", "params", "code", "words"),
    [
        ("shellyplus1pm", "Foo.Bar", {}, 404, "No handler for Foo.Bar"),
        ("shellyplus1pm", "Cover.Open", {"id": 0}, 404, "No handler for Cover.Open"),
        ("shellyplus1pm", "Switch.Set", {"id": 3, "on": True}, -105, "Argument 'id', value 3 not found!"),
        ("shellyplus1pm", "Switch.Set", {"on": True}, -103, "Missing required argument 'id'!"),
        ("shellyplus1pm", "Switch.Set", {"id": 0}, -103, "Missing required argument 'on'!"),
        ("shellyplus1pm", "Switch.Set", {"id": 0, "on": 1}, -103, "Argument 'on', value 1 is not a boolean!"),
        ("shellyplus1pm", "Switch.Set", {"id": True, "on": True}, -103, "Argument 'id', value true is not a number!"),
        ("shellyplus2pm", "Cover.GoToPosition", {"id": 0}, -103, "Either 'pos' or 'rel' is required!"),
        (
            "shellyplus2pm",
            "Cover.GoToPosition",
            {"id": 0, "pos": 101},
            -103,
            "Argument 'pos', value 101 is out of range!",
        ),
        (
            "shellyplus010v",
            "Light.Set",
            {"id": 0, "brightness": "x"},
            -103,
            "Argument 'brightness', value \"x\" is not a number!",
        ),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_by_an_error(
    home: Household, model: str, method: str, params: dict[str, object], code: int, words: str
) -> None:
    (answer,) = home.call(model, method, **params)
    error = answer.pop("error")
    assert answer == {"id": 1, "src": home.ids[model], "dst": "test/me"}
    assert (error["code"], error["message"][-len(words) :]) == (code, words)
    assert home.recorded == []


def test_a_cover_notifies_where_it_is(home: Household) -> None:
    home.call("shellyplus2pm", "Cover.Close", id=0)
    home.notified("shellyplus2pm", 100)
    answer, started = home.call("shellyplus2pm", "Cover.GoToPosition", id=0, pos=50)
    assert answer["result"] is None
    cover = started["params"]["cover:0"]
    assert (cover["state"], cover["target_pos"], cover["source"]) == ("opening", 50, "MQTT")
    assert home.notified("shellyplus2pm", 104)[0]["params"]["cover:0"] == {"id": 0, "current_pos": 20}
    assert home.result("shellyplus2pm", "Cover.GetStatus", id=0)["apower"] > 0
    arrived = home.notified("shellyplus2pm", 120)[0]["params"]["cover:0"]
    assert arrived == {"id": 0, "state": "stopped", "current_pos": 50, "target_pos": None, "last_direction": "open"}
    status = home.result("shellyplus2pm", "Cover.GetStatus", id=0)
    assert (status["pos_control"], status["current_pos"], status["apower"]) == (True, 50, 0)
    home.call("shellyplus2pm", "Cover.GoToPosition", id=0, rel=-30)
    home.notified("shellyplus2pm", 122)
    stopped = home.call("shellyplus2pm", "Cover.Stop", id=0)[1]["params"]["cover:0"]
    assert (stopped["state"], stopped["current_pos"]) == ("stopped", 40)
    assert [(point, value) for _, point, value in home.recorded] == [
        ("cover:0.position", 0),
        ("cover:0.position", 50),
        ("cover:0.position", 20),
        ("cover:0.state", "stop"),
    ]


def test_a_light_takes_state_and_brightness(home: Household) -> None:
    answer, notification = home.call("shellyplus010v", "Light.Set", id=0, on=True, brightness=40)
    assert answer["result"] is None
    assert notification["params"]["light:0"] == {"id": 0, "output": True, "brightness": 40, "source": "MQTT"}
    status = home.result("shellyplus010v", "Light.GetStatus", id=0)
    assert status == {"id": 0, "source": "MQTT", "output": True, "brightness": 40}
    assert home.recorded[0][1:] == ("light:0.brightness", 40)


def test_a_device_says_what_it_is(home: Household) -> None:
    info = home.result("shellyplus2pm", "Shelly.GetDeviceInfo")
    assert (info["id"], info["model"], info["gen"], info["app"]) == (
        home.ids["shellyplus2pm"],
        "SNSW-102P16EU",
        2,
        "Plus2PM",
    )
    assert info["profile"] == "cover"
    status = home.result("shellyplus2pm", "Shelly.GetStatus")
    assert {"cover:0", "input:0", "input:1", "sys", "wifi", "mqtt"} < set(status)
    methods = home.result("shellyplus2pm", "Shelly.ListMethods")["methods"]
    assert {"Shelly.GetStatus", "Cover.GoToPosition", "Input.GetStatus"} < set(methods)


def test_three_phases_add_up(home: Household) -> None:
    (frame,) = home.notified("shellypro3em", 600)
    em, data = frame["params"]["em:0"], frame["params"]["emdata:0"]
    assert em["total_act_power"] == pytest.approx(sum(em[f"{phase}_act_power"] for phase in "abc"), abs=0.01)
    assert data["total_act"] == pytest.approx(sum(data[f"{phase}_total_act_energy"] for phase in "abc"), abs=0.02)
    assert em["n_current"] is None
    (later,) = home.notified("shellypro3em", 1200)
    assert later["params"]["emdata:0"]["total_act"] > data["total_act"]


def test_one_that_sleeps_tells_everything_when_it_wakes_up_and_hears_nothing(home: Household) -> None:
    name = home.ids["shellyplusht"]
    online, said = home.fleet.report(name, 7200)
    assert (online.topic, online.payload) == (f"{name}/online", b"true")
    frame = json.loads(said.payload)
    assert (frame["method"], frame["params"]["ts"]) == ("NotifyFullStatus", START + 7200)
    assert set(frame["params"]["temperature:0"]) == {"id", "tC", "tF"}
    assert set(frame["params"]["humidity:0"]) == {"id", "rh"}
    assert frame["params"]["devicepower:0"]["external"] == {"present": False}
    assert not [topic for topic in home.fleet.subscriptions if name in topic]
    with pytest.raises(ValueError, match="no Shelly listens"):
        home.call("shellyplusht", "Shelly.GetStatus")


def test_who_does_not_say_who_it_is_gets_no_answer(home: Household) -> None:
    topic = f"{home.ids['shellyplus1pm']}/rpc"
    said = home.fleet.receive(topic, b'{"id":1,"method":"Switch.Set","params":{"id":0,"on":false}}')
    assert [each.topic for each in said] == [f"{home.ids['shellyplus1pm']}/events/rpc"]
    assert home.fleet.receive(topic, b'{"id":1,"method":"Shelly.GetStatus"}') == []


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"id":1,"src":"a","method":7}',
        b'{"id":1,"src":"","method":"Switch.Toggle","params":{"id":0}}',
        b'{"id":1,"src":"a/#","method":"Switch.Toggle","params":{"id":0}}',
        b'{"id":1,"src":"\\ud800","method":"Switch.Toggle","params":{"id":0}}',
        b'{"id":"\\ud800","src":"a","method":"Switch.Toggle","params":{"id":0}}',
        b'{"id":[1],"src":"a","method":"Switch.Toggle","params":{"id":0}}',
        b'{"id":NaN,"src":"a","method":"Switch.Toggle","params":{"id":0}}',
    ],
)
def test_what_is_no_request_moves_nothing(home: Household, frame: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some words are those of libraries
        home.fleet.receive(f"{home.ids['shellyplus1pm']}/rpc", frame)
    assert home.recorded == []


def test_a_component_takes_plain_texts_too(home: Household) -> None:
    def control(model: str, component: str, text: bytes) -> dict[str, Any]:
        (said,) = home.fleet.receive(f"{home.ids[model]}/command/{component}", text)
        changed: dict[str, Any] = json.loads(said.payload)["params"][component]
        return changed

    assert control("shellyplus1pm", "switch:0", b"off")["output"] is False
    assert control("shellyplus2pm", "cover:0", b"pos,100")["state"] == "opening"
    assert control("shellyplus010v", "light:0", b"on")["output"] is True
    for component, text in (("switch:0", b"ON"), ("switch:1", b"on"), ("input:0", b"on")):
        with pytest.raises(ValueError, match=r"."):
            control("shellyplus1pm", component, text)


def conversation(seed: int) -> list[Publication]:
    home = Household(seed=seed)
    said = home.fleet.hello()
    for age in range(0, 300, 10):
        for name in home.fleet.devices:
            said += home.fleet.report(name, age)
        said += home.fleet.receive("shellies/command", b"update")
        home.call("shellyplus2pm", "Cover.GoToPosition", id=0, pos=age % 100)
    return said


def test_a_seed_is_a_conversation() -> None:
    assert conversation(7) == conversation(7)
    assert conversation(7) != conversation(8)


def test_a_thousand_shellies_have_a_thousand_names() -> None:
    assert len(Household(1000).fleet.devices) == 1000


EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=pytest.mark.long)])
_VALUES = st.none() | st.booleans() | st.integers(-200, 200) | st.floats() | st.text(max_size=3)
_FRAMES = st.fixed_dictionaries(
    {
        "id": _VALUES,
        "src": st.just("me") | _VALUES,
        "method": st.sampled_from(["Switch.Set", "Switch.GetStatus", "Shelly.GetStatus", "Switch.Toggle", "A"]),
    },
    optional={"params": _VALUES | st.dictionaries(st.sampled_from(["id", "on", "toggle_after"]), st.just(0) | _VALUES)},
)
_MESSAGES = st.one_of(
    st.tuples(st.just("rpc"), _FRAMES.map(lambda frame: json.dumps(frame).encode())),
    st.tuples(st.sampled_from(["rpc", "command/switch:0", "command/x"]) | st.text(max_size=9), st.binary(max_size=30)),
)


@EXAMPLES
def test_no_message_breaks_a_shelly(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(_MESSAGES, max_size=5))
    def tried(messages: list[tuple[str, bytes]]) -> None:
        home = Household(3)
        for age, (end, payload) in enumerate(messages):
            for name in (home.ids["shellyplus1pm"], f"shellies/{home.ids['shelly1pm']}"):
                try:
                    answers = home.fleet.receive(f"{name}/{end}", payload)
                except ValueError:
                    continue
                for answer in answers:
                    assert answer.topic
                    assert len(answer.payload) < 10_000
            home.notified("shellyplus1pm", age)

    tried()
