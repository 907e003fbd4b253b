"""What of a mapping file does not fit is said with its place and what to do."""

from __future__ import annotations

import pytest

from mappers.base import SourceTables
from mappers.declarative.mapping_file import MappingError, read_mapping
from mappers.declarative.validate import find_misfits
from migrate.postgres.catalog import Column

TABLES = SourceTables(
    {"users": ["id", "name", "age", "role", "boss"], "notes": ["id", "user_id", "body"], "bare": ["a", "b"]}
)
TABLES.without_rowid = frozenset({"bare"})
TARGET = {
    "User": [
        Column("id", "text", not_null=True),
        Column("name", "character varying(5)", max_length=5),
        Column("age", "integer"),
        Column("role", '"Role"', enum=("ADMIN", "USER")),
        Column("bossId", "text"),
        Column("tsv", "tsvector", generated=True),
    ],
    "Note": [
        Column("id", "text", not_null=True),
        Column("userId", "text", not_null=True),
        Column("body", "text"),
    ],
    "Bare": [Column("a", "text"), Column("b", "integer")],
}
FITTING = """
version = 1
[tables.users]
target = "User"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.name = {to = "name"}
columns.age = {to = "age", as = "integer"}
columns.role = {to = "role", as = "enum", values = {admin = "ADMIN", user = "USER"}}
columns.boss = {to = "bossId", as = "reference", of = "users"}
[tables.notes]
target = "Note"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.user_id = {to = "userId", as = "reference", of = "users"}
columns.body = {to = "body"}
[tables.bare]
target = "Bare"
key = ["a"]
columns.a = {to = "a"}
columns.b = {to = "b", as = "integer"}
"""


def test_a_mapping_that_fits_has_no_misfits() -> None:
    assert find_misfits(read_mapping(FITTING), TABLES, TARGET) == []


@pytest.mark.parametrize(
    ("old", "new", "misfit"),
    [
        ("[tables.bare]", "[tables.bore]", "tables.bare is missing: the source has this table"),
        ("[tables.bare]", "[tables.bore]", "tables.bore: the source has no such table; did you mean bare?"),
        ("columns.age = ", "columns.agee = ", "tables.users.columns.age is missing: give it `to` or `drop`"),
        ("columns.age = ", "columns.agee = ", "tables.users.columns.agee: the source has no such "
"column; did you mean age?"),
        ('target = "Note"', 'target = "note"', "tables.notes: the target has no table note; did "
"you mean Note?"),
        ('target = "Note"', 'target = "User"', 'tables.users: `target = "User"` is also the target of notes'),
        ('to = "body"', 'to = "bodi"', "tables.notes.columns.body: the target has no column "
"Note.bodi; did you"),
        ('to = "age"', 'to = "name"', "tables.users.columns.age: name goes to User.name too"),
        ('to = "age", as = "integer"', 'to = "age"', 'tables.users.columns.age: `as = "text"` '
'does not fit User.age, which'),
        ('to = "age", as = "integer"', 'to = "tsv"', "tables.users.columns.age: the target "
"computes User.tsv itself"),
        ('{to = "userId", as = "reference", of = "users"}', '{drop = "-"}',
         "tables.notes: the target column Note.userId is required and not filled"),
        ('user = "USER"', 'user = "GUEST"', 'tables.users.columns.role: "Role" has no value GUEST; it has'),
        ('as = "integer"', 'as = "integer", default = "old"', "tables.users.columns.age: "
"`default` does not fit"),
        ('to = "name"', 'to = "name", default = "too long"', "tables.users.columns.name: "
"`default` does not fit"),
        ('key = ["a"]', "", "tables.bare.key is missing: this table has no rowid"),
        ('key = ["a"]', 'key = ["aa"]', "tables.bare.key: the source has no column aa; did you mean a?"),
        ('{to = "body"}', '{to = "body", as = "id"}', "tables.notes.columns.body: only the "
"single key column, or"),
        ('{to = "userId", as', '{to = "userId", dangling = "placeholder", as', "" ),
        ('to = "bossId"', 'to = "age"', "tables.users.columns.boss: new ids of users are text, "
"but age is not"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(old: str, new: str, misfit: str) -> None:
    assert old in FITTING
    found = find_misfits(read_mapping(FITTING.replace(old, new)), TABLES, TARGET)
    assert (not found) if not misfit else any(one.startswith(misfit) for one in found), found


def test_a_placeholder_needs_what_no_neutral_value_can_be() -> None:
    reference = 'as = "reference", of = "users"'
    mapping = FITTING.replace(reference, reference + ', dangling = "placeholder"')
    target = {**TARGET, "User": [*TARGET["User"], Column("shape", "polygon", not_null=True)]}
    found = find_misfits(read_mapping(mapping), TABLES, target)
    assert any(
        one.startswith("tables.users.placeholder.shape is missing: User.shape needs a value") for one in found
    )
    wrong = mapping.replace('target = "User"', 'target = "User"\nplaceholder = {age = "x", nmae = "y"}')
    found = find_misfits(read_mapping(wrong), TABLES, TARGET)
    assert "tables.users.placeholder.age: the value is not of type integer" in found
    assert "tables.users.placeholder: User has no column nmae; did you mean name?" in found


def test_constants_fill_required_columns_and_must_fit_them() -> None:
    target = {**TARGET, "Note": [*TARGET["Note"], Column("n", "integer", not_null=True)]}
    section = 'target = "Note"'
    fitting = FITTING.replace(section, section + "\nconstants = {n = 1}")
    assert find_misfits(read_mapping(fitting), TABLES, target) == []
    found = find_misfits(
        read_mapping(FITTING.replace(section, section + '\nconstants = {n = "a"}')), TABLES, target
    )
    assert found == ["tables.notes.constants.n: the value is not of type integer"]
    assert find_misfits(read_mapping(FITTING), TABLES, target) == [
        "tables.notes: the target column Note.n is required and not filled; "
        "map a column to it with `to`, or give it a value under `constants`"
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistakes"),
    [
        ("version = 1", "version = ", ["the file is not valid TOML"]),
        ("version = 1", "version = 2", ["version: must be 1"]),
        ('as = "enum"', 'as = "enums"', [
            "tables.users.columns.role.as: must be 'id', 'reference', 'references', 'text', 'integer', "
            "'boolean', 'real', 'decimal', 'timestamp', 'date', 'json', 'bytes', 'enum', 'vector' or 'list'; "
            "did you mean enum?"
        ]),
        ("version = 1", "", ["version is missing"]),
        ("columns.body = {to", "columns.body = {two", [
            "tables.notes.columns.body.two: unknown key; did you mean to?",
        ]),
        ('ids = "cuid"', 'idz = "cuid"', [
            "tables.users.idz: unknown key; did you mean ids?",
            "tables.notes.idz: unknown key; did you mean ids?",
        ]),
        ('{to = "body"}', '{to = "body", drop = "x"}', [
            "tables.notes.columns.body: give either `to` (the target column) or `drop`",
        ]),
        ('target = "User"', 'left_out = "old"', ['tables.notes.columns.user_id: `of = "users"`: '
'the table users is left out']),
        ("[tables.bare]", "[[tables.bare]]", ["tables.bare: "]),
    ],
)  # fmt: skip
def test_a_file_with_mistakes_is_refused_with_all_of_them(old: str, new: str, mistakes: list[str]) -> None:
    with pytest.raises(MappingError) as caught:
        read_mapping(FITTING.replace(old, new))
    for mistake in mistakes:
        assert any(one.startswith(mistake) for one in caught.value.mistakes), caught.value.mistakes
