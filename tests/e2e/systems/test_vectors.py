"""libSQL's vectors on their way into columns of pgvector, on a PostgreSQL that has it."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.servers.system import vector_postgres
from tests.tools.commands import migrate

ROWS = {
    1: [1.0, 0.5, -0.1], 2: [1e20, 1.5e-05, -0.0], 3: [3.4028235e38, 1e-45, 16777217.0], 4: None,
}  # fmt: skip
TARGET = (
    "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions;"
    ' CREATE TABLE "Movie" (id text PRIMARY KEY, title text, emb extensions.vector(3),'
    " whole extensions.vector);"
    ' CREATE INDEX nearest ON "Movie" USING hnsw (emb extensions.vector_cosine_ops);'
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with vector_postgres() as url:
        yield url


@pytest.fixture
def movies(tmp_path: Path) -> Path:
    path = tmp_path / "legacy.db"
    with closing(sqlite3.connect(path)) as source:
        source.execute(
            "CREATE TABLE movies (id INTEGER PRIMARY KEY, title TEXT, emb F32_BLOB(3), whole BLOB)"
        )
        for key, floats in ROWS.items():
            packed = _packed(floats)
            source.execute("INSERT INTO movies VALUES (?, ?, ?, ?)", (key, f"film {key}", packed, packed))
        source.executemany(
            "INSERT INTO movies VALUES (?, ?, ?, NULL)",
            [
                (5, "short", b"\0" * 8),
                (6, "not a number", struct.pack("<3f", 1, 2, float("nan"))),
                (7, "text", "x"),
            ],
        )
        source.commit()
    return path


def _packed(floats: list[float] | None) -> bytes | None:
    return None if floats is None else struct.pack(f"<{len(floats)}f", *floats)


def _vectors(url: str) -> dict[str, tuple[bytes | None, bytes | None]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            'SELECT title, emb::real[], whole::real[] FROM "Movie" ORDER BY title'
        ).fetchall()
    return {title: (_packed(emb), _packed(whole)) for title, emb, whole in rows}


def test_vectors_go_to_pgvector_and_what_is_none_is_counted(
    server: str, movies: Path, tmp_path: Path
) -> None:
    url = _database(server, "plain", TARGET)
    words = ("--source", str(movies), "--out", str(tmp_path / "out"), "--target", "env:DATABASE_URL")
    migrate("init", *words, cwd=tmp_path, DATABASE_URL=url)
    mapping = (tmp_path / "out" / "mapping.toml").read_text()
    assert 'emb = { to = "emb", as = "vector", otherwise = "null" }  # (!)' in mapping
    assert "do not fit, become NULL: 3" in mapping
    run = ("--config", str(tmp_path / "out" / "config.toml"), "--work", str(tmp_path / "work"))
    migrate("run", *run, "--yes", DATABASE_URL=url)
    found = _vectors(url)
    for key, floats in ROWS.items():
        assert found[f"film {key}"] == (_packed(floats), _packed(floats))
    assert [found[title][0] for title in ("short", "not a number", "text")] == [None, None, None]
    migrate("verify", "--published", "--deep", *run, DATABASE_URL=url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE \"Movie\" SET emb = '[1,0.5,-0.2]' WHERE title = 'film 1'")
    changed = migrate("verify", "--published", "--deep", *run, code=1, DATABASE_URL=url)
    assert "Movie" in changed.err
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE \"Movie\" SET emb = '[1,0.5,-0.1]' WHERE title = 'film 1'")
    migrate("rollback", *run, "--yes", DATABASE_URL=url)
    assert _vectors(url) == {}
    migrate("rollback", *run, "--yes", "--undo", DATABASE_URL=url)
    assert _vectors(url) == found


@pytest.mark.slow
def test_a_new_target_with_vectors_is_written_from_the_edited_mapping(
    server: str, movies: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    migrate("init", "--source", str(movies), "--out", str(out), cwd=tmp_path)
    mapping = out / "mapping.toml"
    text = mapping.read_text()
    assert 'as = "vector", if the target has that extension' in text
    mapping.write_text(text.replace('to = "emb", as = "bytes"', 'to = "emb", as = "vector"'))
    migrate("init", "--regenerate", "--out", str(out), "--yes", cwd=tmp_path)
    ddl = (out / "init.sql").read_text()
    assert ddl.startswith(("--", "CREATE EXTENSION IF NOT EXISTS vector"))
    assert '"emb" vector(3)' in ddl
    assert 'Unsupported("vector(3)")?' in (out / "schema.prisma").read_text()
    url = _database(server, "fresh", ddl.replace('CREATE SCHEMA IF NOT EXISTS "public";', ""))
    run = ("--config", str(out / "config.toml"), "--work", str(tmp_path / "work"))
    migrate("run", *run, "--yes", MIGRATE__TARGET__URL=url)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT emb::text FROM movies WHERE title = 'film 1'").fetchone()
    assert row == ("[1,0.5,-0.1]",)


def _database(server: str, name: str, script: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())
    return url
