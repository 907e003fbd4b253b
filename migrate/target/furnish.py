"""Furnishing: the staged tables get what takes long to make, before any live table is locked.

NOT NULL, checks, keys, indexes, statistics and foreign keys, under the live
ones' own names and definitions. Each is made in a transaction of its own and
passed over where it is there already, so that a furnishing which was killed
goes on where it stopped. The rows that break a constraint fail here, before
anything live was touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from migrate.target.connection import Connection
from migrate.target.definitions import (
    NOT_VALID,
    Index,
    Quoting,
    Step,
    add_proven,
    bare_index,
    complete_index,
    drop_constraint,
    read_indexes,
    restore_index,
    retarget,
    stands_alone,
    strip_index,
)
from migrate.target.fingerprint import qualified_names
from migrate.target.obstacles import Twin

OnProgress = Callable[[str, str], None]

_SETTINGS: Final = {"maintenance_work_mem": "128MB", "work_mem": "64MB"}
#: A commit does not wait for the disk. A crash of the server can undo the last of them, which the next
#: try finds out; publish's own commit flushes them all.
_FLUSHED_LATER: Final = {"synchronous_commit": "off"}
_WAITS_FOR_NOBODY: Final = {"lock_timeout": "1s"}
_PAIRS: Final = """
SELECT c.oid::bigint, s.oid::bigint, c.oid::regclass::text, s.oid::regclass::text,
       quote_ident(n.nspname), quote_ident(m.nspname)
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
       obj_description(k.oid, 'pg_constraint'), k.confrelid::bigint
FROM pg_constraint k
WHERE k.conrelid = ANY (%(tables)s::oid[]) AND k.contype IN ('c', 'n', 'f') ORDER BY 1, 2
"""
_STATISTICS: Final = """
SELECT s.stxname, quote_ident(n.nspname) || '.' || quote_ident(s.stxname),
       pg_get_statisticsobjdef(s.oid),
       nullif(to_jsonb(s) ->> 'stxstattarget', '-1'), obj_description(s.oid, 'pg_statistic_ext')
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY (%(tables)s::oid[]) ORDER BY 1
"""


@dataclass(frozen=True)
class Pair:
    """A twin as PostgreSQL knows it: the two oids, tables and schemas; names are quoted, tables qualified."""

    live: int
    staged: int
    old: str
    new: str
    old_schema: str
    new_schema: str


def find_pairs(conn: Connection, twins: Sequence[Twin]) -> list[Pair]:
    """Return the twins whose both tables are there, in order; called inside `qualified_names`."""
    columns = [list(part) for part in zip(*((t.schema, t.staging, t.table) for t in twins), strict=True)]
    return [Pair(*row) for row in conn.execute(_PAIRS, columns or [[], [], []]).fetchall()]


def furnish(
    conn: Connection,
    twins: Sequence[Twin],
    *,
    strict: bool,
    on_progress: OnProgress,
    fresh: Collection[int] = (),
) -> None:
    """Give the staged tables the live ones' constraints and indexes, and fresh statistics.

    `conn` is in autocommit mode. With `strict` a constraint that is NOT VALID
    is held against the rows once; `fresh` are the staged tables (oids) that
    `furnish_ahead` has vacuumed. Raises psycopg's errors: of class 23 where
    rows break a constraint.
    """
    with _set(conn, _FLUSHED_LATER):
        with qualified_names(conn):
            pairs = find_pairs(conn, twins)
            columns, statistics = _columns(conn, pairs), _statistics(conn, pairs)
            steps = [*columns, *_plain_constraints(conn, pairs, strict=strict), *_indexes(conn, pairs)]
        _do(conn, [*steps, *statistics], on_progress)
        for pair in pairs:
            counted_otherwise = any(step.what.endswith(f" of {pair.new}") for step in (*columns, *statistics))
            if pair.staged not in fresh or counted_otherwise:
                on_progress("furnish", f"statistics of {pair.new}")
                conn.execute(_vacuum(pair))
        with qualified_names(conn):
            foreign = _foreign_keys(conn, pairs, strict=strict)
        _do(conn, foreign, on_progress)


def furnish_ahead(
    conn: Connection,
    twins: Sequence[Twin],
    *,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    fence: Callable[[Connection], None],
    fresh: Collection[int] = (),
) -> frozenset[int]:
    """Make what can be made while others read the staged tables: indexes, statistics, foreign keys.

    The rest, and what could not be made here, is left to `furnish`. `conn` is in
    autocommit mode. `fence` is called before each commit, which what it raises undoes.
    Returns the staged tables (oids) that are vacuumed, those of `fresh` from before among
    them. Raises psycopg's errors, of class 23 where rows break a key.
    """
    vacuumed = set(fresh)
    with _set(conn, {**_FLUSHED_LATER, **_WAITS_FOR_NOBODY}):
        with qualified_names(conn):
            pairs = find_pairs(conn, twins)
            steps = _bare_indexes(conn, pairs)
        _do(conn, steps, on_progress, should_stop, fence)
        for pair in pairs:
            if pair.staged not in vacuumed and not should_stop():
                conn.execute(_vacuum(pair))
                vacuumed.add(pair.staged)
        with qualified_names(conn):
            # One that is NOT VALID and held against the rows is dropped again, which waits for readers.
            foreign = _foreign_keys(conn, pairs, valid_only=True)
        _do(conn, foreign, on_progress, should_stop, fence)
    return frozenset(vacuumed)


def _vacuum(pair: Pair) -> bytes:
    """Return what makes statistics and the visibility map, so that nothing is left to do after the commit.

    COPY leaves empty pages behind a small table. To cut them off, VACUUM would wait for its readers.
    """
    return f"VACUUM (ANALYZE, TRUNCATE off) {pair.new}".encode()


@contextlib.contextmanager
def _set(conn: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Hold some settings of the session inside the block."""
    before = [
        conn.execute("SELECT current_setting(%s), set_config(%s, %s, false)", (name, name, value)).fetchone()
        for name, value in settings.items()
    ]
    try:
        yield
    finally:
        if not conn.closed:
            for name, row in zip(settings, before, strict=True):
                assert row is not None
                conn.execute("SELECT set_config(%s, %s, false)", (name, row[0]))


def _do(
    conn: Connection,
    steps: Iterable[Step],
    on_progress: OnProgress,
    should_stop: Callable[[], bool] = lambda: False,
    fence: Callable[[Connection], None] = lambda _conn: None,
) -> None:
    for step in steps:
        if should_stop():
            return
        on_progress("furnish", step.what)
        with conn.transaction():
            for name, value in _SETTINGS.items():
                conn.execute("SELECT set_config(%s, %s, true)", (name, value))
            for statement in step.statements:
                conn.execute(statement.encode())
            fence(conn)


def _ends(pairs: Sequence[Pair]) -> dict[str, list[int]]:
    return {"live": [pair.live for pair in pairs], "staged": [pair.staged for pair in pairs]}


def _columns(conn: Connection, pairs: Sequence[Pair]) -> list[Step]:
    """Return what brings columns in line: statistics targets, options, comments, NOT NULL of old servers."""
    quote = Quoting(conn)
    named_nulls = {row[0] for row in _of_kind(conn, [pair.live for pair in pairs], "n")}
    changes: dict[str, list[str]] = {}
    comments: dict[str, list[str]] = {}
    numbers = {pair.new: pair.live for pair in pairs}
    for table, name, not_null, target, options, comment in conn.execute(_COLUMNS, _ends(pairs)).fetchall():
        of_table, column = changes.setdefault(table, []), quote.name(name)
        # From PostgreSQL 18 on it is a constraint with a name of its own.
        if not_null and numbers[table] not in named_nulls:
            of_table.append(f"ALTER COLUMN {column} SET NOT NULL")
        if target is not None:
            of_table.append(f"ALTER COLUMN {column} SET STATISTICS {target}")
        if options is not None:
            of_table.append(f"ALTER COLUMN {column} SET ({options})")
        comments.setdefault(table, []).extend(quote.comment(f"COLUMN {table}.{column}", comment))
    return [
        Step(f"columns of {table}", tuple(wanted))
        for table, parts in changes.items()
        if (wanted := ([f"ALTER TABLE {table} {', '.join(parts)}"] if parts else []) + comments[table])
    ]


def _of_kind(conn: Connection, tables: list[int], kinds: str) -> list[tuple[Any, ...]]:
    rows = conn.execute(_CONSTRAINTS, {"tables": tables}).fetchall()
    return [row for row in rows if row[2] in kinds]


def _plain_constraints(conn: Connection, pairs: Sequence[Pair], *, strict: bool) -> list[Step]:
    """Return what adds checks and named NOT NULLs: those of a table together, in one pass over its rows."""
    quote, steps = Quoting(conn), []
    for pair in pairs:
        there = {row[1]: row[3:5] for row in _of_kind(conn, [pair.staged], "cn")}
        together, comments = [], []
        for _, name, _, definition, comment, _ in _of_kind(conn, [pair.live], "cn"):
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


def _bare_indexes(conn: Connection, pairs: Sequence[Pair]) -> list[Step]:
    """Return what makes the indexes that are not there yet, without the constraints that rest on them."""
    quote, steps = Quoting(conn), []
    for pair in pairs:
        there = {index.name for index in read_indexes(conn, [pair.staged])}
        steps += [
            restore_index(quote, bare_index(index))
            for index in _wanted_indexes(conn, pair)
            if index.name not in there and stands_alone(index)
        ]
    return steps


def _wanted_indexes(conn: Connection, pair: Pair) -> list[Index]:
    return [
        replace(
            live,
            table=pair.new,
            schema=pair.new_schema,
            definition=retarget(live.definition, " ON", pair.old, pair.new),
        )
        for live in read_indexes(conn, [pair.live])
    ]


def _indexes(conn: Connection, pairs: Sequence[Pair]) -> list[Step]:
    quote, steps = Quoting(conn), []
    for pair in pairs:
        there = {index.name: index for index in read_indexes(conn, [pair.staged])}
        for wanted in _wanted_indexes(conn, pair):
            present = there.get(wanted.name)
            if present == wanted:
                continue
            if present == bare_index(wanted) and stands_alone(wanted):  # made ahead
                steps.append(complete_index(quote, wanted))
                continue
            if present is not None:
                steps.append(strip_index(quote, present))
            steps.append(restore_index(quote, wanted))
    return steps


def _statistics(conn: Connection, pairs: Sequence[Pair]) -> list[Step]:
    """Return what makes the extended statistics, in the staging schema until the exchange."""
    quote, steps = Quoting(conn), []
    for pair in pairs:
        there = {row[0] for row in conn.execute(_STATISTICS, {"tables": [pair.staged]}).fetchall()}
        for row in conn.execute(_STATISTICS, {"tables": [pair.live]}).fetchall():
            name, qualified, definition, target, comment = row
            if name in there:
                continue
            new = f"{pair.new_schema}.{quote.name(name)}"
            make = retarget(definition, "CREATE STATISTICS", qualified, new)
            statements = [retarget(make, " FROM", pair.old, pair.new)]
            if target is not None:
                statements.append(f"ALTER STATISTICS {new} SET STATISTICS {target}")
            statements += quote.comment(f"STATISTICS {new}", comment)
            steps.append(Step(f"statistics {name} of {pair.new}", tuple(statements)))
    return steps


def _foreign_keys(
    conn: Connection, pairs: Sequence[Pair], *, strict: bool = False, valid_only: bool = False
) -> list[Step]:
    """Return what adds the foreign keys, each to the staged twin of the table it references."""
    quote, steps, of = Quoting(conn), [], {pair.live: pair for pair in pairs}
    for pair in pairs:
        there = {row[1]: row[3:5] for row in _of_kind(conn, [pair.staged], "f")}
        for _, name, _, definition, comment, target in _of_kind(conn, [pair.live], "f"):
            if valid_only and (name in there or definition.endswith(NOT_VALID) or target not in of):
                continue
            wanted = retarget(definition, " REFERENCES", of[target].old, of[target].new)
            if there.get(name) == (wanted, comment):
                continue
            if name in there:
                steps.append(drop_constraint(quote, pair.new, name))
            steps.append(add_proven(quote, pair.new, name, wanted, comment, strict=strict))
    return steps
