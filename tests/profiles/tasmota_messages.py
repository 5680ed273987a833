"""Messages of Tasmota as its documentation and its discovery message show them (tasmota.github.io/docs/MQTT)."""

import json
from collections.abc import Iterator
from typing import Any

Message = tuple[str, bytes, bool]


def config(mac: str, topic: str, **members: Any) -> dict[str, Any]:
    """A discovery message of a plug with one relay, with other members where they are given."""
    return {
        "ip": "192.168.1.60",
        "dn": "Tasmota",
        "fn": ["Tasmota", None, None, None, None, None, None, None],
        "hn": f"tasmota-{mac[-6:]}-1234",
        "mac": mac,
        "md": "Sonoff Basic",
        "ty": 0,
        "if": 0,
        "ofln": "Offline",
        "onln": "Online",
        "state": ["OFF", "ON", "TOGGLE", "HOLD"],
        "sw": "14.2.0",
        "t": topic,
        "ft": "%prefix%/%topic%/",
        "tp": ["cmnd", "stat", "tele"],
        "rl": [1, 0, 0, 0, 0, 0, 0, 0],
        "swc": [-1, -1, -1, -1, -1, -1, -1, -1],
        "swn": [None, None, None, None, None, None, None, None],
        "btn": [0, 0, 0, 0, 0, 0, 0, 0],
        "so": {"4": 0, "11": 0, "13": 0, "17": 0, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0, "117": 0},
        "lk": 0,
        "lt_st": 0,
        "sho": [0, 0, 0, 0],
        "ver": 1,
        **members,
    }


def discovery(mac: str, members: dict[str, Any]) -> Message:
    """The discovery message, as it is left at the broker."""
    return f"tasmota/discovery/{mac}/config", json.dumps(members).encode(), True


POW = "DC4F22A1B2C3"
LAMP = "84F3EB010203"
BLIND = "3C61051A2B3C"
SWITCHES = "98F4AB0A0B0C"
FAN = "5CCF7F112233"

_POW = config(POW, "washer", dn="Washing machine", fn=["Washer"] + [None] * 7, md="Sonoff Pow R2")
_LAMP = config(LAMP, "lamp", dn="Desk lamp", fn=["Lamp"] + [None] * 7, md="MagicHome", rl=[2] + [0] * 7, lt_st=5)
_BLIND = config(BLIND, "blind", dn="Blind", md="Shelly 2.5", rl=[3, 3, 1] + [0] * 5)
_SWITCHES = config(
    SWITCHES, "hall", dn="Hall", fn=["Ceiling", "Mirror"] + [None] * 6, rl=[1, 1] + [0] * 6, ft="home/%topic%/%prefix%/"
)
_FAN = config(FAN, "fan", dn="Fan", rl=[2] + [0] * 7, **{"if": 1})

_STATE = b"""{"Time":"2026-02-23T19:49:19","Uptime":"0T01:05:10","UptimeSec":3910,"Heap":28,"SleepMode":"Dynamic",
"Sleep":50,"LoadAvg":19,"MqttCount":1,"POWER":"OFF","Wifi":{"AP":1,"SSId":"home","BSSId":"AA:BB:CC:DD:EE:FF",
"Channel":6,"Mode":"11n","RSSI":70,"Signal":-65,"LinkCount":1,"Downtime":"0T00:00:04"}}"""
_LAMP_STATE = b"""{"Time":"2026-02-23T19:49:19","Uptime":"0T01:05:10","UptimeSec":3910,"Vcc":3.43,"Heap":26,
"SleepMode":"Dynamic","Sleep":10,"LoadAvg":99,"MqttCount":1,"POWER":"ON","Dimmer":40,"Color":"6628000000",
"HSBColor":"24,100,40","White":0,"CT":153,"Channel":[40,16,0,0,0],"Scheme":0,"Fade":"OFF","Speed":1,"LedTable":"ON",
"Wifi":{"AP":1,"SSId":"home","BSSId":"AA:BB:CC:DD:EE:FF","Channel":6,"RSSI":100,"Signal":-38}}"""
_ENERGY = b"""{"Time":"2026-02-23T19:49:19","ENERGY":{"TotalStartTime":"2025-09-03T13:02:25","Total":167.743,
"Yesterday":0.779,"Today":0.045,"Period":0,"Power":3,"ApparentPower":25,"ReactivePower":25,"Factor":0.06,
"Voltage":239,"Current":0.106},"ESP32":{"Temperature":47.2},"TempUnit":"C"}"""

MESSAGES: list[Message] = [
    discovery(POW, _POW),
    (
        f"tasmota/discovery/{POW}/sensors",
        b'{"sn":{"Time":"2026-02-23T18:44:24","ENERGY":{"TotalStartTime":"2025-09-03T13:02:25","Total":167.7,'
        b'"Power":null,"Voltage":null,"Current":null},"ESP32":{"Temperature":null},"TempUnit":"C"},"ver":1}',
        True,
    ),
    ("tele/washer/LWT", b"Online", True),
    ("tele/washer/INFO1", b'{"Info1":{"Module":"Sonoff Pow R2","Version":"14.2.0","FallbackTopic":"cmnd/x/"}}', False),
    ("tele/washer/STATE", _STATE, False),
    ("tele/washer/SENSOR", _ENERGY, False),
    ("stat/washer/RESULT", b'{"POWER":"ON"}', False),
    ("stat/washer/POWER", b"ON", False),
    ("stat/washer/STATUS8", b'{"StatusSNS":{"Time":"2026-02-23T19:50:00","ENERGY":{"Power":12}}}', False),
    ("stat/washer/STATUS10", b'{"StatusSNS":{"Time":"2026-02-23T19:50:00","ENERGY":{"Power":13}}}', False),
    ("stat/washer/STATUS11", b'{"StatusSTS":' + _STATE + b"}", False),
    ("stat/washer/STATUS", b'{"Status":{"Module":1,"DeviceName":"Washing machine","Topic":"washer","Power":1}}', False),
    ("tele/lamp/LWT", b"Online", True),
    discovery(LAMP, _LAMP),
    ("tele/lamp/STATE", _LAMP_STATE, False),
    ("stat/lamp/RESULT", b'{"POWER":"ON","Dimmer":55,"Color":"8C37000000","HSBColor":"24,100,55"}', False),
    # Its sensors are told before the device itself.
    (f"tasmota/discovery/{BLIND}/sensors", b'{"sn":{"Time":"2026-02-23T18:44:24"},"ver":1}', True),
    discovery(BLIND, _BLIND),
    ("stat/blind/RESULT", b'{"Shutter1":{"Position":30,"Direction":-1,"Target":20,"Tilt":0}}', False),
    (
        "tele/blind/SENSOR",
        b'{"Time":"2026-02-23T18:44:24","Shutter1":{"Position":20,"Direction":0,"Target":20}}',
        False,
    ),
    ("tele/blind/RESULT", b'{"Button1":{"Action":"SINGLE"}}', False),
    discovery(SWITCHES, _SWITCHES),
    ("home/hall/tele/LWT", b"Offline", True),
    ("home/hall/tele/STATE", b'{"Time":"2026-02-23T19:49:19","POWER1":"ON","POWER2":"OFF"}', False),
    ("home/hall/stat/POWER2", b"ON", False),
    discovery(FAN, _FAN),
    ("tele/fan/STATE", b'{"Time":"2026-02-23T19:49:19","POWER1":"OFF","FanSpeed":2}', False),
    ("stat/fan/RESULT", b'{"FanSpeed":3}', False),
    # A device that leaves no discovery messages (SetOption19).
    ("tele/shed/LWT", b"Online", True),
    ("tele/shed/STATE", _STATE, False),
    (
        "tele/shed/SENSOR",
        b'{"Time":"2026-02-23T19:49:19","AM2301":{"Temperature":21.5,"Humidity":48.0,"DewPoint":10.1},'
        b'"BMP280":{"Temperature":21.4,"Pressure":1003.9},"BH1750":{"Illuminance":120},"Switch1":"ON",'
        b'"PressureUnit":"hPa","TempUnit":"C"}',
        False,
    ),
]


def many(count: int) -> Iterator[Message]:
    """So many plugs."""
    for number in range(count):
        mac = f"DC4F22{number:06X}"
        yield discovery(mac, config(mac, f"tasmota_{mac[-6:]}"))


def wide(count: int) -> Iterator[Message]:
    """One plug with so many thermometers."""
    yield discovery(POW, _POW)
    for number in range(count):
        yield "tele/washer/SENSOR", b'{"DS18B20-%d":{"Temperature":21.5}}' % number, False
