"""Restores a dump into a throwaway server, where it can be compared or copied from."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from psycopg import conninfo, sql

from backups import programs
from backups.dependencies import Surroundings, provide
from backups.errors import BackupError, say

_ERROR: Final = "pg_restore: error: "
# If the server refuses a row, its message quotes the row: only the table is passed on.
_COPY_FAILED: Final = re.compile(r'COPY failed for table "(?P<table>.*?)": ')
_COMMAND: Final = re.compile(r"^Command was: (?P<command>.*?)(?:;\s*\n|\n\n|\Z)", re.MULTILINE | re.DOTALL)
_COMMAND_WIDTH: Final = 200
#: Begins the names of the databases made here; 16 hexadecimal digits follow.
_PREFIX: Final = "restored_"
_QUERY_FAILED: Final = re.compile(r"could not execute query: (?:ERROR|FATAL):\s+")


@dataclass(frozen=True)
class Restored:
    """A database that a dump was restored into.

    `address` connects to it (secret). `problems` are the errors of pg_restore, one line each;
    `missing_extensions` those that the dumped database had and this server does not have.
    """

    address: str = field(repr=False)
    problems: tuple[str, ...]
    missing_extensions: tuple[str, ...]


@contextlib.contextmanager
def restored_database(
    dump: Path,
    *,
    schema: str,
    needs: Surroundings,
    server: str,
    pg_restore: Path,
    jobs: int = 1,
    on_tick: programs.Tick | None = None,
) -> Iterator[Restored]:
    """Restore `dump` into a new database of a server of ours, which is dropped at the end.

    `server` connects to any database of that server as a superuser. If the process is killed, `drop_left`
    finds the database by its name. Owners, grants and policies are left out,
    so the roles of the dumped server need not exist. Raises BackupError if the server fails; what pg_restore
    could not restore is in the result.
    """
    name = f"{_PREFIX}{uuid.uuid4().hex[:16]}"
    address = conninfo.make_conninfo(server, dbname=name)
    try:
        with psycopg.connect(server, autocommit=True) as admin:
            _create_database(admin, name, needs.encoding)
    except psycopg.Error as error:
        raise BackupError(f"the throwaway server cannot create a database: {say(error)}") from error
    try:
        problems, missing = restore_into(
            dump, address, schema=schema, needs=needs, pg_restore=pg_restore, jobs=jobs, on_tick=on_tick
        )
        yield Restored(address, problems, missing)
    finally:
        # A failed drop costs nothing, and must not hide why the block failed.
        with contextlib.suppress(psycopg.Error), psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_left(server: str) -> None:
    """Drop the databases that killed processes left in a server of ours: they hold live rows.

    Raises BackupError if the server fails.
    """
    try:
        with psycopg.connect(server, autocommit=True) as admin:
            found = admin.execute(
                "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ %s",
                (f"^{_PREFIX}[0-9a-f]{{16}}$",),
            )
            for (name,) in found.fetchall():
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise BackupError(
            f"the databases of an earlier test restore cannot be dropped: {say(error)}"
        ) from error


def restore_into(
    dump: Path,
    address: str,
    *,
    schema: str,
    needs: Surroundings,
    pg_restore: Path,
    jobs: int = 1,
    on_tick: programs.Tick | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Restore the objects of `schema` into an existing database; return problems and missing extensions.

    Raises BackupError if the database refuses what the schema needs.
    """
    try:
        with psycopg.connect(address, autocommit=True) as conn:
            missing = provide(conn, schema, needs)
    except psycopg.Error as error:
        raise BackupError(f"the throwaway database cannot be prepared: {say(error)}") from error
    env = programs.lend_tls(pg_restore, programs.environment(address))
    command = [
        str(pg_restore), "--no-password", "--no-owner", "--no-acl", "--no-policies", "--no-publications",
        "--no-subscriptions", "--no-security-labels", "--no-tablespaces", f"--schema={schema}",
        f"--jobs={jobs}", f"--dbname={programs.database_argument(address)}", str(dump),
    ]  # fmt: skip
    code, complaints = programs.run(command, env, tick=on_tick)
    problems = read_problems(programs.redact(complaints, env))
    if code < 0:
        problems = (*problems, f"pg_restore was killed by signal {-code}")
    elif code > 0 and not problems:
        problems = (programs.last_complaint(complaints, env),)
    return problems, missing


def read_problems(stderr: str) -> tuple[str, ...]:
    """Return the errors of pg_restore, a line each: the command, and the server's message.

    Nothing that quotes a row is passed on: the server's message on a failed COPY, DETAIL, CONTEXT.
    """
    problems: list[str] = []
    for part in re.split(rf"^{re.escape(_ERROR)}", stderr, flags=re.MULTILINE)[1:]:
        text = part.splitlines()[0]
        if copied := _COPY_FAILED.match(text):
            problems.append(f'the rows of table "{copied["table"]}" were refused')
            continue
        text, from_query = _QUERY_FAILED.subn("", text)
        command = _COMMAND.search(part) if from_query else None
        problems.append(f"{_shorten(command['command'])}: {text}" if command else text)
    return tuple(problems)


def _shorten(command: str) -> str:
    # Enough to identify the object: ALTER TABLE ONLY public.a ADD CONSTRAINT b …
    line = " ".join(command.split())
    return line if len(line) <= _COMMAND_WIDTH else line[: _COMMAND_WIDTH - 1] + "…"


def is_outside(problem: str) -> bool:
    """Return whether a problem is only that something outside the dumped schema is missing."""
    return problem.endswith((" does not exist", " is not available"))


def _create_database(admin: psycopg.Connection, name: str, encoding: str) -> None:
    make = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(
        sql.Identifier(name), sql.Literal(encoding)
    )
    if encoding != "UTF8":  # the server's own locale may be one of UTF-8 only
        make += sql.SQL(" LOCALE_PROVIDER libc LOCALE 'C'")
    admin.execute(make)
    # The server may be a durable one; this database need not survive a crash.
    admin.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
