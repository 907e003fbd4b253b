"""Replaces the rows of one tenant in one transaction: a reader sees all its old rows, or all its new ones.

One statement deletes in all tables, one inserts: PostgreSQL checks foreign keys when a statement ends, so the
order of tables does not matter, and circles of references need none. The replaced rows are kept as text (what
PostgreSQL prints of a row, and reads back unchanged), for a rollback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import sql

from migrate.pipeline.fleet.layout import Place
from migrate.pipeline.fleet.ledger import KEPT
from migrate.postgres.connection import Connection
from migrate.staging.ledger import Ledger

_DELETE: Final = """{gone} AS (DELETE FROM {live} AS t WHERE {its} RETURNING t::text AS row),
{kept_name} AS (INSERT INTO {kept} (tenant, target, goes_back, row)
    SELECT %(tenant)s, {target}, false, row FROM {gone} RETURNING 1)"""
_INSERT: Final = "{added} AS (INSERT INTO {live} ({columns}) SELECT {columns} FROM {staged} RETURNING 1)"
_INSERT_IDS: Final = """{added} AS (INSERT INTO {live} (tenant, {columns})
    SELECT %(tenant)s, {columns} FROM {staged} RETURNING 1)"""
_RETURN: Final = """{added} AS (INSERT INTO {live} ({columns}) SELECT {fields} FROM (
    SELECT row::{live} AS r FROM {kept} WHERE tenant = %(tenant)s AND target = {target} AND goes_back OFFSET 0
    ) k RETURNING 1)"""


def replace_rows(conn: Connection, ledger: Ledger, tenant: str, places: Sequence[Place]) -> dict[str, int]:
    """Replace the tenant's live rows by the staged ones, keep the old ones, and return the new rows by table.

    Called inside a transaction that guards the epoch.
    """
    kept = ledger.name(KEPT)
    conn.execute(sql.SQL("DELETE FROM {} WHERE tenant = %s").format(kept), (tenant,))
    _delete(conn, ledger, tenant, places)
    return add_rows(conn, tenant, places)


def add_rows(conn: Connection, tenant: str, places: Sequence[Place]) -> dict[str, int]:
    """Add the staged rows to the tables of `places`, and return their numbers by table."""
    parts = [
        sql.SQL(_INSERT if place.name else _INSERT_IDS).format(
            added=_name("a", number),
            live=place.live,
            staged=place.staged,
            columns=sql.SQL(", ").join(map(sql.Identifier, place.columns)),
        )
        for number, place in enumerate(places)
    ]
    counts = _run(conn, parts, "a", len(places), tenant)
    return {place.name: count for place, count in zip(places, counts, strict=True) if place.name}


def exchange_rows(conn: Connection, ledger: Ledger, tenant: str, places: Sequence[Place]) -> dict[str, int]:
    """Make the kept rows of a tenant live again, and keep those that were live; return the rows by table.

    The second call is the undo of the first. Called inside a transaction that guards the epoch.
    """
    kept = ledger.name(KEPT)
    conn.execute(sql.SQL("UPDATE {} SET goes_back = true WHERE tenant = %s").format(kept), (tenant,))
    _delete(conn, ledger, tenant, places)
    parts = [
        sql.SQL(_RETURN).format(
            added=_name("a", number),
            live=place.live,
            kept=kept,
            target=sql.Literal(place.name),
            columns=sql.SQL(", ").join(map(sql.Identifier, _all_columns(place))),
            fields=sql.SQL(", ").join(
                sql.SQL("(k.r).{}").format(sql.Identifier(column)) for column in _all_columns(place)
            ),
        )
        for number, place in enumerate(places)
    ]
    counts = _run(conn, parts, "a", len(places), tenant)
    conn.execute(sql.SQL("DELETE FROM {} WHERE tenant = %s AND goes_back").format(kept), (tenant,))
    return {place.name: count for place, count in zip(places, counts, strict=True) if place.name}


def _all_columns(place: Place) -> tuple[str, ...]:
    return place.columns if place.name else ("tenant", *place.columns)


def _delete(conn: Connection, ledger: Ledger, tenant: str, places: Sequence[Place]) -> None:
    parts = [
        sql.SQL(_DELETE).format(
            gone=_name("g", number),
            kept_name=_name("k", number),
            live=place.live,
            kept=ledger.name(KEPT),
            target=sql.Literal(place.name),
            its=sql.SQL("true")
            if place.column is None
            else sql.SQL("t.{} = %(tenant)s").format(sql.Identifier(place.column)),
        )
        for number, place in enumerate(places)
    ]
    _run(conn, parts, "k", len(places), tenant)


def _name(letter: str, number: int) -> sql.Identifier:
    return sql.Identifier(f"{letter}{number}")


def _run(
    conn: Connection, parts: Iterable[sql.Composed], letter: str, number: int, tenant: str
) -> tuple[int, ...]:
    """Run all parts as one statement and return the rows that each of its `letter`s touched."""
    counts = sql.SQL(", ").join(
        sql.SQL("(SELECT count(*) FROM {})").format(_name(letter, at)) for at in range(number)
    )
    statement = sql.SQL("WITH {} SELECT {}").format(sql.SQL(",\n").join(parts), counts)
    row = conn.execute(statement, {"tenant": tenant}).fetchone()
    assert row is not None
    return tuple(row)
