"""The check of the reported columns: each lie is planted alone, and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

from mappers.base import Ids, Lineage, MappedBatch, MappingSpec
from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_file import read_mapping
from mappers.settings import MapperSettings
from mappers.studio.messages import Messages
from mappers.studio.studio_mapping import StudioMapping
from migrate.pipeline.written_columns import columns_of
from migrate.postgres.catalog import Column, Table
from migrate.snapshot import crosswalk_file
from migrate.snapshot.workspace import open_sql
from tests.mappers.studio.runner import EXAMPLE, SCHEMA, legacy_file
from tests.verification.world import World
from verification import MapperColumns

JOBS = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, title TEXT, boss INTEGER, note TEXT);
CREATE TABLE bosses (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO bosses VALUES (7, 'b'); INSERT INTO jobs VALUES (1, 'a', 7, 'x');
"""
MAPPING = """version = 1
[tables.bosses]
target = "Boss"
key = ["id"]
columns.id = { to = "id", as = "id" }
columns.name = { to = "name" }
[tables.jobs]
target = "Job"
key = ["id"]
constants = { kind = "job" }
columns.id = { to = "id", as = "id" }
columns.title = { to = "title" }
columns.boss = { to = "bossId", as = "reference", of = "bosses" }
columns.note = { drop = "nobody reads it" }
"""


@dataclass
class Studied:
    """A mapping over its snapshot and crosswalk, and the world in which the check looks at it."""

    world: World
    spec: MappingSpec

    def findings(self, lineage: Lineage | None = None) -> set[str]:
        """Return what the check finds if the mapping reports `lineage`."""
        mappers = [mapper for stage in self.spec.stages for mapper in stage.mappers]
        self.world.changes |= {
            "lineage": lineage or self.spec.lineage(),
            "mappers": [MapperColumns(one.name, one.reads.sql, columns_of(one)) for one in mappers],
        }
        result = self.world.check("lineage")
        assert result.applies and result.looked_at
        assert result.passed == (not result.findings)
        return {str(finding) for finding in result.findings}

    def reporting(self, **went: str) -> set[str]:
        """Return what the check finds if other things are reported of columns, named `table__column`."""
        lineage = self.spec.lineage()
        lies = {tuple(name.split("__")): line for name, line in went.items()}
        assert lies.keys() <= lineage.went_to.keys()
        return self.findings(replace(lineage, went_to={**lineage.went_to, **lies}))


def _study(world: World, folder: Path, script: str, mapping: str | None) -> Iterator[Studied]:
    snapshot, crosswalk = legacy_file(folder / "source.db", script), folder / "made.db"
    with crosswalk_file.build(snapshot, crosswalk, "mark") as workspace:
        spec: MappingSpec
        if mapping is None:
            spec = StudioMapping(MapperSettings(), workspace.tables())
        else:
            spec = DeclarativeMapping(read_mapping(mapping), workspace.tables())
        spec.prepare(workspace)
    with closing(open_sql(snapshot, crosswalk)) as opened:
        world.changes |= {"snapshot": opened, "tables": {}}
        yield Studied(world, spec)


@pytest.fixture
def studio(world: World, tmp_path: Path) -> Iterator[Studied]:
    yield from _study(world, tmp_path, SCHEMA + EXAMPLE, None)


@pytest.fixture
def jobs(world: World, tmp_path: Path) -> Iterator[Studied]:
    yield from _study(world, tmp_path, JOBS, MAPPING)


def test_both_mappings_read_and_write_what_they_report(studio: Studied) -> None:
    assert studio.findings() == set()


def test_lies_about_source_columns_are_named(studio: Studied) -> None:
    found = studio.reporting(
        shows_messages__message="dropped:no_target_column",
        shows_users__email="dropped:no_target_column",
        shows_comments__page_title="reviews.content",
        shows_messages__read="reviews.status",
        shows_contacts__accepted="user_connections.agreed",
    )
    dropped = "is reported as dropped:no_target_column, but"
    assert found == {
        f"shows_messages.message: {dropped} the mapper shows_messages reads it",
        f"shows_users.email: {dropped} the crosswalk reads it",
        "shows_comments.page_title: is reported to go to reviews.content, but no mapper reads it",
        "shows_messages.read: is reported to go to reviews.status, but no mapper that fills reviews reads it",
        "user_connections.agreed: is reported to come from shows_contacts.accepted, but no mapper writes it",
    }


def test_a_column_that_a_mapper_writes_outside_of_its_declaration_is_named(
    studio: Studied, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Messages.map

    def generous(self: Messages, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        batch = honest(self, rows, ids)
        messages = batch.tables["messages"].with_columns(pl.lit("x").alias("summary"))
        return replace(batch, tables={"messages": messages})

    monkeypatch.setattr(Messages, "map", generous)
    (found,) = studio.findings()
    assert found.startswith("messages.summary: is written by the mapper ")
    assert found.endswith(", but the report does not say what it is made from")


def test_values_that_no_mapper_wrote_are_named(studio: Studied) -> None:
    columns = [Column(name, "text") for name in ("id", "subject", "hidden", "empty")]
    table = Table("messages", (*columns, Column("state", "text", default="'new'::text")))
    studio.world.target.execute(
        "DROP TABLE staging.messages;"
        "CREATE TABLE staging.messages (id text, subject text, hidden text, empty text, state text);"
        "INSERT INTO staging.messages VALUES ('1', 's', NULL, NULL, 'new'), ('2', NULL, 'x', NULL, 'new')"
    )
    studio.world.changes["tables"] = {"messages": table}
    assert studio.findings() == {"messages.hidden: holds values, but no mapper writes it"}


def test_a_mapping_file_reads_and_writes_what_it_reports(jobs: Studied) -> None:
    assert jobs.findings() == set()


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (
            {"jobs__title": "dropped:not_in_the_mapping"},
            "jobs.title: is reported as dropped:not_in_the_mapping, but the mapper jobs reads it",
        ),
        ({"jobs__note": "Job.title"}, "jobs.note: is reported to go to Job.title, but no mapper reads it"),
    ],
)  # fmt: skip
def test_lies_about_a_mapping_file_are_named(jobs: Studied, lie: Mapping[str, str], found: str) -> None:
    assert jobs.reporting(**lie) == {found}


def test_a_constant_that_is_not_reported_is_named(jobs: Studied) -> None:
    lineage = jobs.spec.lineage()
    found = jobs.findings(replace(lineage, written=lineage.written - {("Job", "kind")}))
    what = "is written by the mapper jobs, but the report does not say what it is made from"
    assert found == {f"Job.kind: {what}"}
