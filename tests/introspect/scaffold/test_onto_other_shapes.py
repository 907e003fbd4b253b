"""A target whose tables have other keys, other tables between two, and columns that the source lacks."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from mappers.declarative.mapping_file import read_mapping
from mappers.declarative.validate import find_misfits
from migrate.introspect.scaffold import Draft, draft_onto, foresee
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.postgres.catalog import introspect
from tests.introspect.profile.sources import inspect_script
from tests.introspect.scaffold.sources import line, source_tables, target_columns

SOURCE = """
    CREATE TABLE country (code TEXT PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, country TEXT REFERENCES country,
        spoken TEXT REFERENCES country, created_at INTEGER NOT NULL, legacy TEXT NOT NULL);
    CREATE TABLE tag (id INTEGER PRIMARY KEY, label TEXT);
    CREATE TABLE post_tags (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES post,
        tag_id INTEGER NOT NULL REFERENCES tag);
    CREATE TABLE "_CountryToTag" ("A" TEXT NOT NULL REFERENCES country, "B" INTEGER NOT NULL REFERENCES tag,
        PRIMARY KEY ("A", "B"));
    INSERT INTO country VALUES ('de', 'Germany'), ('fr', 'France');
    INSERT INTO post VALUES (1, 'Hi', 'fr', 'de', 1704067200, 'x');
    INSERT INTO tag VALUES (7, 'red'), (8, 'blue');
    INSERT INTO post_tags VALUES (1, 1, 7), (2, 1, 8), (3, 1, 7);
    INSERT INTO "_CountryToTag" VALUES ('fr', 7);
"""
TARGET = """
    CREATE TABLE "Country" ("id" TEXT PRIMARY KEY, "code" TEXT NOT NULL UNIQUE, "name" TEXT NOT NULL);
    CREATE TABLE "Post" ("id" TEXT PRIMARY KEY, "title" TEXT, "countryId" TEXT REFERENCES "Country",
        "spoken" TEXT REFERENCES "Country" ("code"), "createdAt" TIMESTAMP(3) NOT NULL,
        "updatedAt" TIMESTAMP(3) NOT NULL, "slug" TEXT NOT NULL);
    CREATE TABLE "Tag" ("id" TEXT PRIMARY KEY, "label" TEXT);
    CREATE TABLE "_PostToTag" ("A" TEXT NOT NULL REFERENCES "Post", "B" TEXT NOT NULL REFERENCES "Tag",
        CONSTRAINT "_PostToTag_AB_pkey" PRIMARY KEY ("A", "B"));
    CREATE TABLE "CountryTag" ("id" TEXT PRIMARY KEY, "countryId" TEXT NOT NULL REFERENCES "Country",
        "tagId" TEXT NOT NULL REFERENCES "Tag");
"""


@pytest.fixture
def drafted(tmp_path: Path, database: str) -> Draft:
    inspection = inspect_script(tmp_path, SOURCE)
    with psycopg.connect(database) as connection:
        connection.execute(TARGET)
        live = introspect(connection, "public")
    draft = draft_onto(inspection, live)
    mapping = read_mapping(write_mapping(draft))
    misfits = find_misfits(mapping, source_tables(inspection), target_columns(live))
    assert [one for one in misfits if "Post.slug" not in one] == []
    work = tmp_path / "work"
    return foresee(draft, work / "snapshot.db", work / "crosswalk.db", live)


def options(draft: Draft, table: str) -> dict[str, object]:
    (section,) = (one for one in draft.sections if one.source == table)
    return dict(section.options)


def test_a_text_key_stays_next_to_new_ids_and_references_go_where_the_foreign_key_says(
    drafted: Draft,
) -> None:
    assert options(drafted, "country") == {"target": "Country", "key": ["code"], "ids": "cuid"}
    assert line(drafted, "country", "id").options == {"to": "id", "as": "id"}
    assert line(drafted, "country", "code").options == {"to": "code", "as": "text"}
    reference = {"to": "countryId", "as": "reference", "of": "country", "dangling": "null"}
    assert line(drafted, "post", "country").options == reference
    assert line(drafted, "post", "spoken").options == {"to": "spoken", "as": "text"}


def test_a_table_between_two_others_is_found_by_what_it_joins(drafted: Draft) -> None:
    assert options(drafted, "post_tags") == {
        "target": "_PostToTag",
        "key": ["post_id", "tag_id"],
        "ids": "keep",
    }
    assert line(drafted, "post_tags", "post_id").options["to"] == "A"
    assert line(drafted, "post_tags", "tag_id").options["to"] == "B"
    assert options(drafted, "_CountryToTag") == {"target": "CountryTag", "key": ["A", "B"], "ids": "cuid"}
    assert line(drafted, "_CountryToTag", "A").options["of"] == "country"


def test_what_is_required_is_made_of_another_timestamp_or_listed_with_ways_to_fill_it(
    drafted: Draft,
) -> None:
    assert line(drafted, "post", "updatedAt").options == {
        "to": "updatedAt", "as": "timestamp", "unit": "s", "from": ["created_at"],
    }  # fmt: skip
    assert line(drafted, "post", "updatedAt").marked
    (problem,) = drafted.problems
    assert problem.startswith("Post.slug is required and has no default: map a column of post to it")
    assert "(perhaps legacy, whose values all fit)" in problem
