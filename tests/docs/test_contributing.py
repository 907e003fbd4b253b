"""The page for engineers names files, variables and make targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migrate.runtime import failpoints
from tests.tools.commands import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
#: What is named as a file and is none of the repository's.
_MADE = {"work/report.html", "work/snapshot.db", "points.txt"}


def named_files() -> list[str]:
    """Return what the page names as a file or folder of the repository."""
    words = re.findall(r"[\w.]+(?:/[\w.]*)+|\b\w+\.(?:toml|md)\b", PAGE)
    return sorted(set(words) - _MADE - {".venv/bin/pytest", ".venv/bin/migrate", "tests/PACKAGE"})


@pytest.mark.parametrize("name", named_files())
def test_a_file_that_the_page_names_exists(name: str) -> None:
    assert any((folder / name).exists() for folder in (ROOT, *ROOT.glob("tests/mappers/studio/reference")))


def test_enough_files_are_named() -> None:
    assert len(named_files()) > 30


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^(?:make |.*`make )([a-z-]+)", PAGE, re.M))
    assert {"install-dev", "test", "lint", "reasons"} <= targets
    makefile = (ROOT / "Makefile").read_text()
    assert not [name for name in targets if not re.search(rf"^{name}:", makefile, re.M)]


def test_the_failpoints_and_their_variables_exist() -> None:
    named = dict(re.findall(r"`(MIGRATE_[A-Z_]+)=([^`]+)`", PAGE))
    assert set(named) == {failpoints.VARIABLE, failpoints.FREEZE, failpoints.TRACE}
    steps = {
        point.partition("#")[0].partition(":")[2] for name, point in named.items() if name != failpoints.TRACE
    }
    points = (ROOT / "tests/e2e/faults/test_killed.py").read_text()
    assert not [step for step in steps if f'"{step}"' not in points]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("mappers/declarative/casts/date_casts.py", ("_OTHER", "_UNUSUAL", "_usual")),
        ("mappers/cleaning/dates.py", ("_ISO", "_UNIX", "_slow")),
        ("mappers/studio/studios.py", ("_KEYS", "Columns", "_short")),
        ("mappers/reasons.py", ("CODES",)),
        ("mappers/row_outcomes.py", ("def fate", "def warn")),
        ("migrate/pipeline/order.py", ("BEFORE", "AFTER")),
        ("migrate/pipeline/stage.py", ("class Stage", "class BackgroundTask")),
        ("migrate/source/url.py", ("Way",)),
        ("verification/runner.py", ("GENERAL", "DIRECTORY", "DESCRIBED")),
        ("verification/queries.py", ("def offenders",)),
        ("verification/studio/directory.py", ("_order",)),
        ("mappers/studio/studio_mapping.py", ("checks",)),
        ("tests/source/conftest.py", ("WAYS", "hard_url")),
        ("tests/e2e/faults/test_killed.py", ("POINTS",)),
    ],
)
def test_what_a_chapter_says_to_change_is_there(path: str, names: tuple[str, ...]) -> None:
    text = Path(ROOT / path).read_text()
    assert not [name for name in names if name not in text]
    assert not [name for name in names if name.removeprefix("def ").removeprefix("class ") not in PAGE]
