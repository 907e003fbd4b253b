"""A mapping onto the tables that a target has already."""

from __future__ import annotations

import tomllib
from pathlib import Path

import psycopg
import pytest

from mappers.declarative.mapping_file import MappingFile, read_mapping
from mappers.declarative.validate import find_misfits
from migrate.introspect.scaffold import Draft, draft_onto
from migrate.introspect.scaffold.choices.wishes import read_wishes
from migrate.introspect.scaffold.existing.column_pairs import pair
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.postgres.catalog import LiveSchema, introspect
from migrate.runtime.errors import UsageError
from tests.introspect.profile.sources import inspect_script
from tests.introspect.scaffold.sources import line, source_tables, target_columns
from tests.tools.commands import migrate

SOURCE = """
    CREATE TABLE users (user_id INTEGER PRIMARY KEY, email TEXT NOT NULL, is_admin INTEGER, level TEXT,
        score REAL, nickname TEXT, joined TEXT, legacy TEXT);
    CREATE TABLE blog_post (id INTEGER PRIMARY KEY, author INTEGER, body TEXT, views INTEGER, state TEXT);
    CREATE TABLE tag (id INTEGER PRIMARY KEY, label TEXT);
    CREATE TABLE metrics (id INTEGER PRIMARY KEY, v REAL);
    INSERT INTO users VALUES (1, 'a@example.com', 1, 'Gold', 1.25, 'a long nickname', '2024-01-02 03:04:05',
        'x'), (2, 'b@example.com', 0, 'silver', 2, NULL, '', 'y'), (3, 'c@example.com', 0, 'gold', 2, 'c',
        '2024-01-02', 'z'), (4, 'd@example.com', 0, 'gold', 2, 'c', '2024-01-02', 'z');
    INSERT INTO blog_post VALUES (1, 1, 'text', 5000000000, 'open'), (2, 9, NULL, 2, 'shut');
    INSERT INTO tag VALUES (7, 'x');
"""
TARGET = """
    CREATE TYPE "Level" AS ENUM ('GOLD', 'SILVER');
    CREATE TABLE "User" ("id" TEXT PRIMARY KEY, "email" TEXT NOT NULL,
        "isAdmin" BOOLEAN NOT NULL DEFAULT false, "level" "Level", "score" DECIMAL(5,1),
        "nickname" VARCHAR(4), "joined" TIMESTAMP(3) NOT NULL,
        "updatedAt" TIMESTAMP(3) NOT NULL);
    CREATE TABLE "BlogPost" ("id" TEXT PRIMARY KEY, "author" TEXT NOT NULL REFERENCES "User" ("id"),
        "body" TEXT, "views" INTEGER, "state" INTEGER);
    CREATE TABLE "Tag" ("id" SERIAL PRIMARY KEY, "label" TEXT);
    CREATE TABLE "Session" ("id" TEXT PRIMARY KEY);
    CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY);
"""


@pytest.fixture
def live(database: str) -> LiveSchema:
    with psycopg.connect(database) as connection:
        connection.execute(TARGET)
        return introspect(connection, "public")


@pytest.fixture
def onto(tmp_path: Path, live: LiveSchema) -> Draft:
    return draft_onto(inspect_script(tmp_path, SOURCE), live)


def test_the_mapper_takes_the_mapping_but_for_what_is_reported(tmp_path: Path, live: LiveSchema) -> None:
    inspection = inspect_script(tmp_path, SOURCE)
    draft = draft_onto(inspection, live)
    mapping = read_mapping(write_mapping(draft))
    (misfit,) = find_misfits(mapping, source_tables(inspection), target_columns(live))
    assert "User.updatedAt" in misfit
    assert [problem.split()[0] for problem in draft.problems] == ["User.updatedAt"]


def test_tables_and_columns_go_where_their_names_say(onto: Draft) -> None:
    mapping = MappingFile(**tomllib.loads(write_mapping(onto)))
    targets = {name: table.target for name, table in mapping.tables.items()}
    assert targets == {"users": "User", "blog_post": "BlogPost", "tag": "Tag", "metrics": None}
    users = mapping.tables["users"].columns
    assert {name: one.to for name, one in users.items()} == {
        "user_id": "id", "email": "email", "is_admin": "isAdmin", "level": "level", "score": "score",
        "nickname": "nickname", "joined": "joined", "legacy": None,
    }  # fmt: skip
    assert users["legacy"].drop == "the target has no column for it"
    assert mapping.tables["metrics"].left_out == "the target has no table for it"
    assert not onto.models


def test_values_are_read_as_the_types_of_the_target_want(onto: Draft) -> None:
    assert line(onto, "users", "is_admin").options["as"] == "boolean"
    assert line(onto, "users", "level").options["values"] == {
        "Gold": "GOLD",
        "gold": "GOLD",
        "silver": "SILVER",
    }
    assert line(onto, "users", "score").options["scale"] == 1
    assert "more decimals" in line(onto, "users", "score").remark
    assert "longer than" in line(onto, "users", "nickname").remark
    assert "beyond integer" in line(onto, "blog_post", "views").remark
    assert "do not fit integer: 2" in line(onto, "blog_post", "state").remark
    assert line(onto, "users", "joined").options["empty"] == "null"  # the forecast counts it
    assert not line(onto, "users", "is_admin").review  # the target says that it is a boolean


def test_the_keys_and_foreign_keys_of_the_target_decide_on_ids(onto: Draft) -> None:
    ids = {section.source: section.options.get("ids") for section in onto.sections}
    assert ids["users"] == "cuid"
    assert ids["tag"] == "keep"
    assert line(onto, "tag", "id").options == {"to": "id", "as": "integer"}
    author = {"to": "author", "as": "reference", "of": "users", "dangling": "reject"}
    assert line(onto, "blog_post", "author").options == author


RENAMED = """
    CREATE TABLE team (id INTEGER PRIMARY KEY, slug TEXT NOT NULL, plan TEXT, name TEXT);
    CREATE TABLE person (id INTEGER PRIMARY KEY, team_id INTEGER REFERENCES team, mail TEXT);
    CREATE TABLE red (id INTEGER PRIMARY KEY, hex TEXT, weight INTEGER);
    INSERT INTO team VALUES (1, 'a', 'pro', 'A'), (2, 'b', 'free', 'B');
    INSERT INTO person VALUES (5, 2, 'x@example.org');
    INSERT INTO red VALUES (1, 'f00', 3);
"""
MODELS = """
    CREATE TABLE "Workspace" ("id" TEXT PRIMARY KEY, "slug" TEXT NOT NULL, "plan" TEXT, "name" TEXT);
    CREATE TABLE "Person" ("id" TEXT PRIMARY KEY, "workspaceId" TEXT REFERENCES "Workspace", "email" TEXT);
    CREATE TABLE "Blue" ("id" TEXT PRIMARY KEY, "hex" TEXT, "weight" INTEGER);
    CREATE TABLE "Pink" ("id" TEXT PRIMARY KEY, "hex" TEXT, "weight" INTEGER);
"""


def test_renamed_models_are_found_by_columns_and_values_and_what_refers_to_them_follows(
    tmp_path: Path, database: str
) -> None:
    inspection = inspect_script(tmp_path, RENAMED)
    with psycopg.connect(database) as connection:
        connection.execute(MODELS)
        live = introspect(connection, "public")
    draft = draft_onto(inspection, live)
    targets = {one.source: one.options.get("target") for one in draft.sections}
    assert targets == {"team": "Workspace", "person": "Person", "red": None}
    reference = {"to": "workspaceId", "as": "reference", "of": "team", "dangling": "null"}
    assert line(draft, "person", "team_id").options == reference
    remarks = {one.source: " ".join(one.remarks) for one in draft.sections}
    assert "taken for Workspace since both have name, plan, slug" in remarks["team"]
    assert "perhaps Blue or Pink, by its columns: --rename red=NAME" in remarks["red"]
    wishes = read_wishes(inspection, renames=("red=pink", "person.mail=email", "team=Workspace"))
    settled = draft_onto(inspection, live, wishes)
    targets = {one.source: one.options.get("target") for one in settled.sections}
    assert targets == {"team": "Workspace", "person": "Person", "red": "Pink"}
    assert line(settled, "person", "mail").options["to"] == "email"
    with pytest.raises(UsageError, match="the target has no Pinc; did you mean Pink"):
        draft_onto(inspection, live, read_wishes(inspection, renames=("red=Pinc",)))


def test_a_required_column_that_nothing_fills_is_an_error_that_names_it(
    tmp_path: Path, database: str
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(TARGET)
    inspect_script(tmp_path, SOURCE)
    words = ("init", "--source", str(tmp_path / "legacy.db"), "--out", str(tmp_path / "out"))
    shown = migrate(
        *words, "--target", "env:DATABASE_URL", "--json", cwd=tmp_path, code=1, DATABASE_URL=database
    ).json()
    assert len(shown["problems"]) == 1
    assert shown["problems"][0].startswith("User.updatedAt is required")
    assert sorted(one.name for one in (tmp_path / "out").glob("*.toml")) == ["config.toml", "mapping.toml"]
    config = (tmp_path / "out" / "config.toml").read_text()
    assert tomllib.loads(config)["target"] == {"url_env": "DATABASE_URL", "empty": []}
    assert database not in config


@pytest.mark.parametrize(
    ("sources", "targets", "found"),
    [
        (["users", "User"], ["User", "users"], {"users": "users", "User": "User"}),
        (["blog_posts"], ["BlogPost"], {"blog_posts": "BlogPost"}),
        (["blog_posts", "BlogPosts"], ["BlogPost"], {}),
        (["ID", "id2"], ["id", "id2"], {"ID": "id", "id2": "id2"}),
        (["news_item"], ["NewsItems", "newsItem"], {}),
        (["☃"], ["★"], {}),
    ],
)
def test_names_are_paired_once_or_not_at_all(
    sources: list[str], targets: list[str], found: dict[str, str]
) -> None:
    assert pair(sources, targets) == found


KEYED = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, code TEXT);
    INSERT INTO users VALUES (1, 'Ann@example.com', 'a'), (2, 'bob@example.com', 'A'),
        (3, 'c@example.com', NULL), (4, 'd@example.com', NULL);
"""


@pytest.mark.parametrize(
    ("type_", "keys", "problem"),
    [
        ("citext", 'UNIQUE INDEX "Code" ON "User" (code)', "2 rows have 1 value of (code)"),
        ("text", 'UNIQUE INDEX "Code" ON "User" (lower(code))', "2 rows have 1 value of (code)"),
        ("text", 'UNIQUE INDEX "Code" ON "User" (code)', None),
        ("text", 'UNIQUE INDEX "Code" ON "User" (code) WHERE code <> \'A\'', None),
        ("text", 'INDEX "Code" ON "User" (lower(code))', None),
    ],
)
def test_values_that_are_equal_under_a_key_of_the_target_are_foreseen(
    tmp_path: Path, database: str, type_: str, keys: str, problem: str | None
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE EXTENSION citext")
        connection.execute(
            'CREATE TABLE "User" (id text PRIMARY KEY, email citext NOT NULL UNIQUE,'
            f" code {type_}); CREATE {keys}".encode()
        )
    inspect_script(tmp_path, KEYED)
    words = ("init", "--source", str(tmp_path / "legacy.db"), "--out", str(tmp_path / "out"))
    shown = migrate(
        *words, "--target", "env:DATABASE_URL", "--json", cwd=tmp_path,
        code=0 if problem is None else 1, DATABASE_URL=database,
    ).json()  # fmt: skip
    assert len(shown["problems"]) == (problem is not None)
    assert problem is None or f"{problem} under the target's key Code" in shown["problems"][0]
    mapping = (tmp_path / "out" / "mapping.toml").read_text()
    assert "(!) TEXT, not null: email" not in mapping  # the target compares it without case, too
    assert "init.sql makes it" not in mapping
