"""Every link leads somewhere."""

from urllib.parse import unquote

import pytest

from tests.docs.markdown import ROOT, Page, page, pages


@pytest.mark.parametrize("source", pages(), ids=str)
def test_every_relative_link_leads_to_a_file_and_a_heading(source: Page) -> None:
    broken = []
    for line, target in source.links():
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = unquote(target).partition("#")
        place = (source.path.parent / path).resolve() if path else source.path
        if not place.exists():
            broken.append(f"{source}:{line}: {target}: there is no such file")
        elif not place.is_relative_to(ROOT):
            broken.append(f"{source}:{line}: {target}: leads out of the repository")
        elif anchor and anchor not in page(place).anchors():
            broken.append(f"{source}:{line}: {target}: there is no such heading")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("name", ["protocol", "configuration", "command-line", "http", "simulators"])
def test_the_readme_leads_to_every_reference_page(name: str) -> None:
    assert f"docs/{name}.md" in {target.partition("#")[0] for _, target in page(ROOT / "README.md").links()}
