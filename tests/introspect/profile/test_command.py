"""`migrate inspect` as a process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.tools.commands import migrate


def make(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, note TEXT);"
            "INSERT INTO users VALUES (1, 'anna@example.org');"
            "INSERT INTO orders VALUES (1, 1, '\x1b[31mred[/]'), (2, 9, NULL);"
        )
    return path


def test_a_source_is_shown_as_tables(tmp_path: Path) -> None:
    done = migrate("inspect", str(make(tmp_path / "legacy.db")), cwd=tmp_path)
    assert "orders (user_id)" in done.out
    assert "likely: name and values" in done.out
    assert "anna" not in done.out
    assert "\x1b" not in done.out


def test_a_source_is_shown_as_a_document(tmp_path: Path) -> None:
    facts = migrate("inspect", str(make(tmp_path / "legacy.db")), "--json", cwd=tmp_path).json()
    assert facts["version"] == 1
    assert [(table["name"], table["rows"]) for table in facts["tables"]] == [("orders", 2), ("users", 1)]
    assert facts["references"][0]["dangling"] == 1


def test_a_source_is_shown_as_a_page(tmp_path: Path) -> None:
    page = tmp_path / "inspection.html"
    done = migrate("inspect", str(make(tmp_path / "legacy.db")), "--html", str(page), cwd=tmp_path)
    assert str(page) in done.out
    text = page.read_text()
    assert "orders (user_id)" in text
    assert "\x1b" not in text
    assert "anna" not in text
    assert page.stat().st_mode & 0o777 == 0o600


def test_the_argument_wins_over_the_environment_and_nothing_is_left(tmp_path: Path) -> None:
    path = make(tmp_path / "legacy.db")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    words = ("inspect", str(path), "--json")
    migrate(*words, cwd=tmp_path, TURSO_DATABASE_URL="http://127.0.0.1:1", TMPDIR=str(temporary))
    assert not list(temporary.iterdir())


def test_a_configured_source_is_taken_where_none_is_named(tmp_path: Path) -> None:
    path = make(tmp_path / "legacy.db")
    done = migrate("inspect", "--json", cwd=tmp_path, TURSO_CONNECTION_URL=str(path))
    assert done.json()["source"] == str(path)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    done = migrate("inspect", str(tmp_path / "none.db"), cwd=tmp_path, code=2)
    assert "none.db" in done.err
