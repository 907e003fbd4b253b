"""The engine knows nothing of studios: what it must know of a mapping, the mapping declares."""

from __future__ import annotations

import re
from pathlib import Path

MIGRATE = Path(__file__).parents[2] / "migrate"
#: Words of the mapping that ships: its subject, its source tables and its target tables.
WORDS = re.compile(
    r"studio|voice.?over|user_?meta|user_profiles|profile_category|profile.type|gallery"
    r"|\b(shows|community)_(users|contacts|messages|comments)",
    re.IGNORECASE,
)
#: Here one of the two mappings is chosen.
CHOICE = MIGRATE / "pipeline" / "mapping.py"


def lines_about_studios(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if WORDS.search(line)]


def test_the_engine_does_not_know_what_it_migrates() -> None:
    files = [path for path in MIGRATE.rglob("*") if path.suffix in (".py", ".html", ".css")]
    engine = [path for path in files if MIGRATE / "source" / "sample" not in path.parents and path != CHOICE]
    assert len(engine) > 150
    found = {path: lines_about_studios(path.read_text()) for path in engine}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_the_choice_names_the_studio_mapping_and_nothing_of_it() -> None:
    lines = lines_about_studios(CHOICE.read_text())
    assert lines
    assert all("StudioMapping" in line or line.startswith("from mappers.studio") for line in lines)


def test_a_line_about_studios_is_found() -> None:
    assert lines_about_studios('x = 1\nif "shows_users" in tables:\n') == ['if "shows_users" in tables:']
