"""The checks of a mapping that a file describes: each fault is planted alone, and caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pytest

from migrate.postgres.catalog import Column, Key, Table
from tests.verification.world import IDS, RUN, Account, World


@dataclass(frozen=True)
class Cells:
    source: str
    sql: str
    target: str
    columns: tuple[tuple[str, str], ...]


CELLS = Cells(
    "jobs",
    "SELECT id AS source_id, CASE WHEN title IS NOT NULL THEN 1 END AS c0,"
    " CASE WHEN owner IS NOT NULL THEN 1 END AS c1 FROM jobs",
    "jobs",
    (("title", "title"), ("owner", "owner_id")),
)
PARTS = Account(
    "parts",
    "SELECT job || ':' || line AS source_id, 'jobs' AS entity, job AS key, '' AS entity2, line AS key2"
    " FROM parts",
    "parts",
    "job_id",
    ("line",),
)
JOBS = Account("jobs", "SELECT id AS source_id, 'jobs' AS entity, id AS key FROM jobs", "jobs")
NOTES = Account("notes", "SELECT rowid AS source_id, '' AS entity, '' AS key FROM notes", "notes", "")


def job(key: int) -> str:
    return IDS.derive("jobs", key)


def _tables() -> dict[str, Table]:
    text, number = (lambda name: Column(name, "text")), Column("line", "bigint")
    return {
        "jobs": Table(
            "jobs", (text("id"), text("title"), text("owner_id")), ("id",), (Key("jobs_pkey", ("id",)),)
        ),
        "parts": Table("parts", (text("job_id"), number), ("job_id", "line")),
        "notes": Table("notes", (text("said"),)),
    }


@pytest.fixture
def jobs(world: World) -> Iterator[World]:
    """Four jobs, one of them rejected, with parts of a key of two columns and notes without a key."""
    world.snapshot.executescript(
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, title TEXT, owner INTEGER);"
        "INSERT INTO jobs VALUES (1, 'a', 7), (2, NULL, 7), (3, '', NULL), (4, 'd', 9);"
        "CREATE TABLE parts (job INTEGER, line INTEGER, PRIMARY KEY (job, line));"
        "INSERT INTO parts VALUES (1, 1), (1, 2), (2, 1);"
        "CREATE TABLE notes (said TEXT); INSERT INTO notes VALUES ('x'), ('x');"
    )
    world.target.execute(
        "CREATE TABLE staging.jobs (id text, title text, owner_id text);"
        "CREATE TABLE staging.parts (job_id text, line bigint); CREATE TABLE staging.notes (said text);"
        "INSERT INTO staging.notes VALUES ('x'), ('x');"
        "CREATE TABLE ledger.warning (run_id text, source_table text, source_id text, column_name text,"
        " rule text)"
    )
    execute = world.target.execute
    for key, title, owner in ((1, "a", "u7"), (2, None, "u7"), (3, None, None)):
        execute("INSERT INTO staging.jobs VALUES (%s, %s, %s)", (job(key), title, owner))
        execute("INSERT INTO staging.id_map VALUES ('jobs', %s, %s, 'jobs')", (str(key), job(key)))
    for key, line in ((1, 1), (1, 2), (2, 1)):
        execute("INSERT INTO staging.parts VALUES (%s, %s)", (job(key), line))
    execute("INSERT INTO ledger.fate VALUES (%s, 'jobs', '4', 'rejected', 'dangling', 'owner')", (RUN,))
    execute("INSERT INTO ledger.warning VALUES (%s, 'jobs', '3', 'title', 'empty_as_null')", (RUN,))
    execute("DELETE FROM ledger.fate WHERE source_table <> 'jobs'")
    world.changes |= {
        "accounts": (JOBS, PARTS, NOTES),
        "tables": _tables(),
        "foreign_keys": (),
        "cells": (CELLS,),
        "identities": {"jobs": ("jobs", "id")},
        "shared": frozenset(),
        "derived": frozenset(),
    }
    return world


PLANTED = {
    "a cell that is gone without a word": (
        "cells", "UPDATE staging.jobs SET title = NULL WHERE title = 'a'", "jobs", None,
    ),
    "a cell that came from nowhere": (
        "cells", "UPDATE staging.jobs SET title = 'b' WHERE owner_id IS NULL", "jobs", None,
    ),
    "a reference that is gone": (
        "cells", "UPDATE staging.jobs SET owner_id = NULL WHERE title = 'a'", "jobs", None,
    ),
    "a warning of a cell that was kept": (
        "cells", f"INSERT INTO ledger.warning VALUES ('{RUN}', 'jobs', '1', 'owner', 'dangling_left_out')",
        "jobs", None,
    ),
    "an id that the map lacks": (
        "keys_mapped", "DELETE FROM staging.id_map WHERE legacy_id = '2' AND entity = 'jobs'", "jobs", job(2),
    ),
    "an id of no row": (
        "keys_mapped", f"INSERT INTO staging.id_map VALUES ('jobs', '4', '{job(4)}', 'jobs')",
        "id_map", "jobs 4",
    ),
    "an id of another legacy id": (
        "keys_mapped", f"UPDATE staging.id_map SET legacy_id = '8' WHERE new_id = '{job(3)}'",
        "id_map", "jobs 8",
    ),
    "a lost row with a key of two columns": (
        "reconciliation", f"DELETE FROM staging.parts WHERE job_id = '{job(1)}' AND line = 2", "parts", "1:2",
    ),
    "a key of two columns whose parts went to other rows": (
        "reconciliation", f"UPDATE staging.parts SET job_id = '{job(3)}' WHERE job_id = '{job(2)}'",
        "parts", "2:1",
    ),
    "a lost row of a table without a key": (
        "reconciliation", "DELETE FROM staging.notes WHERE ctid = '(0,1)'", "notes", None,
    ),
}  # fmt: skip


def test_the_world_of_jobs_has_no_fault(jobs: World) -> None:
    for check in ("cells", "keys_mapped", "reconciliation"):
        result = jobs.check(check)
        assert result.applies
        assert [
            finding for finding in result.findings if finding.table in ("jobs", "parts", "notes", "id_map")
        ] == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught_and_named(jobs: World, name: str) -> None:
    check, statement, table, key = PLANTED[name]
    jobs.plant(statement)
    named = [(finding.table, finding.key) for finding in jobs.check(check).findings]
    assert (table, key) in named


def test_rows_that_no_key_distinguishes_are_compared_as_a_bag(jobs: World) -> None:
    asked = []

    def remap(tables: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        asked.extend(tables)
        yield "notes", pl.DataFrame({"said": ["x"]})
        yield "jobs", pl.DataFrame({"id": ["of the same mapper, and not asked for"]})
        yield "notes", pl.DataFrame({"said": ["x"]})

    jobs.changes["remap"] = remap
    assert jobs.check("keyless").passed
    assert (set(asked), jobs.check("keyless").looked_at) == ({"notes"}, 2)
    jobs.plant("UPDATE staging.notes SET said = 'y' WHERE ctid = '(0,1)'")
    assert jobs.check("reconciliation").passed, "their number is the same"
    assert [finding.table for finding in jobs.check("keyless").findings] == ["notes", "notes"]
    jobs.changes["accounts"] = (JOBS, PARTS)
    assert not jobs.check("keyless").applies


def test_an_id_left_out_of_a_document_leaves_its_cell_filled(jobs: World) -> None:
    warning = f"INSERT INTO ledger.warning VALUES ('{RUN}', 'jobs', '1', 'title', 'unknown_id_left_out')"
    jobs.target.execute(warning)
    assert jobs.check("cells").passed


def test_rows_made_up_for_references_may_fill_more_cells(jobs: World) -> None:
    jobs.target.execute("INSERT INTO staging.jobs VALUES ('made up', 'missing 5', NULL)")
    assert not jobs.check("cells").passed
    jobs.changes["derived"] = frozenset({"jobs"})
    assert jobs.check("cells").passed
