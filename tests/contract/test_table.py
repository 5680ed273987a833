"""No plug-in is installed that the contract does not cover."""

from typing import Any

import pytest

from gateway import plugins
from tests.contract.codec_examples import CODECS
from tests.contract.command_examples import COMMANDS
from tests.contract.framing_examples import FRAMINGS


@pytest.mark.parametrize(
    ("group", "table"),
    [("framings", FRAMINGS), ("codecs", CODECS), ("commands", COMMANDS)],
    ids=lambda item: str(item)[:8],
)
def test_every_installed_plug_in_has_examples(group: plugins.Group, table: dict[str, Any]) -> None:
    missing = set(plugins.names(group)) - {name for name, examples in table.items() if examples}
    assert not missing, f"add examples of {sorted(missing)} to tests/contract/{group}_examples.py"


@pytest.mark.parametrize("group", ["framings", "codecs", "commands", "profiles"])
def test_every_plug_in_is_called_by_its_type(group: plugins.Group) -> None:
    for name in plugins.names(group):
        model = plugins.find(group, name)
        assert model is not None
        assert model.model_fields["type"].default == name
