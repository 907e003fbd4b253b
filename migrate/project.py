"""The mapping that the configuration chooses, made for a source and a target."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mappers.base import Project
from mappers.flagship import Flagship
from migrate.config import EVERY, Config
from migrate.errors import UsageError
from migrate.target.making import Ddl, read_ddl
from migrate.target.schema import LiveSchema


def make_project(
    config: Config, tables: Mapping[str, Sequence[str]], live: LiveSchema | None = None
) -> Project:
    """Return the mapping for a source that has these tables and columns.

    `live` is the target's shape, by which optional columns are filled and
    texts are held to their lengths; without it neither is known.
    """
    shape = live.tables if live else {}
    return Flagship(
        config.mappers,
        tables,
        target_columns={name: [column.name for column in table.columns] for name, table in shape.items()},
        limits={
            (name, column.name): column.max_length
            for name, table in shape.items()
            for column in table.columns
            if column.max_length is not None
        },
    )


def outline(config: Config) -> Project:
    """Return the mapping without a source: its stages, the tables that it fills, its ids and its checks."""
    return make_project(config, {})


@functools.cache
def _ddl(path: Path) -> Ddl:
    return read_ddl(path)


def target_ddl(config: Config) -> Ddl | None:
    """Return what makes the tables of an empty target, read once a process; None where nothing is named."""
    path = config.target.schema_file
    return None if path is None else _ddl(path.absolute())


def digests(config: Config) -> dict[str, str | None]:
    """Return the digests of the files that the configuration names, by the key that names them."""
    ddl = target_ddl(config)
    return {"target.schema": ddl.digest if ddl else None}


def emptied_tables(config: Config, present: Iterable[str]) -> list[str]:
    """Return the tables among `present` that publish empties without filling them."""
    there, keep = set(present), set(config.target.keep)
    return [name for name in config.target.empty if name in there and name not in keep]


def mapped_names(config: Config, project: Project) -> tuple[str, ...]:
    """Return what the id map holds of what it may hold; UsageError where `[ids] map` names another thing."""
    if EVERY in config.ids.map:
        return tuple(project.id_map)
    unknown = [name for name in config.ids.map if name not in project.id_map]
    if unknown:
        raise UsageError(
            f"[ids] map names {', '.join(unknown)}, of which no ids are mapped",
            hint=f"known are {', '.join(project.id_map)}",
        )
    return tuple(config.ids.map)


def mapped_entities(config: Config, project: Project) -> frozenset[str]:
    """Return the entities of which the id map holds every legacy id."""
    return frozenset(entity for name in mapped_names(config, project) for entity in project.id_map[name])
