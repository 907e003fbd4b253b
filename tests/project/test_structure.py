"""The rules of the repository's structure, checked on the source."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from migrate.cli.config import schema_of
from migrate.introspect.scaffold.write_files import SCHEMAS

ROOT = Path(__file__).parents[2]
PACKAGES = ("migrate", "mappers", "verification", "backups")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_the_packages_of_migrate_are_those_of_the_architecture_page() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [[f"migrate/{name}" for name in layer.split(" : ")] for layer in contract["layers"]]
    page = (ROOT / "docs/architecture.md").read_text()
    rows = [
        re.findall(r"`(migrate/\w+)`", line.split("|")[1]) for line in page.splitlines() if line[:3] == "| `"
    ]
    assert [row for row in rows if row] == layers
    entries = {path.name for path in (ROOT / "migrate").iterdir() if path.name != "__pycache__"}
    assert entries == {"__init__.py", "__main__.py"} | {name.split("/")[1] for row in layers for name in row}
    assert len(entries) <= 12


def test_a_basename_occurs_at_most_twice() -> None:
    names = Counter(path.name for path in SOURCES if path.name != "__init__.py")
    assert {name: count for name, count in names.items() if count > 2} == {}


def test_a_folder_stays_small() -> None:
    folders = Counter(path.parent for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")])
    assert not {str(folder) for folder, count in folders.items() if count > 26}


def test_modules_are_nouns_of_the_field() -> None:
    vague = re.compile(r"util|helper|manager|handler|common|misc", re.IGNORECASE)
    assert not [path.name for path in SOURCES if vague.search(path.stem)]


def test_a_file_has_one_subject_and_stays_small() -> None:
    assert not {path.name: lines for path in SOURCES if (lines := path.read_text().count("\n")) > 340}


def test_the_source_is_only_ever_asked() -> None:
    """What is sent to a legacy database is composed in one module; nothing there writes."""
    words = re.compile(r"\b(INSERT|UPDATE|DELETE|DROP|ALTER|CREATE|REPLACE|ATTACH|VACUUM)\b")
    text = (ROOT / "migrate/source/sql.py").read_text()
    strings = [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    docstrings = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
    }
    assert strings
    assert not [text for text in strings if text not in docstrings and words.search(text)]


def test_no_name_of_a_machine_or_a_registry_is_in_the_project() -> None:
    telltale = re.compile(r"/work/main|\.\./shared|/root/|file:///opt|extra-index-url")
    found = [
        str(path.relative_to(ROOT))
        for pattern in ("*.py", "*.md", "*.toml", "*.lock", "*.sql", "Makefile")
        for path in ROOT.rglob(pattern)
        if not {".venv", "work", "node_modules"} & set(path.relative_to(ROOT).parts)
        and path != Path(__file__)
        and telltale.search(path.read_text(errors="replace"))
    ]
    assert not found


def test_editors_get_the_schemas_of_the_models() -> None:
    """`make schemas` writes them anew."""
    for name, package in SCHEMAS.items():
        kept = json.loads((ROOT / package.replace(".", "/") / name).read_text())
        assert kept == schema_of(name.partition(".")[0]), f"{name} is old: type `make schemas`"


@pytest.mark.xdist_group("structure")
def test_tests_that_share_what_takes_long_stay_together(request: pytest.FixtureRequest) -> None:
    """Some versions of pytest and pytest-xdist scatter groups, and say nothing."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@structure")
