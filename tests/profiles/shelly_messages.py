"""Messages of Shelly devices as their documentation shows them (shelly-api-docs.shelly.cloud), of both generations."""

import json
from collections.abc import Iterator
from typing import Any

Message = tuple[str, bytes, bool]

OPTIONS = {"src": "fieldgate", "prefixes": ["home/attic/heater"]}

PLUS = "shellyplus1pm-a8032abe54dc"
PM = "shelly1pm-84CCA8AE2F66"
DIMMER = "shellydimmer2-E09806966EFB"


def announce(id: str, model: str, mac: str) -> bytes:
    """What a device of the first generation says of itself."""
    members = {"id": id, "model": model, "mac": mac, "ip": "192.168.2.229", "new_fw": False}
    return json.dumps({**members, "fw_ver": "20230913-112234/v1.14.0-gcb84623"}).encode()


def notification(src: str, prefix: str, method: str, params: dict[str, Any]) -> Message:
    """What a device of the second generation tells by itself."""
    frame = {"src": src, "dst": f"{prefix}/events", "method": method, "params": params}
    return f"{prefix}/events/rpc", json.dumps(frame).encode(), False


def answer(src: str, prefix: str, id: int | str, **members: Any) -> Message:
    """What a device of the second generation answers."""
    frame = {"id": id, "src": src, "dst": f"fieldgate/{prefix}", **members}
    return f"fieldgate/{prefix}/rpc", json.dumps(frame).encode(), False


SWITCH: dict[str, Any] = {
    "id": 0,
    "source": "WS_in",
    "output": False,
    "apower": 0.0,
    "voltage": 224.3,
    "current": 0.0,
    "aenergy": {"total": 1158.142, "by_minute": [0.0, 0.0, 0.0], "minute_ts": 1626935774},
    "temperature": {"tC": 53.3, "tF": 127.9},
}
STATUS: dict[str, Any] = {
    "ble": {},
    "cloud": {"connected": True},
    "input:0": {"id": 0, "state": False},
    "mqtt": {"connected": True},
    "switch:0": SWITCH,
    "sys": {"mac": "A8032ABE54DC", "restart_required": False, "time": "16:06", "unixtime": 1650035219, "uptime": 11081,
            "ram_size": 234188, "ram_free": 154976, "cfg_rev": 10, "available_updates": {"stable": {"version": "1.5"}}},
    "wifi": {"sta_ip": "192.168.33.1", "status": "got ip", "ssid": "home", "rssi": -58},
    "ws": {"connected": False},
}  # fmt: skip
INFO = {
    "name": "Boiler", "id": PLUS, "mac": "A8032ABE54DC", "slot": 1, "model": "SNSW-001P16EU", "gen": 2,
    "fw_id": "20241011-114455/1.4.4-g6d2a586", "ver": "1.4.4", "app": "Plus1PM", "auth_en": False,
}  # fmt: skip
COVER = {
    "id": 0, "source": "limit_switch", "state": "open", "apower": 0.0, "voltage": 230.1, "current": 0.0, "pf": 0.0,
    "freq": 50.0, "aenergy": {"total": 12.5, "by_minute": [0, 0, 0], "minute_ts": 1654604000},
    "temperature": {"tC": 42.5, "tF": 108.5}, "pos_control": True, "last_direction": "open", "current_pos": 100,
}  # fmt: skip
EM: dict[str, Any] = {
    "id": 0, "a_current": 0.031, "a_voltage": 239.1, "a_act_power": 1.7, "a_aprt_power": 7.4, "a_pf": 0.61,
    "a_freq": 50.0, "n_current": None, "total_current": 0.031, "total_act_power": 1.7, "total_aprt_power": 7.4,
    "user_calibrated_phase": [],
}  # fmt: skip

MESSAGES: list[Message] = [
    # The first generation.
    (f"shellies/{PM}/online", b"true", True),
    ("shellies/announce", announce(PM, "SHSW-PM", "84CCA8AE2F66"), False),
    (f"shellies/{PM}/announce", announce(PM, "SHSW-PM", "84CCA8AE2F66"), False),
    (f"shellies/{PM}/relay/0", b"on", False),
    (f"shellies/{PM}/relay/0/power", b"20.18", False),
    (f"shellies/{PM}/relay/0/energy", b"12345", False),
    (f"shellies/{PM}/input/0", b"0", False),
    (f"shellies/{PM}/input_event/0", b'{"event":"S","event_cnt":2}', False),
    (f"shellies/{PM}/longpush/0", b"0", False),
    (f"shellies/{PM}/temperature", b"45.33", False),
    (f"shellies/{PM}/temperature_f", b"113.59", False),
    (f"shellies/{PM}/overtemperature", b"0", False),
    (f"shellies/{PM}/temperature_status", b"Normal", False),
    (f"shellies/{PM}/relay/0", b"overpower", False),
    (f"shellies/{PM}/relay/0/command", b"on", False),
    (f"shellies/{DIMMER}/announce", announce(DIMMER, "SHDM-2", "E09806966EFB"), False),
    (f"shellies/{DIMMER}/light/0", b"off", False),
    (
        f"shellies/{DIMMER}/light/0/status",
        b'{"ison":false,"source":"mqtt","has_timer":false,"timer_started":0,"timer_duration":0,"timer_remaining":0,'
        b'"mode":"white","brightness":5,"transition":0}',
        False,
    ),
    (f"shellies/{DIMMER}/light/0/power", b"0.00", False),
    ("shellies/shellyrgbw2-A1B2C3/color/0", b"on", True),
    (
        "shellies/shellyrgbw2-A1B2C3/color/0/status",
        b'{"ison":true,"has_timer":false,"timer_remaining":0,"mode":"color","red":255,"green":0,"blue":128,"white":0,'
        b'"gain":50,"effect":0,"power":9.2,"overpower":false}',
        True,
    ),
    ("shellies/shellyswitch25-C45BBE/roller/0", b"stop", False),
    ("shellies/shellyswitch25-C45BBE/roller/0/pos", b"42", False),
    ("shellies/shellyswitch25-C45BBE/roller/0/stop_reason", b"normal", False),
    ("shellies/shellyswitch25-C45BBE/voltage", b"231.40", False),
    ("shellies/shellyht-123456/online", b"false", True),
    ("shellies/shellyht-123456/sensor/temperature", b"29.62", False),
    ("shellies/shellyht-123456/sensor/humidity", b"43.5", False),
    ("shellies/shellyht-123456/sensor/battery", b"100", False),
    ("shellies/shellyht-123456/sensor/act_reasons", b'["button"]', False),
    ("shellies/shellyht-123456/sensor/ext_power", b"false", False),
    (
        "shellies/shellyht-123456/info",
        b'{"mac":"F4CFA2123456","is_valid":true,"tmp":{"value":29.62,"units":"C","tC":29.62,"tF":85.32,"is_valid":true},'
        b'"hum":{"value":43.5},"bat":{"value":100,"voltage":2.95}}',
        False,
    ),
    ("shellies/shellyem3-485519D9/emeter/0/power", b"512.30", False),
    ("shellies/shellyem3-485519D9/emeter/0/total", b"10234.5", False),
    ("shellies/shellyem3-485519D9/emeter/0/pf", b"0.98", False),
    ("shellies/shellydw2-73BEF1/sensor/state", b"open", False),
    ("shellies/shellydw2-73BEF1/sensor/vibration", b"-1", False),
    ("shellies/shellydw2-73BEF1/sensor/lux", b"120", False),
    ("shellies/shellyflood-764A01/sensor/flood", b"false", False),
    ("shellies/shellyuni-98CDAC/adc/0", b"11.95", False),
    (
        "shellies/shellymotionsensor-60A423/announce",
        announce("shellymotionsensor-60A423", "SHMOS-01", "60A423976594"),
        False,
    ),
    (
        "shellies/shellymotionsensor-60A423/status",
        b'{"motion":true,"timestamp":1606137722,"active":true,"vibration":false,"lux":21,"bat":98}',
        False,
    ),
    # The second and what follows.
    (f"{PLUS}/online", b"true", True),
    answer(PLUS, PLUS, "info", result=INFO),
    answer(PLUS, PLUS, "status", result=STATUS),
    notification(PLUS, PLUS, "NotifyFullStatus", {"ts": 1736604018.38, **STATUS}),
    notification(
        PLUS, PLUS, "NotifyStatus", {"ts": 1631266595.43, "switch:0": {"id": 0, "output": True, "apower": 8.9}}
    ),
    notification(
        PLUS,
        PLUS,
        "NotifyEvent",
        {
            "ts": 1631266595.44,
            "events": [{"component": "input:0", "id": 0, "event": "single_push", "ts": 1631266595.44}],
        },
    ),
    (f"{PLUS}/status/switch:0", json.dumps(SWITCH).encode(), False),
    answer(PLUS, PLUS, 17, result={"was_on": False}),
    answer(PLUS, PLUS, 18, error={"code": -103, "message": "Argument 'on' is missing!"}),
    notification("shellyplus2pm-441793a1b2c3", "blinds", "NotifyStatus", {"ts": 1654604007.02, "cover:0": COVER}),
    notification("shellypro3em-34987a45dc00", "cellar/meter", "NotifyStatus", {"ts": 1660644101.13, "em:0": EM}),
    ("cellar/meter/online", b"true", True),
    ("home/attic/heater/online", b"true", True),
    (
        "home/attic/heater/status/light:0",
        b'{"id":0,"source":"HTTP_in","output":true,"brightness":50,"errors":["overpower"]}',
        False,
    ),
    notification(
        "shellyhtg3-543204539b34",
        "shellyhtg3-543204539b34",
        "NotifyFullStatus",
        {
            "ts": 1751638859.91,
            "devicepower:0": {"id": 0, "battery": {"V": 6.13, "percent": 100}, "external": {"present": False}},
            "humidity:0": {"id": 0, "rh": 50.8},
            "temperature:0": {"id": 0, "tC": 24.3, "tF": 75.7},
        },
    ),
]


def many(count: int) -> Iterator[Message]:
    """So many plugs."""
    for number in range(count):
        yield f"shellies/shellyplug-s-{number:06X}/relay/0", b"off", False


def wide(count: int) -> Iterator[Message]:
    """One device with so many thermometers."""
    yield f"{PLUS}/online", b"true", True
    for number in range(count):
        status = {"id": number, "tC": 21.5, "tF": 70.7}
        yield notification(PLUS, PLUS, "NotifyStatus", {"ts": 1631266595.43, f"temperature:{number}": status})
