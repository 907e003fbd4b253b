"""Drops keys and indexes of the managed tables for the copy of the rows, and creates them again.

Dropped are the foreign keys between managed tables, the keys, the exclusion constraints and the indexes. For
a rollback also the constraints that were never validated, because the old rows may break them. User triggers
are disabled and set back to their state. An index that something else depends on (a view that groups by a
primary key) stays, and so does an index that PostgreSQL marks as invalid: it could only come back valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from migrate.postgres.connection import Connection
from migrate.postgres.ddl import (
    Quoting,
    Step,
    add_constraint,
    add_proven,
    drop_constraint,
    read_indexes,
    restore_index,
    strip_index,
)
from migrate.postgres.schema_fingerprint import qualified_names
from migrate.runtime.errors import TargetError

_FOREIGN: Final = """
SELECT c.oid::regclass::text, r.oid::regclass::text, k.conname, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint'), c.oid = ANY (%(tables)s) AS inside
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND r.oid = ANY (%(tables)s)
ORDER BY 1, 3
"""
_UNPROVEN: Final = """
SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint')
FROM pg_constraint k
WHERE k.conrelid = ANY (%(tables)s) AND k.contype IN ('c', 'n') AND NOT k.convalidated
ORDER BY 1, 2
"""
_TRIGGERS: Final = """
SELECT t.tgrelid::regclass::text, t.tgname, t.tgenabled::text
FROM pg_trigger t WHERE t.tgrelid = ANY (%(tables)s) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
ORDER BY 1, 2
"""
_ENABLE: Final = {"O": "ENABLE TRIGGER", "R": "ENABLE REPLICA TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


@dataclass
class Rebuild:
    """The statements in order: `loosen`, delete the old rows, `strip`, copy the new rows, `restore`."""

    loosen: list[Step] = field(default_factory=list)
    strip: list[Step] = field(default_factory=list)
    restore: list[Step] = field(default_factory=list)


def plan_rebuild(conn: Connection, schema: str, tables: Iterable[str], *, strict: bool) -> Rebuild:
    """Return what to drop from `tables` and how to create it again.

    With `strict` a foreign key that is NOT VALID is checked against the new rows once, as it would be against
    any new row, before it is created as it was. Raises TargetError if a table outside references one of
    `tables`.
    """
    names = list(tables)
    with qualified_names(conn):
        parameters = {"tables": _oids(conn, schema, names)}
        foreign = conn.execute(_FOREIGN, parameters).fetchall()
        indexes = read_indexes(conn, parameters["tables"])
        unproven = [] if strict else conn.execute(_UNPROVEN, parameters).fetchall()
        triggers = conn.execute(_TRIGGERS, parameters).fetchall()
    outside = sorted({row[0] for row in foreign if not row[5]})
    if outside:
        raise TargetError(
            f"{', '.join(outside)} refers to tables whose rows are replaced, but is not replaced itself",
            hint="add it to [target] empty, or drop its foreign key",
        )
    quote = Quoting(conn)
    plan = Rebuild()
    for table, name, _ in triggers:
        trigger = f"trigger {name} of {table}"
        plan.loosen.append(Step(trigger, (f"ALTER TABLE {table} DISABLE TRIGGER {quote.name(name)}",)))
    for table, _, name, *_ in foreign:
        plan.loosen.append(drop_constraint(quote, table, name))
    for index in indexes:
        plan.strip.append(strip_index(quote, index))
        plan.restore.append(restore_index(quote, index))
    for table, name, definition, comment in unproven:
        plan.strip.append(drop_constraint(quote, table, name))
        plan.restore.append(add_constraint(quote, table, name, definition, comment))
    for table, _, name, definition, comment, _ in foreign:
        plan.restore.append(add_proven(quote, table, name, definition, comment, strict=strict))
    for table, name, enabled in triggers:
        statement = f"ALTER TABLE {table} {_ENABLE[enabled]} {quote.name(name)}"
        plan.restore.append(Step(f"trigger {name} of {table}", (statement,)))
    return plan


def _oids(conn: Connection, schema: str, tables: list[str]) -> list[int]:
    rows = conn.execute(
        "SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind = 'r'",
        (schema, tables),
    ).fetchall()
    return [row[0] for row in rows]
