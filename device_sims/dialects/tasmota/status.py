"""What a board with Tasmota answers to `Status`."""

from __future__ import annotations

from device_sims.dialects.base import Publication
from device_sims.dialects.hardware import compact
from device_sims.dialects.tasmota.board import GROUP, SHUTTER_SECONDS, VERSION, Board
from device_sims.dialects.tasmota.models import Telling

ALL, PLAIN = 0, -99  # of the number after `Status`; without one it is the short form


def status(board: Board, number: int, *, together: bool) -> list[Publication]:
    """The messages of that number: all for 0, in one where they are wanted together, none where there is no such."""
    told: dict[str, Telling] = {
        "": {"Status": _parameters(board)},
        "1": {"StatusPRM": _settings(board)},
        "2": {"StatusFWR": _firmware()},
        "3": {"StatusLOG": _logging()},
        "4": {"StatusMEM": _memory()},
        "5": {"StatusNET": _network(board)},
        "6": {"StatusMQT": _mqtt(board)},
        "7": {"StatusTIM": _clock(board)},
        "10": {"StatusSNS": board.sensors()},
        "11": {"StatusSTS": board.state()},
    }
    if board.model.metered:
        told["9"] = {"StatusPTH": _margins()}
    if board.model.shutters:
        told["13"] = {"StatusSHT": _shutter()}
    if together:
        return [board.stat("STATUS0", compact({key: value for part in told.values() for key, value in part.items()}))]
    if number == ALL:
        order = sorted(told, key=lambda name: int(name or 0))
        return [board.stat(f"STATUS{name}", compact(told[name])) for name in order]
    if number == 8:
        return [board.stat("STATUS8", compact(told["10"]))]
    name = "" if number == PLAIN else str(number)
    return [board.stat(f"STATUS{name}", compact(told[name]))] if name in told else []


def _parameters(board: Board) -> Telling:
    names = [board.model.name, *(f"{board.model.name}{i}" for i in range(2, len(board.power) + 1))]
    return {
        "Module": 0,
        "DeviceName": board.model.name,
        "FriendlyName": names,
        "Topic": board.topic,
        "ButtonTopic": "0",
        "Power": sum(1 << i for i, on in enumerate(board.power) if on),
        "PowerOnState": 3,
        "LedState": 1,
        "LedMask": "FFFF",
        "SaveData": 1,
        "SaveState": 1,
        "SwitchTopic": "0",
        "SwitchMode": [0] * 28,
        "ButtonRetain": 0,
        "SwitchRetain": 0,
        "SensorRetain": 0,
        "PowerRetain": 0,
        "InfoRetain": 0,
        "StateRetain": 0,
    }


def _settings(board: Board) -> Telling:
    state = board.state()
    return {
        "Baudrate": 115200,
        "SerialConfig": "8N1",
        "GroupTopic": GROUP,
        "OtaUrl": "",
        "RestartReason": "Power On",
        "Uptime": state["Uptime"],
        "StartupUTC": board.time(-12),
        "Sleep": 50,
        "CfgHolder": 4617,
        "BootCount": 7,
        "BCResetTime": board.time(-86_400 * 30),
        "SaveCount": 61,
        "SaveAddress": "FA000",
    }


def _firmware() -> Telling:
    return {
        "Version": f"{VERSION}(tasmota)",
        "BuildDateTime": "2024-02-14T12:23:33",
        "Boot": 31,
        "Core": "2_7_6",
        "SDK": "2.2.2-dev(38a443e)",
        "CpuFrequency": 80,
        "Hardware": "ESP8266EX",
        "CR": "396/699",
    }


def _logging() -> Telling:
    return {
        "SerialLog": 2,
        "WebLog": 2,
        "MqttLog": 0,
        "SysLog": 0,
        "LogHost": "",
        "LogPort": 514,
        "SSId": ["workshop", ""],
        "TelePeriod": 300,
        "Resolution": "558180C0",
        "SetOption": [
            "00008009",
            "2805C80001000600003C5A0A192800000000",
            "00000080",
            "00006000",
            "00004000",
            "00000000",
        ],
    }


def _memory() -> Telling:
    return {
        "ProgramSize": 635,
        "Free": 368,
        "Heap": 25,
        "ProgramFlashSize": 1024,
        "FlashSize": 1024,
        "FlashChipId": "14405E",
        "FlashFrequency": 40,
        "FlashMode": "DOUT",
        "Features": ["0809", "8F9AC787", "04368001", "000000CF", "010013C0", "C000F981", "00004004", "00001000"],
        "Drivers": "1,2,3,4,5,6,7,8,9,10,12,16,18,19,20,21,22,24,26,27,29,30,35,37,45",
        "Sensors": "1,2,3,4,5,6",
    }


def _network(board: Board) -> Telling:
    return {
        "Hostname": board.hostname,
        "IPAddress": board.network,
        "Gateway": "192.168.20.1",
        "Subnetmask": "255.255.0.0",
        "DNSServer1": "192.168.20.1",
        "DNSServer2": "0.0.0.0",
        "Mac": ":".join(board.address[i : i + 2] for i in range(0, 12, 2)),
        "Webserver": 2,
        "HTTP_API": 1,
        "WifiConfig": 4,
        "WifiPower": 17.0,
    }


def _mqtt(board: Board) -> Telling:
    return {
        "MqttHost": "192.168.20.1",
        "MqttPort": 1883,
        "MqttClientMask": "DVES_%06X",
        "MqttClient": f"DVES_{board.address[6:]}",
        "MqttUser": "DVES_USER",
        "MqttCount": 1,
        "MAX_PACKET_SIZE": 1200,
        "KEEPALIVE": 30,
        "SOCKET_TIMEOUT": 4,
    }


def _clock(board: Board) -> Telling:
    return {
        "UTC": f"{board.time(board.age)}Z",
        "Local": board.time(board.age),
        "StartDST": "2026-03-29T02:00:00",
        "EndDST": "2026-10-25T03:00:00",
        "Timezone": "+00:00",
        "Sunrise": "08:12",
        "Sunset": "16:03",
    }


def _margins() -> Telling:
    return {
        "PowerDelta": [0, 0, 0],
        "PowerLow": 0,
        "PowerHigh": 0,
        "VoltageLow": 0,
        "VoltageHigh": 0,
        "CurrentLow": 0,
        "CurrentHigh": 0,
    }


def _shutter() -> Telling:
    tenths = round(SHUTTER_SECONDS * 10)
    return {
        "SHT0": {
            "Relay1": 1,
            "Relay2": 2,
            "Open": tenths,
            "Close": tenths,
            "50perc": 50,
            "Delay": 0,
            "Opt": "0000",
            "Calib": [30, 50, 70, 90, 100],
            "Mode": "1",
        },
    }
