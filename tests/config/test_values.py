"""What the values of a configuration mean."""

import warnings
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.adapters.mqtt import MqttOptions
from gateway.adapters.serial import SerialOptions
from gateway.config import parse
from gateway.config.models import Listen, parse_listen
from gateway.config.points import PointSection
from gateway.config.strict import secret
from gateway.errors import ConfigurationError, Problem
from gateway.framing.lines import LinesOptions
from tests.config.parts import BASE, problems, read


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h", 3600), ("30d", 2592000), ("1.5s", 1.5), ("7", 7), ("0.25", 0.25)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(written: str, seconds: float) -> None:
    assert read(f"log: {{keep: {written}}}").log.keep == seconds
    assert read(f"log: {{keep: '{written}'}}").log.keep == seconds


@pytest.mark.parametrize(
    "written", ["-5s", "5 w", "s", "1e3s", "'٣s'", ".inf", ".nan", "200y", "99999999999d", "[1]", "true"]
)
def test_anything_else_is_no_duration(written: str) -> None:
    (line,) = problems(f"server: {{max_delay: {written}}}")
    assert "server.max_delay: expected a duration" in line


@pytest.mark.parametrize(
    ("written", "listen", "loopback"),
    [
        ("127.0.0.1:8080", Listen("127.0.0.1", 8080), True),
        ("127.9.9.9:0", Listen("127.9.9.9", 0), True),
        ("localhost:80", Listen("localhost", 80), True),
        ("[::1]:8080", Listen("::1", 8080), True),
        (":8080", Listen("0.0.0.0", 8080), False),
        ("0.0.0.0:8080", Listen("0.0.0.0", 8080), False),
        ("[::]:8080", Listen("::", 8080), False),
        ("192.168.1.5:8080", Listen("192.168.1.5", 8080), False),
        ("panel.local:8080", Listen("panel.local", 8080), False),
        ("127.1:80", Listen("127.1", 80), False),  # some systems read it as loopback, this gateway takes no chance
        ("localhost.example.org:80", Listen("localhost.example.org", 80), False),
    ],
)
def test_an_address_is_loopback_only_where_that_is_certain(written: str, listen: Listen, loopback: bool) -> None:
    parsed = parse_listen(written)
    assert parsed == listen
    assert parsed.loopback is loopback
    assert parse_listen(str(parsed)) == listen


def test_other_machines_get_in_only_with_an_auth_section() -> None:
    assert problems("server: {listen: '[::]:8080'}")[0].startswith("1:18: server.listen: [::]:8080 is reachable")
    assert read("server: {listen: ':8080'}\nauth: {anonymous: {read: ['*']}}").auth is not None
    assert len(problems("server: {listen: ':8080'}\nauth:\n")) == 1  # a section with nothing in it is none


class TestYaml:
    def test_an_empty_file_is_the_defaults(self) -> None:
        assert read("") == read("# nothing\n") == read("---\n")
        assert read("").server.listen == Listen("127.0.0.1", 8080)

    def test_words_that_yaml_1_1_took_for_booleans_stay_text(self) -> None:
        topics = "topics: [{readings: x, availability: {topic: y, online: on, offline: no}}]"
        config = read(f"adapters: [{{id: a, type: mqtt, url: 'mqtt://h', {topics}}}]")
        availability = cast(MqttOptions, config.adapters[0]).topics[0].availability
        assert availability is not None
        assert (availability.online, availability.offline) == ("on", "no")

    @pytest.mark.parametrize("text", ["2026-01-02", "=", "~x", "1.2.3", "2026-01-02 10:00:00Z", "0o9", "12:30:45"])
    def test_what_only_looks_like_a_number_or_date_stays_text(self, text: str) -> None:
        config = read(f"devices: {{a: {{name: {text}}}}}\nadapters: [{{id: a, type: loopback}}]")
        assert config.devices["a"].name == text

    def test_a_device_may_be_named_like_a_date(self) -> None:
        assert "a.2026-01-02" in read("devices: {a.2026-01-02: {}}\nadapters: [{id: a, type: loopback}]").devices

    @pytest.mark.parametrize(("written", "number"), [("010", 10), ("0x10", 16), ("1_000", 1000), ("+5", 5)])
    def test_integers_in_the_forms_of_yaml(self, written: str, number: int) -> None:
        assert read(f"server: {{max_connections: {written}}}").server.max_connections == number

    @pytest.mark.parametrize(("written", "number"), [("1", 1), ("-.5", -0.5), ("1e3", 1000), ("1.", 1)])
    def test_numbers_in_the_forms_of_yaml(self, written: str, number: float) -> None:
        config = read(f"devices: {{a: {{points: {{t: {{min: {written}}}}}}}}}\nadapters: [{{id: a, type: loopback}}]")
        assert config.devices["a"].points["t"].min == number

    def test_an_anchor_is_written_once_and_used_often(self) -> None:
        config = read(
            """
            adapters: [{id: a, type: loopback}]
            devices:
              a: &usual {points: {t: &t {unit: Cel, min: -40, stale_after: 30s}}}
              a.x: *usual
              a.y: {points: {t: {<<: *t, min: 0}, u: {<<: [*t, {title: U, unit: K}]}}}
            """
        )
        assert config.devices["a.x"] == config.devices["a"]
        points = config.devices["a.y"].points
        assert points["t"] == PointSection(unit="Cel", min=0, stale_after=30.0)
        assert points["u"] == PointSection(unit="Cel", min=-40, stale_after=30.0, title="U")

    def test_a_problem_in_a_merged_key_is_named_where_it_is_written(self) -> None:
        lines = problems("gateway: &x {nmae: foo}\nserver:\n  <<: *x")
        assert [line.split(": ")[:2] for line in lines] == [["1:14", "gateway.nmae"], ["1:14", "server.nmae"]]

    def test_an_anchor_may_be_used_anew_without_a_warning(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read("gateway: {name: &a x}\nserver: {heartbeat: &a 5}\nlog: {keep: *a}").log.keep == 5

    def test_aliases_that_unfold_without_end_are_refused_soon(self) -> None:
        bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
        )
        assert any(line.endswith("the file is too large or too deeply nested") for line in problems(bomb))
        merges = "m0: &m0 {k0: 1}\n" + "".join(
            f"m{n}: &m{n} {{<<: [{','.join([f'*m{n - 1}'] * 10)}], k{n}: 1}}\n" for n in range(1, 12)
        )
        assert problems(merges)

    @pytest.mark.parametrize(
        "text", ["a: &a [*a]", "&a a: *a", "a: &a {b: *a}", "&a {<<: *a}", "a: &a {<<: [*a, *a]}", "a: " + "[" * 3000]
    )
    def test_a_file_that_holds_itself_or_is_too_deep_is_refused(self, text: str) -> None:
        assert problems(text)


class TestEnvironment:
    def test_a_variable_is_put_in_wherever_text_stands(self) -> None:
        text = "gateway: {name: '${SITE}-${NUMBER}'}\nserver: {heartbeat: '${BEAT}'}"
        config = read(text, {"SITE": "barn", "NUMBER": "7", "BEAT": "5s"})
        assert config.gateway.name == "barn-7"
        assert config.server.heartbeat == 5

    def test_what_a_variable_holds_is_not_read_as_yaml_or_expanded_again(self) -> None:
        config = read(
            "devices: {a: {name: '${X}'}}\nadapters: [{id: a, type: loopback}]", {"X": "${Y}: [1]", "Y": "no"}
        )
        assert config.devices["a"].name == "${Y}: [1]"

    def test_what_is_no_variable_stays(self) -> None:
        config = read(
            "devices: {a: {name: '$HOME ${} ${1} $${a-b}'}}\nadapters: [{id: a, type: loopback}]", {"HOME": "x"}
        )
        assert config.devices["a"].name == "$HOME ${} ${1} $${a-b}"

    def test_one_that_is_not_set_is_told_once(self) -> None:
        assert problems("adapters: [{id: a, type: serial, port: '${PORT}'}]") == [
            "1:40: the environment variable PORT is not set"
        ]


SECRET = "hunter2correcthorse"


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            "auth: {tokens: [SECRET]}",
            "auth: {tokens: SECRET}",
            "auth: {tokens: {x: SECRET}}",
            "auth: {tokens: [{name: a, sha256: SECRET}]}",
            "auth: {tokens: [{name: a, sha256: [SECRET]}]}",
            "auth: {tokens: [{name: a b SECRET, sha256: 5}]}",
            "auth: {token: SECRET}",
            "adapters: [{id: a, type: mqtt, url: 'mqtt://h', topics: [{readings: x}], password: SECRET}]",
            "adapters: [{id: a, type: mqtt, url: 'mqtt://h', topics: [{readings: x}], password: [SECRET]}]",
            "adapters: [{id: a, type: mqtt, url: 'mqtt://h', topics: [{readings: x}], passwort: SECRET}]",
            "adapters: [{id: a, type: mqtt, url: 'mqtt://u:SECRET@h', topics: [{readings: x}]}]",
            "adapters: [{id: a, type: mqtt, url: 'mqtts://u:SECRET@h:x', topics: [{readings: x}]}]",
            "adapters: [{id: a, type: mqtt, password: SECRET, password: SECRET2}]",
            "adapters: [{id: a, type: mqtt, url: 'mqtt://h', topics: [{readings: x}], password: ${PASSWORD}}]",
            "adapters: [{id: a, type: mqtt, password: !x SECRET}]",
            "adapters: [{id: a, type: mqtt, password: 'SECRET}]",
            "adapters: [{id: a, type: mqtt, password: 0xSECRET: }]",
        ],
    )
    def test_a_secret_is_in_no_message(self, text: str) -> None:
        told = "\n".join(problems(text.replace("SECRET", SECRET), {"PASSWORD": SECRET}))
        assert SECRET not in told

    def test_a_secret_is_in_no_representation(self) -> None:
        config = read(
            "adapters: [{id: a, type: mqtt, url: 'mqtt://h', topics: [{readings: x}], username: u, password: '${PW}'}]",
            {"PW": SECRET},
        )
        assert SECRET not in repr(config)
        assert SECRET not in config.adapters[0].summary()
        password = cast(MqttOptions, config.adapters[0]).password
        assert password is not None
        assert password.get_secret_value() == SECRET

    def test_a_secret_in_a_file_comes_without_its_line_end(self, tmp_path: Path) -> None:
        (tmp_path / "pw").write_bytes(b" two words \r\n")
        assert secret(None, tmp_path / "pw") == " two words "
        assert secret(SecretStr("x"), None) == "x"
        assert secret(None, None) is None


class TestPlugIns:
    def test_a_plug_in_is_named_shortly_or_with_its_options(self) -> None:
        short = read("adapters: [{id: a, type: serial, port: /dev/x, framing: lines}]")
        long = read("adapters: [{id: a, type: serial, port: /dev/x, framing: {type: lines, max: 4096}}]")
        assert short == long
        assert cast(SerialOptions, short.adapters[0]).framing == LinesOptions()

    def test_a_relative_path_starts_at_the_configuration_file(self) -> None:
        topics = "topics: [{readings: x}]"
        for written, path in [("pw", BASE / "pw"), ("/run/pw", Path("/run/pw"))]:
            text = (
                f"adapters: [{{id: a, type: mqtt, url: 'mqtt://h', username: u, password_file: {written}, {topics}}}]"
            )
            assert cast(MqttOptions, read(text).adapters[0]).password_file == path


# Every piece of YAML that means something, and the words of our own.
_WORDS = """
    adapters server auth tokens devices points listen type serial mqtt framing codec id a lines json { } [ ] : , - <<
    *a &a ? ! !x !!int !!str !!binary !!set !!omap | > ' " # --- ... ~ yes .nan 1e999 0x 0b2 1:30 2026-02-30 ${A} ${B}
    \\ud800"""
_words = st.sampled_from(
    [*_WORDS.split(), " ", ": ", ", ", "- ", "\n", "\n  ", "\n    ", "%YAML 1.1\n---\n", "\t", "\x00", "\x85"]
)


def problems_of(text: str) -> list[Problem]:
    """The problems of any text; none where it is a configuration."""
    try:
        parse(text, "fieldgate.yaml", BASE, {"A": "\n- 1"})
    except ConfigurationError as error:
        return error.problems
    return []


@pytest.mark.parametrize("examples", [300, pytest.param(20_000, marks=pytest.mark.long)])
def test_any_text_gives_a_configuration_or_a_configuration_error(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(_words, max_size=30).map("".join) | st.text(st.characters(exclude_categories=[]), max_size=60))
    def check(text: str) -> None:
        told = problems_of(text)
        assert len(str(ConfigurationError(told)).splitlines()) == len(told)
        assert all(problem.line >= 1 and problem.column >= 1 for problem in told)

    check()
