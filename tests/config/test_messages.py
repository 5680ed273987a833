"""Each kind of message, with the exact place it names."""

from pathlib import Path
from typing import get_args

import pytest

from gateway import plugins
from gateway.config import load
from gateway.errors import ConfigurationError
from tests.config.parts import problems

KEYS = "gateway, server, auth, log, audit, logging, adapters, devices, publish"

SERIAL = "adapters:\n  - {id: a, type: serial, port: /dev/x, "

MESSAGES = {
    "unknown key": ("servers: {}", f"1:1: servers: unknown key, expected one of {KEYS} (did you mean 'server'?)"),
    "unknown key, nothing near": ("zzz: {}", f"1:1: zzz: unknown key, expected one of {KEYS}"),
    "unknown key below": (
        "server:\n  heartbeat: 20s\n  origin: []",
        "3:3: server.origin: unknown key, expected one of listen, heartbeat, origins, max_delay, max_connections, "
        "max_connections_per_address, trusted_proxies, limits, tls (did you mean 'origins'?)",
    ),
    "unknown key of a plug-in": (
        SERIAL + "framing: {type: lines, maxx: 5}}",
        "2:64: adapters.0.framing.maxx: unknown key, expected one of type, max, terminator, checksum "
        "(did you mean 'max'?)",
    ),
    "missing": ("adapters:\n  - {id: a, type: mqtt, topics: [{readings: x}]}", "2:5: adapters.0.url: is missing"),
    "missing one of two": ("adapters:\n  - {id: a, type: serial}", "2:5: adapters.0: needs either `port` or `usb`"),
    "missing type": ("adapters:\n  - id: a", "2:5: adapters.0: `type` is missing: one of <adapters>"),
    "adapter that is no mapping": ("adapters: [serial]", "1:12: adapters.0: expected a mapping with `type`"),
    "framing that is a number": (
        SERIAL + "framing: 5}",
        "2:50: adapters.0.framing: expected a name or a mapping with `type`",
    ),
    "unknown adapter": (
        "adapters:\n  - id: a\n    type: seriel",
        "3:11: adapters.0.type: 'seriel' is not one of <adapters> (did you mean 'serial'?)",
    ),
    "unknown framing": (
        SERIAL + "framing: line}",
        "2:50: adapters.0.framing: 'line' is not one of <framings> (did you mean 'lines'?)",
    ),
    "unknown framing with options": (
        SERIAL + "framing: {type: line}}",
        "2:57: adapters.0.framing.type: 'line' is not one of <framings> (did you mean 'lines'?)",
    ),
    "unknown codec": (SERIAL + "codec: xml}", "2:48: adapters.0.codec: 'xml' is not one of <codecs>"),
    "unknown command form": (
        SERIAL + "commands: {codec: jsno}}",
        "2:59: adapters.0.commands.codec: 'jsno' is not one of <commands> (did you mean 'json'?)",
    ),
    "type that is a list": (
        "adapters: [{id: a, type: [x]}]",
        "1:26: adapters.0.type: ['x'] is not one of <adapters>",
    ),
    "literal": (
        "devices: {a: {points: {t: {type: numbr}}}}\nadapters: [{id: a, type: loopback}]",
        "1:34: devices.a.points.t.type: 'numbr' is not one of number, integer, boolean, string, enum, action "
        "(did you mean 'number'?)",
    ),
    "literal with numbers": (
        "adapters: [{id: a, type: mqtt, url: 'mqtt://h', version: 4, topics: [{readings: x}]}]",
        "1:58: adapters.0.version: 4 is not one of 5, 3.1.1",
    ),
    "text expected": ("gateway: {name: 5}", "1:17: gateway.name: expected text, found 5"),
    "whole number expected": (
        "server: {max_connections: many}",
        "1:27: server.max_connections: expected a whole number, found 'many'",
    ),
    "no whole number": (
        "server: {max_connections: 1.5}",
        "1:27: server.max_connections: expected a whole number, found 1.5",
    ),
    "number expected": (
        "devices: {a: {points: {t: {min: low}}}}\nadapters: [{id: a, type: loopback}]",
        "1:33: devices.a.points.t.min: expected a number, found 'low'",
    ),
    "true or false expected": (
        "devices: {a: {points: {t: {type: boolean, writable: 'yes'}}}}\nadapters: [{id: a, type: loopback}]",
        "1:53: devices.a.points.t.writable: expected true or false, found 'yes'",
    ),
    "mapping expected": ("server: 5", "1:9: server: expected a mapping, found 5"),
    "mapping expected, nothing": ("server:", "1:8: server: expected a mapping, found nothing"),
    "list expected": ("adapters: {}", "1:11: adapters: expected a list, found a mapping"),
    "list expected, true": ("adapters: true", "1:11: adapters: expected a list, found true"),
    "too small": (
        "server: {max_connections: 0}",
        "1:27: server.max_connections: expected a number of at least 1, found 0",
    ),
    "too large": (
        SERIAL + "baudrate: 99999999}",
        "2:51: adapters.0.baudrate: expected a number of at most 20000000, found 99999999",
    ),
    "not finite": (
        "devices: {a: {points: {t: {scale: .nan}}}}\nadapters: [{id: a, type: loopback}]",
        "1:35: devices.a.points.t.scale: expected a finite number, found nan",
    ),
    "too short": (
        "adapters: [{id: a, type: serial, port: ''}]",
        "1:40: adapters.0.port: expected text of at least 1 characters, found ''",
    ),
    "too long": (
        SERIAL + "devices: {field: " + "x" * 65 + "}}",
        "2:58: adapters.0.devices.field: expected text of at most 64 characters, found '" + "x" * 65 + "'",
    ),
    "too few": (
        "adapters: [{id: a, type: mqtt, url: 'mqtt://h', profiles: [{type: sparkplug, groups: []}]}]",
        "1:86: adapters.0.profiles.0.groups: expected at least 1 items, found 0",
    ),
    "pattern": ("gateway: {name: a b}", "1:17: gateway.name: 'a b' does not match ^[A-Za-z0-9_-]{1,64}$"),
    "pattern, line end": ('gateway: {name: "a\\n"}', "1:17: gateway.name: 'a\\n' does not match ^[A-Za-z0-9_-]{1,64}$"),
    "key of the wrong form": (
        "devices:\n  a.b.c: {}\nadapters: [{id: a, type: loopback}]",
        "2:3: devices.a.b.c: 'a.b.c' does not match ^[A-Za-z0-9_-]{1,64}(\\.[A-Za-z0-9_-]{1,64})?$",
    ),
    "duration": (
        "server: {heartbeat: 5 weeks}",
        "1:21: server.heartbeat: expected a duration such as 500ms, 30s, 5m or a number of seconds, found '5 weeks'",
    ),
    "duration 0": ("server: {heartbeat: 0s}", "1:21: server.heartbeat: expected a duration above 0, found 0.0"),
    "duration below 0": (
        "server: {max_delay: -1}",
        "1:21: server.max_delay: expected a duration from 0 to 100 years, found -1",
    ),
    "listen": (
        "server: {listen: '8080'}",
        "1:18: server.listen: expected ADDRESS:PORT, such as 127.0.0.1:8080, found '8080'",
    ),
    "listen, port": (
        "server: {listen: '127.0.0.1:65536'}",
        "1:18: server.listen: expected ADDRESS:PORT, such as 127.0.0.1:8080, found '127.0.0.1:65536'",
    ),
    "listen, URL": (
        "server: {listen: 'http://127.0.0.1:80'}",
        "1:18: server.listen: expected ADDRESS:PORT, such as 127.0.0.1:8080, found 'http://127.0.0.1:80'",
    ),
    "open to all without auth": (
        "server:\n  listen: 0.0.0.0:8080",
        "2:11: server.listen: 0.0.0.0:8080 is reachable from other machines, which needs an `auth` section "
        "(`fieldgate token create` makes a token)",
    ),
    "the same id twice": (
        "adapters:\n  - {id: a, type: loopback}\n  - {id: a, type: loopback}",
        "3:10: adapters.1.id: another adapter has the id 'a'",
    ),
    "device of no adapter": (
        "adapters: [{id: a, type: loopback}, {id: b, type: loopback}]\ndevices:\n  c.d: {}",
        "3:8: devices.c.d: no adapter has the id of its first part (adapters: a, b)",
    ),
    "device without adapters": (
        "devices: {c: {}}",
        "1:14: devices.c: no adapter has the id of its first part (adapters: none)",
    ),
    "scale 0": (
        "devices: {a: {points: {t: {scale: 0}}}}\nadapters: [{id: a, type: loopback}]",
        "1:35: devices.a.points.t.scale: must not be 0",
    ),
    "min above max": (
        "devices: {a: {points: {t: {max: 1, min: 2}}}}\nadapters: [{id: a, type: loopback}]",
        "1:41: devices.a.points.t.min: is above `max`",
    ),
    "enum without values": (
        "devices: {a: {points: {t: {type: enum}}}}\nadapters: [{id: a, type: loopback}]",
        "1:34: devices.a.points.t.type: a point of type enum needs `values`",
    ),
    "writable without type": (
        "devices: {a: {points: {t: {writable: true}}}}\nadapters: [{id: a, type: loopback}]",
        "1:38: devices.a.points.t.writable: a writable point needs a `type`",
    ),
    "variable that is not set": (
        "gateway:\n  name: x-${WHERE}",
        "2:9: the environment variable WHERE is not set",
    ),
    "not YAML": ("a: [1\nb: 2", "2:2: expected ',' or ']', but got ':'"),
    "tab": ("a:\n\tb: 1", "2:1: found character '\\t' that cannot start any token"),
    "key twice": ("server: {}\nserver: {}", "2:1: the key 'server' stands twice in one mapping"),
    "key that is no text": ("server:\n  1: 2", "2:3: the key '1' is not text; put it in quotes"),
    "key that is nothing": ("server:\n  ~: 2", "2:3: the key '~' is not text; put it in quotes"),
    "key that is a list": ("? [a]\n: 1", "1:3: the key of a mapping is not text; put it in quotes"),
    "tag": ("gateway: {name: !secret x}", "1:17: tags such as !secret are not allowed"),
    "tag of Python": (
        "gateway: !!python/object:os.system {}",
        "1:10: tags such as tag:yaml.org,2002:python/object:os.system are not allowed",
    ),
    "list at the top": ("#\n#\n- a", "3:1: expected a mapping with sections such as `adapters`"),
    "text at the top": ("hello", "1:1: expected a mapping with sections such as `adapters`"),
    "two documents": (
        "server: {}\n---\nlog: {}",
        "2:1: expected a single document in the stream, but found another document",
    ),
    "unknown alias": ("server: *none", "1:9: found undefined alias 'none'"),
    "control character": ("server: {}\n# \x00", "2:3: the character #x0000 is not allowed"),
    "integer without end": ("server: {max_connections: 0x" + "f" * 5000 + "}", "1:27: the number is too large"),
    "merge of a text": ("server: {<<: x}", "1:14: only mappings can be merged by <<"),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_names_the_place_what_was_found_and_what_is_allowed(name: str) -> None:
    text, message = MESSAGES[name]
    for group in get_args(plugins.Group):  # whatever else is installed
        message = message.replace(f"<{group}>", ", ".join(plugins.names(group)))
    assert problems(text) == [message]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """
        server: {listen: "0.0.0.0:80", heartbeat: soon, origin: []}
        gateway: {name: '${NOWHERE}'}
        adapters:
          - {id: a, type: mqtt, version: fast, topics: [{readings: x}]}
          - {id: a, type: seriel}
          - {id: c, type: loopback}
        adapters: []
        devices:
          b: {}
          c: {points: {t: {scale: 0, min: 2, max: 1, unitt: V}}}
          c.x: {points: {t: {scale: 0, min: 2, max: 1}}}
    """
    assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in problems(text)] == [
        "1:18 server.listen",
        "1:43 server.heartbeat",
        "1:49 server.origin",
        "2:17 the environment variable NOWHERE is not set",
        "4:5 adapters.0.url",
        "4:34 adapters.0.version",
        "5:10 adapters.1.id",
        "5:19 adapters.1.type",
        "7:1 the key 'adapters' stands twice in one mapping",
        "9:6 devices.b",
        "10:46 devices.c.points.t.unitt",
        "11:29 devices.c.x.points.t.scale",
        "11:37 devices.c.x.points.t.min",
    ]


def test_a_device_is_not_blamed_for_an_adapter_whose_id_cannot_be_read() -> None:
    text = """
        adapters: [{id: "no name", type: loopback}, {type: loopback}]
        devices: {lost: {}}
    """
    assert [line.split(": ")[1] for line in problems(text)] == ["adapters.0.id", "adapters.1.id"]


def test_a_problem_is_one_line_whatever_the_key_holds() -> None:
    (line,) = problems('"a\\nb\\e[31m": 1')
    assert line.startswith("1:1: a\\nb\\x1b[31m: unknown key")


def test_long_values_are_cut() -> None:
    lines = problems(
        f"gateway: {{name: {'x y' * 5000}}}\nserver: {{heartbeat: {'z' * 9000}}}\nadapters: [{{type: {'q' * 9000}}}]"
    )
    assert len(lines) == 3
    assert all(len(line) < 300 for line in lines)


class TestFiles:
    def test_a_file_that_is_not_there_is_one_clear_line(self, tmp_path: Path) -> None:
        path = tmp_path / "none.yaml"
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: cannot be read: No such file or directory"

    def test_a_directory_is_one_clear_line(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
            load(tmp_path)

    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
    def test_bad_utf8_is_named_by_its_place(self, tmp_path: Path, mark: bytes) -> None:
        path = tmp_path / "fieldgate.yaml"
        path.write_bytes(mark + "gateway:\n  name: größe ".encode() + b"\xff")
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        assert str(caught.value) == f"{path}:2:15: is not UTF-8 text"

    def test_a_byte_order_mark_and_windows_line_ends_are_fine(self, tmp_path: Path) -> None:
        path = tmp_path / "fieldgate.yaml"
        path.write_bytes(b"\xef\xbb\xbfgateway:\r\n  name: bench\r\n")
        assert load(path).gateway.name == "bench"

    def test_an_endless_file_is_refused_after_its_first_mebibyte(self) -> None:
        with pytest.raises(ConfigurationError, match="is larger than 1048576 bytes"):
            load(Path("/dev/zero"))

    def test_places_count_from_the_file_with_its_comments(self, tmp_path: Path) -> None:
        path = tmp_path / "fieldgate.yaml"
        path.write_text("# a comment\n\nserver:\n  # another\n  heartbeat: never\n")
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        (problem,) = caught.value.problems
        assert (problem.file, problem.line, problem.column) == (str(path), 5, 14)
