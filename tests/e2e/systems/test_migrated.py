"""Each system migrated as `migrate init` leaves its mapping, not a letter changed, and taken back."""

from __future__ import annotations

import html
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.create_tables import make_tables, read_ddl
from migrate.postgres.embedded import EmbeddedServer
from migrate.postgres.schema_fingerprint import fingerprint
from tests.e2e.systems.contents import ordinary_tables
from tests.e2e.systems.expected import Comparison
from tests.introspect.cases.outcomes import foreseen, happened
from tests.tools.commands import migrate, query

SECRET = "an id secret of the system tests"


def migrated_systems(*slow: str) -> list[Any]:
    """Return all systems, some for the slow tests; one process migrates each once for all its tests."""
    return [
        pytest.param(
            name, marks=[pytest.mark.xdist_group(f"migrated {name}"), *[pytest.mark.slow] * (name in slow)]
        )
        for name in ("marketplace", "nasty", "talent", "interview")
    ]


#: Those with the most rows take the longest.
SYSTEMS = migrated_systems("marketplace", "talent", "interview")
#: The first test of a system migrates it.
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Migrated:
    """A source with what `migrate init` wrote for it, and an empty PostgreSQL that it went to."""

    source: Path
    folder: Path
    url: str
    drafted: Mapping[str, Any]
    summary: Mapping[str, Any]

    def migrate(self, *words: str) -> Any:
        where = ("--config", str(self.folder / "config.toml"), "--work", str(self.folder / "work"))
        return migrate(*words, *where, MIGRATE__TARGET__URL=self.url, MIGRATE__IDS__SECRET=SECRET)

    @cached_property
    def fates(self) -> dict[tuple[str, str], int]:
        """The rows that the ledger names, by source table and fate."""
        counted = "SELECT source_table, fate, count(*) FROM migrate_ledger.fate GROUP BY 1, 2"
        return {(table, fate): rows for table, fate, rows in query(self.url, counted)}


Make = Callable[[str], Migrated]


@pytest.fixture(scope="module")
def databases(postgres: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases that last as long as the tests of this file."""
    made = []

    def make() -> str:
        made.append(f"s_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made[-1])))
        return postgres.url(made[-1])

    yield make
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def migrated(
    systems: Mapping[str, Path],
    nasty_file: Path,
    databases: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Make:
    """Migrates a system once, by what `migrate init` wrote."""
    done: dict[str, Migrated] = {}

    def run(name: str) -> Migrated:
        if name not in done:
            source = {**systems, "nasty": nasty_file}[name]
            folder = tmp_path_factory.mktemp(name) / "mapping"
            drafted = migrate("init", "--source", str(source), "--out", str(folder), "--json").json()
            made = Migrated(source, folder, databases(), drafted, {})
            summary = made.migrate("run", "--yes", "--json").json()
            done[name] = Migrated(source, folder, made.url, drafted, summary)
        return done[name]

    return run


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_row_of_every_table_has_its_fate(migrated: Make, system: str) -> None:
    done = migrated(system)
    flows = {flow["table"]: flow for flow in done.summary["flows"]}
    left_out = done.summary["left_out"]
    tables = ordinary_tables(done.source)
    assert flows.keys() | left_out.keys() == tables
    with closing(sqlite3.connect(done.source)) as connection:
        for table in tables:
            name = table.replace('"', '""')
            (rows,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            if table in left_out:
                assert left_out[table][1] == rows
                continue
            flow = flows[table]
            gone = sum(sum(flow[fate].values()) for fate in ("merged", "rejected", "excluded"))
            assert (flow["rows"], flow["migrated"] + gone) == (rows, rows)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_row_is_migrated_exactly_or_rejected(migrated: Make, system: str) -> None:
    done = migrated(system)
    comparison = Comparison(done.source, done.folder / "mapping.toml", done.url, SECRET)
    for name in comparison.tables:
        found = comparison.compare(name)
        merged = done.fates.get((name, "merged"), 0)
        assert not found.surplus, (name, found.surplus, found.missing)
        assert found.missing.total() == merged, (name, found.missing)
        assert found.rejected == done.fates.get((name, "rejected"), 0), name


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_the_draft_foresees_is_what_the_run_does(migrated: Make, system: str) -> None:
    done = migrated(system)
    assert foreseen(done.drafted["forecast"]) == happened(done.url, done.summary["changed"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_target_is_what_its_ddl_makes(migrated: Make, databases: Callable[[], str], system: str) -> None:
    done = migrated(system)
    with psycopg.connect(databases(), autocommit=True) as plain:
        make_tables(plain, "public", read_ddl(done.folder / "init.sql"))
        with psycopg.connect(done.url, autocommit=True) as target:
            assert fingerprint(target, "public") == fingerprint(plain, "public")


@pytest.mark.parametrize("system", migrated_systems("marketplace", "talent", "interview"))
def test_every_check_is_made_of_the_live_rows_and_a_rollback_empties_them(
    migrated: Make, system: str
) -> None:
    done = migrated(system)
    checks = {
        check["name"]: check for check in done.migrate("verify", "--published", "--json").json()["checks"]
    }
    assert {"reconciliation", "cells", "keys_mapped", "dangling_keys"} <= checks.keys()
    assert all(check["passed"] for check in checks.values())
    done.migrate("rollback", "--yes")
    targets = [flow for flow in done.summary["filled"] if flow != "id_map"]
    held = [query(done.url, f"SELECT count(*) FROM {_quoted(table)}")[0][0] for table in targets]
    assert sum(done.summary["filled"].values()) > 0
    assert not any(held)
    done.migrate("rollback", "--undo", "--yes")  # for the tests that look at the same rows
    again = [query(done.url, f"SELECT count(*) FROM {_quoted(table)}")[0][0] for table in targets]
    assert dict(zip(targets, again, strict=True)) == {name: done.summary["filled"][name] for name in targets}


@pytest.mark.slow
@pytest.mark.xdist_group("migrated marketplace")
def test_values_that_did_not_arrive_are_reported_by_column(migrated: Make) -> None:
    done = migrated("marketplace")
    lost = {
        (one["table"], one["column"]): (one["rule"], one["rows"])
        for one in done.summary["changed"]
        if one["lost"]
    }
    assert lost == {
        ("invitations", "created_at"): ("current_timestamp_text_left_out", 1),
        ("payments", "amount"): ("decimal_out_of_range_left_out", 1),
    }
    rounded = [one for one in done.summary["changed"] if one["rule"] == "rounded_to_milliseconds"]
    assert sum(one["rows"] for one in rounded) == done.summary["warnings"]["rounded_to_milliseconds"] > 0
    assert not query(done.url, "SELECT 1 FROM migrate_ledger.warning WHERE rule LIKE 'rounded%'")
    shown = migrate("report", "--json", "--work", str(done.folder / "work")).json()
    assert shown["changed"] == done.summary["changed"]


@pytest.mark.xdist_group("migrated nasty")
def test_what_no_migration_carries_over_is_in_the_report_with_its_sql(migrated: Make) -> None:
    done = migrated("nasty")
    shown = migrate("report", "--json", "--work", str(done.folder / "work")).json()["by_hand"]
    kinds = {(one["kind"], one["name"]) for one in shown}
    assert kinds == {
        ("view", "v of view"), ("view", "v_broken"), ("view", "v_gross"), ("trigger", "t_after"),
        ("trigger", "t_before"), ("trigger", "t_instead"), ("CHECK", "promises"),
        ("full-text table", "animals_fts"), ("full-text table", "bare_fts"), ("full-text table", "notes_fts"),
    }  # fmt: skip
    assert [one["name"] for one in shown if one["lost"]] == ["notes_fts"]
    page = html.unescape((done.folder / "work" / "report.html").read_text())
    assert not [one["name"] for one in shown if one["sql"] not in page]
    assert "USING GIN" in page
    assert "CREATE TRIGGER t_after AFTER INSERT ON animals" in page


def _quoted(table: str) -> str:
    return sql.Identifier(table).as_string(None)
