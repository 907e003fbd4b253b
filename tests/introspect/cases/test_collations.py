"""Keys and indexes mean in PostgreSQL what they meant in SQLite, or their section says what is lost."""

from __future__ import annotations

import psycopg
import pytest

from tests.introspect.cases.conftest import MakeCase


def refused(url: str, statement: str) -> bool:
    """Return whether a unique key refuses a row."""
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.UniqueViolation:
            return True
        connection.rollback()
    return False


def test_a_key_without_case_stays_one(migrated: MakeCase) -> None:
    done = migrated("types/p1_nocase.sql")
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    assert done.rows("users", "email", "handle") == [("Ann@example.com", "Ann"), ("bob@example.com", "bob")]
    for email, handle in (("ANN@example.com", "x"), ("y", "aNN")):
        assert refused(done.url, f"INSERT INTO users VALUES ('new', '{email}', '{handle}')")
    assert not refused(done.url, "INSERT INTO users VALUES ('new', 'anna@example.com', 'z')")
    assert done.marked("users", "email")
    assert done.marked("users", "handle")
    assert "lower(" in done.text("schema.prisma")
    assert "@@index([id(sort: Desc)])" in done.text("schema.prisma")


INDEXES = """
    CREATE TABLE slugs (slug TEXT PRIMARY KEY COLLATE NOCASE, v INT);
    INSERT INTO slugs VALUES ('Home', 1), ('about', 2);
    CREATE TABLE seats (id INTEGER PRIMARY KEY, room TEXT, number INT, freed BOOLEAN NOT NULL DEFAULT 0,
        ended INT, label TEXT, note TEXT COLLATE NOCASE);
    CREATE UNIQUE INDEX taken ON seats (room, number) WHERE freed = 0 AND ended IS NULL;
    CREATE UNIQUE INDEX labels ON seats (lower(label));
    CREATE UNIQUE INDEX mixed ON seats (room COLLATE NOCASE, number DESC) WHERE room <> 'lobby';
    CREATE INDEX computed ON seats (number * 2);
    CREATE INDEX odd ON seats (number) WHERE length(room) > 2;
    INSERT INTO seats VALUES (1, 'a', 1, 0, NULL, 'One', NULL), (2, 'a', 2, 1, NULL, 'Two', 'n'),
        (3, 'lobby', 5, 1, NULL, NULL, NULL), (4, 'Lobby', 5, 1, 7, 'x', NULL), (5, 'b', 1, 0, 3, 'É', 'N');
"""


def test_indexes_of_a_part_of_the_rows_and_on_lower_are_carried(migrated: MakeCase) -> None:
    done = migrated(script=INDEXES)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    assert refused(done.url, "INSERT INTO slugs VALUES ('HOME', 3)")
    row = "INSERT INTO seats VALUES ('new', {}, NULL)"
    assert refused(done.url, row.format("'a', 1, false, NULL, 'q'"))
    assert not refused(done.url, row.format("'c', 1, true, NULL, 'q'"))
    assert refused(done.url, row.format("'d', 9, false, NULL, 'oNE'"))
    assert not refused(done.url, row.format("'d', 9, false, NULL, 'é'"))
    assert refused(done.url, row.format("'A', 2, true, NULL, 'q'"))
    assert not refused(done.url, row.format("'lobby', 5, true, NULL, 'q'"))


@pytest.mark.parametrize("name", ["computed", "odd"])
def test_what_no_index_says_is_marked_with_its_sql(migrated: MakeCase, name: str) -> None:
    section = migrated(script=INDEXES).section("seats")
    assert f"(!) index {name} is not migrated: CREATE INDEX {name} ON seats" in section


def test_text_that_is_compared_without_case_is_marked_also_without_an_index(migrated: MakeCase) -> None:
    done = migrated(script=INDEXES)
    assert "compared without case" in done.line("seats", "note")
    assert done.marked("seats", "note")
    assert not done.marked("seats", "room")
