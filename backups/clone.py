"""A copy of a schema without its rows, on another server: the target of a dry run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg

from backups.content import list_tables
from backups.dependencies import survey
from backups.dump import run_pg_dump
from backups.errors import BackupError, say
from backups.programs import Tick
from backups.restore import is_outside, restore_into


def clone_schema(
    source: str,
    target: str,
    *,
    schema: str,
    pg_dump: Path,
    pg_restore: Path,
    on_tick: Tick | None = None,
) -> tuple[str, ...]:
    """Create `schema` of the database `source` in the empty database `target`, and return what is missing.

    Both are URLs or libpq strings (secret); `source` is only read. Copied are types, tables, sequences,
    defaults, constraints, indexes, views, functions and triggers; not owners, grants, policies and rows.

    Returns the objects that could not be created because they refer to something outside the schema, one line
    each. Raises BackupError if a table could not be created, with the missing extensions.
    """
    try:
        with psycopg.connect(source, autocommit=True) as conn:
            needs, wanted = survey(conn, schema), list_tables(conn, schema)
    except psycopg.Error as error:
        raise BackupError(f"the live schema cannot be read: {say(error)}") from error
    with tempfile.NamedTemporaryFile(prefix="schema-", suffix=".dump") as file:
        pattern = '"' + schema.replace('"', '""') + '"'
        options = ["--schema-only", f"--schema={pattern}", "--no-owner", "--no-acl"]
        run_pg_dump(pg_dump, source, options, file, tick=on_tick)
        problems, missing = restore_into(
            Path(file.name), target, schema=schema, needs=needs, pg_restore=pg_restore, on_tick=on_tick
        )
    try:
        with psycopg.connect(target, autocommit=True) as conn:
            made = set(list_tables(conn, schema))
    except psycopg.Error as error:
        raise BackupError(f"the cloned schema cannot be read: {say(error)}") from error
    _judge([table for table in wanted if table not in made], problems, missing)
    return problems


def _judge(absent: list[str], problems: tuple[str, ...], missing: tuple[str, ...]) -> None:
    fatal = [problem for problem in problems if not is_outside(problem)]
    if not absent and not fatal:
        return
    parts = [f"tables {', '.join(absent)} are missing"] if absent else []
    if missing:
        parts.append(f"extensions that the embedded server does not have: {', '.join(missing)}")
    raise BackupError(
        f"the live schema cannot be cloned: {'; '.join([*parts, *(fatal or problems)])}",
        hint="rehearse with a server of your own that has these extensions",
    )
