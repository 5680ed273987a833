"""Every configuration that the pages show is one that the gateway takes."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway.config import parse
from gateway.errors import ConfigurationError
from tests.docs.markdown import Block, pages
from tests.parts.certificates import Authority

BLOCKS = [block for page in pages() for block in page.blocks if block.language == "yaml"]
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def whole(text: str) -> str:
    """A whole file of a fragment: a list is one of adapters, and devices alone get adapters to belong to."""
    if text.lstrip().startswith("- "):
        return f"adapters:\n{text}"
    yaml = YAML()
    tree: Any = yaml.load(text)
    if "devices" in tree and "adapters" not in tree:
        ids = sorted({device.partition(".")[0] for device in tree["devices"]})
        tree["adapters"] = [{"id": id, "type": "loopback"} for id in ids]
        made = StringIO()
        yaml.dump(tree, made)
        return made.getvalue()
    return text


def test_the_pages_show_configurations() -> None:
    assert len(BLOCKS) > 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pages' configurations stand: a folder with the files that they name."""
    folder = tmp_path_factory.mktemp("pages")
    pair = Authority(folder).sign()
    pair.certificate.rename(folder / "cert.pem")
    pair.key.rename(folder / "key.pem")
    (folder / "jwt.key").write_text("a secret of 32 bytes or more, by random")
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_configuration_in_the_pages_is_valid(block: Block, folder: Path) -> None:
    """Unless the comment above it says `not checked:` and why."""
    if block.comment and block.comment.startswith("not checked: "):
        pytest.skip(block.comment)
    environment = dict.fromkeys(_VARIABLE.findall(block.text), "something")
    try:
        parse(whole(block.text), str(block), folder, environment)
    except ConfigurationError as error:
        pytest.fail(str(error))
