"""The target tables of the migrated rows of each source table, and the first rows of every outcome, by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl
from psycopg import sql

from mappers.base import RowAccounting
from migrate.pipeline.context import RunContext
from migrate.postgres.connection import Connection, translate_errors
from migrate.snapshot.workspace import Workspace
from migrate.staging.batch import NAMED

#: The first migrated rows are searched among this many rows of an account.
_LOOKED_AT: Final = 500
MIGRATED: Final = "migrated"
_NAMED: Final = """
SELECT source_table, fate, reason, source_id, detail FROM (
    SELECT named.*, row_number() OVER (
        PARTITION BY source_table, fate, reason ORDER BY length(source_id), source_id COLLATE "C") AS place
    FROM {}, jsonb_to_recordset(first_fates) AS named
        (source_table text, fate text, reason text, source_id text, detail text)
    WHERE run_id = %s) AS numbered
WHERE place <= %s ORDER BY source_table, fate, reason, place
"""


@dataclass(frozen=True)
class RowFlow:
    """How many rows of a source table are proven by a column of a target table; several may share a row."""

    source: str
    target: str
    column: str
    rows: int


@dataclass(frozen=True)
class FirstRow:
    """One of the first rows of an outcome: its id, and what it became.

    For a migrated row `reason` is the target column that proves it and `became` its new id; otherwise
    `became` is the mapper's note, which is never personal data.
    """

    table: str
    fate: str
    reason: str
    source_id: str
    became: str | None


def row_flows(
    run: RunContext,
    session: Connection,
    workspace: Workspace,
    accounts: Iterable[RowAccounting],
    migrated: Mapping[str, int],
) -> list[RowFlow]:
    """Return the flows of all accounts; `migrated` counts the rows without another outcome by source table.

    `session` is the session to query the ledger with.
    """
    by_source: dict[str, list[RowAccounting]] = {}
    for account in accounts:
        by_source.setdefault(account.source, []).append(account)
    routes = []
    for source, own in by_source.items():
        if len(own) == 1:
            routes.append(_route(own[0], migrated[source]))
            continue
        fated = _fated(run, session, source)
        routes += [_route(account, _proven(workspace, account, fated)) for account in own]
    return routes


def first_rows(
    run: RunContext, session: Connection, workspace: Workspace, accounts: Iterable[RowAccounting]
) -> list[FirstRow]:
    """Return the first rows of every source table, outcome and reason, the migrated ones first."""
    found = [row for account in accounts for row in _first_migrated(run, session, workspace, account)]
    query = sql.SQL(_NAMED).format(run.ledger.name("batch"))
    with translate_errors("reading the first rows of each fate"):
        rows = session.execute(query, (run.id, NAMED)).fetchall()
    return found + [FirstRow(*row) for row in rows]


def _route(account: RowAccounting, rows: int) -> RowFlow:
    return RowFlow(account.source, account.target, ", ".join((account.column, *account.more)), rows)


def _fated(run: RunContext, session: Connection, source: str) -> pl.DataFrame:
    query = sql.SQL("SELECT source_id FROM {} WHERE run_id = %s AND source_table = %s").format(
        run.ledger.name("fate")
    )
    with translate_errors(f"reading the fates of {source}"):
        rows = session.execute(query, (run.id, source)).fetchall()
    return pl.DataFrame(rows, schema={"source_id": pl.String}, orient="row")


def _proven(workspace: Workspace, account: RowAccounting, fated: pl.DataFrame) -> int:
    """Return how many of the account's rows have a key and no other outcome."""
    return sum(
        rows.drop_nulls(["entity", "key"]).join(fated, on="source_id", how="anti").height
        for rows in workspace.stream(account.sql)
    )


def _first_migrated(
    run: RunContext, session: Connection, workspace: Workspace, account: RowAccounting
) -> Iterator[FirstRow]:
    # The query is the mappers' own SQL, without parameters.
    few = f"SELECT * FROM ({account.sql}) WHERE key IS NOT NULL AND entity IS NOT NULL LIMIT {_LOOKED_AT}"  # noqa: S608
    rows = pl.concat(list(workspace.stream(few)))
    rows = rows.filter(~pl.col("source_id").str.contains("\x00", literal=True))  # PostgreSQL accepts none
    query = sql.SQL(
        "SELECT source_id FROM {} WHERE run_id = %s AND source_table = %s AND source_id = ANY(%s)"
    ).format(run.ledger.name("fate"))
    with translate_errors(f"reading the fates of {account.source}"):
        fated = session.execute(query, (run.id, account.source, rows["source_id"].to_list())).fetchall()
    free = rows.filter(~pl.col("source_id").is_in([source_id for (source_id,) in fated])).head(NAMED)
    columns = ", ".join((account.column, *account.more))
    for row in free.iter_rows(named=True):
        new = [
            run.ids.derive(row[f"entity{place}"], row[f"key{place}"])
            if row[f"entity{place}"]
            else row[f"key{place}"]  # kept unchanged
            for place in ("", *(str(number) for number in range(2, len(account.more) + 2)))
        ]
        yield FirstRow(
            account.source,
            MIGRATED,
            f"{account.target}.{columns}",
            row["source_id"],
            ", ".join(map(str, new)),
        )
