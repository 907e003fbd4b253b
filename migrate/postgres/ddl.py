"""Definitions as PostgreSQL prints them, turned into statements for the same table or another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from psycopg import sql

from migrate.postgres.connection import Connection
from migrate.runtime.errors import TargetError

NOT_VALID: Final = " NOT VALID"
#: Text outside of quoted identifiers and literals, or one complete identifier or literal.
_TOKEN: Final = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|.', re.DOTALL)
_INDEXES: Final = """
SELECT c.oid::regclass::text, quote_ident(n.nspname), x.relname,
       pg_get_indexdef(x.oid), k.conname, k.contype::text, pg_get_constraintdef(k.oid),
       k.condeferrable, k.condeferred, coalesce((to_jsonb(k) ->> 'conperiod')::bool, false),
       obj_description(x.oid, 'pg_class'), obj_description(k.oid, 'pg_constraint'),
       i.indisclustered, i.indisreplident,
       (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace),
       (SELECT json_object_agg(a.attnum, to_jsonb(a) ->> 'attstattarget') FROM pg_attribute a
        WHERE a.attrelid = x.oid AND to_jsonb(a) ->> 'attstattarget' <> '-1'),
       i.indisunique
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = x.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
WHERE c.oid = ANY (%(tables)s) AND i.indisvalid AND NOT EXISTS (
    SELECT 1 FROM pg_depend d LEFT JOIN pg_constraint f
        ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid AND f.contype = 'f'
    WHERE d.deptype = 'n' AND f.oid IS NULL
      AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid)
        OR (d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid)))
ORDER BY 1, NOT i.indisprimary, 3
"""
#: Of a table and of its rows' parts that are stored outside it (TOAST).
_OPTIONS: Final = """
SELECT c.oid::bigint, prefix || quote_ident(split_part(o, '=', 1)), substr(o, strpos(o, '=') + 1)
FROM unnest(%s::regclass[]) w (oid) JOIN pg_class c ON c.oid = w.oid
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
CROSS JOIN LATERAL (
    SELECT '', o, n FROM unnest(c.reloptions) WITH ORDINALITY u (o, n)
    UNION ALL SELECT 'toast.', o, n FROM unnest(t.reloptions) WITH ORDINALITY u (o, n)) x (prefix, o, n)
ORDER BY c.oid, prefix, n
"""


@dataclass(frozen=True)
class Step:
    """One or more statements on one object; `what` names it for the progress.

    `counted`: the table that must be analyzed again after it, quoted and qualified.
    """

    what: str
    statements: tuple[str, ...]
    counted: str | None = None


class Quoting:
    """Identifiers and literals as text; definitions come from PostgreSQL itself, qualified."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def name(self, *parts: str) -> str:
        """Return the identifier, quoted, with its schema if two parts are given."""
        return sql.Identifier(*parts).as_string(self._conn)

    def text(self, value: str) -> str:
        """Return the literal."""
        return sql.Literal(value).as_string(self._conn)

    def comment(self, thing: str, comment: str | None) -> list[str]:
        """Return the statement that sets the comment on `thing`; nothing if there is no comment."""
        return [] if comment is None else [f"COMMENT ON {thing} IS {self.text(comment)}"]


def retarget(definition: str, before: str, old: str, new: str) -> str:
    """Return the definition with the name `old`, at its first place after the word `before`, replaced by
    `new`.

    Both names are qualified and quoted as PostgreSQL prints them. Text inside quotes is never replaced.
    Raises TargetError if the definition has no such place.
    """
    wanted = f"{before} {old}"
    place = 0
    while place < len(definition):
        # A name ends at a space or at the columns' parenthesis.
        if definition.startswith(wanted, place) and definition[place + len(wanted) :][:1] in ("", " ", "("):
            end = place + len(wanted)
            return f"{definition[:place]}{before} {new}{definition[end:]}"
        token = _TOKEN.match(definition, place)
        assert token is not None
        place = token.end()
    raise TargetError(f"a definition does not name {old} where it was expected")


# ---- constraints ---------------------------------------------------------------------


def drop_constraint(quote: Quoting, table: str, name: str) -> Step:
    """Return the step that drops a constraint; `table` is qualified and quoted."""
    return Step(f"constraint {name} of {table}", (f"ALTER TABLE {table} DROP CONSTRAINT {quote.name(name)}",))


def add_constraint(quote: Quoting, table: str, name: str, definition: str, comment: str | None) -> Step:
    """Return the step that adds a constraint under its name, with its comment."""
    add = f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(name)} {definition}"
    note = quote.comment(f"CONSTRAINT {quote.name(name)} ON {table}", comment)
    return Step(f"constraint {name} of {table}", (add, *note))


def add_proven(
    quote: Quoting, table: str, name: str, definition: str, comment: str | None, *, strict: bool
) -> Step:
    """Return the step that adds a constraint.

    If `strict`, a NOT VALID one is first checked against the rows.
    """
    step = add_constraint(quote, table, name, definition, comment)
    if not (strict and definition.endswith(NOT_VALID)):
        return step
    trial = add_constraint(quote, table, name, definition.removesuffix(NOT_VALID), None)
    undone = drop_constraint(quote, table, name)
    return Step(step.what, (*trial.statements, *undone.statements, *step.statements))


# ---- storage options -----------------------------------------------------------------


def read_options(conn: Connection, tables: Sequence[str]) -> dict[int, list[tuple[str, str]]]:
    """Return the storage options of tables as (quoted name, value), in their order, by the table's oid.

    A table is given as its quoted name or its oid; one without options is left out.
    """
    found: dict[int, list[tuple[str, str]]] = {}
    for table, name, value in conn.execute(_OPTIONS, (list(tables),)).fetchall():
        found.setdefault(table, []).append((name, value))
    return found


# ---- indexes -------------------------------------------------------------------------


@dataclass(frozen=True)
class Index:
    """An index of a table, with the constraint that uses it and all settings of both.

    `table` and `schema` are quoted; `name` and `constraint` are not.
    """

    table: str
    schema: str
    name: str
    definition: str
    constraint: str | None
    kind: str | None
    constraint_definition: str | None
    deferrable: bool | None
    deferred: bool | None
    period: bool
    comment: str | None
    constraint_comment: str | None
    clustered: bool
    identity: bool
    tablespace: str | None
    statistics: dict[str, str] | None
    unique: bool


def read_indexes(conn: Connection, tables: list[int]) -> list[Index]:
    """Return the indexes of the tables (by oid), keys first; call it inside `qualified_names`.

    Not included are invalid indexes, and those that something other than a foreign key depends on.
    """
    return [Index(*row) for row in conn.execute(_INDEXES, {"tables": tables}).fetchall()]


def strip_index(quote: Quoting, index: Index) -> Step:
    """Return the step that drops the index, with its constraint if it has one."""
    if index.constraint is not None:
        return drop_constraint(quote, index.table, index.constraint)
    what = f"{index.schema}.{quote.name(index.name)}"
    return Step(f"index {index.schema}.{index.name}", (f"DROP INDEX {what}",))


def bare_index(index: Index) -> Index:
    """Return the index alone: without its constraint and without the settings of either."""
    return replace(
        index, constraint=None, kind=None, constraint_definition=None, deferrable=None, deferred=None,
        period=False, comment=None, constraint_comment=None, clustered=False, identity=False, statistics=None,
    )  # fmt: skip


def is_buildable_first(index: Index) -> bool:
    """Return whether the index can be built before its constraint is added."""
    return not (index.kind == "x" or index.period)


def build_index(quote: Quoting, index: Index) -> list[str]:
    """Return the statements that build the index and its constraint."""
    place = f"SET LOCAL default_tablespace = {quote.text(index.tablespace or '')}"
    if not is_buildable_first(index):
        name = quote.name(index.constraint or "")
        return [place, f"ALTER TABLE {index.table} ADD CONSTRAINT {name} {index.constraint_definition}"]
    # From the index: the definition of a constraint does not include the index's storage options.
    return [place, index.definition, *_constrain(quote, index)]


def _constrain(quote: Quoting, index: Index) -> list[str]:
    """Return the statement that adds the constraint, if there is one, using the existing index."""
    if index.constraint is None:
        return []
    sort = "PRIMARY KEY" if index.kind == "p" else "UNIQUE"
    when = (" DEFERRABLE" if index.deferrable else "") + (" INITIALLY DEFERRED" if index.deferred else "")
    adopt = f"ADD CONSTRAINT {quote.name(index.constraint)} {sort} USING INDEX {quote.name(index.name)}{when}"
    return [f"ALTER TABLE {index.table} {adopt}"]


def set_index_attributes(quote: Quoting, index: Index) -> list[str]:
    """Return the statements that restore the settings of the index and its constraint; none takes long."""
    what = f"{index.schema}.{quote.name(index.name)}"
    after = [
        f"ALTER INDEX {what} ALTER COLUMN {at} SET STATISTICS {n}"
        for at, n in (index.statistics or {}).items()
    ]
    if index.clustered:
        after.append(f"ALTER TABLE {index.table} CLUSTER ON {quote.name(index.name)}")
    if index.identity:
        after.append(f"ALTER TABLE {index.table} REPLICA IDENTITY USING INDEX {quote.name(index.name)}")
    after += quote.comment(f"INDEX {what}", index.comment)
    if index.constraint is not None:
        named = f"CONSTRAINT {quote.name(index.constraint)} ON {index.table}"
        after += quote.comment(named, index.constraint_comment)
    return after


def complete_index(quote: Quoting, index: Index) -> Step:
    """Return the step that adds to an index built before it its constraint and the settings of both."""
    statements = (*_constrain(quote, index), *set_index_attributes(quote, index))
    return Step(f"index {index.schema}.{index.name}", statements)


def restore_index(quote: Quoting, index: Index) -> Step:
    """Return the step that builds the index again with its constraint and all settings."""
    return Step(
        f"index {index.schema}.{index.name}",
        (*build_index(quote, index), *set_index_attributes(quote, index)),
    )
