"""A small source on its way through `migrate init` and `migrate run`, not a letter edited between."""

from __future__ import annotations

import os
import re
import runpy
import sqlite3
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import psycopg
from click.testing import CliRunner
from psycopg import sql

from migrate.cli.main import cli
from migrate.runtime.errors import MigrateError
from tests.tools.commands import environment

SECRET = "an id secret of the cases"


@dataclass(frozen=True)
class Answer:
    """How a command ended, in this process: its exit code, and all that it printed."""

    code: int
    out: str
    err: str

    @cached_property
    def document(self) -> Any:
        """The JSON document that it printed."""
        return orjson.loads(self.out.splitlines()[-1])


@dataclass(frozen=True)
class Migrated:
    """What came of a case: `init` and `run` are the answers of the two commands, with `--json`."""

    source: Path
    folder: Path
    url: str
    init: Answer
    run: Answer

    def text(self, name: str) -> str:
        """Return the text of a file that `migrate init` wrote, such as `mapping.toml`."""
        return (self.folder / name).read_text()

    @cached_property
    def mapping(self) -> Mapping[str, Any]:
        """The tables of mapping.toml."""
        tables: Mapping[str, Any] = tomllib.loads(self.text("mapping.toml"))["tables"]
        return tables

    def line(self, table: str, column: str) -> str:
        """Return the line of a column in mapping.toml, its comment and its mark in it."""
        section = self.text("mapping.toml").partition(f"\n[tables.{_bare(table)}.columns]\n")[2]
        found = next((line for line in section.splitlines() if line.startswith(f"{_bare(column)} = ")), None)
        assert found is not None, f"{table}.{column} has no line"
        return found

    def section(self, table: str) -> str:
        """Return the section of a table in mapping.toml, its remarks before it."""
        blocks = self.text("mapping.toml").split("\n\n")
        head = f"[tables.{_bare(table)}]"
        return next(block for block in blocks if head in block.splitlines())

    def marked(self, table: str, column: str) -> bool:
        """Return whether the line of a column bears `(!)`."""
        return "(!)" in self.line(table, column)

    def field(self, model: str, name: str) -> str:
        """Return the line of a field in schema.prisma, its blanks squeezed."""
        block = re.search(rf"^model {model} {{\n(.*?)^}}", self.text("schema.prisma"), re.M | re.S)
        assert block is not None, f"there is no model {model}"
        lines = [" ".join(line.split()) for line in block[1].splitlines()]
        return next(line for line in lines if line.startswith(f"{name} "))

    def again(self, **variables: str) -> Answer:
        """Type `migrate run` once more, with these variables set."""
        return _run(self.folder, self.url, **variables)

    def verify(self, *, deep: bool = True) -> Answer:
        """Type `migrate verify --published`, with `--deep` or without."""
        words = ("--published", *(["--deep"] if deep else []), "--json")
        return _typed(self.folder, self.url, "verify", *words)

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query to the target."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(text).fetchall()  # type: ignore[call-overload, no-any-return]

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return the rows of a target's table, in the order of these columns, or of all."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns)) if columns else sql.SQL("*")
        query = sql.SQL("SELECT {} FROM {} AS t").format(names, sql.Identifier(table))
        with psycopg.connect(self.url) as connection:
            return sorted(connection.execute(query).fetchall(), key=repr)

    def column(self, table: str, column: str) -> list[Any]:
        """Return the values of one column of a target's table, sorted, NULL last."""
        values = [value for (value,) in self.rows(table, column)]
        return sorted(values, key=lambda value: (value is None, value if value is not None else 0))

    def types(self, table: str) -> dict[str, str]:
        """Return the type of each column of a target's table, as PostgreSQL spells it."""
        rows = self.query(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = '{_quoted(table)}'::regclass AND attnum > 0 AND NOT attisdropped"
        )
        return dict(rows)

    @cached_property
    def fates(self) -> list[tuple[str, str, str, str | None, int]]:
        """Source table, fate, reason, detail and number of the rows that were not migrated."""
        return self.query(
            "SELECT source_table, fate, reason, detail, count(*)::int FROM migrate_ledger.fate"
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )

    @cached_property
    def warnings(self) -> list[tuple[str, str, str, int]]:
        """Source table, column, rule and number of the values that are not what they were."""
        return self.query(
            "SELECT source_table, column_name, rule, count(*)::int FROM migrate_ledger.warning"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )


def migrate_case(source: str, folder: Path, url: str) -> Migrated:
    """Migrate a source into an empty PostgreSQL as `migrate init` drafts it; no step need succeed.

    `source` is what `migrate init` takes: a file, a dump, a URL.
    """
    mapping = folder / "mapping"
    init = command("init", "--source", source, "--out", str(mapping), "--yes", "--json")
    run = Answer(-1, "", "not run: there is no mapping")
    if (mapping / "config.toml").exists():
        run = _run(mapping, url)
    return Migrated(Path(source), mapping, url, init, run)


def require_green(found: Migrated) -> Migrated:
    """Return a case of which `init` and `run` ended well."""
    assert (found.init.code, found.run.code) == (0, 0), found.init.err + found.run.err
    return found


def migrate_by_hand(source: str, folder: Path, url: str, mapping: str, ddl: str) -> Migrated:
    """Migrate a source by a mapping that a person wrote into the tables that `ddl` makes."""
    place = folder / "mapping"
    place.mkdir()
    (place / "mapping.toml").write_text(f"version = 1\n{mapping}")
    (place / "init.sql").write_text(ddl)
    (place / "config.toml").write_text(
        f'[source]\nurl = "{source}"\n[target]\nschema = "init.sql"\n[mappers]\nmapping = "mapping.toml"\n'
    )
    return Migrated(Path(source), place, url, Answer(0, "", "written by hand"), _run(place, url))


def migrate_edited(source: str, folder: Path, url: str, edits: Iterable[tuple[str, str]]) -> Migrated:
    """Migrate a source by the draft of `migrate init`, with some of the text of mapping.toml replaced.

    The target's files are written anew from it; `init` is the answer of that command.
    """
    mapping = folder / "mapping"
    first = command("init", "--source", source, "--out", str(mapping), "--yes", "--json")
    assert first.code == 0, first.out + first.err
    text = (mapping / "mapping.toml").read_text()
    for before, after in edits:
        assert before in text, text
        text = text.replace(before, after)
    (mapping / "mapping.toml").write_text(text)
    init = command("init", "--regenerate", "--out", str(mapping), "--json")
    return Migrated(Path(source), mapping, url, init, _run(mapping, url))


def _run(mapping: Path, url: str, **variables: str) -> Answer:
    return _typed(mapping, url, "run", "--yes", "--json", **variables)


def _typed(mapping: Path, url: str, *words: str, **variables: str) -> Answer:
    where = ("--config", str(mapping / "config.toml"), "--work", str(mapping.parent / "work"))
    own = {"MIGRATE__TARGET__URL": url, "MIGRATE__IDS__SECRET": SECRET, **variables}
    return command(*words, *where, **own)


def make_source(case: Path, folder: Path) -> str:
    """Return what to give as the source for a case: a script, a dump, or a program that makes a file."""
    if case.name.endswith(".dump.sql"):
        return str(case)
    path = folder / f"{case.stem}.db"
    if case.suffix == ".py":
        with patch.object(sys, "argv", [str(case), str(path)]):
            runpy.run_path(str(case), run_name="__main__")
    else:
        make_database(case.read_text(), path)
    return str(path)


def make_database(script: str, path: Path) -> None:
    """Make a SQLite file by a script."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)


def command(*words: str, **variables: str) -> Answer:
    """Run `migrate` in this process, as a user would with these words and variables."""
    with _environment(**variables):
        result = CliRunner().invoke(cli, list(words), standalone_mode=False)
    error = result.exception
    if error is None:
        return Answer(result.return_value or 0, result.stdout, result.stderr)
    if isinstance(error, MigrateError):
        return Answer(error.exit_code, result.stdout, f"{result.stderr}{error.message}\n{error.hint or ''}")
    raise error


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    with patch.dict(os.environ, environment(**variables), clear=True):
        yield


def _bare(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else f'"{name}"'


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None).replace("'", "''")
