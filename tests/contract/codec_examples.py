"""What each installed codec makes of a few frames. Whoever adds a codec adds its entry here."""

from dataclasses import dataclass, field
from typing import Any

from gateway.model import Sample


@dataclass(frozen=True)
class CodecExample:
    """Frames, and the samples that each holds."""

    frames: dict[bytes, list[Sample]]
    options: dict[str, Any] = field(default_factory=dict)


CODECS: dict[str, list[CodecExample]] = {
    "json": [
        CodecExample(
            {
                b'{"temperature":21.4,"air":{"humidity":48,"dew":[1,2]}}': [
                    Sample({"temperature": 21.4, "air.humidity": 48, "air.dew.0": 1, "air.dew.1": 2})
                ],
                b'{"a":0,"b":0.0,"c":false,"d":"","e":null}': [
                    Sample({"a": 0, "b": 0.0, "c": False, "d": "", "e": None})
                ],
                b'{"t":1,"ts":1795338820.5}': [Sample({"t": 1}, 1795338820.5)],
                b"21.5": [Sample({"": 21.5})],
                b"{}": [Sample({})],
                '{"air":{"value":21.4,"unit":"°C"},"rain":{"value":null,"unit":""},"unit":"W"}'.encode(): [
                    Sample({"air": 21.4, "rain": None, "unit": "W"}, None, {"air": "Cel"})
                ],
                b'{"value":48,"unit":"%","ts":1795338820}': [Sample({"": 48}, 1795338820.0, {"": "%"})],
            }
        ),
        CodecExample(
            {
                b'{"AM2301":{"Temperature":21.5,"Humidity":48},"a.b":[0,[true]],"ts":1795338820}': [
                    Sample({"temperature": 21.5, "deep": True, "AM2301": None}, 1795338820.0)
                ],
                b'{"AM2301":{"Temperature":nan},"a.b":7}': [Sample({"temperature": None, "AM2301": None})],
                b'{"AM2301":{"value":3,"unit":"degC"}}': [Sample({"AM2301": 3}, None, {"AM2301": "Cel"})],
                b'{"Humidity":48}': [Sample({})],
                b"21.5": [Sample({})],
            },
            {"points": {"temperature": "AM2301.Temperature", "deep": '["a.b"].1[0]', "AM2301": "AM2301"}},
        ),
    ],
    "boolean": [
        CodecExample(
            {
                b"ON": [Sample({"": True})],
                b" off\r\n": [Sample({"": False})],
                b"True": [Sample({"": True})],
                b"0": [Sample({"": False})],
                b"YES": [Sample({"": True})],
            }
        ),
        CodecExample(
            {"GEÖFFNET".encode(): [Sample({"": True})], b"1": [Sample({"": True})], b"zu": [Sample({"": False})]},
            {"on": ["geöffnet", 1], "off": "zu"},
        ),
    ],
    "number": [
        CodecExample(
            {
                "21.4 °C".encode(): [Sample({"": 21.4}, None, {"": "Cel"})],
                b" 48%\n": [Sample({"": 48}, None, {"": "%"})],
                b"21.5": [Sample({"": 21.5})],
                b" -7\r\n": [Sample({"": -7})],
                b"0": [Sample({"": 0})],
                b"1e999": [Sample({"": float("inf")})],
                b"+.5E-3": [Sample({"": 0.0005})],
            }
        )
    ],
    "text": [
        CodecExample({"größe".encode(): [Sample({"": "größe"})], b"": [Sample({"": ""})], b"0": [Sample({"": "0"})]})
    ],
    "delimited": [
        CodecExample(
            {
                b"21.4,1,48,OK": [Sample({"temperature": 21.4, "humidity": 48, "state": "OK"})],
                b' 21.4C , x,"48 %","a, ""b""",': [
                    Sample(
                        {"temperature": 21.4, "humidity": 48, "state": 'a, "b"'},
                        None,
                        {"temperature": "Cel", "humidity": "%"},
                    )
                ],
                b"+007,,,true": [Sample({"temperature": 7, "humidity": None, "state": True})],
                b".5,,1e3,1_000": [Sample({"temperature": 0.5, "humidity": 1000.0, "state": "1_000"})],
                b"123456789012345678901234567890,,-0,": [
                    Sample({"temperature": 123456789012345678901234567890.0, "humidity": 0, "state": None})
                ],
            },
            {"points": ["temperature", None, "humidity", "state"]},
        ),
        CodecExample(
            {
                "Temperature (°C);Luftfeuchte [%];Zustand".encode(): [],
                b"21,4;48;on;": [
                    Sample(
                        {"Temperature": 21.4, "Luftfeuchte": 48, "Zustand": "on"},
                        None,
                        {"Temperature": "Cel", "Luftfeuchte": "%"},
                    )
                ],
                b"t;h": [],
                b"21,5;1.5": [Sample({"t": 21.5, "h": "1.5"})],
            },
            {"separator": ";", "header": True, "decimal": ","},
        ),
        CodecExample(
            {
                b"# ready": [],
                b"  21.4\t 48 ": [Sample({"t": 21.4, "h": 48})],
                b'"a b" 48': [Sample({"t": "a b", "h": 48})],
            },
            {"separator": " ", "points": ["t", "h"], "comment": "#"},
        ),
    ],
    "key_value": [
        CodecExample(
            {
                b"T=21.4 H=48%": [Sample({"T": 21.4, "H": 48}, None, {"H": "%"})],
                b"temp:21.4C, hum:48 %": [Sample({"temp": 21.4, "hum": 48}, None, {"temp": "Cel", "hum": "%"})],
                b"T = 21.4;H= ;time=12:30:05": [Sample({"T": 21.4, "H": None, "time": "12:30:05"})],
                b'state="warming \\"up\\"" T(C)=21 ok=true': [
                    Sample({"state": 'warming "up"', "T": 21, "ok": True}, None, {"T": "Cel"})
                ],
            }
        ),
        CodecExample(
            {
                b"DATA Air temp: 21,4 C| Humidity: 48| n: 0x10": [
                    Sample({"air.temperature": 21.4, "n": "0x10"}, None, {"air.temperature": "Cel"})
                ]
            },
            {
                "pairs": "|",
                "assign": ":",
                "prefix": "DATA",
                "decimal": ",",
                "points": {"Air temp": "air.temperature", "n": "n"},
            },
        ),
    ],
    "regex": [
        CodecExample(
            {
                b"T=21.4C H=48": [Sample({"air.temperature": 21.4, "humidity": 48}, None, {"air.temperature": "Cel"})],
                b"T=nano": [Sample({"air.temperature": "nano"})],
            },
            {"pattern": r"T=(?P<air__temperature>\S+)(?: H=(?P<humidity>\d+))?"},
        ),
        CodecExample(
            {
                b"[12] Temperature: -3,5 C (ok)": [Sample({"t": -3.5})],
                b"[13] Humidity: 48 %": [Sample({"h": 48}, None, {"h": "%"})],
                b"Booting": [],
            },
            {
                "pattern": [r"Temperature: (?P<t>-?\d+,\d+)", r"Humidity: (?P<h>\d+ %)", "Boot"],
                "search": True,
                "decimal": ",",
                "max": 200,
            },
        ),
    ],
    "struct": [
        CodecExample(
            {
                bytes.fromhex("80 0e 67 08 33 33 ab 41"): [
                    Sample({"battery": 3712, "temperature": 21.51, "wind": 21.4})
                ],
                bytes.fromhex("ff ff ff 7f 00 00 80 7f"): [
                    Sample({"battery": 65535, "temperature": 327.67, "wind": float("inf")})
                ],
            },
            {"layout": "<Hhf", "points": ["battery", {"name": "temperature", "scale": 0.01}, "wind"]},
        ),
        CodecExample(
            {
                b"\xff\x15\x01\x00\x00\x02pump\0\0\x01ab\xff\xff\xff\xff\xff\xff\xff\xff and more": [
                    Sample(
                        {
                            "flags.pump": True,
                            "flags.mode": 5,
                            "cells.0": 256,
                            "cells.1": 2,
                            "name": "pump",
                            "on": True,
                            "count": 18446744073709551615,
                        }
                    )
                ]
            },
            {
                "layout": "> x B 2H 6s ? 2s Q",
                "points": [
                    {"name": "flags", "bits": {"pump": 0, "mode": "2-4"}},
                    "cells",
                    "name",
                    "on",
                    "-",
                    "count",
                ],
                "trailing": True,
            },
        ),
    ],
    "nmea0183": [
        CodecExample(
            {
                b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,260326,003.1,W*66": [
                    Sample(
                        {
                            "latitude": 48.1173,
                            "longitude": 11.5166666667,
                            "speed": 11.5236,
                            "course": 84.4,
                            "variation": -3.1,
                        },
                        1774528519.0,
                        {
                            "latitude": "deg",
                            "longitude": "deg",
                            "speed": "m/s",
                            "course": "deg",
                            "variation": "deg",
                        },
                    )
                ],
                b"\x00\xff$GPGGA,123520.5,4807.038,N,01131.000,W,1,08,0.9,545.4,M,46.9,M,,*44\r": [
                    Sample(
                        {
                            "latitude": 48.1173,
                            "longitude": -11.5166666667,
                            "altitude": 545.4,
                            "geoid_separation": 46.9,
                            "hdop": 0.9,
                            "fix": 1,
                            "satellites": 8,
                        },
                        1774528520.5,
                        {"latitude": "deg", "longitude": "deg", "altitude": "m", "geoid_separation": "m"},
                    )
                ],
                b"$GPGGA,,,,,,0,00,99.9,,,,,,*71": [
                    Sample(
                        {
                            "latitude": None,
                            "longitude": None,
                            "altitude": None,
                            "geoid_separation": None,
                            "hdop": None,
                            "fix": 0,
                            "satellites": 0,
                        },
                        None,
                        {"latitude": "deg", "longitude": "deg", "altitude": "m", "geoid_separation": "m"},
                    )
                ],
                b"$WIMWV,214.8,R,12.5,N,A*1A": [
                    Sample(
                        {"wind.angle": 214.8, "wind.speed": 6.4306}, None, {"wind.angle": "deg", "wind.speed": "m/s"}
                    )
                ],
                b"$IIXDR,A,4.5,D,PTCH,P,1.0213,B,Barometer*33": [
                    Sample(
                        {"angle.PTCH": 4.5, "pressure.Barometer": 1.0213},
                        None,
                        {"angle.PTCH": "deg", "pressure.Barometer": "bar"},
                    )
                ],
                b"$ERRPM,E,1,2418.2,10.5,A*48": [
                    Sample(
                        {"engine.1.rpm": 2418.2, "engine.1.pitch": 10.5},
                        None,
                        {"engine.1.rpm": "/min", "engine.1.pitch": "%"},
                    )
                ],
                b"$GPGSV,3,1,11,03,03,111,00,04,15,270,00,06,01,010,00,13,06,292,00*74": [
                    Sample({"satellites_in_view.gps": 11})
                ],
                b"$GPZDA,123521.00,26,03,2026,00,00*61": [Sample({}, 1774528521.0)],
                b"$XXFOO,1*5B": [],
                b"$PUBX,00,1*2E": [],
            }
        ),
        CodecExample(
            {
                b"$GPVTG,084.4,T,077.8,M,022.4,N,041.5,K,A": [
                    Sample(
                        {
                            "GP.course": 84.4,
                            "GP.course.magnetic": 77.8,
                            "GP.speed": 22.4,
                            "talker": "GP",
                            "sentence": "VTG",
                        },
                        None,
                        {"GP.course": "deg", "GP.course.magnetic": "deg", "GP.speed": "[kn_i]"},
                    )
                ],
            },
            {"by": "talker", "origin": True, "speed": "kn", "checksum": "optional"},
        ),
    ],
    "senml": [
        CodecExample(
            {
                b'[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},'
                b'{"n":"current","u":"A","v":1.2}]': [
                    Sample({"voltage": 120.1, "current": 1.2}, None, {"voltage": "V", "current": "A"})
                ],
                b'[{"bn":"a/","bt":1795338820,"n":"open","vb":false},{"n":"open","t":-5,"vb":true},'
                b'{"n":"id","vs":"x"}]': [
                    Sample({"open": True}, 1795338815.0),
                    Sample({"open": False, "id": "x"}, 1795338820.0),
                ],
                b'[{"n":"urn:dev:ow:10e2073a01080063","u":"%RH","v":48}]': [Sample({"": 48}, None, {"": "%"})],
                b'[{"n":"p","u":"W","bv":1,"v":2,"s":10}]': [
                    Sample({"p": 3, "p.sum": 10}, None, {"p": "W", "p.sum": "W.s"})
                ],
                b"[]": [],
            }
        ),
        CodecExample(
            {
                b'[{"bn":"n1:","n":"t","v":1},{"bn":"n2:","v":2,"n":"t"}]': [
                    Sample({"n1:t": 1, "device": "n1"}),
                    Sample({"n2:t": 2, "device": "n2"}),
                ]
            },
            {"names": "full", "device": True},
        ),
    ],
}
