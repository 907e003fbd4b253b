"""The target's files written anew from mapping.toml: the same without an edit, and as edited."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mappers.declarative.mapping_file import read_mapping
from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import Draft, make_draft
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.ddl import prisma_ddl, write_ddl
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.prisma_schema import write_schema
from tests.e2e.prisma_engine.prisma import Engine
from tests.introspect.scaffold.sources import edited_draft

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, first TEXT NOT NULL, last TEXT,
  plan TEXT NOT NULL, cents INTEGER NOT NULL, meta TEXT);
INSERT INTO users VALUES (1, 'a@example.org', 'Ann', 'Lee', 'Free', 1999, '{"n": 3000000000}'),
  (2, 'b@example.org', 'Bo', NULL, 'free', 5, NULL);
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT, owner INTEGER, founder INTEGER REFERENCES users);
INSERT INTO teams VALUES (7, 'red', 1, 2);
CREATE INDEX by_owner ON teams (owner);
CREATE TABLE log (line TEXT);
INSERT INTO log VALUES ('x');
CREATE TABLE teams_backup AS SELECT * FROM teams;
"""
EDITS = (
    ('[tables.users]\ntarget = "users"\nkey = ["id"]\nids = "cuid"',
     '[tables.users]\ntarget = "people"\nkey = ["id"]\nids = "keep"\nconstants = { tenant = "t", n = 3 }'),
    ('first = { to = "first", as = "text" }', 'name = { to = "full_name", sql = "first || \' \' || last" }'),
    ('plan = { to = "plan", as = "text" }',
     'plan = { to = "plan", as = "enum", values = { Free = "FREE", free = "FREE", pro = "PRO" } }'),
    ('last = { to = "last", as = "text" }', 'last = { to = "last", as = "list", items = "integer" }'),
    ('cents = { to = "cents", as = "integer" }',
     'cents = { to = "amount", as = "decimal", scale = 2, sql = "cents / 100.0" }'),
    ('meta = { to = "meta", as = "json", otherwise = "null" }',
     'n = { to = "n64", as = "integer", sql = "meta ->> \'$.n\'" }'),
    ('target = "teams"', 'target = "crews"'),
    ('founder = { to = "founder",', 'founder = { to = "first_id",'),
    ('[tables.log]\ntarget = "log"\nkey = []\nids = "cuid"\n', '[tables.log]\nleft_out = "not read"\n'),
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["marketplace", "nasty", *(pytest.param(n, marks=pytest.mark.slow) for n in ("talent", "interview"))],
)
def test_what_is_not_edited_is_written_as_it_was(inspected: Callable[[str], Inspection], name: str) -> None:
    inspection = inspected(name)
    for enums in (False, True):
        draft = make_draft(inspection, enums=enums)
        again = make_draft(inspection, choices=Choices(read_mapping(write_mapping(draft))))
        assert write_schema(again) == write_schema(draft)
        assert write_ddl(again) == write_ddl(draft)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    return edited_draft(tmp_path_factory.mktemp("edited"), SOURCE, *EDITS)


def test_the_engine_makes_the_same_ddl_of_an_edited_mapping(edited: Draft, engine: Engine) -> None:
    assert edited.problems == ()
    assert engine(write_schema(edited)) == [prisma_ddl(edited)]


def fields(draft: Draft, model: str) -> dict[str, str]:
    """Return the fields of a model of schema.prisma, blanks squeezed, by name."""
    block = write_schema(draft).split(f"model {model} {{\n")[1].split("\n}")[0]
    lines = [" ".join(line.split()) for line in block.splitlines() if line.strip()]
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines if " " in line}


def test_names_keys_types_and_constants_are_those_of_the_mapping(edited: Draft) -> None:
    found = fields(edited, "Person")
    assert found["id"] == "Int @id @default(autoincrement())"
    assert found["fullName"] == 'String? @map("full_name") // from name'
    assert found["plan"] == "PersonPlan"
    assert found["amount"] == "Decimal @db.Decimal(12, 2) // from cents"
    assert found["last"] == "Int[]"
    assert found["n64"] == "BigInt? // from n"
    assert found["tenant"] == "String"
    assert found["n"] == "Int"
    assert "first" not in found
    assert "enum PersonPlan {\n  FREE\n  PRO\n}" in write_schema(edited)
    assert '"id" SERIAL NOT NULL' in write_ddl(edited)


def test_what_refers_to_a_renamed_table_with_kept_keys_follows(edited: Draft) -> None:
    found = fields(edited, "Crew")
    assert found["firstId"] == 'Int? @map("first_id") // from founder'
    assert found["first"].startswith("Person? @relation(")
    assert 'FOREIGN KEY ("first_id") REFERENCES "people"("id")' in write_ddl(edited)
    assert [model.name for model in edited.models] == ["Crew", "Person"]
