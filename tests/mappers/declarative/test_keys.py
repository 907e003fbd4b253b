"""Keys and references: what a row is called afterwards, and what becomes of a reference to nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mappers.base import SourceTables
from mappers.declarative.mapping_file import read_mapping
from mappers.declarative.validate import find_misfits
from tests.mappers.declarative.map_rows import bind, migrated

PEOPLE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, boss INTEGER);
INSERT INTO users VALUES (1, 'Ann', NULL), (2, 'Bo', 1), (3, 'Cy', 3), (4, 'Di', 99), (5, 'Ed', 4);
"""
USERS = """
[tables.users]
target = "User"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.name = {to = "name"}
columns.boss = {to = "bossId", as = "reference", of = "users", dangling = "%s"}
"""


def test_a_key_gets_the_id_of_its_target_table_and_references_follow(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, USERS % "null")
    new = {name: out.ids.derive("User", key) for key, name in enumerate(("Ann", "Bo", "Cy", "Di", "Ed"), 1)}
    bosses = {row["name"]: row["bossId"] for row in out.rows("User")}
    assert {row["name"]: row["id"] for row in out.rows("User")} == new
    assert bosses == {"Ann": None, "Bo": new["Ann"], "Cy": new["Cy"], "Di": None, "Ed": new["Di"]}
    assert out.warning_set() == {("users", "4", "boss", "dangling_left_out")}
    assert ("User", "2", new["Bo"], "users") in out.id_map.rows()
    assert out.id_map.height == 5


@pytest.mark.parametrize("batch_keys", [1, 2, 1000])
def test_a_rejected_row_takes_along_what_refers_to_it(tmp_path: Path, batch_keys: int) -> None:
    out = migrated(tmp_path, PEOPLE, USERS % "reject", batch_keys=batch_keys)
    assert out.fate_set() == {
        ("users", "4", "rejected", "dangling"),
        ("users", "5", "rejected", "dangling"),
    }
    assert [row["name"] for row in out.rows("User")].count("Cy") == 1
    assert len(out.rows("User")) == 3


def test_a_placeholder_stands_in_once_for_all_that_name_it(tmp_path: Path) -> None:
    more = "INSERT INTO users VALUES (6, 'Flo', 99), (7, 'Gus', 7777);"
    mapping = USERS % "placeholder" + 'placeholder = {name = "unknown {key}"}\n'
    out = migrated(tmp_path, PEOPLE + more, mapping)
    made = {row["id"]: row["name"] for row in out.rows("User") if row["name"].startswith("unknown")}
    assert made == {out.ids.derive("User", key): f"unknown {key}" for key in (99, 7777)}
    assert not out.fate_set()
    assert out.warning_set() == {("users", key, "boss", "placeholder") for key in ("4", "6", "7")}


def test_an_old_value_may_stay(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, USERS % "keep")
    assert {row["bossId"] for row in out.rows("User") if row["name"] == "Di"} == {"99"}
    assert out.warning_set() == {("users", "4", "boss", "dangling_kept")}


def test_a_key_that_is_the_parents_takes_its_new_id_over_two_tables(tmp_path: Path) -> None:
    source = """
    CREATE TABLE animals (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE cats (id INTEGER PRIMARY KEY REFERENCES animals, purrs BOOLEAN);
    CREATE TABLE cat_ears (id INTEGER PRIMARY KEY REFERENCES cats (id), cat INTEGER);
    INSERT INTO animals VALUES (3, 'Ada'), (5, 'Bo');
    INSERT INTO cats VALUES (5, 1), (9, 1);
    INSERT INTO cat_ears VALUES (5, 5), (9, 5);
    """
    mapping = """
    [tables.animals]
    target = "Animal"
    key = ["id"]
    ids = "cuid"
    columns.id = {to = "id", as = "id"}
    columns.name = {to = "name"}
    [tables.cats]
    target = "Cat"
    key = ["id"]
    columns.id = {to = "id", as = "reference", of = "animals"}
    columns.purrs = {to = "purrs", as = "boolean"}
    [tables.cat_ears]
    target = "CatEar"
    key = ["id"]
    columns.id = {to = "id", as = "reference", of = "cats"}
    columns.cat = {to = "catId", as = "reference", of = "cats"}
    """
    out = migrated(tmp_path, source, mapping)
    bo = out.ids.derive("Animal", 5)
    assert out.rows("Cat") == [{"id": bo, "purrs": True}]
    assert out.rows("CatEar") == [{"id": bo, "catId": bo}]
    assert out.fate_set() == {
        ("cats", "9", "rejected", "dangling"),
        ("cat_ears", "9", "rejected", "dangling"),
    }


def test_a_reference_may_say_of_which_table_it_is(tmp_path: Path) -> None:
    source = """
    CREATE TABLE a (id INTEGER PRIMARY KEY);
    CREATE TABLE b (id TEXT PRIMARY KEY);
    CREATE TABLE likes (id INTEGER PRIMARY KEY, kind TEXT, of);
    INSERT INTO a VALUES (1);
    INSERT INTO b VALUES ('1');
    INSERT INTO likes VALUES (1, 'a', 1), (2, 'b', '1'), (3, 'c', 1), (4, NULL, 1), (5, 'a', NULL),
      (6, 'a', 2);
    """
    mapping = """
    tables.a = {target = "A", key = ["id"], ids = "cuid", columns.id = {to = "id", as = "id"}}
    tables.b = {target = "B", key = ["id"], columns.id = {to = "id", as = "id"}}
    [tables.likes]
    target = "Like"
    key = ["id"]
    columns.id = {to = "id", as = "integer"}
    columns.kind = {to = "kind"}
    columns.of = {to = "ofId", as = "reference", by = "kind", of = {a = "a", b = "b"}, dangling = "null"}
    """
    out = migrated(tmp_path, source, mapping)
    new = out.ids.derive("A", 1)
    assert [row["ofId"] for row in out.rows("Like")] == [new, "1", None, None, None, None]
    left_out = {("likes", key, "of", "dangling_left_out") for key in ("3", "4", "6")}
    assert out.warning_set() == left_out


def test_tables_without_rowid_and_composite_keys_name_their_rows(tmp_path: Path) -> None:
    source = """
    CREATE TABLE users (id INTEGER PRIMARY KEY);
    CREATE TABLE marks (what TEXT, who INTEGER, n, PRIMARY KEY (who, what)) WITHOUT ROWID;
    CREATE TABLE pairs ("A" INTEGER, "B" INTEGER);
    CREATE TABLE odd (rowid TEXT, v);
    INSERT INTO users VALUES (1), (2);
    INSERT INTO marks VALUES ('a:b', 1, 1), ('a', 2, 'x'), ('b', 9, 2);
    INSERT INTO pairs VALUES (1, 2), (1, 2), (2, 3), (NULL, 1);
    INSERT INTO odd VALUES ('mine', 1), ('mine', 2);
    """
    mapping = """
    tables.users = {target = "User", key = ["id"], ids = "cuid", columns.id = {to = "id", as = "id"}}
    [tables.marks]
    target = "Mark"
    key = ["who", "what"]
    columns.what = {to = "what"}
    columns.who = {to = "whoId", as = "reference", of = "users"}
    columns.n = {to = "n", as = "integer"}
    [tables.pairs]
    target = "_Pair"
    key = ["A", "B"]
    columns.A = {to = "A", as = "reference", of = "users"}
    columns.B = {to = "B", as = "reference", of = "users"}
    [tables.odd]
    target = "Odd"
    columns.rowid = {to = "rowid"}
    columns.v = {to = "v", as = "integer"}
    """
    out = migrated(tmp_path, source, mapping, batch_keys=2)
    one, two = (out.ids.derive("User", key) for key in (1, 2))
    assert out.rows("Mark") == [{"what": "a:b", "whoId": one, "n": 1}]
    assert {(row["A"], row["B"]) for row in out.rows("_Pair")} == {(one, two), (None, one)}
    assert [row["v"] for row in out.rows("Odd")] == [1, 2]
    assert out.fate_set() == {
        ("marks", "2:a", "rejected", "invalid_integer"),
        ("marks", "9:b", "rejected", "dangling"),
        ("pairs", "1:2#2", "merged", "same_key"),
        ("pairs", "2:3", "rejected", "dangling"),
    }


def test_a_row_of_the_same_key_that_differs_is_rejected_by_name(tmp_path: Path) -> None:
    source = """
    CREATE TABLE things (k PRIMARY KEY, v);
    INSERT INTO things VALUES (1, 'i'), (1.5, 'r'), ('1', 't'), (NULL, 'n');
    """
    mapping = (
        'tables.things = {target = "Thing", key = ["k"], columns.k = {to = "k"}, columns.v = {to = "v"}}'
    )
    out = migrated(tmp_path, source, mapping)
    assert [row["v"] for row in out.rows("Thing")].count("t") == 0
    assert out.fates.rows() == [("things", "1#3", "rejected", "same_key", "k")]


def test_a_row_number_becomes_the_key_of_a_table_without_one(tmp_path: Path) -> None:
    source = "CREATE TABLE readings (at, value); INSERT INTO readings VALUES (1, 2), (1, 2), (NULL, NULL);"
    mapping = """
    [tables.readings]
    target = "Reading"
    ids = "cuid"
    columns.rowid = {to = "id", as = "id"}
    columns.at = {to = "at", as = "integer"}
    columns.value = {to = "value", as = "integer"}
    """
    out = migrated(tmp_path, source, mapping)
    assert {row["id"] for row in out.rows("Reading")} == {out.ids.derive("Reading", n) for n in (1, 2, 3)}


def test_a_reference_is_found_also_by_a_key_without_index(tmp_path: Path) -> None:
    source = """
    CREATE TABLE a (id INTEGER, n);
    CREATE TABLE b (id INTEGER PRIMARY KEY, a TEXT);
    INSERT INTO a VALUES (1, 1), (2, 'x'), (3, 3), (3, 3);
    INSERT INTO b VALUES (1, '1'), (2, '02'), (3, '3'), (4, '4');
    """
    mapping = """
    [tables.a]
    target = "A"
    key = ["id"]
    ids = "cuid"
    columns.id = {to = "id", as = "id"}
    columns.n = {to = "n", as = "integer"}
    [tables.b]
    target = "B"
    key = ["id"]
    columns.id = {to = "id", as = "integer"}
    columns.a = {to = "aId", as = "reference", of = "a"}
    """
    out = migrated(tmp_path, source, mapping)
    assert [(row["id"], row["aId"]) for row in out.rows("B")] == [
        (1, out.ids.derive("A", 1)),
        (3, out.ids.derive("A", 3)),
    ]
    assert ("a", "3#4", "merged", "same_key") in out.fate_set()


def test_a_key_that_postgresql_cannot_hold_is_rejected_and_odd_bytes_are_read(tmp_path: Path) -> None:
    source = """
    CREATE TABLE a (id TEXT PRIMARY KEY);
    CREATE TABLE b (id INTEGER PRIMARY KEY, a TEXT);
    INSERT INTO a VALUES ('x'), ('x' || char(0)), (CAST(x'ff41' AS TEXT));
    INSERT INTO b VALUES (1, 'x'), (2, 'x' || char(0)), (3, CAST(x'ff41' AS TEXT));
    """
    mapping = """
    tables.a = {target = "A", key = ["id"], columns.id = {to = "id"}}
    [tables.b]
    target = "B"
    key = ["id"]
    columns.id = {to = "id", as = "integer"}
    columns.a = {to = "aId", as = "reference", of = "a"}
    """
    out = migrated(tmp_path, source, mapping)
    assert {row["id"] for row in out.rows("A")} == {"x", "\xffA"}
    assert {row["id"]: row["aId"] for row in out.rows("B")} == {1: "x", 3: "\xffA"}
    assert out.fate_set() == {("a", "x'7800'", "rejected", "nul_in_key"), ("b", "2", "rejected", "dangling")}


LINES = """
CREATE TABLE orders (number INTEGER, line INTEGER, label TEXT UNIQUE, amount, PRIMARY KEY (number, line))
  WITHOUT ROWID;
CREATE TABLE parcels (id INTEGER PRIMARY KEY, number INTEGER, line INTEGER, label TEXT);
CREATE TABLE scans (id INTEGER PRIMARY KEY, parcel INTEGER);
INSERT INTO orders VALUES (1, 1, 'a', 5), (1, 2, 'b', 'none'), (2, 1, NULL, 7);
INSERT INTO parcels VALUES (1, 1, 1, 'a'), (2, 1, 2, NULL), (3, 7, 7, 'x'),
  (4, NULL, 9, NULL), (5, 2, 1, 'b');
INSERT INTO scans VALUES (10, 1), (20, 2), (30, 3);
"""
PARCELS = """
[tables.orders]
target = "Order"
key = ["number", "line"]
columns.number = {to = "number", as = "integer"}
columns.line = {to = "line", as = "integer"}
columns.label = {to = "label"}
columns.amount = {to = "amount", as = "integer"}
[tables.parcels]
target = "Parcel"
key = ["id"]
ids = "keep"
references = [
  {columns = ["number", "line"], of = "orders", to = ["number", "line"], dangling = "POLICY"},
  {columns = ["label"], of = "orders", to = ["label"], dangling = "keep"},
]
columns.id = {to = "id", as = "integer"}
columns.number = {to = "number", as = "integer"}
columns.line = {to = "line", as = "integer"}
columns.label = {to = "label"}
[tables.scans]
target = "Scan"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.parcel = {to = "parcel", as = "reference", of = "parcels", dangling = "reject"}
"""


@pytest.mark.parametrize("batch_keys", [1, 1000])
def test_a_reference_of_several_columns_takes_its_row_along(tmp_path: Path, batch_keys: int) -> None:
    out = migrated(tmp_path, LINES, PARCELS.replace("POLICY", "reject"), batch_keys=batch_keys)
    assert out.fate_set() == {
        ("orders", "1:2", "rejected", "invalid_integer"),
        ("parcels", "2", "rejected", "dangling"),  # its order is rejected
        ("parcels", "3", "rejected", "dangling"),  # there is none
        ("scans", "20", "rejected", "dangling"),
        ("scans", "30", "rejected", "dangling"),
    }
    assert set(out.fates.filter(pl.col("source_table") == "parcels")["detail"]) == {"number, line"}
    assert [row["id"] for row in out.rows("Parcel")] == [1, 4, 5]


@pytest.mark.parametrize("batch_keys", [1, 1000])
def test_a_reference_of_several_columns_becomes_null(tmp_path: Path, batch_keys: int) -> None:
    out = migrated(tmp_path, LINES, PARCELS.replace("POLICY", "null"), batch_keys=batch_keys)
    held = [(row["id"], row["number"], row["line"], row["label"]) for row in out.rows("Parcel")]
    assert held == [
        (1, 1, 1, "a"),
        (2, None, None, None),
        (3, None, None, "x"),
        (4, None, 9, None),
        (5, 2, 1, "b"),
    ]
    assert out.warning_set() == {
        ("parcels", key, column, "dangling_left_out") for key in ("2", "3") for column in ("number", "line")
    }
    assert [row["id"] for row in out.rows("Scan")] == [10, 20, 30]


@pytest.mark.parametrize("batch_keys", [1, 1000])
def test_one_column_may_name_a_column_that_is_no_key(tmp_path: Path, batch_keys: int) -> None:
    mapping = PARCELS.replace("POLICY", "keep").replace('to = ["label"], dangling = "keep"', 'to = ["label"]')
    out = migrated(tmp_path, LINES, mapping, batch_keys=batch_keys)
    rejected = {row[1] for row in out.fate_set() if row[0] == "parcels"}
    assert rejected == {"3", "5"}, "no order is called x, and the one called b is rejected"


STAYING = """
CREATE TABLE country (code TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
INSERT INTO country VALUES ('de', 'Germany'), ('fr', 'France');
CREATE TABLE city (id INTEGER PRIMARY KEY, country TEXT);
INSERT INTO city VALUES (1, 'fr'), (2, 'xx'), (3, NULL);
CREATE TABLE member (team INTEGER, person INTEGER, role TEXT, PRIMARY KEY (team, person));
INSERT INTO member VALUES (1, 2, 'a'), (2, 1, 'b');
"""
STAYING_MAPPING = """
[tables.country]
target = "Country"
key = ["code"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.code = {to = "iso"}
columns.name = {to = "name"}
[tables.city]
target = "City"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.country = {to = "countryId", as = "reference", of = "country", dangling = "POLICY"}
[tables.member]
target = "Member"
key = ["team", "person"]
ids = "cuid"
columns.new = {to = "id", as = "id"}
columns.team = {to = "team", as = "integer"}
columns.person = {to = "person", as = "integer"}
columns.role = {to = "role"}
"""


def test_a_text_key_or_one_of_several_columns_stays_next_to_a_new_id(tmp_path: Path) -> None:
    out = migrated(tmp_path, STAYING, STAYING_MAPPING.replace("POLICY", "null"))
    derive = out.ids.derive
    countries = {row["iso"]: row["id"] for row in out.rows("Country")}
    assert countries == {"de": derive("Country", "de"), "fr": derive("Country", "fr")}
    assert [row["countryId"] for row in out.rows("City")] == [countries["fr"], None, None]
    assert {(row["team"], row["person"]): row["id"] for row in out.rows("Member")} == {
        (1, 2): derive("Member", "1:2"),
        (2, 1): derive("Member", "2:1"),
    }
    assert ("Member", "1:2", derive("Member", "1:2"), "member") in out.id_map.rows()
    project = bind(tmp_path / "snapshot.db", STAYING_MAPPING.replace("POLICY", "null"))
    assert project.lineage().went_to["country", "code"] == "Country.iso, Country.id"
    assert {one.column for one in project.accounts} == {"id"}


def test_a_row_that_is_made_for_a_reference_has_the_key_next_to_its_id(tmp_path: Path) -> None:
    out = migrated(tmp_path, STAYING, STAYING_MAPPING.replace("POLICY", "placeholder"))
    made = {row["iso"]: row["id"] for row in out.rows("Country")}
    assert made["xx"] == out.ids.derive("Country", "xx")


def test_a_row_has_one_new_id() -> None:
    text = STAYING_MAPPING.replace("POLICY", "null").replace('{to = "iso"}', '{to = "iso", as = "id"}')
    mapping = read_mapping(f"version = 1{text}")
    found = find_misfits(mapping, SourceTables({"country": ["code", "name"]}), {})
    assert "tables.country.columns.id: a row has one new id; this would be a second one" in found
