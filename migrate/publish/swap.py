"""The swap: the staged tables take the live ones' place, and the old ones are dropped.

Slow work is done before the lock (`build_objects`), everything else is set during the swap
(`swap_attributes`). The id map is swapped together with its tables: a session that sees the new rows finds
their ids in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg import sql

from migrate.postgres.connection import Connection, to_migrate_error
from migrate.postgres.locks import LOCK_NOT_AVAILABLE
from migrate.postgres.old_snapshots import silent_replicas, xmin_horizon
from migrate.postgres.schema_fingerprint import qualified_names
from migrate.postgres.table_checksum import Content, measure
from migrate.publish.build_objects import OnProven, build_objects, build_online
from migrate.publish.copy_rows import Move
from migrate.publish.missing_objects import TablePair, find_pairs
from migrate.publish.swap_attributes import SwapAttributes, plan_attributes
from migrate.publish.swap_blockers import TableName, find_swap_blockers
from migrate.runtime.errors import MigrateError
from migrate.staging import schema as staged_tables
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP

OnProgress = Callable[[str, str], None]

#: The server's answers to a statement that it cannot do for this table or this role; class 23 is about rows.
_CANNOT: Final = ("0A", "0L", "2B", "42", "55")

_BORN: Final = """
SELECT c.oid::regclass::text FROM unnest(%s::oid[], %s::oid[]) w (live, staged)
JOIN pg_class c ON c.oid = w.live JOIN pg_class s ON s.oid = w.staged
WHERE c.relacl IS NULL AND s.relacl IS NOT NULL ORDER BY 1
"""


@dataclass(frozen=True)
class BuiltAhead:
    """What is built already: the staged tables (oids) vacuumed, and the content of some of them, by name."""

    vacuumed: frozenset[int]
    contents: Mapping[str, Content]


NOTHING_BUILT: Final = BuiltAhead(frozenset(), MappingProxyType({}))


class SwapBlocked(Exception):
    """The tables cannot be swapped; `reasons` say why, a sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class TableSwap:
    """A prepared swap: all its rows were committed by `horizon`; `publication` is its future number."""

    pairs: tuple[TablePair, ...]
    attributes: SwapAttributes
    horizon: str
    publication: int


def prepare_swap(
    conn: Connection,
    ledger: Ledger,
    schema: str,
    staging: str,
    moves: Sequence[Move],
    emptied: Sequence[str],
    *,
    strict: bool,
    on_progress: OnProgress,
    fresh: Collection[int] = (),
) -> TableSwap:
    """Build constraints and indexes and return how the tables are swapped; safe to repeat.

    `fresh` are the tables (oids) that `build_concurrently` has vacuumed, if nothing was written since. Raises
    SwapBlocked if the rows must be copied, psycopg's errors if rows break a constraint or the server is lost.
    """
    # Every staged row is committed by now. Only definitions follow, and these do not depend on snapshots.
    committed = xmin_horizon(conn)
    tables = [*(move.table for move in moves), *emptied]
    table_names = [
        *(TableName(schema, staging, table) for table in tables),
        TableName(ledger.schema, staging, ID_MAP),
    ]
    reasons = [
        f"{move.table}.{column} is left to its own sequence"
        for move in moves
        for column in move.drawn
        if move.rows
    ]
    reasons += find_swap_blockers(conn, table_names)
    reasons += [f"the readers of the replica {name} are not visible" for name in silent_replicas(conn)]
    if reasons:
        raise SwapBlocked(reasons)
    try:
        staged_tables.add_empty(conn, schema, staging, emptied)
        _require_revocable_defaults(conn, table_names)
        build_objects(conn, table_names, strict=strict, on_progress=on_progress, fresh=fresh)
        with qualified_names(conn):
            pairs = tuple(find_pairs(conn, table_names))
            attributes = plan_attributes(conn, pairs)
    except (psycopg.Error, MigrateError) as error:
        raise _judged("building keys and indexes of the staged tables", error) from error
    on_progress("built", schema)
    publication = _keep_id_map(conn, ledger)
    return TableSwap(pairs, attributes, committed, publication)


def build_concurrently(
    conn: Connection,
    ledger: Ledger,
    schema: str,
    staging: str,
    filled: Sequence[str],
    emptied: Sequence[str],
    *,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    only: Sequence[str] | None = None,
    before: BuiltAhead = NOTHING_BUILT,
    on_proven: OnProven = lambda _keys: None,
) -> BuiltAhead:
    """Build what can be built while the staged tables are read; nothing if rows will be copied.

    `only` names the tables to build on, which must be completely loaded; without it, all of `filled` and
    `emptied`, and the id map. `on_proven` is called with the keys as soon as they are built. Returns what is
    built, including `before`. If it raises or does not finish, `prepare_swap` builds the rest.
    """
    ids = TableName(ledger.schema, staging, ID_MAP)
    table_names = [*(TableName(schema, staging, table) for table in (*filled, *emptied)), ids]
    # Once is enough: what appears later is found in publish, which then copies the rows.
    if before is NOTHING_BUILT and find_swap_blockers(conn, table_names):
        return before
    if only is not None:
        table_names = [TableName(schema, staging, table) for table in only]
    vacuumed = build_online(
        conn, table_names, on_progress=on_progress, should_stop=should_stop, fence=ledger.guard,
        fresh=before.vacuumed, on_proven=on_proven,
    )  # fmt: skip
    contents = dict(before.contents)
    for table in filled if only is None else only:
        if table not in contents and not should_stop():
            contents[table] = measure(conn, staging, table)
    return BuiltAhead(vacuumed, contents)


def _require_revocable_defaults(conn: Connection, table_names: Sequence[TableName]) -> None:
    """Raise SwapBlocked if a new table got privileges by default that can be revoked, but not removed
    completely.
    """
    with qualified_names(conn):
        pairs = find_pairs(conn, table_names)
        rows = conn.execute(
            _BORN, ([pair.live for pair in pairs], [pair.staged for pair in pairs])
        ).fetchall()
    if rows:
        raise SwapBlocked([f"default privileges grant rights on every new table, such as {rows[0][0]}"])


def _judged(doing: str, error: psycopg.Error | MigrateError) -> Exception:
    """Return SwapBlocked for an error that only a swap has, else the error itself."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state is None or isinstance(cause, LOCK_NOT_AVAILABLE) or not state.startswith(_CANNOT):
        return error
    assert isinstance(cause, psycopg.Error)
    detail = (cause.diag.message_detail or "").splitlines()[:1]
    return SwapBlocked(["; ".join([str(to_migrate_error(doing, cause)), *detail])])


def _keep_id_map(conn: Connection, ledger: Ledger) -> int:
    """Keep the id map that is about to be replaced, under the number of the next publication.

    Only publish changes that map. A map that was kept for a publication that never happened is deleted.
    """
    past = ledger.name("replaced_id_map")
    with conn.transaction():
        ledger.guard(conn)
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE publication NOT IN (SELECT id FROM {})").format(
                past, ledger.name("publication")
            )
        )
        row = conn.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
            (ledger.name("publication").as_string(conn),),
        ).fetchone()
        assert row is not None
        conn.execute(
            sql.SQL(
                "INSERT INTO {} (publication, entity, legacy_id, new_id, via)"
                " SELECT {}, entity, legacy_id, new_id, via FROM {}"
            ).format(past, int(row[0]), ledger.name("id_map"))
        )
    return int(row[0])


def lock_staged(conn: Connection, swap: TableSwap) -> None:
    """Lock the staged tables before any live one, so that a vacuum of one is not waited for under the
    locks.
    """
    names = ", ".join(pair.new for pair in swap.pairs)
    conn.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE".encode())


def swap_tables(conn: Connection, swap: TableSwap) -> None:
    """Put the staged tables in the live ones' place; called inside a savepoint, under the locks.

    Raises SwapBlocked if something prevents it.
    """
    old = ", ".join(pair.old for pair in swap.pairs)
    statements = [
        *swap.attributes.before,
        # Without CASCADE: an object that depends on an old table stops the swap.
        f"DROP TABLE {old}",
        *(f"ALTER TABLE {pair.new} SET SCHEMA {pair.old_schema}" for pair in swap.pairs),
        *swap.attributes.after,
    ]
    try:
        conn.execute(";\n".join(statements).encode())
    except psycopg.Error as error:
        raise _judged("exchanging the tables", error) from error
