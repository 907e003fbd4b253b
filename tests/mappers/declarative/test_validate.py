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
        ("[tables.bare]", "[tables.bore]", "bare of the source has no section"),
        ("[tables.bare]", "[tables.bore]", "bore is no table of the source; did you mean bare?"),
        ("columns.age = ", "columns.agee = ", "users.age has no line: say where it goes (to) or why"),
        ("columns.age = ", "columns.agee = ", "users.agee is no column of the source; did you mean age?"),
        ('target = "Note"', 'target = "note"', "notes goes to note, which the target lacks; did you"),
        ('target = "Note"', 'target = "User"', "users goes to User, and so does notes: part them"),
        ('to = "body"', 'to = "bodi"', "notes.body goes to Note.bodi, which the target lacks; did you"),
        ('to = "age"', 'to = "name"', "users.age goes to User.name, and so does name: drop"),
        ('to = "age", as = "integer"', 'to = "age"', "users.age as text cannot go to User.age, which"),
        ('to = "age", as = "integer"', 'to = "tsv"', "users.age goes to User.tsv, which the target"),
        ('{to = "userId", as = "reference", of = "users"}', '{drop = "-"}',
         "notes: nothing goes to Note.userId"),
        ('user = "USER"', 'user = "GUEST"', 'users.role: GUEST is no label of "Role", which has'),
        ('as = "integer"', 'as = "integer", default = "old"', "users.age: its default is no value of"),
        ('to = "name"', 'to = "name", default = "too long"', "users.name: its default is no value of"),
        ('key = ["a"]', "", "bare has no rowid: name the columns of its key (key)"),
        ('key = ["a"]', 'key = ["aa"]', "bare: its key names aa, which is no column of it; did you mean a?"),
        ('{to = "body"}', '{to = "body", as = "id"}', "notes.body is an id, and not the one column of"),
        ('{to = "userId", as', '{to = "userId", dangling = "placeholder", as', "" ),
        ('to = "bossId"', 'to = "age"', "users.boss takes a new id of users, and age is no text"),
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
    assert any(one.startswith("users: a placeholder of User needs a value for shape") for one in found)
    wrong = mapping.replace('target = "User"', 'target = "User"\nplaceholder = {age = "x", nmae = "y"}')
    found = find_misfits(read_mapping(wrong), TABLES, TARGET)
    assert "users: the placeholder's age is no integer" in found
    assert "users: its placeholder names nmae, which User lacks; did you mean name?" in found


def test_constants_fill_required_columns_and_must_fit_them() -> None:
    target = {**TARGET, "Note": [*TARGET["Note"], Column("n", "integer", not_null=True)]}
    section = 'target = "Note"'
    fitting = FITTING.replace(section, section + "\nconstants = {n = 1}")
    assert find_misfits(read_mapping(fitting), TABLES, target) == []
    found = find_misfits(
        read_mapping(FITTING.replace(section, section + '\nconstants = {n = "a"}')), TABLES, target
    )
    assert found == ["notes: the constant for Note.n is no integer"]
    assert find_misfits(read_mapping(FITTING), TABLES, target) == [
        "notes: nothing goes to Note.n, which is required: send a column there, "
        "or give it a value under constants"
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistakes"),
    [
        ("version = 1", "version = ", ["the file is no TOML"]),
        ("version = 1", "version = 2", ["version: "]),
        ("version = 1", "", ["version: is missing"]),
        ("columns.body = {to", "columns.body = {two", [
            "tables.notes.columns.body.two: no such key; did you mean to?",
        ]),
        ('ids = "cuid"', 'idz = "cuid"', [
            "tables.users.idz: no such key; did you mean ids?",
            "tables.notes.idz: no such key; did you mean ids?",
        ]),
        ('{to = "body"}', '{to = "body", drop = "x"}', [
            "tables.notes.columns.body: give either `to`, the target column, or `drop`",
        ]),
        ('target = "User"', 'left_out = "old"', ["the file: notes.user_id refers to users, which"]),
        ("[tables.bare]", "[[tables.bare]]", ["tables.bare: "]),
    ],
)  # fmt: skip
def test_a_file_with_mistakes_is_refused_with_all_of_them(old: str, new: str, mistakes: list[str]) -> None:
    with pytest.raises(MappingError) as caught:
        read_mapping(FITTING.replace(old, new))
    for mistake in mistakes:
        assert any(one.startswith(mistake) for one in caught.value.mistakes), caught.value.mistakes
