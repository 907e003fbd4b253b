"""The live schema as data: tables, columns, keys and foreign keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from migrate.postgres.connection import Connection, translate_errors

_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})
_NEXT_NUMBER: Final = re.compile(r"nextval\('[^']*(''[^']*)*'::regclass\)", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One column. `type` is PostgreSQL's own spelling, such as `character varying(30)`.

    `default` is the expression as text; `generated` is true for a computed column; `identity` is `always`,
    `by default` or None; `sequence` is true if the default uses a sequence; `enum` holds the labels in their
    order.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: bool = False
    identity: str | None = None
    sequence: bool = False
    enum: tuple[str, ...] | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None

    @property
    def is_numbered(self) -> bool:
        """True if PostgreSQL gives the column its next number, and nothing is made of that number."""
        plain = self.default is not None and _NEXT_NUMBER.fullmatch(self.default) is not None
        return self.type in _INTEGERS and (self.identity is not None or plain)


@dataclass(frozen=True)
class Key:
    """A primary key, unique constraint or unique index.

    `columns` are names; `expressions` and `predicate` are the SQL texts of an index over
    expressions or a part of the rows, as pg_get_indexdef and pg_get_expr give them. `valid` is false
    for an index that PostgreSQL could not finish.
    """

    name: str
    columns: tuple[str, ...]
    expressions: tuple[str, ...] = ()
    predicate: str | None = None
    nulls_distinct: bool = True
    primary: bool = False
    valid: bool = True


@dataclass(frozen=True)
class Table:
    """One table; `keys` holds the primary key too."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the column of that name, None if there is none."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def writable(self) -> tuple[str, ...]:
        """Return the names of the columns that rows can be written to: all but the computed ones."""
        return tuple(column.name for column in self.columns if not column.generated)


@dataclass(frozen=True)
class ForeignKey:
    """One foreign key; `schema` is the schema of the referencing table, which may be another one."""

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    ref_schema: str
    ref_table: str
    ref_columns: tuple[str, ...]


@dataclass(frozen=True)
class LiveSchema:
    """The ordinary and partitioned tables of one schema, and every foreign key from or to them."""

    schema: str
    tables: dict[str, Table]
    foreign_keys: tuple[ForeignKey, ...]


_COLUMNS: Final = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '', a.attidentity, d.oid IS NOT NULL AND EXISTS (
           SELECT 1 FROM pg_depend p JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
           WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
             AND p.refclassid = 'pg_class'::regclass),
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = b.base),
       b.base = ANY ('{bpchar,varchar}'::regtype[]), b.base = 'numeric'::regtype, b.mod
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END AS base,
                           CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END AS mod) b
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND c.relkind IN ('r', 'p')
ORDER BY c.relname, a.attnum
"""
_KEYS: Final = """
SELECT c.relname, x.relname,
       coalesce(array_agg(a.attname::text ORDER BY k.place) FILTER (WHERE a.attname IS NOT NULL), '{}'),
       coalesce(array_agg(pg_get_indexdef(i.indexrelid, k.place::int, false) ORDER BY k.place)
                FILTER (WHERE a.attname IS NULL), '{}'),
       pg_get_expr(i.indpred, i.indrelid), NOT i.indnullsnotdistinct, i.indisprimary, i.indisvalid
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND c.relkind IN ('r', 'p')
  AND i.indisunique AND k.place <= i.indnkeyatts
GROUP BY c.relname, x.relname, i.indrelid, i.indpred, i.indnullsnotdistinct, i.indisprimary, i.indisvalid
ORDER BY c.relname, x.relname
"""
#: PostgreSQL 14 and older know no NULLS NOT DISTINCT.
_KEYS_BEFORE_15: Final = _KEYS.replace("NOT i.indnullsnotdistinct", "true").replace(
    " i.indnullsnotdistinct,", ""
)
_FOREIGN_KEYS: Final = """
SELECT k.conname, n.nspname, c.relname, {columns}, rn.nspname, r.relname, {ref_columns}
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND %(schema)s IN (n.nspname, rn.nspname)
ORDER BY n.nspname, c.relname, k.conname
"""
_NAMES: Final = """(SELECT array_agg(a.attname::text ORDER BY u.place)
        FROM unnest({keys}) WITH ORDINALITY u(attnum, place)
        JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = u.attnum)"""
_IDENTITY: Final = {"a": "always", "d": "by default"}
_HEADER: Final = 4  # VARHDRSZ: what a type modifier counts in addition to the length itself


def introspect(conn: Connection, schema: str) -> LiveSchema:
    """Return the tables of `schema` as they are now; empty if the schema is missing."""
    with translate_errors(f"reading the schema {schema}"):
        columns = conn.execute(_COLUMNS, {"schema": schema}).fetchall()
        query = _KEYS if conn.info.server_version >= 150_000 else _KEYS_BEFORE_15
        keys = conn.execute(query, {"schema": schema}).fetchall()
        foreign = conn.execute(
            _FOREIGN_KEYS.format(
                columns=_NAMES.format(keys="k.conkey", table="k.conrelid"),
                ref_columns=_NAMES.format(keys="k.confkey", table="k.confrelid"),
            ),
            {"schema": schema},
        ).fetchall()
    found: dict[str, list[Column]] = {}
    for table, *rest in columns:
        found.setdefault(table, []).append(_column(rest))
    tables = {name: Table(name, tuple(of_table), *_keys_of(name, keys)) for name, of_table in found.items()}
    return LiveSchema(schema, tables, tuple(_foreign_keys(foreign)))


def _column(row: list[object]) -> Column:
    name, kind, not_null, default, generated, identity, sequence, labels, text, number, modifier = row
    assert isinstance(modifier, int)
    limited = modifier >= _HEADER
    packed = modifier - _HEADER
    # numeric keeps its scale in eleven bits, signed since PostgreSQL 15
    scale = ((packed & 0x7FF) ^ 1024) - 1024
    return Column(
        name=str(name),
        type=str(kind),
        not_null=bool(not_null),
        default=None if default is None or generated else str(default),
        generated=bool(generated),
        identity=_IDENTITY.get(str(identity)),
        sequence=bool(sequence),
        enum=tuple(labels) if isinstance(labels, list) else None,
        max_length=packed if text and limited else None,
        precision=(packed >> 16) & 0xFFFF if number and limited else None,
        scale=scale if number and limited else None,
    )


def _keys_of(table: str, rows: list[tuple[Any, ...]]) -> tuple[tuple[str, ...], tuple[Key, ...]]:
    keys = tuple(
        Key(name, tuple(columns), tuple(expressions), *rest)
        for of, name, columns, expressions, *rest in rows
        if of == table
    )
    return next((key.columns for key in keys if key.primary), ()), keys


def _foreign_keys(rows: list[tuple[str, str, str, list[str], str, str, list[str]]]) -> Iterator[ForeignKey]:
    for name, schema, table, columns, ref_schema, ref_table, ref_columns in rows:
        yield ForeignKey(name, schema, table, tuple(columns), ref_schema, ref_table, tuple(ref_columns))
