"""What README and docs tell people to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from migrate.cli import COMMANDS, cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_TYPED = re.compile(r"(?:^|`)(?:\.venv/bin/)?migrate ([a-z][^`\n#|]*)", re.MULTILINE)


def typed_commands() -> list[tuple[str, str]]:
    """Return (page, words) of every `migrate …` that a page shows."""
    return [
        (page.name, words.strip().rstrip(".,:;"))
        for page in PAGES
        for words in _TYPED.findall(page.read_text())
        if words.split()[0].rstrip(".,:;") in COMMANDS
    ]


def test_the_pages_show_commands() -> None:
    assert {words.split()[0] for _, words in typed_commands()} >= {
        "run",
        "verify",
        "rollback",
        "status",
        "plan",
    }


@pytest.mark.parametrize(("page", "words"), sorted(set(typed_commands())))
def test_every_command_that_a_page_shows_can_be_typed(page: str, words: str) -> None:
    name, *arguments = shlex.split(words)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with command.make_context(name, arguments, resilient_parsing=True) as context:
        assert context.command is command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    assert not missing


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    wanted = set(re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"run", "test"} <= wanted
    assert not [name for name in wanted if not re.search(rf"^{name}:", makefile, re.MULTILINE)]


def test_every_dependency_has_a_line_that_says_why() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[>=<\[]", item)[0] for item in listed}
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    assert not [name for name in names if name not in explained]
