"""Ids inside lists and documents are replaced by the new ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mappers.declarative.mapping_file import MappingError, read_mapping
from tests.mappers.declarative.map_rows import migrated

ANIMALS = """
CREATE TABLE animals (id INTEGER PRIMARY KEY, n INTEGER);
INSERT INTO animals VALUES (3, 1), (5, 2), (9, 'none');
"""
SECTION = """
[tables.animals]
target = "Animal"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.n = {to = "n", as = "integer"}
[tables.lists]
target = "List"
key = ["id"]
columns.id = {to = "id", as = "integer"}
"""
LISTS = """
CREATE TABLE lists (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO lists VALUES (1, '3,5'), (2, '3, 5,,9,'), (3, ''), (4, NULL), (5, '777'), (6, '3;5');
"""


@pytest.mark.parametrize(
    ("dangling", "second", "fifth"), [("keep", "{3},{5},,9,", "777"), ("null", "{3},{5},,", "")]
)
def test_each_part_of_a_list_becomes_the_new_id(
    tmp_path: Path, dangling: str, second: str, fifth: str
) -> None:
    line = f'columns.v = {{to = "v", as = "references", of = "animals", dangling = "{dangling}"}}'
    out = migrated(tmp_path, ANIMALS + LISTS, SECTION + line)
    new = {"3": out.ids.derive("Animal", 3), "5": out.ids.derive("Animal", 5)}
    stored = {row["id"]: row["v"] for row in out.rows("List")}
    written = second.replace("{3}", new["3"]).replace("{5}", new["5"])
    assert stored[1] == f"{new['3']},{new['5']}"
    assert (stored[2], stored[3], stored[4], stored[5]) == (written, "", None, fifth)
    rule = "dangling_kept" if dangling == "keep" else "dangling_left_out"
    assert out.warning_set() == {("lists", key, "v", rule) for key in ("2", "5", "6")}


def test_a_list_with_an_unknown_part_may_cost_the_row_and_those_that_name_it(tmp_path: Path) -> None:
    more = """
    CREATE TABLE notes (id INTEGER PRIMARY KEY, list INTEGER);
    INSERT INTO notes VALUES (1, 1), (2, 2);
    """
    mapping = (
        SECTION
        + 'columns.v = {to = "v", as = "references", of = "animals"}\n'
        + '[tables.notes]\ntarget = "Note"\nkey = ["id"]\ncolumns.id = {to = "id", as = "integer"}\n'
        + 'columns.list = {to = "listId", as = "reference", of = "lists"}\n'
    )
    out = migrated(tmp_path, ANIMALS + LISTS + more, mapping)
    assert {row["id"] for row in out.rows("List")} == {1, 3, 4}
    assert [row["id"] for row in out.rows("Note")] == [1]


def test_an_id_in_a_document_is_replaced_where_the_path_says(tmp_path: Path) -> None:
    documents = {
        1: '{"items":[{"animal":3,"n":3},{"animal":"5","price":1.10}],"big":12345678901234567890123}',
        2: '{"items":[{"animal":9},{"animal":null},{"animal":true},{"other":3}]}',
        3: '{"items":{"animal":3}}',
        4: "plain",
        5: None,
    }
    source = ANIMALS + "CREATE TABLE lists (id INTEGER PRIMARY KEY, v TEXT);"
    for key, text in documents.items():
        source += f"INSERT INTO lists VALUES ({key}, {'NULL' if text is None else repr(text)});"
    line = 'columns.v = {to = "v", as = "json", ids = [{path = "$.items[*].animal", of = "animals"}]}'
    out = migrated(tmp_path, source, SECTION + line)
    three, five = (out.ids.derive("Animal", key) for key in (3, 5))
    stored = {row["id"]: row["v"] for row in out.rows("List")}
    assert stored[1] == documents[1].replace('"animal":3', f'"animal":"{three}"').replace('"5"', f'"{five}"')
    assert json.loads(stored[2]) == json.loads(documents[2])
    assert (stored[3], stored[4], stored[5]) == (documents[3], '"plain"', None)
    assert out.warning_set() == {
        ("lists", "2", "v", "unknown_id_kept"),
        ("lists", "4", "v", "wrapped_as_json_string"),
    }


def test_an_id_in_a_text_is_replaced_where_the_pattern_says(tmp_path: Path) -> None:
    texts = {
        1: "/animals/3",
        2: 'https://x.example/a?b="1"/animals/5/edit#/animals/3',
        3: "/animals/99",
        4: "/animals/new",
        5: "/animals/35",
        6: "/zoo/3",
        7: "/animals/",
    }
    source = ANIMALS + "CREATE TABLE lists (id INTEGER PRIMARY KEY, v TEXT);"
    for key, text in texts.items():
        source += f"INSERT INTO lists VALUES ({key}, '{text}');"
    line = 'columns.v = {to = "v", as = "text", ids = [{pattern = "/animals/{id}", of = "animals"}]}'
    out = migrated(tmp_path, source, SECTION + line)
    three, five = (out.ids.derive("Animal", key) for key in (3, 5))
    stored = {row["id"]: row["v"] for row in out.rows("List")}
    assert stored[1] == f"/animals/{three}"
    assert stored[2] == f'https://x.example/a?b="1"/animals/{five}/edit#/animals/{three}'
    assert {key: stored[key] for key in (3, 4, 5, 6, 7)} == {key: texts[key] for key in (3, 4, 5, 6, 7)}
    assert out.warning_set() == {("lists", key, "v", "unknown_id_kept") for key in ("3", "5")}


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ('{pattern = "{id}", of = "animals"}', "a pattern has {id} once"),
        ('{pattern = "/a/", of = "animals"}', "a pattern has {id} once"),
        ('{path = "$[*]", of = "animals"}', "`ids` need a `path` with json"),
        ('{of = "animals"}', "give either `path`"),
    ],
)
def test_a_pattern_that_is_none_is_named(ids: str, said: str) -> None:
    with pytest.raises(MappingError, match=re.escape(said)):
        read_mapping(f'version = 1\n{SECTION}columns.v = {{to = "v", as = "text", ids = [{ids}]}}')


def test_a_path_that_is_none_is_named() -> None:
    section = SECTION + 'columns.v = {to = "v", as = "json", ids = [{path = "items[]", of = "animals"}]}'
    with pytest.raises(MappingError, match=r"tables\.lists\.columns\.v\.ids\.0\.path: a path begins with \$"):
        read_mapping("version = 1\n" + section)
