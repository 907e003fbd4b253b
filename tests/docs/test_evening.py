"""Every command that the pages show is typed, in the order of an evening."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from tests.docs.test_documented_commands import typed_commands
from tests.tools.commands import Done, migrate, query

#: Pages whose commands are run by a test of their own.
OWN = {"rollback.md", "database-switch-guide.md", "any-database.md", "local-trial.md", "fleet.md"}
#: Commands that are run by another test, since they take minutes or another source.
ELSEWHERE = {
    "rehearse",  # tests/e2e/faults/test_rehearse.py
    "sample big.db --messages 1000000",  # tests/sample, make bench
    "inspect libsql://name-org.turso.io",  # tests/inspection, against a real server
    "init --source libsql://name-org.turso.io --out mapping --enums",  # tests/drafting
    "init --source legacy.db --out mapping --target env:DATABASE_URL",  # the same
    "init --source legacy.db --out mapping --orm drizzle",  # tests/introspect/scaffold/test_command.py
    "fleet run",  # tests/docs/test_fleet_page.py
    "init --regenerate --out mapping",  # tests/introspect/cases/test_edited.py
    # tests/e2e/systems/test_any_database_page.py:
    "init --source URL --out mapping",
    "init --source URL --out mapping --target env:DATABASE_URL",
    "plan --config mapping/config.toml",
    "verify --config mapping/config.toml",
    "run --config mapping/config.toml",
    "rollback --config mapping/config.toml",
    "init",
    "inspect --html",
    # tests/pipeline/test_refresh.py:
    "run --refresh",
    "rollback --first",
}
EVENING = (
    "config --reference",
    "doctor",
    "completion bash",
    "sample legacy.db",
    "sample other.db --scale 0.1 --seed 7",
    "inspect",
    "inspect legacy.db",
    "inspect --json > inspection.json",
    "inspect legacy.db --html inspection.html",
    "init --source legacy.db --out mapping",
    "config --json-schema mapping > mapping.schema.json",
    "plan",
    "verify",
    "report --work work/rehearsal",
    "plan --out plan.json",
    "run --plan plan.json",
    "run",
    "status",
    "status --watch",
    "receipt work/receipt.json --seal SEAL",
    "verify --published",
    "report",
    "report --json > report.json",
    "report --samples",
    "psql",
    "psql -- -c 'select email, role from users limit 5'",
    "ids users 42",
    "ids --reverse ID",
    "rollback",
    "rollback --undo",
    "rollback",
    "run --accept-unproven-backup",
    "run --fresh",
    "rollback --yes",
    "run --yes",
    "clean --keep report --keep receipt --keep map",
    "clean --embedded",
    "clean",
)
#: What asks, and is answered here because no terminal is there.
_ASKS = re.compile(r"^(run|rollback|clean)\b(?!.*--yes)")


def test_every_command_of_the_pages_belongs_to_the_evening_or_to_a_test_of_its_own() -> None:
    shown = {words for page, words in typed_commands() if page not in OWN}
    assert shown - ELSEWHERE - set(EVENING) == set()


@pytest.mark.slow
def test_the_evening(tmp_path: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    settings = {
        "MIGRATE__SOURCE__URL": "sample",
        "MIGRATE__SAMPLE__SCALE": "0.02",
        "MIGRATE__TARGET__URL": database,
    }
    stands_for: dict[str, str] = {}
    for words in EVENING:
        said = type_it(words, tmp_path, settings, stands_for)
        if words == "run --plan plan.json":
            [(legacy, new)] = query(
                database, "SELECT legacy_id, new_id FROM migrate_ledger.id_map WHERE entity = 'users' LIMIT 1"
            )
            [seal] = re.findall(r"sealed (\w{64})", said.out)
            stands_for.update({"42": legacy, "ID": new, "SEAL": seal})
        if words == "ids --reverse ID":
            assert stands_for["42"] in said.out
    assert query(database, "SELECT count(*) > 0 FROM users") == [(True,)]


def type_it(words: str, folder: Path, settings: dict[str, str], stands_for: dict[str, str]) -> Done:
    """Type a command as the page shows it, its examples replaced, answered if it asks."""
    typed = [stands_for.get(word, word) for word in shlex.split(words.partition(" > ")[0])]
    if _ASKS.match(words):
        typed.append("--yes")
    if words.startswith("clean") and not (folder / "work").exists():
        (folder / "work").mkdir()
    if words.startswith("init"):  # for a target of its own, not for the studio tables
        settings = {name: value for name, value in settings.items() if name != "MIGRATE__TARGET__URL"}
        # A run of the draft would reject rows of the sample: it says which lines to edit, and ends with 1.
        return migrate(*typed, cwd=folder, code=None, **settings)
    return migrate(*typed, cwd=folder, **settings)
