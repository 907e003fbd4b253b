"""Takes the rows of an unchanged source table over from the published run, inside PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP

#: The columns of the ledger's tables that are copied as they are, by table.
_OF_MAPPER: Final = {
    "batch": "stage, mapper, number, first, last, source_rows, target_rows, first_fates, sums",
    "finished": "stage, mapper",
}
_OF_SOURCE: Final = {
    "fate": "source_table, source_id, fate, reason, detail",
    "warning": "source_table, source_id, column_name, rule",
}


@dataclass(frozen=True)
class Unchanged:
    """A mapper whose source rows are those of the published run.

    `source` is its source table, `table` the target table that it alone fills, with its `columns`; `entities`
    are those of the id map that it makes ids for.
    """

    mapper: str
    source: str
    table: str
    columns: Sequence[str]
    entities: Sequence[str]


def take_over(
    conn: Connection, ledger: Ledger, *, run_id: str, base: str, live: str, staging: str, found: Unchanged
) -> int:
    """Stage what a mapper gave in the published run `base`, with its batches and outcomes; return its rows.

    `live` and `staging` are schemas. All of it is one transaction. Raises StateMismatch if the live rows are
    not as many as the ledger says.
    """
    with translate_errors(f"taking over the rows of {found.source}"), conn.transaction():
        ledger.guard(conn)
        for table, names in _OF_MAPPER.items():
            _copy(conn, ledger, table, names, run_id, base, ("mapper", found.mapper))
        for table, names in _OF_SOURCE.items():
            _copy(conn, ledger, table, names, run_id, base, ("source_table", found.source))
        listed = sql.SQL(", ").join(map(sql.Identifier, found.columns))
        rows = conn.execute(
            sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                sql.Identifier(staging, found.table), listed, listed, sql.Identifier(live, found.table)
            )
        ).rowcount
        expected = ledger_queries.staged_rows(conn, ledger, base).get(found.table, 0)
        if rows != expected:
            raise StateMismatch(
                f"{live}.{found.table} holds {amount(rows, 'row')}, the publication wrote {expected:,}",
                hint="`migrate run --refresh --discard-changes` maps all tables again",
            )
        ids = sql.SQL("entity, legacy_id, new_id, via")
        conn.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE entity = ANY(%s)").format(
                sql.Identifier(staging, ID_MAP), ids, ids, ledger.name("id_map")
            ),
            (list(found.entities),),
        )
        hit("take_over:uncommitted")
    return rows


def _copy(
    conn: Connection, ledger: Ledger, table: str, names: str, run_id: str, base: str, by: tuple[str, str]
) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, names.split(", ")))
    conn.execute(
        sql.SQL(
            "INSERT INTO {0} (run_id, {1}) SELECT %s, {1} FROM {0} WHERE run_id = %s AND {2} = %s"
        ).format(ledger.name(table), columns, sql.Identifier(by[0])),
        (run_id, base, by[1]),
    )
