"""The log: one record a line in both forms, whatever is in it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.console import ESCAPES
from gateway.cli.records import _JsonLine, _TextLine, log_to_stderr
from gateway.config.models import LoggingSection
from gateway.server import access

HOSTILE = "a\nb\r\nc\x1b[2J\x9b\x85\u202e\u2028\x7f\x00"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("gateway.test", logging.INFO, "here", 1, message, arguments, info)


def raised(message: str) -> BaseException:
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return error


def test_json_is_one_object_a_line_with_its_traceback_as_a_text() -> None:
    line = _JsonLine().format(record("it %s", "broke", error=raised(HOSTILE)))
    told: dict[str, Any] = json.loads(line)
    assert list(told) == ["time", "level", "logger", "message", "traceback"]
    assert (told["level"], told["logger"], told["message"]) == ("info", "gateway.test", "it broke")
    assert told["time"].endswith("+00:00")
    assert told["traceback"].startswith("Traceback (most recent call last):\n")
    assert HOSTILE in told["traceback"]
    assert line.isascii()
    assert line.isprintable()


def test_json_has_the_fields_of_a_record_that_has_some() -> None:
    made = record("asked")
    made.fields = {"status": 200, "route": "/ws"}
    told = json.loads(_JsonLine().format(made))
    assert (told["status"], told["route"], told["message"]) == (200, "/ws", "asked")


def test_a_line_of_text_shows_what_could_forge_another_or_steer_a_terminal() -> None:
    line = _TextLine().format(record("device %s", HOSTILE))
    assert line.endswith(r" info gateway.test: device a\x0ab\x0d\x0ac\x1b[2J\x9b\x85\u202e\u2028\x7f\x00")
    assert line.isprintable()


def test_a_traceback_in_text_stands_indented() -> None:
    first, *rest = _TextLine().format(record("it broke", error=raised("x\n2026-01-01 info forged: y"))).split("\n")
    assert first.endswith("info gateway.test: it broke")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


@given(st.text(), st.text())
def test_whatever_is_logged_stays_one_record(message: str, argument: str) -> None:
    made = record("%s", message + argument)
    assert not ESCAPES.keys() & map(ord, _TextLine().format(made))
    line = _JsonLine().format(made)
    assert not ESCAPES.keys() & map(ord, line)
    assert json.loads(line)["message"] == message + argument


@pytest.mark.parametrize("form", [_TextLine(), _JsonLine()])
def test_arguments_that_do_not_fit_cost_no_record_and_are_not_shown(form: logging.Formatter) -> None:
    line = form.format(record("%d readings", "canary"))
    assert "%d readings (with arguments that do not fit)" in line
    assert "canary" not in line


@pytest.fixture(autouse=True)
def the_logging_of_the_tests() -> Iterator[None]:
    """Put back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("gateway")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    for handler in handlers:  # or they would be closed
        root.removeHandler(handler)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["ours debug", "ours info", "ours error", "theirs info", "theirs error", "access"]),
        ("info", ["ours info", "ours error", "theirs info", "theirs error", "access"]),
        ("error", ["ours error", "theirs error", "access"]),
    ],
)
def test_the_level_is_that_of_the_gateway_and_libraries_never_tell_what_they_send(
    capsys: pytest.CaptureFixture[str], level: Any, expected: list[str]
) -> None:
    log_to_stderr(LoggingSection(level=level))
    for name, who in (("gateway.server.app", "ours"), ("some.library", "theirs")):
        for number in (logging.DEBUG, logging.INFO, logging.ERROR):
            logging.getLogger(name).log(number, "%s %s", who, logging.getLevelName(number).lower())
    access.logger.info("access")
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()] == expected


def test_a_second_configuration_takes_the_place_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(LoggingSection())
    log_to_stderr(LoggingSection(format="json"))
    logging.getLogger("gateway.test").info("once")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "once"
