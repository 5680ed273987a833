"""Commands by a template: what goes on the wire, what never does, and which lines are answers."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs import CommandCodec
from gateway.codecs.template import TemplateOptions
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Value

SET = "SET {point} {value}"


def new(send: str | None = SET, **options: Any) -> CommandCodec:
    return TemplateOptions.model_validate({"send": send, **options}).build()


def sent(value: Value, point: str = "fan", name: str | None = None, field: str | None = None, **options: Any) -> str:
    command = Outgoing(device="d", name=name, point=point, value=value, id=17, deadline=0.0)
    return new(**options).encode(command, field).decode()


def refusal(value: Value, point: str = "fan", **options: Any) -> str:
    with pytest.raises(CodecError) as caught:
        sent(value, point, **options)
    return str(caught.value)


def problem(**options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        TemplateOptions.model_validate(options)
    (error,) = caught.value.errors()
    return str(error["msg"])


# ---- what is sent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "1"), (False, "0"), (5, "5"), (-5, "-5"), (21.5, "21.5"), (21.0, "21"), (-0.0, "0"), (0.0, "0"),
        (1e-5, "0.00001"), (1e21, "1000000000000000000000"), (100.0, "100"), (0.1 + 0.2, "0.30000000000000004"),
        ((1 << 63) - 1, "9223372036854775807"), ("auto", "auto"), ("größe", "größe"), ("07:30", "07:30"),
    ],
)  # fmt: skip
def test_a_value_is_written_plainly(value: Value, text: str) -> None:
    assert sent(value) == f"SET fan {text}"


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 1e300, 1e-300, 10**40, -(10**5000)],
    ids=["nan", "inf", "large", "small", "long", "huge"],
)
def test_a_number_that_has_no_plain_decimals_is_refused(value: Value) -> None:
    refusal(value)


@given(st.floats(min_value=-1e9, max_value=1e9).filter(lambda number: number == 0 or abs(number) > 1e-9))
def test_a_number_is_the_same_when_the_device_reads_it(number: float) -> None:
    text = sent(number).removeprefix("SET fan ")
    assert "e" not in text
    assert float(text) == number


def test_a_point_may_have_its_own_line_and_words() -> None:
    points = {"fan": {"send": "FAN {value}", "on": "ON"}, "lamp": {"off": "OFF"}, "reboot": {"send": "REBOOT"}}
    assert sent(True, points=points) == "FAN ON"
    assert sent(False, points=points) == "FAN 0"
    assert sent(False, "lamp", points=points) == "SET lamp OFF"
    assert sent(True, "pump", points=points, on="yes") == "SET pump yes"
    assert sent(None, "reboot", points=points) == "REBOOT"


def test_device_and_id_have_their_places_and_braces_are_doubled() -> None:
    send = "{{{device}:{id}:{point}={value}}}"
    assert sent(1, send=send, name="n1", field="node") == "{n1:17:fan=1}"
    assert sent(1, send=send) == "{d:17:fan=1}"


def test_what_the_template_has_no_place_for_is_not_dropped_in_silence() -> None:
    assert "{device}" in refusal(1, field="node", name="n1")
    assert "no {value}" in refusal(True, points={"fan": {"send": "FAN"}})
    assert "send" in refusal(None)
    assert "no `send`" in refusal(1, "lamp", send=None, points={"fan": {"send": "FAN {value}"}})


# ---- what never is


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a b", "a\n", "a\rb", "a\0", "a;*RST", "a,b", "a=b", 'a"b', "a\x1b[2J", "a\u2028b", "a\xa0b", "a\\b",
        "\ud800", "{id}",
    ],
)  # fmt: skip
def test_a_text_that_could_be_more_than_one_word_is_refused(text: str) -> None:
    refusal(text)
    refusal(1, text)
    if text:
        refusal(1, send="{device} {point} {value}", name=text)


def test_what_the_template_itself_separates_with_is_refused_in_a_text() -> None:
    assert sent("a.b:c") == "SET fan a.b:c"
    refusal("a.b", send="{point}.{value}")
    refusal("a:b", send="{point}:{value}")
    assert sent("a.b", send="{point}:{value}") == "fan:a.b"


def test_a_text_between_quotes_may_hold_all_but_what_ends_it() -> None:
    assert sent("it is; 5, or \u2028".rstrip("\u2028 "), quote='"') == 'SET fan "it is; 5, or"'
    assert sent("", quote="'") == "SET fan ''"
    assert sent(5, quote='"') == "SET fan 5"
    for text in ('a"b', "a\\", "a\nb", "\u2028", "\ud800"):
        refusal(text, quote='"')
    refusal("'", quote="'")
    refusal("x", "two words", quote='"')


def test_characters_may_be_allowed() -> None:
    assert sent("hello world!", allow=" !") == "SET fan hello world!"
    refusal("hello, world", allow=" !")
    assert "printable" in problem(send=SET, allow="\n")


def test_a_command_that_reads_like_an_answer_is_refused() -> None:
    options: dict[str, Any] = {"points": {"fan": {"send": "{value}"}}, "ok": "OK", "error": "ERR {error}"}
    assert sent("OKAY", **options) == "OKAY"
    assert "answer" in refusal("OK", **options)
    assert "answer" in refusal("ERR", **options)


# ---- answers


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"OK", Acknowledgement(None, True)),
        (b"  OK \r\n", Acknowledgement(None, True)),
        (b"ERR jammed at 3", Acknowledgement(None, False, "jammed at 3")),
        (b"ERR   jammed", Acknowledgement(None, False, "jammed")),
        (b"ERR", Acknowledgement(None, False)),
        (b"ERR \xff", Acknowledgement(None, False, "\ufffd")),
        (b"ERR " + b"x" * 900, Acknowledgement(None, False, "x" * 200)),
        (b"ERR " + b"x" * 5000, None),
        (b"ok", None), (b"OK fan", None), (b"xOK", None), (b"ERRjammed", None), (b"", None), (b"\xff", None),
    ],
)  # fmt: skip
def test_an_answer_without_an_id(frame: bytes, answer: Acknowledgement | None) -> None:
    form = new(ok="OK", error="ERR {error}")
    assert form.match(frame) == answer
    assert form.answers
    assert not form.answers_by_id


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"#17 OK.", Acknowledgement(17, True)),
        (b"#17 FAIL (jammed)", Acknowledgement(17, False, "jammed")),
        (b"#17 FAIL ()", Acknowledgement(17, False)),
        (b"#-1 OK.", None), (b"#1.5 OK.", None), (b"# OK.", None), (b"#17 OKx", None), (b"#12345678901 OK.", None),
        ("#\u0661 OK.".encode(), None),
    ],
)  # fmt: skip
def test_an_answer_with_an_id_and_signs_that_mean_something_elsewhere(frame: bytes, answer: Acknowledgement) -> None:
    form = new("#{id} {point} {value}", ok="#{id} OK.", error="#{id} FAIL ({error})")
    assert form.match(frame) == answer
    assert form.answers_by_id


def test_answers_are_by_id_only_where_each_of_them_repeats_it() -> None:
    send = "#{id} {point} {value}"
    assert not new(send, ok="OK {id}", error="ERR").answers_by_id
    assert not new(send, ok="OK").answers_by_id
    assert new(send, ok="OK {id}").answers_by_id


def test_without_a_pattern_there_is_no_answer() -> None:
    form = new()
    assert not form.answers
    assert form.answers_by_id
    assert form.match(b"OK") is None


def test_matching_is_linear() -> None:
    form = new("{id} {point}", ok="{id}!", error="{error} {id} x")
    started = time.process_time()
    for frame in (b"1 " * 500, b"9" * 1000, b" x" * 500, b"9 x" * 300):
        for _ in range(20):
            form.match(frame)
    assert time.process_time() - started < 0.5


# ---- configuration


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs `send`"),
        ({"points": {"fan": {"on": "ON"}}}, "needs `send`"),
        ({"send": "FAN {value}"}, "needs {point}"),
        ({"send": "SET {point} {"}, "brace"),
        ({"send": "SET {point} }"}, "brace"),
        ({"send": "SET {point} {valeu}"}, "{valeu} is none of {point}, {value}, {id}, {device}"),
        ({"send": "SET {point} {value!r}"}, "is none of"),
        ({"send": "SET {point}\n"}, "printable"),
        ({"send": SET, "ok": "{id}"}, "some text"),
        ({"send": SET, "ok": "OK {value}"}, "{value} is none of {id}, {error}"),
        ({"send": SET, "ok": "OK {error}"}, "in `error`"),
        ({"send": SET, "ok": "OK {id}"}, "in every `send`"),
        ({"send": "{id} {point}", "ok": "OK {id}", "points": {"fan": {"send": "FAN"}}}, "in every `send`"),
        ({"send": SET, "ok": "{id} OK {id}"}, "twice"),
        ({"send": SET, "error": "ERR {error}"}, "without an `ok`"),
        ({"send": SET, "on": ""}, "at least 1"),
        ({"send": SET, "on": "a\n"}, "printable"),
        ({"send": SET, "quote": "`"}, "Input should be"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_serve_is_an_error_of_the_configuration(options: dict[str, Any], words: str) -> None:
    assert words in problem(**options)
