"""`migrate init` as a process."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

from mappers.declarative.mapping_file import MappingFile
from tests.tools.commands import migrate

SCHEMAS = ("config.schema.json", "mapping.schema.json")
FILES = ("config.toml", "init.sql", "mapping.toml", "schema.prisma")


def make(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, note TEXT);"
            "CREATE TABLE orders_backup AS SELECT * FROM orders;"
            "INSERT INTO users VALUES (1, 'anna@example.org');"
            "INSERT INTO orders VALUES (1, 1, 'x'), (2, 9, NULL);"
            "INSERT INTO orders_backup VALUES (1, 1, 'x'), (2, 1, NULL), (3, 1, 'gone');"
        )
    return path


def test_the_files_are_written_and_the_next_command_is_named(tmp_path: Path) -> None:
    path = make(tmp_path / "legacy.db")
    done = migrate("init", "--source", str(path), "--out", "made files", cwd=tmp_path)
    out = tmp_path / "made files"
    assert sorted(one.name for one in out.iterdir()) == sorted((*FILES, *SCHEMAS))
    for name in ("config", "mapping"):
        assert (out / f"{name}.toml").read_text().splitlines()[1] == f"#:schema ./{name}.schema.json"
        assert json.loads((out / f"{name}.schema.json").read_text())["additionalProperties"] is False
    assert "migrate run --config 'made files/config.toml'" in done.out
    mapping = MappingFile(**tomllib.loads((out / "mapping.toml").read_text()))
    assert mapping.tables["orders"].columns["user_id"].dangling == "null"
    assert mapping.tables["orders_backup"].left_out
    rows = "1 of its rows are not in orders, 1 differ from those of orders"
    assert f"): {rows}. Check them before you run." in done.out
    config = tomllib.loads((out / "config.toml").read_text())
    assert config["source"]["url"] == str(path)
    assert config["target"] == {"url": "embedded", "schema": "init.sql", "empty": []}
    assert config["mappers"] == {"mapping": "mapping.toml"}
    assert not [one.name for one in out.iterdir() if "anna" in one.read_text()]


def test_a_schema_of_drizzle_stands_for_the_one_of_prisma_and_is_written_anew(tmp_path: Path) -> None:
    words = ("--source", str(make(tmp_path / "legacy.db")), "--out", "made")
    migrate("init", *words, "--orm", "drizzle", cwd=tmp_path)
    out = tmp_path / "made"
    kept = {*FILES, *SCHEMAS, "schema.ts"} - {"schema.prisma"}
    assert {one.name for one in out.iterdir()} == kept
    schema = (out / "schema.ts").read_text()
    assert 'export const user = pgTable("users", {' in schema
    mapping = out / "mapping.toml"
    mapping.write_text(mapping.read_text().replace('target = "users"', 'target = "people"'))
    migrate("init", *words, "--regenerate", cwd=tmp_path)
    assert {one.name for one in out.iterdir()} == kept
    assert ' = pgTable("people", {' in (out / "schema.ts").read_text()


def test_the_same_source_gives_the_same_bytes_and_what_was_edited_is_not_written_over(tmp_path: Path) -> None:
    words = ("init", "--source", str(make(tmp_path / "legacy.db")), "--out", str(tmp_path / "out"))
    migrate(*words, cwd=tmp_path)
    first = {name: (tmp_path / "out" / name).read_bytes() for name in FILES}
    migrate(*words, cwd=tmp_path)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == first
    edited = first["mapping.toml"].replace(b'dangling = "null"', b'dangling = "keep"')
    (tmp_path / "out" / "mapping.toml").write_bytes(edited)
    refused = migrate(*words, cwd=tmp_path, code=2)
    assert "mapping.toml" in refused.err
    assert "schema.prisma" not in refused.err
    assert "--yes" in refused.err
    assert (tmp_path / "out" / "mapping.toml").read_bytes() == edited
    migrate(*words, "--yes", cwd=tmp_path)
    assert (tmp_path / "out" / "mapping.toml").read_bytes() == first["mapping.toml"]
    assert (tmp_path / "out" / "mapping.toml.1").read_bytes() == edited


def test_a_source_without_tables_and_a_wrong_url_are_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    words = ("--out", str(tmp_path / "out"))
    empty = migrate("init", "--source", str(tmp_path / "empty.db"), *words, cwd=tmp_path, code=2)
    assert "no table" in empty.err
    wrong = migrate("init", "--source", "ftp://example.org/x", *words, cwd=tmp_path, code=2)
    assert "ftp" in wrong.err
    assert not (tmp_path / "out").exists()
