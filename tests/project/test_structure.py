"""The house's own rules, read off the source."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("migrate", "mappers", "verification", "backups")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MAY_IMPORT = {
    "migrate": {"migrate", "mappers", "verification", "backups"},
    "mappers": {"mappers"},
    "verification": {"verification"},
    "backups": {"backups"},
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in imported(path) & set(PACKAGES)
        if name not in MAY_IMPORT[package]
    }
    assert not wrong


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


@pytest.mark.xdist_group("structure")
def test_tests_that_share_what_takes_long_stay_together(request: pytest.FixtureRequest) -> None:
    """Some versions of pytest and pytest-xdist scatter groups, and say nothing."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@structure")
