"""Lists: JSON arrays and texts with a separator become arrays, ids inside become the new ones."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from mappers.base import SourceTables
from mappers.declarative.mapping_file import MappingError, read_mapping
from mappers.declarative.validate import find_misfits
from migrate.postgres.catalog import Column
from tests.mappers.declarative.map_rows import bind, migrated

CELLS = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v);
INSERT INTO t VALUES
  (1, '["a", "b c", "", "null", "x\\"y\\\\z", "{}", 5, 1.5, true]'), (2, 'red, green ,,blue'), (3, ''),
  (4, NULL), (5, '[1, 2, 3000000000]'), (6, '[true, false, "Yes", 0]'), (7, '[null]'), (8, '{"a": 1}'),
  (9, '[1,'), (10, 7), (11, '[[1]]'), (12, x'31'), (13, '[]'), (14, '[1, 2]'), (15, '[1.5, -2]');
"""
MAPPING = """
[tables.t]
target = "T"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.v = {to = "v", as = "list", otherwise = "null"}
"""


def lists(folder: Path, type_: str) -> dict[int, str | None]:
    """Return the lists that fit a type, by the number of their row, '' for those that do not."""
    target = {"T": [Column("id", "integer"), Column("v", type_)]}
    out = migrated(folder, CELLS, MAPPING, target)
    misfit = {int(key) for _, key, _, rule in out.warning_set() if rule == "invalid_list_left_out"}
    return {row["id"]: "" if row["id"] in misfit else row["v"] for row in out.rows("T")}


def test_texts_are_quoted_as_postgresql_prints_them(tmp_path: Path, database: str) -> None:
    found = lists(tmp_path, "text[]")
    assert {key for key, value in found.items() if value == ""} == {7, 8, 9, 11, 12}
    assert found[2] == "{red,green,blue}"
    assert (found[3], found[4], found[13], found[10]) == ("{}", None, "{}", "{7}")
    with psycopg.connect(database) as connection:
        for text in filter(None, found.values()):
            assert connection.execute("SELECT %s::text[]::text", (text,)).fetchone() == (text,)
        row = connection.execute("SELECT %s::text[]", (found[1],)).fetchone()
    assert row == (["a", "b c", "", "null", 'x"y\\z', "{}", "5", "1.5", "true"],)


@pytest.mark.parametrize(
    ("type_", "fitting"),
    [
        ("integer[]", {3: "{}", 4: None, 10: "{7}", 13: "{}", 14: "{1,2}"}),
        ("bigint[]", {3: "{}", 4: None, 5: "{1,2,3000000000}", 10: "{7}", 13: "{}", 14: "{1,2}"}),
        ("boolean[]", {3: "{}", 4: None, 6: "{t,f,t,f}", 13: "{}"}),
        ("double precision[]",
         {3: "{}", 4: None, 5: "{1,2,3000000000}", 10: "{7}", 13: "{}", 14: "{1,2}", 15: "{1.5,-2}"}),
    ],
)  # fmt: skip
def test_a_list_fits_if_all_its_parts_do(tmp_path: Path, type_: str, fitting: dict[int, str | None]) -> None:
    found = lists(tmp_path, type_)
    assert {key: value for key, value in found.items() if value != ""} == fitting


IDS = """
CREATE TABLE tags (id INTEGER PRIMARY KEY);
INSERT INTO tags VALUES (1), (2);
CREATE TABLE posts (id INTEGER PRIMARY KEY, tags TEXT);
INSERT INTO posts VALUES (1, '[1, 2]'), (2, '["2", 9]'), (3, '2;1'), (4, '[]'), (5, NULL), (6, '');
"""
OF_IDS = """
[tables.tags]
target = "Tag"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
[tables.posts]
target = "Post"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.tags = {to = "tagIds", as = "references", of = "tags", separator = ";", dangling = "null"}
"""


def test_ids_in_a_json_array_or_a_text_become_the_new_ones(tmp_path: Path) -> None:
    out = migrated(tmp_path, IDS, OF_IDS, {"Post": [Column("id", "integer"), Column("tagIds", "text[]")]})
    one, two = (out.ids.derive("Tag", key) for key in (1, 2))
    assert [row["tagIds"] for row in out.rows("Post")] == [
        f"{{{one},{two}}}", f"{{{two}}}", f"{{{two},{one}}}", "{}", None, "{}",
    ]  # fmt: skip
    assert out.warning_set() == {("posts", "2", "tags", "dangling_left_out")}


ROWS = OF_IDS.replace(
    'separator = ";", dangling = "null"',
    'separator = ";", dangling = "null", to_table = "_PostToTag", row = "A"',
).replace('to = "tagIds"', 'to = "B"')
JOINED = {
    "Tag": [Column("id", "text", not_null=True)],
    "Post": [Column("id", "integer", not_null=True)],
    "_PostToTag": [Column("A", "integer", not_null=True), Column("B", "text", not_null=True)],
}


def test_a_list_becomes_rows_of_a_table_between_two_others(tmp_path: Path) -> None:
    source = IDS + "INSERT INTO posts VALUES (7, '1;1; 2 ;'), (NULL, '1');"
    out = migrated(tmp_path, source, ROWS, JOINED)
    one, two = (out.ids.derive("Tag", key) for key in (1, 2))
    pairs = {(row["A"], row["B"]) for row in out.rows("_PostToTag")}
    assert pairs == {(1, one), (1, two), (2, two), (3, two), (3, one), (7, one), (7, two), (8, one)}
    assert len(out.rows("_PostToTag")) == len(pairs)
    assert out.warning_set() == {("posts", "2", "tags", "dangling_left_out")}
    assert [list(row) for row in out.rows("Post")] == [["id"]] * 8
    project = bind(tmp_path / "snapshot.db", ROWS, JOINED)
    assert project.lineage().went_to["posts", "tags"] == "_PostToTag.B"
    assert ("_PostToTag", "A") in project.lineage().written


def test_a_row_that_is_not_migrated_has_no_rows_of_its_list(tmp_path: Path) -> None:
    narrow = {**JOINED, "Post": [Column("id", "smallint", not_null=True)]}
    source = IDS + "INSERT INTO posts VALUES (70000, '1');"
    out = migrated(tmp_path, source, ROWS, narrow)
    assert ("posts", "70000", "rejected", "invalid_integer") in out.fate_set()
    assert 70000 not in {row["A"] for row in out.rows("_PostToTag")}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('dangling = "null"', 'dangling = "keep"', 'a part that names no row gives none: dangling = "null"'),
        (', row = "A"', "", 'a list becomes rows with as = "references", `to_table`, `row` and `to`'),
        ('row = "A"', 'row = "B"', "`row` and `to` are two columns"),
    ],
)
def test_what_rows_of_a_list_need_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        read_mapping(f"version = 1{ROWS.replace(old, new)}")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"_PostToTag"', '"_PostTag"', "the target has no table _PostTag; did you mean _PostToTag?"),
        ('"_PostToTag"', '"Tag"', "is also the target of posts.tags"),
        ('row = "A"', 'row = "a"', "the target has no column _PostToTag.a; did you mean A?"),
        ('row = "A"', 'row = "a"', "_PostToTag.A is required, and a list gives only a and B"),
    ],
)
def test_what_rows_of_a_list_do_not_fit_is_named(old: str, new: str, said: str) -> None:
    mapping = read_mapping(f"version = 1{ROWS.replace(old, new)}")
    tables = SourceTables({"tags": ["id"], "posts": ["id", "tags"]})
    assert any(said in one for one in find_misfits(mapping, tables, JOINED))
    assert not find_misfits(read_mapping(f"version = 1{ROWS}"), tables, JOINED)
