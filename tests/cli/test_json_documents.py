"""Every command that has `--json` prints one document, with a version, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import psycopg
import pytest

from migrate.cli.main import COMMANDS, cli
from migrate.source.sample.target import seed_target
from tests.tools.commands import migrate, query

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("documents")

SETTINGS = {
    "MIGRATE__SOURCE__URL": "sample",
    "MIGRATE__SAMPLE__SCALE": "0.02",
    "MIGRATE__IDS__SECRET": "an id secret of the tests",
}
#: In the order of an evening. ID stands for a legacy id of the map.
TYPED = (
    "config",
    "doctor",
    "inspect",
    "init --source legacy.db --out mapping",
    "plan",
    "verify",
    "run --yes",
    "status",
    "report",
    "receipt work/receipt.json",
    "ids users ID",
    "verify --published",
    "rollback --yes",
    "clean --yes",
)
#: Takes minutes; tests/e2e/faults/test_rehearse.py reads its document.
SLOW = {"rehearse"}


def with_json() -> set[str]:
    """Return the commands that have the option."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in COMMANDS}
    return {
        name
        for name, command in found.items()
        if command is not None and any("--json" in option.opts for option in command.params)
    }


@pytest.fixture(scope="module")
def documents(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of each command, typed in a folder of an evening."""
    folder = tmp_path_factory.mktemp("documents")
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE documents")
    url = postgres.url("documents")
    with psycopg.connect(url, autocommit=True) as connection:
        seed_target(connection)
    settings = {**SETTINGS, "MIGRATE__TARGET__URL": url}
    migrate("sample", "legacy.db", "--scale", "0.02", cwd=folder)
    found = {}
    for line in TYPED:
        words = line.split()
        if "ID" in words:
            [(legacy,)] = query(
                url, "SELECT legacy_id FROM migrate_ledger.id_map WHERE entity = 'users' LIMIT 1"
            )
            words = [legacy if word == "ID" else word for word in words]
        # A draft onto the studio's tables would miss columns that they require.
        named = SETTINGS if words[0] == "init" else settings
        found[line] = migrate(*words, "--json", cwd=folder, **named).json()
    return found


def test_every_command_with_the_option_is_typed() -> None:
    assert with_json() - SLOW == {line.split()[0] for line in TYPED}


@pytest.mark.parametrize("line", TYPED)
def test_the_document_has_a_version(documents: dict[str, Any], line: str) -> None:
    assert isinstance(documents[line], dict)
    assert documents[line]["version"] == 1


def test_a_watched_status_is_a_document_a_line(tmp_path: Path) -> None:
    [line] = migrate("status", "--work", str(tmp_path), "--watch", "--json").out.splitlines()
    assert '"version": 1' in line
