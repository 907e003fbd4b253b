"""schema.prisma and init.sql against Prisma's own engine and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.declarative.mapping_file import read_mapping
from mappers.declarative.validate import find_misfits
from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import Draft, make_draft
from migrate.introspect.scaffold.choices.fleet_columns import draft_fleet
from migrate.introspect.scaffold.ddl import prisma_ddl, write_ddl
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.prisma_schema import write_schema
from migrate.postgres.catalog import introspect
from tests.e2e.prisma_engine.prisma import Engine
from tests.introspect.scaffold.sources import draft_script, source_tables, target_columns


@pytest.mark.parametrize(
    "name",
    ["marketplace", "nasty", *(pytest.param(n, marks=pytest.mark.slow) for n in ("talent", "interview"))],
)
def test_the_engine_makes_the_same_ddl_and_the_target_takes_it_and_the_mapping(
    inspected: Callable[[str], Inspection], engine: Engine, database: str, name: str
) -> None:
    inspection = inspected(name)
    drafts = [make_draft(inspection), make_draft(inspection, enums=True)]
    assert engine(*map(write_schema, drafts)) == [prisma_ddl(draft) for draft in drafts]
    with psycopg.connect(database) as connection:
        connection.execute(write_ddl(drafts[1]).encode())
        found = introspect(connection, "public")
    assert set(found.tables) == {model.table for model in drafts[1].models}
    for model in drafts[1].models:
        assert found.tables[model.table].primary_key == model.key
    mapping = read_mapping(write_mapping(drafts[1]))
    assert find_misfits(mapping, source_tables(inspection), target_columns(found)) == []


SHAPES = """
    CREATE TABLE category (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'it''s "quoted" \\ and
long', n INT DEFAULT -5, f REAL DEFAULT 1e3, ok BOOLEAN DEFAULT 0, at DATETIME DEFAULT CURRENT_TIMESTAMP,
        price DECIMAL(8, 3) DEFAULT 0.50, doc JSON DEFAULT '{"a": [1]}', day DATE, raw BLOB,
        big BIGINT DEFAULT 9007199254740993, "10% off" TEXT, "é" TEXT, oid INT, ctid TEXT,
        updated_at DATETIME);
    CREATE TABLE post (id TEXT PRIMARY KEY, category_id INT NOT NULL REFERENCES category ON DELETE SET NULL,
        parent TEXT REFERENCES post ON DELETE CASCADE ON UPDATE CASCADE, author INT REFERENCES category,
        category INT REFERENCES category (id) ON DELETE RESTRICT);
    CREATE TABLE "_CategoryToPost" ("A" INTEGER NOT NULL REFERENCES category ON DELETE CASCADE,
        "B" TEXT NOT NULL REFERENCES post ON DELETE CASCADE);
    CREATE UNIQUE INDEX "_CategoryToPost_AB_unique" ON "_CategoryToPost" ("A", "B");
    CREATE TABLE pages (post TEXT REFERENCES post, number INT, body TEXT, code TEXT UNIQUE,
        PRIMARY KEY (post, number));
    CREATE TABLE lines (id INTEGER PRIMARY KEY, post TEXT, page INT, code TEXT REFERENCES pages (code),
        FOREIGN KEY (post, page) REFERENCES pages (post, number) ON DELETE CASCADE);
    CREATE INDEX a ON lines (page, post); CREATE INDEX b ON lines (post);
    CREATE UNIQUE INDEX c ON lines (post, page);
    CREATE TABLE post_idx (id INTEGER PRIMARY KEY, post_category_id_idx TEXT);
    CREATE TABLE posts_pkey (id INTEGER PRIMARY KEY); CREATE TABLE posts (id INTEGER PRIMARY KEY);
    CREATE TABLE lines_post_idx (id INTEGER PRIMARY KEY);
    CREATE TABLE odd_keys (k REAL, b BLOB, d DECIMAL(5, 2), at DATETIME, f BOOLEAN,
        day DATE DEFAULT CURRENT_DATE, since DATETIME DEFAULT '1900-01-01 00:00:00 +00:00',
        made INTEGER DEFAULT (unixepoch() * 1000), yes BOOLEAN DEFAULT 't', created_at DATETIME NOT NULL,
        doc JSON UNIQUE, raw BLOB UNIQUE, PRIMARY KEY (k, b, d, at, f));
    CREATE TABLE folded (id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE, n INT UNIQUE, m INT,
        gone BOOLEAN);
    CREATE INDEX downward ON folded (m DESC, n); CREATE UNIQUE INDEX lowered ON folded (lower(email));
    CREATE UNIQUE INDEX present ON folded (n) WHERE gone = 0 AND m IS NOT NULL;
    CREATE TABLE raw_keys (k BLOB PRIMARY KEY, n INTEGER NOT NULL, v REAL UNIQUE REFERENCES raw_keys (v),
        half BLOB, FOREIGN KEY (half, n) REFERENCES raw_halves (half, n) ON DELETE SET NULL);
    CREATE TABLE raw_halves (half BLOB, n INTEGER, PRIMARY KEY (half, n));
    CREATE TABLE "_Marks" ("A" TEXT NOT NULL REFERENCES label, "B" INTEGER NOT NULL REFERENCES topic,
        PRIMARY KEY ("A", "B"));
    CREATE TABLE label (id TEXT PRIMARY KEY); CREATE TABLE topic (id INTEGER PRIMARY KEY);
    INSERT INTO category (id) VALUES (1);
    INSERT INTO post VALUES ('a', 1, NULL, 1, NULL);
"""


def test_every_shape_of_a_schema_is_written_as_the_engine_writes_it(
    tmp_path: Path, engine: Engine, database: str
) -> None:
    draft = draft_script(tmp_path, SHAPES)
    assert [pairing.name for pairing in draft.pairings] == ["CategoryToPost", "Marks"]
    assert engine(write_schema(draft)) == [prisma_ddl(draft)]
    assert takes(database, draft)


def test_a_fleet_of_any_shape_is_written_as_the_engine_writes_it(
    tmp_path: Path, engine: Engine, database: str
) -> None:
    pairs = SHAPES.index('    CREATE TABLE "_CategoryToPost"'), SHAPES.index("    CREATE TABLE pages")
    marks = SHAPES.index('    CREATE TABLE "_Marks"'), SHAPES.index("    CREATE TABLE label")
    script = SHAPES[: pairs[0]] + SHAPES[pairs[1] : marks[0]] + SHAPES[marks[1] :]
    draft = draft_fleet(draft_script(tmp_path, script), per_tenant=False)
    assert draft.problems == ()
    assert engine(write_schema(draft)) == [prisma_ddl(draft)]
    models = {model.table: model for model in draft.models}
    assert models["post"].key == ("tenant_id", "id")  # two tenants may have the same one
    assert models["category"].key == ("id",)  # a new id
    ends = {one.columns: one.to_columns for one in (*models["lines"].relations, *models["post"].relations)}
    assert ends["tenant_id", "post", "page"] == ("tenant_id", "post", "number")
    assert ends["tenant_id", "code"] == ("tenant_id", "code")
    assert ends["tenant_id", "parent"] == ("tenant_id", "id")
    assert ends["category_id",] == ("id",)
    with psycopg.connect(database) as connection:
        connection.execute(write_ddl(draft).encode())


NAME = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=70)


@pytest.mark.slow
@given(st.lists(NAME, min_size=2, max_size=14, unique_by=lambda name: name.lower()))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_name_of_a_table_or_column_passes(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, postgres, names: list[str]
) -> None:
    first, *others = [name for name in names if not name.lower().startswith("sqlite_")] or ["t"]
    columns = ", ".join(f"{quote(name)} TEXT UNIQUE" for name in others)
    script = "".join(
        f"CREATE TABLE {quote(table)} (id INTEGER PRIMARY KEY{', ' if columns else ''}{columns});"
        for table in (first, *others)
    )
    draft = draft_script(tmp_path_factory.mktemp("names"), script)
    assert engine(write_schema(draft)) == [prisma_ddl(draft)]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def takes(database: str, draft: Draft) -> bool:
    with closing(psycopg.connect(database)) as connection:
        connection.execute(write_ddl(draft).encode())
    return True
