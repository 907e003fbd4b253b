"""Makes the database of a system: its exact schema, ordinary rows, and every trap."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import polars as pl

from migrate.source.sample.faker_pools import make_pools
from migrate.source.sample.random_columns import Chance, rows
from tests.e2e.systems import interview, marketplace, talent
from tests.e2e.systems.columns import Setting
from tests.e2e.systems.recipe import Recipe, numbers
from tests.e2e.systems.schema import System, Table, index_ddl, quote, read_system, table_ddl

RECIPES: Mapping[str, Recipe] = {
    "marketplace": marketplace.RECIPE,
    "talent": talent.RECIPE,
    "interview": interview.RECIPE,
}

pools = functools.lru_cache(make_pools)


def build(name: str, path: Path, *, seed: int = 1) -> Path:
    """Write the database of the system `name` to `path` and return it; the same seed, the same bytes."""
    system, recipe = read_system(name), RECIPES[name]
    keys = make_keys(system, recipe)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table in system.tables:
            connection.execute(table_ddl(table, recipe.checks.get(table.name, ())))
            if not table.left_over:
                _insert(connection, table, _frame(table, recipe, keys, seed))
        for copy, original in recipe.copies.items():
            _copy(connection, system.table(copy), original)
        for table in system.tables:
            for statement in index_ddl(table):
                connection.execute(statement)
        for statement in recipe.before_traps:
            connection.execute(statement)
        connection.commit()
        _plant(connection, recipe)
    return path


def make_keys(system: System, recipe: Recipe) -> dict[str, pl.Series]:
    """Return the primary keys of every table with one column as its key; those of parents first."""
    keys: dict[str, pl.Series] = {}
    for table in system.tables:
        if table.left_over or len(table.key) != 1:
            continue
        parent = _parent_of_key(table, recipe)
        count = recipe.rows[table.name]
        if parent is not None:
            keys[table.name] = numbers(recipe.rows[parent])[-count:]
        else:
            keys[table.name] = recipe.keys.get(table.name, numbers)(count)
    return keys


def _parent_of_key(table: Table, recipe: Recipe) -> str | None:
    """Return the table that the primary key points into, declared or not; None if it is its own."""
    name = table.key[0].name
    declared = [key.table for key in table.foreign_keys if key.columns == (name,)]
    return declared[0] if declared else recipe.references.get(f"{table.name}.{name}")


def _frame(table: Table, recipe: Recipe, keys: Mapping[str, pl.Series], seed: int) -> pl.DataFrame:
    setting = Setting(table, recipe, keys, pools(1), Chance(seed, table.name))
    return rows(1, recipe.rows[table.name] + 1).select(setting.values())


def _insert(connection: sqlite3.Connection, table: Table, frame: pl.DataFrame) -> None:
    places = ", ".join("?" * frame.width)
    connection.executemany(f"INSERT INTO {quote(table.name)} VALUES ({places})", frame.iter_rows())


def _copy(connection: sqlite3.Connection, table: Table, original: str) -> None:
    """Fill a left-over table with the first two thirds of the rows that it is a copy of."""
    mine = ", ".join(quote(column.name) for column in table.columns)
    theirs = ", ".join(quote(_snake(column.name)) for column in table.columns)
    source = quote(original)
    connection.execute(
        f"INSERT INTO {quote(table.name)} ({mine}) SELECT {theirs} FROM {source} ORDER BY rowid"
        f" LIMIT (SELECT count(*) * 2 / 3 FROM {source})"
    )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _plant(connection: sqlite3.Connection, recipe: Recipe) -> None:
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for trap in recipe.traps:
        for statement in trap.plant:
            connection.execute(statement)
    for statement in recipe.after_traps:
        connection.execute(statement)
    connection.commit()
