"""Ids behind a word in a text, in bare lists, and in columns of a role: mapped, or marked."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green

SCRIPT = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, handle TEXT UNIQUE);
    CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, t TEXT);
    CREATE TABLE payload_migrations (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE x (id INTEGER PRIMARY KEY, subject TEXT, gid TEXT, room TEXT, watchers TEXT, chosen TEXT,
        scores TEXT, code TEXT, whodunnit TEXT, actor INTEGER, note TEXT, attempts INTEGER);
    INSERT INTO people VALUES (1, 'ann'), (2, 'bob'), (3, 'cyn');
    INSERT INTO tag VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
    INSERT INTO posts VALUES (7, 'x'), (8, 'y');
    INSERT INTO x VALUES
        (1, 'people:1', 'gid://blog/Post/7', 'tag-99', '[1,3]', '[3,4]', '[3,4]', 'A-1', '1', 2,
            'see posts/7', 1),
        (2, 'people:2', 'gid://blog/Post/8', 'tag-98', '[2]', '[1]', '[1]', 'B-2', '3', 3, 'hello', 0),
        (3, 'tag:4', 'gid://blog/Person/3', 'tag-97', '[]', '[2,2]', '[2]', 'C-3', '2', 1, NULL, 0);
"""


@pytest.fixture(scope="module")
def done(migrated: MakeCase) -> Migrated:
    return require_green(migrated(script=SCRIPT))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("subject", 'ids = [{ pattern = "people:{id}", of = "people" }]'),
        ("subject", 'ids = [{ pattern = "tag:{id}", of = "tag" }]'),
        ("gid", 'ids = [{ pattern = "gid://blog/Post/{id}", of = "posts" }]'),
        ("gid", 'ids = [{ pattern = "gid://blog/Person/{id}", of = "people" }]'),
        ("chosen", "perhaps ids of tag"),
        ("whodunnit", "perhaps ids of people"),
        ("actor", "perhaps ids of people"),
    ],
)
def test_what_stays_is_marked_with_what_maps_it(done: Migrated, column: str, said: str) -> None:
    assert done.marked("x", column)
    assert said in done.line("x", column)


@pytest.mark.parametrize("column", ["room", "scores", "code", "note", "attempts"])
def test_numbers_that_are_no_ids_are_not_marked(done: Migrated, column: str) -> None:
    assert "ids of" not in done.line("x", column)


def test_a_list_named_by_a_role_gets_the_new_ids(done: Migrated) -> None:
    new = dict(done.query("SELECT handle, id FROM people"))
    lists = done.query("SELECT watchers FROM x WHERE room = 'tag-99'")
    assert lists == [([new["ann"], new["cyn"]],)]


def test_a_frameworks_record_of_migrations_is_left_out(done: Migrated) -> None:
    assert "left_out" in done.mapping["payload_migrations"]


def test_the_marked_patterns_map_the_ids(migrated: MakeCase) -> None:
    option = 'ids = [{ pattern = "people:{id}", of = "people" }, { pattern = "tag:{id}", of = "tag" }]'
    found = migrated(
        script=SCRIPT,
        edits=(
            (
                'subject = { to = "subject", as = "text" }',
                f'subject = {{ to = "subject", as = "text", {option} }}',
            ),
        ),
    )
    assert found.run.code == 0, found.run.err
    rows = found.query(
        "SELECT x.subject = 'people:' || p.id, y.subject = 'tag:' || t.id FROM x, x y, people p, tag t"
        " WHERE x.room = 'tag-99' AND y.room = 'tag-97' AND p.handle = 'ann' AND t.name = 'd'"
    )
    assert rows == [(True, True)]
