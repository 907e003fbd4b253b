"""Traps that more than one system has, made for a table and a column."""

from __future__ import annotations

from tests.e2e.systems.recipe import Trap

#: forms of one moment, as expressions over its seconds since 1970 (`t`)
_FORMS = (
    "strftime('%Y-%m-%dT%H:%M:%fZ', t, 'unixepoch')",
    "strftime('%Y-%m-%d %H:%M:%S', t, 'unixepoch')",
    "strftime('%Y-%m-%dT%H:%M:%S', t, 'unixepoch') || '.123456+03:00'",
    "t",
    "t * 1000 + 123",
)
_SEEN = (
    "WHEN {c} GLOB '????-??-??T*Z' THEN 'iso' WHEN {c} GLOB '????-??-??T*+*' THEN 'offset'"
    " WHEN {c} GLOB '????-??-?? *' THEN 'sqlite' WHEN CAST({c} AS INTEGER) > 100000000000 THEN 'milliseconds'"
    " WHEN CAST({c} AS INTEGER) > 100000000 THEN 'seconds'"
)

#: what SQLite takes for JSON and jsonb refuses
NUL_IN_JSON = r'{"note":"before\u0000after"}'
LONE_SURROGATE = r'{"face":"\ud83d","n":1}'


def five_clocks(table: str, column: str = "created_at", key: str = "id") -> Trap:
    """Write one column in five forms, form by form, a row after the other."""
    forms = " ".join(f"WHEN {number} THEN {form}" for number, form in enumerate(_FORMS))
    return Trap(
        f"five timestamp forms in {table}.{column}",
        f"SELECT count(DISTINCT CASE {_SEEN.format(c=column)} END) = 5 FROM {table}",
        [
            f"UPDATE {table} SET {column} = (SELECT CASE n % 5 {forms} END FROM"
            f" (SELECT {table}.rowid AS n, 1720000000 + {table}.rowid * 977 AS t)) WHERE {key} IS NOT NULL"
        ],
    )


def refused_json(table: str, column: str) -> Trap:
    r"""Put JSON with \u0000 and with half a surrogate pair into the first two rows."""
    first, second = (f"(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {n})" for n in (0, 1))
    return Trap(
        f"JSON that jsonb refuses in {table}.{column}",
        f"SELECT sum(json_valid({column}) AND (instr({column}, '\\u0000') OR instr({column},"
        f" '\\ud83d\"'))) = 2"
        f" FROM {table}",
        [
            f"UPDATE {table} SET {column} = '{NUL_IN_JSON}' WHERE rowid = {first}",
            f"UPDATE {table} SET {column} = '{LONE_SURROGATE}' WHERE rowid = {second}",
        ],
    )


def mixed_json(table: str, column: str) -> Trap:
    """Tell that some values of a column are JSON and some are not."""
    return Trap(
        f"JSON and plain text mixed in {table}.{column}",
        f"SELECT count(DISTINCT json_valid({column})) = 2 FROM {table} WHERE {column} <> ''",
    )


def literal_clock(table: str, column: str, plant: str) -> Trap:
    return Trap(
        f"{table}.{column} holds the words CURRENT_TIMESTAMP",
        f"SELECT count(*) FROM {table} WHERE {column} = 'CURRENT_TIMESTAMP'",
        [plant],
    )


def dangling(table: str, column: str, parent: str, value: str, *, key: str = "id") -> Trap:
    """Let the last row point to a parent that is not there."""
    return Trap(
        f"{table}.{column} refers to no row of {parent}",
        f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL"
        f" AND {column} NOT IN (SELECT {key} FROM {parent})",
        [f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})"],
    )


def contained(name: str, table: str, column: str, parent: str, pattern: str) -> Trap:
    """Tell that ids of `parent` stand in a text; `pattern` makes one from the key `p.id`."""
    return Trap(
        f"ids in {name}: {table}.{column}",
        f"SELECT count(*) FROM (SELECT {column} AS v FROM {table} WHERE {column} <> '' LIMIT 99) WHERE EXISTS"
        f" (SELECT 1 FROM {parent} p WHERE instr(v, {pattern}) > 0)",
    )


def either(table: str, kind: str, target: str, words: dict[str, str]) -> Trap:
    """Tell that a pair of type and id points into each of several tables."""
    found = " + ".join(
        f"EXISTS (SELECT 1 FROM {table} t JOIN {parent} p ON p.id = t.{target} WHERE t.{kind} = '{word}')"
        for word, parent in words.items()
    )
    return Trap(f"{table}.{kind} says what {table}.{target} is", f"SELECT ({found}) = {len(words)}")
