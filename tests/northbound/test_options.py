"""The section `publish`: what is wrong with it is said where it stands."""

from pathlib import Path

import pytest

from gateway.config import parse
from gateway.errors import ConfigurationError

WRONG = {
    "topic: fieldgate/{point}": "topic: needs {device}, or all devices would share one topic",
    "topic: '{device}/{points}'": "topic: {points} is not one of {gateway}, {device}, {point}",
    "topic: '{device}{point}'": "topic: two names need something between them",
    "topic: '{device}/{device}'": "topic: each of {gateway}, {device}, {point} may stand once",
    "topic: '{device}/#'": "topic: a topic to publish on has no wildcards",
    "topic: $share/{device}": "topic: topics that begin with $ are the broker's own",
    "topic: '{device}/{point'": "topic: a brace has no partner",
    "state: '{device}/{point}'": "state: {point} is not one of {gateway}, {device}",
    "status: '{device}/x'": "status: {device} is not one of {gateway}",
    "qos: 2": "qos: 2 is not one of 0, 1",
    "homeassistant: 'yes'": "homeassistant: expected true, false, or a mapping with `prefix`, found 'yes'",
    "homeassistant: {prefix: a+}": "homeassistant.prefix: 'a+' does not match",
    "topics: []": "topics: unknown key, expected one of url, version",
    "state: x/{device}\n  topic: x/{device}": "state: is the topic of something else too",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_said(line: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(f"publish:\n  url: mqtt://localhost\n  {line}\n", "f.yaml", Path("."), {})
    assert f"publish.{WRONG[line]}" in str(raised.value)


@pytest.mark.parametrize(("given", "is_on"), [("true", True), ("false", False), ("{prefix: home}", True)])
def test_home_assistant_is_told_where_that_is_wanted(given: str, is_on: bool) -> None:
    config = parse(f"publish: {{url: mqtt://localhost, homeassistant: {given}}}", "f.yaml", Path("."), {})
    assert config.publish is not None
    assert (config.publish.homeassistant is not None) == is_on
