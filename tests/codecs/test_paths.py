"""Paths into JSON documents: what they lead to, and that whatever can stand in a document can be named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.paths import MISSING, Path

DOCUMENT = {
    "temperature": 21.4,
    "AM2301": {"Temperature": 21.5, "note": None},
    "list": [1, {"x": 2}, [3]],
    "switch:0": {"apower": 8.9},
    "x.y": {"it's": 5, 'a "b"': 6},
    "7": "seven",
    "": {"": 0},
    "Air temp": 4,
    "a ": 9,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("temperature", 21.4),
        ("AM2301.Temperature", 21.5),
        ("AM2301['Temperature']", 21.5),
        ('["AM2301"].Temperature', 21.5),
        ("AM2301.note", None),
        ("list.0", 1),
        ("list[0]", 1),
        ("list[1].x", 2),
        ("list.2.0", 3),
        ("switch:0.apower", 8.9),
        ('"x.y"."it\'s"', 5),
        ("""["x.y"]['a "b"']""", 6),
        ("7", "seven"),
        ("[7]", "seven"),
        ('""[""]', 0),
        ("Air temp", 4),
        ("'a '", 9),
        ("AM2301", DOCUMENT["AM2301"]),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert Path.parse(path).find(DOCUMENT) == value


@pytest.mark.parametrize(
    "path",
    [
        *["humidity", "temperature.x", "AM2301.temperature", "list.3", "list.x", "list.00", "list['0']", "list.-1"],
        *["list.99999999999999999999", "AM2301.note.x", "x.y", "temperature.0"],
    ],
)
def test_where_nothing_stands_nothing_is_found(path: str) -> None:
    assert Path.parse(path).find(DOCUMENT) is MISSING


@pytest.mark.parametrize("document", [None, True, 21.4, "text", [], {}])
def test_a_document_of_any_kind_can_be_asked(document: Any) -> None:
    assert Path.parse("a.0").find(document) is MISSING


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            ".",
            ".a",
            "a.",
            "a..b",
            " a",
            "a ",
            "a\n",
            "a. b",
            "[",
            "a[",
            "a[]",
            "a[b]",
            "a[-1]",
            "a.[0]",
            "[0]a",
            "a]",
        ],
        *["a'b'", "a['b'", "a['b\"]", '"a', 'a"', "a['b']c", "{{ a }}x['", "x" * 257, ".".join("a" * 17), "a[٣]"],
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a path"):
        Path.parse(text)


def quoted(name: str) -> str:
    mark = "'" if '"' in name else '"'
    return f"{mark}{name}{mark}"


names = st.text(max_size=8).filter(lambda name: not {"'", '"'} <= set(name))


@given(st.lists(st.tuples(names, st.booleans()), min_size=1, max_size=8), st.integers() | st.none())
def test_every_name_can_be_written_in_quotes(steps: list[tuple[str, bool]], value: int | None) -> None:
    document: Any = value
    text = ""
    for name, _ in reversed(steps):
        document = {name: document}
    for name, in_brackets in steps:
        text += f"[{quoted(name)}]" if in_brackets else f"{'.' if text else ''}{quoted(name)}"
    assert Path.parse(text).find(document) == value


@given(
    st.text(st.sampled_from("ab.0[]'\" \n٣"), max_size=12),
    st.recursive(
        st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", ""]), inner),
    ),
)
def test_any_text_is_a_path_or_a_value_error(text: str, document: Any) -> None:
    try:
        path = Path.parse(text)
    except ValueError:
        return
    found = path.find(json.loads(json.dumps(document)))
    assert found is MISSING or found is None or isinstance(found, int | list | dict)
