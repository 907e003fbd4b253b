"""What the staged table is missing compared with the live one: column settings, constraints, indexes, keys.

Read from the catalog on both sides and compared by definition, so that existing objects are skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from migrate.postgres.connection import Connection
from migrate.postgres.ddl import (
    NOT_VALID,
    Index,
    Quoting,
    Step,
    add_proven,
    bare_index,
    complete_index,
    drop_constraint,
    is_buildable_first,
    read_indexes,
    restore_index,
    retarget,
    strip_index,
)
from migrate.publish.swap_blockers import TableName

_PAIRS: Final = """
SELECT c.oid::bigint, s.oid::bigint, c.oid::regclass::text, s.oid::regclass::text,
       quote_ident(n.nspname), quote_ident(m.nspname), w.name
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY w (space, staging, name, place)
JOIN pg_namespace n ON n.nspname = w.space JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_namespace m ON m.nspname = w.staging JOIN pg_class s ON s.relnamespace = m.oid AND s.relname = w.name
ORDER BY w.place
"""
_COLUMNS: Final = """
SELECT w.staged::regclass::text, a.attname, a.attnotnull AND NOT b.attnotnull,
       nullif(to_jsonb(a) ->> 'attstattarget', coalesce(to_jsonb(b) ->> 'attstattarget', '-1')),
       CASE WHEN a.attoptions IS DISTINCT FROM b.attoptions THEN array_to_string(a.attoptions, ', ') END,
       CASE WHEN col_description(w.live, a.attnum) IS DISTINCT FROM col_description(w.staged, b.attnum)
            THEN col_description(w.live, a.attnum) END
FROM unnest(%(live)s::oid[], %(staged)s::oid[]) w (live, staged)
JOIN pg_attribute a ON a.attrelid = w.live AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_attribute b ON b.attrelid = w.staged AND b.attname = a.attname
ORDER BY 1, a.attnum
"""
_CONSTRAINTS: Final = """
SELECT k.conrelid::bigint, k.conname, k.contype::text, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint'), k.confrelid::bigint, k.convalidated
FROM pg_constraint k
WHERE k.conrelid = ANY (%(tables)s::oid[]) AND k.contype IN ('c', 'n', 'f') ORDER BY 1, 2
"""
_STATISTICS: Final = """
SELECT s.stxrelid::bigint, s.stxname, quote_ident(n.nspname) || '.' || quote_ident(s.stxname),
       pg_get_statisticsobjdef(s.oid),
       nullif(to_jsonb(s) ->> 'stxstattarget', '-1'), obj_description(s.oid, 'pg_statistic_ext')
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY (%(tables)s::oid[]) ORDER BY 1, 2
"""

#: `unique` or `foreign`, the table, and the name of its index or constraint.
ProvenKey = tuple[Literal["unique", "foreign"], str, str]


@dataclass(frozen=True)
class TablePair:
    """A live table and its staged one in PostgreSQL: the two oids, tables and schemas.

    Names are quoted, tables are qualified. `table` is the unquoted name of both.
    """

    live: int
    staged: int
    old: str
    new: str
    old_schema: str
    new_schema: str
    table: str


def find_pairs(conn: Connection, table_names: Sequence[TableName]) -> list[TablePair]:
    """Return the pairs whose two tables exist, in order; call it inside `qualified_names`."""
    columns = [
        list(part) for part in zip(*((t.schema, t.staging, t.table) for t in table_names), strict=True)
    ]
    return [TablePair(*row) for row in conn.execute(_PAIRS, columns or [[], [], []]).fetchall()]


def proven_keys(conn: Connection, pairs: Sequence[TablePair]) -> frozenset[ProvenKey]:
    """Return the unique indexes and foreign keys that hold for every row as the live ones do."""
    found: set[ProvenKey] = set()
    of = {pair.live: pair for pair in pairs}
    indexes, keys = _indexes(conn, pairs), _constraints(conn, pairs, "f")
    for pair in pairs:
        wanted = {index.definition for index in _wanted_indexes(indexes, pair) if is_buildable_first(index)}
        there = [index for index in indexes[pair.new] if index.definition in wanted]
        found |= {("unique", pair.table, index.name) for index in there if index.unique}
        valid = {row[1]: row[3] for row in keys[pair.staged] if row[6]}
        known = (row for row in keys[pair.live] if row[5] in of)
        found |= {
            ("foreign", pair.table, row[1]) for row in known if valid.get(row[1]) == _wanted_key(row, of)
        }
    return frozenset(found)


def _wanted_key(row: tuple[Any, ...], of: Mapping[int, TablePair]) -> str:
    """Return the definition of a live foreign key, changed to reference the staged table."""
    referenced = of[row[5]]
    return retarget(row[3], " REFERENCES", referenced.old, referenced.new)


def _ends(pairs: Sequence[TablePair]) -> dict[str, list[int]]:
    return {"live": [pair.live for pair in pairs], "staged": [pair.staged for pair in pairs]}


def column_steps(conn: Connection, pairs: Sequence[TablePair]) -> list[Step]:
    """Return the steps for columns: statistics targets, options, comments, NOT NULL of old servers."""
    quote = Quoting(conn)
    nulls = _constraints(conn, pairs, "n")
    named_nulls = {pair.live for pair in pairs if nulls[pair.live]}
    changes: dict[str, list[str]] = {}
    comments: dict[str, list[str]] = {}
    numbers = {pair.new: pair.live for pair in pairs}
    for table, name, not_null, target, options, comment in conn.execute(_COLUMNS, _ends(pairs)).fetchall():
        of_table, column = changes.setdefault(table, []), quote.name(name)
        # From PostgreSQL 18 on it is a constraint with its own name.
        if not_null and numbers[table] not in named_nulls:
            of_table.append(f"ALTER COLUMN {column} SET NOT NULL")
        if target is not None:
            of_table.append(f"ALTER COLUMN {column} SET STATISTICS {target}")
        if options is not None:
            of_table.append(f"ALTER COLUMN {column} SET ({options})")
        comments.setdefault(table, []).extend(quote.comment(f"COLUMN {table}.{column}", comment))
    return [
        Step(f"columns of {table}", tuple(wanted), counted=table)
        for table, parts in changes.items()
        if (wanted := ([f"ALTER TABLE {table} {', '.join(parts)}"] if parts else []) + comments[table])
    ]


def _oids(pairs: Sequence[TablePair]) -> list[int]:
    return [oid for pair in pairs for oid in (pair.live, pair.staged)]


def _constraints(
    conn: Connection, pairs: Sequence[TablePair], kinds: str
) -> defaultdict[int, list[tuple[Any, ...]]]:
    """Return the constraints of these kinds by table (oid), read for all tables at once."""
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in conn.execute(_CONSTRAINTS, {"tables": _oids(pairs)}).fetchall():
        if row[2] in kinds:
            found[row[0]].append(row)
    return found


def _indexes(conn: Connection, pairs: Sequence[TablePair]) -> defaultdict[str, list[Index]]:
    """Return the indexes by table (quoted and qualified), read for all tables at once."""
    found: defaultdict[str, list[Index]] = defaultdict(list)
    for index in read_indexes(conn, _oids(pairs)):
        found[index.table].append(index)
    return found


def constraint_steps(conn: Connection, pairs: Sequence[TablePair], *, strict: bool) -> list[Step]:
    """Return the steps that add checks and named NOT NULLs: one step and one scan for each table."""
    quote, steps, of_table = Quoting(conn), [], _constraints(conn, pairs, "cn")
    for pair in pairs:
        there = {row[1]: row[3:5] for row in of_table[pair.staged]}
        together, comments = [], []
        for _, name, _, definition, comment, *_ in of_table[pair.live]:
            if there.get(name) == (definition, comment):
                continue
            if name in there:
                steps.append(drop_constraint(quote, pair.new, name))
            if definition.endswith(NOT_VALID):
                steps.append(add_proven(quote, pair.new, name, definition, comment, strict=strict))
                continue
            together.append(f"ADD CONSTRAINT {quote.name(name)} {definition}")
            comments += quote.comment(f"CONSTRAINT {quote.name(name)} ON {pair.new}", comment)
        if together:
            add = f"ALTER TABLE {pair.new} {', '.join(together)}"
            steps.append(Step(f"constraints of {pair.new}", (add, *comments)))
    return steps


def bare_index_steps(conn: Connection, pairs: Sequence[TablePair]) -> list[Step]:
    """Return the steps that build the missing indexes, without the constraints that use them."""
    quote, steps, indexes = Quoting(conn), [], _indexes(conn, pairs)
    for pair in pairs:
        there = {index.name for index in indexes[pair.new]}
        steps += [
            restore_index(quote, bare_index(index))
            for index in _wanted_indexes(indexes, pair)
            if index.name not in there and is_buildable_first(index)
        ]
    return steps


def _wanted_indexes(indexes: Mapping[str, list[Index]], pair: TablePair) -> list[Index]:
    return [
        replace(
            live,
            table=pair.new,
            schema=pair.new_schema,
            definition=retarget(live.definition, " ON", pair.old, pair.new),
        )
        for live in indexes[pair.old]
    ]


def index_steps(conn: Connection, pairs: Sequence[TablePair]) -> list[Step]:
    """Return the steps that build the indexes and their constraints, or add the constraints to built ones."""
    quote, steps, indexes = Quoting(conn), [], _indexes(conn, pairs)
    for pair in pairs:
        there = {index.name: index for index in indexes[pair.new]}
        for wanted in _wanted_indexes(indexes, pair):
            present = there.get(wanted.name)
            if present == wanted:
                continue
            if present == bare_index(wanted) and is_buildable_first(wanted):  # built earlier
                steps.append(complete_index(quote, wanted))
                continue
            if present is not None:
                steps.append(strip_index(quote, present))
            steps.append(restore_index(quote, wanted))
    return steps


def statistics_steps(conn: Connection, pairs: Sequence[TablePair]) -> list[Step]:
    """Return the steps that create the extended statistics, in the staging schema until the swap."""
    quote, steps = Quoting(conn), []
    rows = conn.execute(_STATISTICS, {"tables": _oids(pairs)}).fetchall()
    there = {(table, name) for table, name, *_ in rows}
    for pair in pairs:
        for table, name, qualified, definition, target, comment in rows:
            if table != pair.live or (pair.staged, name) in there:
                continue
            new = f"{pair.new_schema}.{quote.name(name)}"
            make = retarget(definition, "CREATE STATISTICS", qualified, new)
            statements = [retarget(make, " FROM", pair.old, pair.new)]
            if target is not None:
                statements.append(f"ALTER STATISTICS {new} SET STATISTICS {target}")
            statements += quote.comment(f"STATISTICS {new}", comment)
            steps.append(Step(f"statistics {name} of {pair.new}", tuple(statements), counted=pair.new))
    return steps


def foreign_key_steps(
    conn: Connection, pairs: Sequence[TablePair], *, strict: bool = False, valid_only: bool = False
) -> list[Step]:
    """Return the steps that add the foreign keys, each referencing the staged table."""
    quote, steps, of = Quoting(conn), [], {pair.live: pair for pair in pairs}
    keys = _constraints(conn, pairs, "f")
    for pair in pairs:
        there = {row[1]: row[3:5] for row in keys[pair.staged]}
        for row in keys[pair.live]:
            _, name, _, definition, comment, target, _ = row
            if valid_only and (name in there or definition.endswith(NOT_VALID) or target not in of):
                continue
            wanted = _wanted_key(row, of)
            if there.get(name) == (wanted, comment):
                continue
            if name in there:
                steps.append(drop_constraint(quote, pair.new, name))
            steps.append(add_proven(quote, pair.new, name, wanted, comment, strict=strict))
    return steps
