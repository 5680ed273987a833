"""A plug-in of another distribution is found by its entry point, as docs/extending.md promises."""

import json
import subprocess
import sys
from pathlib import Path

CODEC = """
from typing import Annotated

from pydantic import Field

from gateway.codecs import BARE, Codec, CodecOptions
from gateway.errors import CodecError
from gateway.model import Sample


class HexOptions(CodecOptions):
    type: str = "hex"
    digits: Annotated[int, Field(ge=1, le=16)] = 4

    def build(self) -> Codec:
        return HexCodec(self.digits)


class HexCodec:
    def __init__(self, digits: int) -> None:
        self._digits = digits

    def decode(self, frame: bytes) -> list[Sample]:
        if len(frame) != self._digits:
            raise CodecError("wrong length")
        return [Sample({BARE: int(frame, 16)})]


not_options = 5
"""

ENTRY_POINTS = """
[fieldgate.codecs]
hex = acme_hex:HexOptions
broken = acme_nowhere:Options
odd = acme_hex:not_options
"""


def installed(tmp_path: Path) -> Path:
    """A folder as pip would leave it with the distribution installed."""
    folder = tmp_path / "site"
    info = folder / "acme_hex-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_hex.py").write_text(CODEC)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hex\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def run(tmp_path: Path, config: str, program: str) -> "subprocess.CompletedProcess[str]":
    """The program with the distribution on its path, and the configuration's path as its argument."""
    path = tmp_path / "fieldgate.yaml"
    path.write_text(config)
    code = f"import sys; sys.path.insert(0, {str(installed(tmp_path))!r})\n{program}"
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=False
    )


BUILD = """
from pathlib import Path
from gateway.config import load
print(load(Path(sys.argv[1])).adapters[0].codec.build().decode(b"00ff"))
"""

CONFIG = "adapters:\n  - id: a\n    type: serial\n    port: /dev/x\n    codec: {}\n"


def test_it_is_configured_like_a_built_in_one(tmp_path: Path) -> None:
    done = run(tmp_path, CONFIG.format("hex"), BUILD)
    assert done.stdout == "[Sample(values={'': 255}, device_time=None, units={})]\n", done.stderr


def test_its_options_are_checked_like_those_of_a_built_in_one(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        CONFIG.format("{type: hex, digits: 0, digit: 4}"),
        "from gateway.cli import main\nsys.argv[1:1] = ['check']\nmain()",
    )
    assert done.returncode == 2, done.stderr
    lines = done.stderr.replace(str(tmp_path / "fieldgate.yaml"), "fieldgate.yaml").splitlines()
    assert lines == [
        "fieldgate.yaml:5:32: adapters.0.codec.digits: expected a number of at least 1, found 0",
        "fieldgate.yaml:5:35: adapters.0.codec.digit: unknown key, expected one of type, digits "
        "(did you mean 'digits'?)",
    ]


def test_one_that_cannot_be_loaded_is_a_problem_of_the_file_that_names_it(tmp_path: Path) -> None:
    tell = "from pathlib import Path\nfrom gateway.config import load\nload(Path(sys.argv[1]))"
    for name, why in {
        "broken": "'broken' cannot be loaded: ModuleNotFoundError: No module named 'acme_nowhere'",
        "odd": "'odd' cannot be loaded: TypeError: entry point fieldgate.codecs:odd is not an options model",
    }.items():
        (tmp_path / name).mkdir()
        done = run(tmp_path / name, CONFIG.format(name), tell)
        last = done.stderr.strip().splitlines()[-1]
        assert last.endswith(f"fieldgate.yaml:5:12: adapters.0.codec: the plug-in {why}")
        assert "Traceback" in done.stderr  # and the log tells its author where


def test_the_schema_knows_it(tmp_path: Path) -> None:
    program = "from gateway.cli import main\nsys.argv[1:] = ['schema']\nmain()"
    done = run(tmp_path, "", program)
    assert done.returncode == 0, done.stderr
    assert '"hex"' in json.dumps(json.loads(done.stdout))
