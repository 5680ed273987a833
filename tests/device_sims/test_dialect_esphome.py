"""The nodes say on MQTT what esphome.io documents, and take the commands that it documents."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.esphome import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]


def fleet(devices: int = 3, seed: int = 1, *, discovery: bool = False) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what), discovery=discovery), recorded


def texts(said: list[Publication]) -> dict[str, str]:
    return {publication.topic: publication.payload.decode() for publication in said}


def test_a_fleet_is_a_dialect() -> None:
    dialect: Dialect = fleet(5)[0]
    assert dialect.devices == ["workshop", "greenhouse", "blind-south", "workshop-2", "greenhouse-2"]
    assert dialect.will == Publication("workshop/status", b"offline", retain=True)


def test_a_node_is_born_online_and_parts_offline() -> None:
    nodes, _ = fleet()
    statuses = [each for each in nodes.hello() if each.topic.endswith("/status")]
    assert statuses == [Publication(f"{node}/status", b"online", retain=True) for node in nodes.devices]
    assert nodes.goodbye() == [Publication(f"{node}/status", b"offline", retain=True) for node in nodes.devices]


def test_every_state_is_retained_below_its_component() -> None:
    nodes, _ = fleet()
    for node in nodes.devices:
        nodes.report(node, 60)
    states = [each for each in nodes.hello() if each.topic.endswith("/state")]
    assert all(each.retain and each.qos == 0 for each in states)
    assert [topic for topic in texts(states) if topic.startswith("workshop/")] == [
        "workshop/sensor/temperature/state",
        "workshop/sensor/humidity/state",
        "workshop/sensor/wifi_signal/state",
        "workshop/binary_sensor/motion/state",
        "workshop/sensor/wifi_ssid/state",
        "workshop/switch/relay/state",
        "workshop/light/lamp/state",
        "workshop/number/fan_speed/state",
        "workshop/select/mode/state",
        "workshop/cover/blind/position/state",
        "workshop/cover/blind/state",
    ]


def test_states_are_bare_texts_and_lights_are_json() -> None:
    nodes, _ = fleet()
    said = texts(nodes.hello())
    assert "workshop/sensor/temperature/state" not in said  # nothing is measured yet
    assert said["workshop/sensor/wifi_ssid/state"] == "workshop"
    assert said["workshop/switch/relay/state"] == "OFF"
    assert said["workshop/number/fan_speed/state"] == "40.000000"
    assert said["workshop/select/mode/state"] == "Auto"
    assert said["workshop/binary_sensor/motion/state"] in {"ON", "OFF"}
    light = json.loads(said["workshop/light/lamp/state"])
    assert light == {"color_mode": "brightness", "state": "ON", "brightness": light["brightness"], "color": {}}
    position = int(said["workshop/cover/blind/position/state"])
    assert said["workshop/cover/blind/state"] == ("open" if position else "closed")


def test_a_reading_has_the_decimals_of_its_sensor() -> None:
    nodes, _ = fleet()
    said = texts(nodes.report("greenhouse", 60))
    decimals = {topic: len(text.partition(".")[2]) for topic, text in said.items() if "/sensor/" in topic}
    assert decimals == {
        "greenhouse/sensor/soil_moisture/state": 1,
        "greenhouse/sensor/air_temperature/state": 2,
        "greenhouse/sensor/illuminance/state": 0,
        "greenhouse/sensor/wifi_signal/state": 0,
    }


def test_a_node_publishes_its_log() -> None:
    nodes, _ = fleet()
    (line,) = [each for each in nodes.report("workshop", 60) if each.topic == "workshop/debug"]
    assert line.payload.startswith(b"\x1b[0;36m[D][sensor:135]: 'Temperature': Sending state ")
    assert not line.retain


def test_whoever_searches_is_answered_by_every_node() -> None:
    nodes, _ = fleet()
    answers = nodes.receive("esphome/discover", b"")
    assert [each.topic for each in answers] == [f"esphome/discover/{node}" for node in nodes.devices]
    assert all(each.retain and each.qos == 2 for each in answers)
    info = json.loads(answers[0].payload)
    assert list(info) == ["ip", "name", "friendly_name", "port", "version", "mac", "platform", "board", "network"]
    assert (info["name"], info["friendly_name"], info["platform"]) == ("workshop", "Workshop", "ESP32")
    assert len(info["mac"]) == 12
    assert "port" not in json.loads(answers[1].payload)  # no native API beside MQTT
    assert answers[0] in nodes.hello()


def test_a_ping_is_answered_by_the_node_that_is_meant() -> None:
    nodes, _ = fleet()
    assert [each.topic for each in nodes.receive("esphome/ping/greenhouse", b"")] == ["esphome/discover/greenhouse"]
    assert nodes.receive("esphome/ping/nobody", b"") == []


def test_with_discovery_a_node_describes_itself_to_home_assistant() -> None:
    assert not [each for each in fleet()[0].hello() if each.topic.startswith("homeassistant/")]
    nodes, _ = fleet(discovery=True)
    configs = {
        each.topic: json.loads(each.payload) for each in nodes.hello() if each.topic.startswith("homeassistant/")
    }
    temperature = configs["homeassistant/sensor/workshop/temperature/config"]
    device = temperature.pop("dev")
    assert temperature == {
        "dev_cla": "temperature",
        "unit_of_meas": "°C",
        "stat_cla": "measurement",
        "name": "Temperature",
        "stat_t": "workshop/sensor/temperature/state",
        "avty_t": "workshop/status",
        "uniq_id": "ESPsensortemperature",
    }
    assert device["cns"] == [["mac", device["ids"]]]
    assert (device["name"], device["mdl"], device["mf"]) == ("Workshop", "esp32dev", "Espressif")
    number = configs["homeassistant/number/workshop/fan_speed/config"]
    assert (number["min"], number["max"], number["step"], number["unit_of_meas"]) == (0, 100, 1, "%")
    assert configs["homeassistant/select/workshop/mode/config"]["ops"] == ["Auto", "Eco", "Boost"]
    assert configs["homeassistant/light/workshop/lamp/config"]["schema"] == "json"
    button = configs["homeassistant/button/workshop/restart/config"]
    assert "stat_t" not in button
    assert button["cmd_t"] == "workshop/button/restart/command"
    cover = configs["homeassistant/cover/blind-south/blind/config"]
    assert cover["set_pos_t"] == "blind-south/cover/blind/position/command"
    assert (cover["pos_t"], cover["stat_t"]) == (
        "blind-south/cover/blind/position/state",
        "blind-south/cover/blind/state",
    )


@pytest.mark.parametrize(
    ("command", "payload", "state", "done"),
    [
        ("switch/relay/command", b"ON", {"switch/relay/state": "ON"}, ("relay", True)),
        ("switch/relay/command", b"toggle", {"switch/relay/state": "ON"}, ("relay", True)),
        ("number/fan_speed/command", b"55.5", {"number/fan_speed/state": "55.500000"}, ("fan_speed", 55.5)),
        ("select/mode/command", b"Boost", {"select/mode/state": "Boost"}, ("mode", "Boost")),
        ("button/restart/command", b"PRESS", {}, ("restart", "PRESS")),
    ],
)
def test_a_command_is_answered_by_the_state(
    command: str, payload: bytes, state: dict[str, str], done: tuple[str, Value]
) -> None:
    nodes, recorded = fleet()
    said = texts(nodes.receive(f"workshop/{command}", payload))
    assert said == {f"workshop/{end}": text for end, text in state.items()}
    assert recorded == [("workshop", *done)]


def test_a_light_takes_json() -> None:
    nodes, recorded = fleet()
    (said,) = nodes.receive("workshop/light/lamp/command", b'{"state":"ON","brightness":64,"transition":2}')
    assert json.loads(said.payload)["brightness"] == 64
    (said,) = nodes.receive("workshop/light/lamp/command", b'{"state":"OFF"}')
    assert json.loads(said.payload) == {"color_mode": "brightness", "state": "OFF", "brightness": 64, "color": {}}
    assert recorded == [
        ("workshop", "lamp", True),
        ("workshop", "lamp.brightness", 64),
        ("workshop", "lamp", False),
    ]


def test_a_cover_tells_its_position_while_it_moves() -> None:
    nodes, recorded = fleet()
    state, position = "blind-south/cover/blind/state", "blind-south/cover/blind/position/state"
    nodes.receive("blind-south/cover/blind/command", b"CLOSE")
    nodes.report("blind-south", 100)
    assert texts(nodes.receive("blind-south/cover/blind/position/command", b"60"))[state] == "opening"
    said = texts(nodes.report("blind-south", 105))
    assert (said[position], said[state]) == ("20", "opening")
    said = texts(nodes.report("blind-south", 120))
    assert (said[position], said[state]) == ("60", "open")
    assert position not in texts(nodes.report("blind-south", 121))
    assert texts(nodes.receive("blind-south/cover/blind/command", b"CLOSE"))[state] == "closing"
    nodes.report("blind-south", 123)
    assert texts(nodes.receive("blind-south/cover/blind/command", b"STOP")) == {position: "52", state: "open"}
    assert [(point, value) for _, point, value in recorded] == [
        ("blind.position", 0),
        ("blind.position", 60),
        ("blind.position", 0),
        ("blind", "STOP"),
    ]


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("switch/relay/command", b"maybe"),
        ("switch/relay/command", b"\xff"),
        ("light/lamp/command", b"ON"),
        ("light/lamp/command", b"[" * 100_000),
        ("light/lamp/command", b'{"state":"maybe"}'),
        ("number/fan_speed/command", b"101"),
        ("number/fan_speed/command", b"1_0"),
        ("number/fan_speed/command", b"nan"),
        ("number/fan_speed/command", b"1e999"),
        ("select/mode/command", b"boost"),
        ("button/restart/command", b"press"),
        ("cover/blind/command", b"HALT"),
        ("cover/blind/position/command", b"half"),
        ("sensor/temperature/command", b"21"),
        ("switch/relay/state", b"ON"),
    ],
)
def test_what_a_node_does_not_understand_is_an_error_and_moves_nothing(command: str, payload: bytes) -> None:
    nodes, recorded = fleet()
    before = nodes.hello()
    with pytest.raises(ValueError):  # noqa: PT011 - some words are those of libraries
        nodes.receive(f"workshop/{command}", payload)
    assert recorded == []
    assert nodes.hello() == before


def conversation(seed: int) -> list[Publication]:
    nodes, _ = fleet(seed=seed)
    said = nodes.hello()
    for age in range(0, 300, 10):
        for node in nodes.devices:
            said += nodes.report(node, age)
        said += nodes.receive("workshop/cover/blind/command", b"TOGGLE")
    return said


def test_a_seed_is_a_conversation() -> None:
    assert conversation(7) == conversation(7)
    assert conversation(7) != conversation(8)


EXAMPLES = pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=pytest.mark.long)])
_TOPICS = [
    *(f"workshop/{c}/command" for c in ("switch/relay", "light/lamp", "number/fan_speed", "select/mode")),
    *(f"workshop/cover/blind/{end}command" for end in ("", "position/")),
    "esphome/discover",
]
_PAYLOADS = st.sampled_from(
    [b"ON", b"TOGGLE", b"OPEN", b"50", b"-1e5", b'{"state":"ON","brightness":1e400}', b'{"brightness":0}']
) | st.binary(max_size=30)


@EXAMPLES
def test_no_message_breaks_a_node(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(st.tuples(st.sampled_from(_TOPICS) | st.text(max_size=20), _PAYLOADS), max_size=6))
    def tried(messages: list[tuple[str, bytes]]) -> None:
        nodes, _ = fleet()
        for age, (topic, payload) in enumerate(messages):
            try:
                nodes.receive(topic, payload)
            except ValueError:
                continue
            finally:
                nodes.report("workshop", age)
        assert json.loads(texts(nodes.hello())["workshop/light/lamp/state"])

    tried()
