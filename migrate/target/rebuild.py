"""What is taken off the managed tables for the move of the rows, and put back by its own definition.

Off go: the foreign keys between managed tables, the keys, the exclusion
constraints and the indexes, and for a rollback the constraints that were
never validated, since the old rows may break them. User triggers are silenced
and set back to the state each of them had. What something else leans on (a
view that groups by a primary key) stays where it is, and so does an index
that PostgreSQL holds to be invalid: it could only come back valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import sql

from migrate.errors import TargetError
from migrate.target.connection import Connection
from migrate.target.fingerprint import qualified_names

_FOREIGN: Final = """
SELECT c.oid::regclass::text, r.oid::regclass::text, k.conname, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint'), c.oid = ANY (%(tables)s) AS inside
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND r.oid = ANY (%(tables)s)
ORDER BY 1, 3
"""
_INDEXES: Final = """
SELECT c.oid::regclass::text, quote_ident(n.nspname) || '.' || quote_ident(x.relname), x.relname,
       pg_get_indexdef(x.oid), k.conname, k.contype::text, pg_get_constraintdef(k.oid),
       k.condeferrable, k.condeferred, coalesce((to_jsonb(k) ->> 'conperiod')::bool, false),
       obj_description(x.oid, 'pg_class'), obj_description(k.oid, 'pg_constraint'),
       i.indisclustered, i.indisreplident,
       (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace),
       (SELECT json_object_agg(a.attnum, to_jsonb(a) ->> 'attstattarget') FROM pg_attribute a
        WHERE a.attrelid = x.oid AND to_jsonb(a) ->> 'attstattarget' <> '-1')
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = x.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
WHERE c.oid = ANY (%(tables)s) AND i.indisvalid AND NOT EXISTS (
    SELECT 1 FROM pg_depend d LEFT JOIN pg_constraint f
        ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid AND f.contype = 'f'
    WHERE d.deptype = 'n' AND f.oid IS NULL
      AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid)
        OR (d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid)))
ORDER BY 1, NOT i.indisprimary, 2
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
_NOT_VALID: Final = " NOT VALID"


@dataclass(frozen=True)
class Step:
    """One or more statements on one object; `what` names it for the progress."""

    what: str
    statements: tuple[str, ...]


@dataclass
class Rebuild:
    """The statements in order: `loosen`, then the old rows go, `strip`, the new ones come, `restore`."""

    loosen: list[Step] = field(default_factory=list)
    strip: list[Step] = field(default_factory=list)
    restore: list[Step] = field(default_factory=list)


def plan_rebuild(conn: Connection, schema: str, tables: Iterable[str], *, strict: bool) -> Rebuild:
    """Return what to take off `tables` and how to put it back.

    With `strict` a foreign key that is NOT VALID is held against the new rows
    once, as it would be against any new row, before it is put back as it was.
    Raises TargetError where a table outside references one of `tables`.
    """
    names = list(tables)
    with qualified_names(conn):
        parameters = {"tables": _oids(conn, schema, names)}
        foreign = conn.execute(_FOREIGN, parameters).fetchall()
        indexes = conn.execute(_INDEXES, parameters).fetchall()
        unproven = [] if strict else conn.execute(_UNPROVEN, parameters).fetchall()
        triggers = conn.execute(_TRIGGERS, parameters).fetchall()
    outside = sorted({row[0] for row in foreign if not row[5]})
    if outside:
        raise TargetError(
            f"{', '.join(outside)} references tables whose rows are replaced, but is not replaced itself",
            hint="add it to [target] empty, or take its foreign key off",
        )
    quote = _Quoting(conn)
    plan = Rebuild()
    for table, name, _ in triggers:
        trigger = f"trigger {name} of {table}"
        plan.loosen.append(Step(trigger, (f"ALTER TABLE {table} DISABLE TRIGGER {quote.name(name)}",)))
    for table, _, name, *_ in foreign:
        plan.loosen.append(_drop_constraint(quote, table, name))
    for row in indexes:
        plan.strip.append(_strip_index(quote, row))
        plan.restore.append(_restore_index(quote, row))
    for table, name, definition, comment in unproven:
        plan.strip.append(_drop_constraint(quote, table, name))
        plan.restore.append(_add_constraint(quote, table, name, definition, comment))
    for table, _, name, definition, comment, _ in foreign:
        plan.restore.append(_add_foreign_key(quote, (table, name, definition, comment), strict))
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


class _Quoting:
    """Identifiers and literals as text; definitions come from PostgreSQL itself, qualified."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def name(self, name: str) -> str:
        return sql.Identifier(name).as_string(self._conn)

    def text(self, value: str) -> str:
        return sql.Literal(value).as_string(self._conn)


def _drop_constraint(quote: _Quoting, table: str, name: str) -> Step:
    return Step(f"constraint {name} of {table}", (f"ALTER TABLE {table} DROP CONSTRAINT {quote.name(name)}",))


def _comment(quote: _Quoting, thing: str, comment: str | None) -> list[str]:
    return [] if comment is None else [f"COMMENT ON {thing} IS {quote.text(comment)}"]


def _add_constraint(quote: _Quoting, table: str, name: str, definition: str, comment: str | None) -> Step:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(name)} {definition}"
    note = _comment(quote, f"CONSTRAINT {quote.name(name)} ON {table}", comment)
    return Step(f"constraint {name} of {table}", (add, *note))


def _add_foreign_key(quote: _Quoting, key: tuple[str, str, str, str | None], strict: bool) -> Step:
    table, name, definition, comment = key
    step = _add_constraint(quote, table, name, definition, comment)
    if not (strict and definition.endswith(_NOT_VALID)):
        return step
    trial = _add_constraint(quote, table, name, definition.removesuffix(_NOT_VALID), None)
    return Step(
        step.what, (*trial.statements, *_drop_constraint(quote, table, name).statements, *step.statements)
    )


def _strip_index(quote: _Quoting, row: tuple[Any, ...]) -> Step:
    table, index, _, _, constraint, *_ = row
    if constraint is not None:
        return _drop_constraint(quote, table, constraint)
    return Step(f"index {index}", (f"DROP INDEX {index}",))


def _restore_index(quote: _Quoting, row: tuple[Any, ...]) -> Step:
    table, index, name, definition, constraint, kind, constraint_definition, *rest = row
    deferrable, deferred, period, comment, constraint_comment, clustered, identity, space, statistics = rest
    place = [f"SET LOCAL default_tablespace = {quote.text(space or '')}"]
    if constraint is None:
        build = [definition]
    elif kind == "x" or period:
        build = [f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(constraint)} {constraint_definition}"]
    else:
        # By way of its index: the definition of a constraint leaves out the index's storage options.
        sort = "PRIMARY KEY" if kind == "p" else "UNIQUE"
        when = (" DEFERRABLE" if deferrable else "") + (" INITIALLY DEFERRED" if deferred else "")
        adopt = f"ADD CONSTRAINT {quote.name(constraint)} {sort} USING INDEX {quote.name(name)}{when}"
        build = [definition, f"ALTER TABLE {table} {adopt}"]
    after = [
        f"ALTER INDEX {index} ALTER COLUMN {at} SET STATISTICS {n}" for at, n in (statistics or {}).items()
    ]
    if clustered:
        after.append(f"ALTER TABLE {table} CLUSTER ON {quote.name(name)}")
    if identity:
        after.append(f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {quote.name(name)}")
    after += _comment(quote, f"INDEX {index}", comment)
    if constraint is not None:
        after += _comment(quote, f"CONSTRAINT {quote.name(constraint)} ON {table}", constraint_comment)
    return Step(f"index {index}", (*place, *build, *after))
