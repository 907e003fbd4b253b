"""Measures the peers: psql's minimum, pgloader, and an expert's DuckDB script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from benchmarks.expert import FILLED
from benchmarks.ours import DATABASE
from benchmarks.processes import Measured, measure
from benchmarks.server import Server, psql

_PEER: Final = "bench_peer"
_KEYS: Final = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f')
  AND conrelid::regclass::text = ANY (%(tables)s)
ORDER BY contype = 'f', conname
"""


def export_rows(server: Server, folder: Path) -> None:
    r"""Write the rows that our run published to files, one per table, as `psql \copy` reads them."""
    folder.mkdir(exist_ok=True)
    with psycopg.connect(server.url(DATABASE)) as source, source.cursor() as cursor:
        for table in FILLED:
            query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
            with (folder / f"{table}.copy").open("wb") as file, cursor.copy(query) as copy:
                for block in copy:
                    file.write(block)


def measure_floor(server: Server, rows: Path, log: Path, tables: tuple[str, ...] = FILLED) -> Measured:
    """Copy the rows from files into bare tables with psql, then create primary and foreign keys.

    With `tables` of `("messages",)` the users exist already, for the foreign keys to refer to.
    """
    url = server.fresh(_PEER)
    script = rows / "floor.sql"
    with psycopg.connect(url, autocommit=True) as target:
        keys = target.execute(_KEYS, {"tables": list(FILLED)}).fetchall()
        for table in FILLED:  # stripped, so that only columns are left
            target.execute(
                sql.SQL("CREATE TABLE bare_{} (LIKE {})").format(sql.SQL(table), sql.Identifier(table))
            )
        for table in FILLED:
            target.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
            target.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                sql.Identifier(f"bare_{table}"), sql.Identifier(table)))  # fmt: skip
        if "users" not in tables:
            with target.cursor() as cursor, cursor.copy("COPY users FROM STDIN") as copy:
                copy.write((rows / "users.copy").read_bytes())
            target.execute("ALTER TABLE users ADD PRIMARY KEY (id)")
        target.execute("CHECKPOINT")
    lines = [f"\\copy {table} from '{rows / table}.copy'" for table in tables]
    lines += [
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule};" for table, name, rule in keys if table in tables
    ]
    script.write_text("\n".join(lines) + "\n")
    return measure([psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), url], server.pid, log=log)


def measure_pgloader(server: Server, legacy: Path, folder: Path, log: Path) -> Measured | None:
    """Copy the legacy file unchanged, without new ids or foreign keys; None if pgloader is not installed."""
    program = shutil.which("pgloader")
    if program is None:
        return None
    url = server.fresh(_PEER, tables=False).partition("?")[0]
    script = folder / "pgloader.load"
    script.write_text(
        f"LOAD DATABASE FROM sqlite://{legacy} INTO {url}\n"
        "WITH include drop, create tables, create indexes, no foreign keys, reset sequences;\n"
    )
    script.chmod(0o600)
    return measure([program, "--root-dir", str(folder / "pgloader"), str(script)], server.pid, log=log)


def measure_expert(server: Server, legacy: Path, log: Path) -> Measured:
    """Run the DuckDB script."""
    url = server.fresh(_PEER)
    return measure([sys.executable, "-m", "benchmarks.expert", str(legacy), url], server.pid, log=log)


def measure_help(times: int = 11) -> list[float]:
    """Return the wall seconds of `migrate --help`, this number of times, after one that is not counted."""
    import time

    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "migrate", "--help"], check=True, capture_output=True, env=env)
        taken.append(time.perf_counter() - began)
    return taken[1:]
