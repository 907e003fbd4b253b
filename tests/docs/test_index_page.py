"""The index answers by question, and leaves no page out."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_LINK = re.compile(r"\]\(([^)#]+)(#[^)]+)?\)")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index_and_every_link_leads_somewhere() -> None:
    links = _LINK.findall((DOCS / "index.md").read_text())
    assert {page for page, _ in links} >= {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    for page, anchor in links:
        assert (DOCS / page).is_file(), page
        assert not anchor or anchor in _anchors(DOCS / page), (page, anchor)
