"""The hub and its children follow the Homie convention, version 5."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.homie import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]


def fleet(devices: int = 7, seed: int = 1) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what)), recorded


def description(hub: Fleet, device: str) -> Any:
    [said] = [each for each in hub.hello() if each.topic == f"homie/5/{device}/$description"]
    return json.loads(said.payload)


def brief(said: list[Publication]) -> list[tuple[str, str]]:
    return [(each.topic.removeprefix("homie/5/"), each.payload.decode()) for each in said]


class TestHello:
    def test_a_fleet_is_a_dialect(self) -> None:
        dialect: Dialect = fleet()[0]
        assert list(dialect.devices) == [
            "hub",
            "light-1",
            "thermostat-1",
            "valve-1",
            "meter-1",
            "doorbell-1",
            "light-2",
        ]
        assert dialect.will == Publication("homie/5/hub/$state", b"lost", retain=True, qos=2)
        assert brief(dialect.goodbye()) == [("hub/$state", "disconnected")]

    def test_a_device_is_ready_once_all_is_said(self) -> None:
        said = brief(fleet()[0].hello())
        for device in fleet()[0].devices:
            own = [(topic, text) for topic, text in said if topic.startswith(f"{device}/")]
            assert own[0] == (f"{device}/$state", "init")
            assert own[1][0] == f"{device}/$description"
            assert own[-1] == (f"{device}/$state", "ready")

    def test_everything_that_is_no_event_is_retained(self) -> None:
        hub, _ = fleet()
        assert all(each.retain and each.qos == 2 for each in hub.hello())
        for device in hub.devices:
            events = [each.topic for each in hub.report(device, 1.0) if not each.retain]
            assert events == (["homie/5/doorbell-1/button/press"] if device == "doorbell-1" else [])

    def test_a_description_is_that_of_the_convention(self) -> None:
        assert description(fleet()[0], "thermostat-1") == {
            "homie": "5.0",
            "version": 1,
            "name": "Thermostat 1",
            "type": "thermostat",
            "children": ["valve-1"],
            "root": "hub",
            "nodes": {
                "air": {
                    "name": "Air",
                    "properties": {
                        "temperature": {"name": "Temperature", "datatype": "float", "unit": "°C"},
                        "humidity": {"name": "Humidity", "datatype": "integer", "format": "0:100", "unit": "%"},
                    },
                },
                "control": {
                    "name": "Control",
                    "properties": {
                        "setpoint": {
                            "name": "Setpoint",
                            "datatype": "float",
                            "format": "5:30:0.5",
                            "unit": "°C",
                            "settable": True,
                        },
                        "mode": {"name": "Mode", "datatype": "enum", "format": "off,heat,cool", "settable": True},
                    },
                },
            },
        }

    def test_children_name_their_root_and_their_parent_where_it_is_another(self) -> None:
        hub, _ = fleet()
        assert "root" not in description(hub, "hub")
        assert description(hub, "hub")["children"] == ["light-1", "thermostat-1", "meter-1", "doorbell-1", "light-2"]
        assert "parent" not in description(hub, "light-1")
        assert (description(hub, "valve-1")["root"], description(hub, "valve-1")["parent"]) == ("hub", "thermostat-1")

    def test_every_retained_property_has_a_value_from_the_start(self) -> None:
        hub, _ = fleet()
        said = dict(brief(hub.hello()))
        for device in hub.devices:
            for node, described in description(hub, device)["nodes"].items():
                for name, property in described["properties"].items():
                    assert (f"{device}/{node}/{name}" in said) is property.get("retained", True)

    def test_a_hub_may_be_alone(self) -> None:
        hub, _ = fleet(1)
        assert list(hub.devices) == ["hub"]
        assert "children" not in description(hub, "hub")


class TestCommands:
    @pytest.mark.parametrize(
        ("path", "text", "value"),
        [
            ("light-1/lamp/power", "false", False),
            ("light-1/lamp/color", "rgb,0,255,7", "rgb,0,255,7"),
            ("thermostat-1/control/setpoint", "21.5", 21.5),
            ("thermostat-1/control/mode", "cool", "cool"),
            ("hub/siren/on", "true", True),
        ],
    )
    def test_a_value_that_is_set_is_published(self, path: str, text: str, value: Value) -> None:
        hub, recorded = fleet()
        [said] = hub.receive(f"homie/5/{path}/set", text.encode())
        assert said == Publication(f"homie/5/{path}", text.encode(), retain=True, qos=2)
        device, _, property = path.partition("/")
        assert recorded == [(device, property, value)]
        assert (path, text) in brief(hub.report(device, 1.0))

    def test_a_lamp_says_its_target_and_dims_until_it_is_there(self) -> None:
        hub, _ = fleet()
        assert brief(hub.receive("homie/5/light-1/lamp/brightness/set", b"80")) == [
            ("light-1/lamp/brightness/$target", "80")
        ]
        for age, percent in ((1.0, "60"), (2.0, "80"), (3.0, "80")):
            said = dict(brief(hub.report("light-1", age)))
            assert said["light-1/lamp/brightness/$target"] == "80"
            assert said["light-1/lamp/brightness"] == percent

    def test_what_is_not_retained_is_no_state(self) -> None:
        hub, recorded = fleet()
        assert hub.receive("homie/5/doorbell-1/chime/ring/set", b"twice") == [
            Publication("homie/5/doorbell-1/chime/ring", b"twice")
        ]
        assert recorded == [("doorbell-1", "chime/ring", "twice")]
        assert "doorbell-1/chime/ring" not in dict(brief(hub.hello()))

    @pytest.mark.parametrize(
        ("path", "payload"),
        [
            ("light-1/lamp/power", b"ON"),
            ("light-1/lamp/power", b"TRUE"),
            ("light-1/lamp/brightness", b"101"),
            ("light-1/lamp/brightness", b"50.5"),
            ("light-1/lamp/brightness", b""),
            ("light-1/lamp/color", b"rgb,0,0,256"),
            ("light-1/lamp/color", b"0,0,0"),
            ("thermostat-1/control/setpoint", b"31"),
            ("thermostat-1/control/setpoint", b"nan"),
            ("thermostat-1/control/setpoint", b"\xff"),
            ("thermostat-1/control/mode", b"Heat"),
            ("thermostat-1/air/temperature", b"20"),
            ("thermostat-1/air/pressure", b"20"),
            ("light-9/lamp/power", b"true"),
        ],
    )
    def test_what_cannot_be_set_is_an_error(self, path: str, payload: bytes) -> None:
        hub, recorded = fleet()
        with pytest.raises(ValueError):  # noqa: PT011 - some of the words are Python's
            hub.receive(f"homie/5/{path}/set", payload)
        assert recorded == []

    @given(
        st.sampled_from(["light-1/lamp/brightness", "light-1/lamp/color", "thermostat-1/control/setpoint"]),
        st.binary(max_size=12) | st.from_regex(r"-?[0-9]{1,400}(e[0-9]{1,4})?").map(str.encode),
    )
    def test_any_payload_is_obeyed_or_an_error(self, path: str, payload: bytes) -> None:
        hub, recorded = fleet()
        try:
            hub.receive(f"homie/5/{path}/set", payload)
        except ValueError:
            assert recorded == []
        else:
            assert len(recorded) == 1


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    def said(seed: int) -> list[Publication]:
        hub, _ = fleet(seed=seed)
        return hub.hello() + [each for device in hub.devices for each in hub.report(device, 3.5)]

    assert said(1) == said(1) != said(2)
