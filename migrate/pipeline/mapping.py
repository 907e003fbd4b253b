"""The mapping that the configuration chooses, made for a source and a target."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mappers.base import MappingSpec
from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_file import MappingError, MappingFile, read_mapping
from mappers.studio.mapping import StudioMapping
from migrate.postgres.catalog import Column, LiveSchema
from migrate.postgres.create_tables import Ddl, read_ddl
from migrate.runtime.config import EVERY, Config
from migrate.runtime.errors import UsageError


def make_project(
    config: Config, tables: Mapping[str, Sequence[str]], live: LiveSchema | None = None
) -> MappingSpec:
    """Return the mapping for a source that has these tables and columns.

    `live` is the target's shape, by which optional columns are filled and
    texts are held to their lengths; without it neither is known.
    """
    shape = live.tables if live else {}
    if (described := described_mapping(config)) is not None:
        return DeclarativeMapping(described, tables, target=target_columns(live))
    return StudioMapping(
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


def outline(config: Config) -> MappingSpec:
    """Return the mapping without a source: its stages, the tables that it fills, its ids and its checks."""
    return make_project(config, {})


@functools.cache
def _mapping(path: Path) -> tuple[MappingFile, str]:
    try:
        raw = path.read_bytes()
        return read_mapping(raw.decode()), hashlib.sha256(raw).hexdigest()
    except FileNotFoundError as error:
        raise UsageError(
            f"[mappers] mapping: there is no file {path}",
            hint="`migrate init` writes one; the path is relative to the folder of the configuration file",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"[mappers] mapping: cannot read {path}: {error}") from error
    except MappingError as error:
        raise UsageError(
            "\n  ".join([f"{path} has mistakes:", *error.mistakes]),
            hint="fix these lines, then run the same command again",
        ) from error


def described_mapping(config: Config) -> MappingFile | None:
    """Return the mapping file that the configuration names, read once a process; None for the flagship.

    Raises UsageError that names every mistake in it.
    """
    path = config.mappers.mapping
    return None if path is None else _mapping(path.absolute())[0]


def target_columns(live: LiveSchema | None) -> dict[str, tuple[Column, ...]]:
    """Return the target's columns, by table."""
    return {name: table.columns for name, table in (live.tables if live else {}).items()}


@functools.cache
def _ddl(path: Path) -> Ddl:
    return read_ddl(path)


def target_ddl(config: Config) -> Ddl | None:
    """Return what makes the tables of an empty target, read once a process; None where nothing is named."""
    path = config.target.schema_file
    return None if path is None else _ddl(path.absolute())


def digests(config: Config) -> dict[str, str | None]:
    """Return the digests of the files that the configuration names, by the key that names them."""
    ddl, path = target_ddl(config), config.mappers.mapping
    return {
        "target.schema": ddl.digest if ddl else None,
        "mappers.mapping": _mapping(path.absolute())[1] if path else None,
    }


def emptied_tables(config: Config, present: Iterable[str]) -> list[str]:
    """Return the tables among `present` that publish empties without filling them."""
    there, keep = set(present), set(config.target.keep)
    return [name for name in config.target.empty if name in there and name not in keep]


def mapped_names(config: Config, project: MappingSpec) -> tuple[str, ...]:
    """Return what the id map holds of what it may hold; UsageError where `[ids] map` names another thing."""
    if EVERY in config.ids.map:
        return tuple(project.id_map)
    unknown = [name for name in config.ids.map if name not in project.id_map]
    if unknown:
        raise UsageError(
            f"[ids] map: no ids are made for {', '.join(unknown)}",
            hint=f"possible are {', '.join(project.id_map)}",
        )
    return tuple(config.ids.map)


def mapped_entities(config: Config, project: MappingSpec) -> frozenset[str]:
    """Return the entities of which the id map holds every legacy id."""
    return frozenset(entity for name in mapped_names(config, project) for entity in project.id_map[name])
