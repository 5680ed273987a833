"""What the first release promises, point by point, and where each is shown.

| promise | shown by |
|---|---|
| a fresh clone does all its set-up by two commands, and its README shows what comes of it | here |
| the simulators' commands and a hand-written configuration stream | test_streams |
| `send` ends with 0, 1, 3 as the device says yes, no, or nothing | test_commands |
| a pulled pty and a killed broker are shown within 2 s and heal | test_faults; on the page: tests/browser |
| 0, 0.0, false, "" are values, NaN is null and bad, malformed is counted and costs nothing else | test_streams |
| SIGTERM ends everything within 5 s, clients get 1001 | test_shutdown |
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_SCREEN = 40  # lines


def test_the_readmes_first_screen_shows_a_picture_of_the_dashboard() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN]
    pictures = re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", "\n".join(first))
    paths = [ROOT / (markdown or html) for markdown, html in pictures]
    assert any(path.suffix in (".png", ".jpg", ".webp", ".svg") and path.stat().st_size > 10_000 for path in paths)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_of_a_newcomer_are_in_the_readme_and_exist(target: str) -> None:
    assert f"make {target}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
