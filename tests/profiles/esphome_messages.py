"""Messages of ESPHome nodes as its documentation and its MQTT components have them (esphome.io/components/mqtt)."""

from collections.abc import Iterator

Message = tuple[str, bytes, bool]

OPTIONS = {"prefixes": ["home/garden"]}

HALL = (
    b'{"ip":"192.168.1.71","name":"hall-climate","friendly_name":"Hall climate","port":6053,"version":"2026.10.1",'
    b'"mac":"a4cf12f00d42","platform":"ESP32","board":"esp32dev","network":"wifi"}'
)
MIXED = (
    b'{"ip":"192.168.1.72","name":"workshop","version":"2025.5.0","mac":"84f3eb112233","platform":"ESP8266",'
    b'"board":"d1_mini","network":"wifi","project_name":"acme.cabinet","project_version":"1.2"}'
)

MESSAGES: list[Message] = [
    ("esphome/discover/hall-climate", HALL, True),
    ("hall-climate/status", b"online", True),
    ("hall-climate/sensor/hall_temperature/state", b"21.5", True),
    ("hall-climate/sensor/hall_temperature/state", b"nan", False),
    ("hall-climate/sensor/esphome_version/state", b"2026.10.1", True),
    ("hall-climate/climate/thermostat/mode/state", b"heat", True),
    ("hall-climate/climate/thermostat/current_temperature/state", b"21.4", True),
    ("hall-climate/climate/thermostat/target_temperature/state", b"22.0", True),
    ("hall-climate/climate/thermostat/action/state", b"heating", True),
    ("hall-climate/climate/thermostat/fan_mode/state", b"auto", True),
    ("workshop/status", b"online", True),
    ("workshop/binary_sensor/door/state", b"OFF", True),
    ("workshop/switch/pump/state", b"ON", True),
    ("esphome/discover/workshop", MIXED, True),
    (
        "workshop/light/strip/state",
        b'{"effect":"None","color_mode":"rgb","state":"ON","brightness":128,"color":{"r":255,"g":128,"b":0}}',
        True,
    ),
    ("workshop/cover/gate/state", b"closed", True),
    ("workshop/cover/blind/state", b"open", True),
    ("workshop/cover/blind/position/state", b"100", True),
    ("workshop/cover/blind/tilt/state", b"50", True),
    ("workshop/fan/exhaust/state", b"ON", True),
    ("workshop/fan/exhaust/speed_level/state", b"3", True),
    ("workshop/fan/exhaust/oscillation/state", b"oscillate_off", True),
    ("workshop/fan/exhaust/direction/state", b"forward", True),
    ("workshop/number/setpoint/state", b"12.5", True),
    ("workshop/select/mode/state", b"Eco", True),
    ("workshop/text/label/state", b"Bench 1", True),
    ("workshop/text_sensor/uptime_text/state", b"2d 4h", True),
    ("workshop/lock/cabinet/state", b"LOCKED", True),
    ("workshop/valve/water/state", b"open", True),
    ("workshop/valve/water/position/state", b"30", True),
    ("workshop/event/bell/state", b'{"event_type":"press"}', False),
    ("workshop/alarm_control_panel/alarm/state", b"DISARMED", True),
    ("workshop/status", b"offline", False),
    ("home/garden/status", b"online", True),
    ("home/garden/sensor/soil_moisture/state", b"41.5", True),
    # Home Assistant says on a topic of the same form that it is there.
    ("homeassistant/status", b"online", True),
]


def wide(count: int) -> Iterator[Message]:
    """One node with so many switches."""
    yield "workshop/status", b"online", True
    for number in range(count):
        yield f"workshop/switch/relay_{number}/state", b"OFF", True
