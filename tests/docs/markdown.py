"""Markdown as far as our pages use it: fenced blocks, headings with their anchors, links, and tables."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
_COMMENT = re.compile(r"^<!-- (.+?) -->$")
_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$")
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the text in it, the line of its fence, and the comment right above it."""

    page: Path
    line: int
    language: str
    text: str
    comment: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page taken apart. `prose` is the page with its blocks left empty, so that line numbers stand."""

    path: Path
    blocks: tuple[Block, ...]
    prose: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def anchors(self) -> set[str]:
        """What a link may name after `#`, as GitHub makes it of the headings."""
        seen: Counter[str] = Counter()
        found = set()
        for line in self.prose:
            if heading := _HEADING.match(line):
                title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[2]).replace("`", "")
                slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
                found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
                seen[slug] += 1
        return found

    def links(self) -> list[tuple[int, str]]:
        """The targets of all links and pictures, with their lines."""
        return [
            (number, found[1])
            for number, line in enumerate(self.prose, start=1)
            for found in _LINK.finditer(_CODE.sub("", line))
        ]

    def section(self, heading: str) -> str:
        """The prose below the heading, up to the next one of any depth; KeyError where there is none."""
        lines = iter(self.prose)
        for line in lines:
            if (found := _HEADING.match(line)) and found[2].replace("`", "") == heading:
                break
        else:
            raise KeyError(f"{self}: there is no heading {heading!r}")
        taken = []
        for line in lines:
            if _HEADING.match(line):
                break
            taken.append(line)
        return "\n".join(taken)

    def rows(self, heading: str, first: str | None = None) -> dict[str, list[str]]:
        """The rows of the tables below the heading, by the text of their first cell without backticks.

        `first` wants only the tables whose first column has that heading. A first cell `a`, `b` is two rows.
        """
        found: dict[str, list[str]] = {}
        table: str | None = None  # the heading of the first column of the table at hand
        for line in self.section(heading).splitlines():
            if not line.startswith("|"):
                table = None
                continue
            name, *rest = (cell.strip() for cell in line.strip().strip("|").split("|"))
            if table is None:
                table = name
            elif not set(line) <= set("|-: ") and first in (None, table):
                found.update((each, rest) for each in name.replace("`", "").split(", "))
        return found


@cache
def page(path: Path) -> Page:
    """The page at the path."""
    blocks, prose = [], []
    comment: str | None = None
    fence: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        mark = _FENCE.match(line)
        if fence is not None:
            start, language, lines = fence
            if mark and not mark[2]:
                blocks.append(Block(path, start, language, "\n".join(lines) + "\n", comment))
                fence, comment = None, None
            else:
                lines.append(line)
            prose.append("")
        elif mark:
            fence = number, mark[2], []
            prose.append("")
        else:
            if found := _COMMENT.match(line):
                comment = found[1]
            elif line.strip():
                comment = None
            prose.append(line)
    assert fence is None, f"{path}:{fence and fence[0]}: a block that does not end"
    return Page(path, tuple(blocks), tuple(prose))


@cache
def pages() -> tuple[Page, ...]:
    """The README, the pages beside it, and everything below docs/."""
    return tuple(page(path) for path in (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))))


def doc(name: str) -> Page:
    """A page of docs/ by its name."""
    return page(DOCS / f"{name}.md")
