"""Runs a whole mapping in this process: crosswalk, every stage, every batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mappers.base import FATES, ID_MAP, WARNINGS, BoundMapping, begin
from mappers.settings import MapperSettings
from mappers.studio.studio_mapping import StudioMapping
from migrate.pipeline.ids import Ids
from migrate.snapshot.workspace import Workspace
from migrate.source.sample.write import legacy_schema

HERE = Path(__file__).parent
SCHEMA = legacy_schema()
EXAMPLE = (HERE / "example" / "legacy.sql").read_text()


@dataclass
class Outcome:
    """Everything a mapping gave, sorted so that batches leave no trace."""

    ids: Ids
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    fates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(FATES)))
    warnings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(WARNINGS)))
    id_map: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(ID_MAP)))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table].to_dicts() if table in self.tables else []

    def fate_set(self) -> set[tuple[str, str, str, str]]:
        return set(self.fates.select("source_table", "source_id", "fate", "reason").rows())

    def warning_set(self) -> set[tuple[str, str, str, str]]:
        return set(self.warnings.rows())


def legacy_file(path: Path, *scripts: str) -> Path:
    """Write a legacy database from SQL scripts."""
    with sqlite3.connect(path) as connection:
        for script in scripts:
            connection.executescript(script)
    connection.close()
    return path


def run(
    snapshot: Path,
    *,
    settings: MapperSettings | None = None,
    batch_keys: int = 1000,
    secret: str = "secret",
    mapping: BoundMapping | None = None,
    ids: Ids | None = None,
    **options: Mapping[Any, Any],
) -> Outcome:
    """Map the whole snapshot and return what came of it."""
    crosswalk = snapshot.with_name(f"crosswalk-{batch_keys}.db")
    out = Outcome(ids or Ids(secret))
    with Workspace(snapshot, crosswalk, batch_keys=batch_keys) as workspace:
        mapping = mapping or StudioMapping(settings or MapperSettings(), workspace.tables(), **options)
        mapping.prepare(workspace)
        for stage in mapping.stages:
            for mapper in stage.mappers:
                ready = begin(mapper, workspace, out.ids)
                for rows in workspace.read(mapper.reads):
                    mapped = ready.map(rows, out.ids)
                    assert set(mapped.tables) <= set(mapper.writes)
                    for table, frame in mapped.tables.items():
                        known = out.tables.get(table)
                        out.tables[table] = frame if known is None else pl.concat([known, frame])
                    out.fates = pl.concat([out.fates, mapped.fates])
                    out.warnings = pl.concat([out.warnings, mapped.warnings])
                    out.id_map = pl.concat([out.id_map, mapped.id_map])
        out.tables = {
            table: frame.sort("id" if "id" in frame.columns else frame.columns)
            for table, frame in out.tables.items()
        }
        for name in ("fates", "warnings", "id_map"):
            frame = getattr(out, name)
            setattr(out, name, frame.sort(frame.columns))
    return out
