"""What README and docs tell people to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from migrate.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_TYPED = re.compile(r"(?:^|`)(?:\.venv/bin/)?migrate ([a-z][^`\n#|]*)", re.MULTILINE)


_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: What a fenced block may be other than commands: statements and settings are read by tests of their own.
_NO_COMMANDS = {"toml", "sql", "pgsql", "js", "python"}
#: A page whose every block of one kind is run, and the test that runs it.
RUN_WHOLE = {
    ("rollback.md", "sh"): "tests/e2e/faults/test_rollback_page.py",
    ("any-database.md", "sh"): "tests/e2e/systems/test_any_database_page.py",
    ("database-switch-guide.md", "sh"): "tests/docs/test_switch_page.py",
    ("database-switch-guide.md", "sql"): "tests/docs/test_switch_page.py",
    **dict.fromkeys(
        [("database-switch-guide.md", kind) for kind in ("js", "python", "pgsql")],
        "tests/docs/test_id_rule.py",
    ),
    ("fleet.md", "sh"): "tests/docs/test_fleet_page.py",
    ("local-trial.md", "sh"): "tests/docs/test_trial_page.py",
    ("security.md", "sh"): "tests/e2e/hostile/test_rights.py",
    ("security.md", "sql"): "tests/e2e/hostile/test_rights.py",
}
#: Other commands, by their first words, and the test that does what they do.
RUN_ELSEWHERE = {
    "make run": "tests/e2e/test_run.py",
    "make test": ".ci/run",
    "make bench": "tests/docs/test_performance_page.py",
    "pipx install": "tests/e2e/test_install.py",
    "docker build": "tests/e2e/test_install.py",
}
#: Settings of a shell: the tests give the same variables.
_SETTING = re.compile(r"(export )?[A-Z_]+=")


def fenced() -> list[tuple[str, str, str]]:
    """Return (page, kind, text) of every fenced block of the pages."""
    return [(page.name, kind, text) for page in PAGES for kind, text in _FENCE.findall(page.read_text())]


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


def test_every_fenced_command_is_run_by_a_test() -> None:
    from tests.docs.test_evening import ELSEWHERE, EVENING

    strange = []
    for page, kind, text in fenced():
        if (page, kind) in RUN_WHOLE or (page, kind) == ("mapping.md", "toml"):
            continue
        if kind in _NO_COMMANDS:
            strange.append(f"{page}: a block of {kind} that no test reads")
            continue
        for line in text.splitlines():
            words = line.partition(" #")[0].strip().removeprefix(".venv/bin/")
            known = words.removeprefix("migrate ") in {*EVENING, *ELSEWHERE} and words.startswith("migrate ")
            elsewhere = any(words.startswith(first) for first in RUN_ELSEWHERE)
            if words and not (known or elsewhere or _SETTING.match(words) or _is_drawing(text)):
                strange.append(f"{page}: {line}")
    assert not strange


def _is_drawing(text: str) -> bool:
    return "┌" in text


def test_the_tests_that_run_the_pages_exist_and_read_them() -> None:
    for (page, _), test in RUN_WHOLE.items():
        assert page in (ROOT / test).read_text(), test
    assert not [test for test in RUN_ELSEWHERE.values() if not (ROOT / test).exists()]


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
        *(item for item in project["dependency-groups"]["dev"] if isinstance(item, str)),
    ]
    names = {re.split(r"[>=<\[]", item)[0] for item in listed}
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    assert not [name for name in names if name not in explained]
