"""The command line as a process, and what a test asks of the databases it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer

ROOT = Path(__file__).parents[2]
#: Read by no test: the developer's own shell must not change what a test sees.
_HIDDEN = ("TURSO_", "MIGRATE_", "DATABASE_URL", "PG")

#: Seconds that a command may take, and those of a rehearsal: some hundred runs.
PATIENCE = (270, 1700)


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return its output as the JSON document that it is."""
        return json.loads(self.out)


def environment(**extra: str) -> dict[str, str]:
    """Return a clean environment with `extra` in it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_HIDDEN)}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "200", **extra}


def start(*words: str, cwd: Path | None = None, **extra: str) -> subprocess.Popen[str]:
    """Start `migrate` with these words and variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "migrate", *words],
        cwd=cwd or ROOT,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def migrate(*words: str, cwd: Path | None = None, code: int | None = 0, **extra: str) -> Done:
    """Run `migrate` to its end and compare its exit code (None: any will do)."""
    process = start(*words, cwd=cwd, **extra)
    try:
        out, err = process.communicate(timeout=PATIENCE[words[0] == "rehearse"])
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    done = Done(process.returncode, out, err)
    assert code is None or done.code == code, f"exit code {done.code}\n{out}\n{err}"
    return done


def tables_of(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """Return the names of a schema's tables."""
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)
    ).fetchall()
    return [name for (name,) in rows]


def content(url: str, schema: str = "public") -> dict[str, str]:
    """Return for each table a digest of its rows as text, sorted."""
    digests = {}
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        for table in tables_of(connection, schema):
            query = sql.SQL('SELECT t::text FROM {} t ORDER BY t::text COLLATE "C"')
            rows = connection.execute(query.format(sql.Identifier(schema, table))).fetchall()
            digests[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    return digests


def embedded_content(work: Path, schema: str = "public") -> dict[str, str]:
    """Return the content of the work folder's embedded PostgreSQL."""
    with EmbeddedServer(work) as server:
        return content(server.url(), schema)


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    """Return the rows of one query."""
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()  # type: ignore[call-overload, no-any-return]
