"""The mapping that the configuration chooses: what it says alone, and bound to a source and a target."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mappers.base import BoundMapping, MappingSpec, SourceTables
from mappers.declarative.mapping import DeclarativeMapping, describe_mapping
from mappers.declarative.mapping_file import MappingError, MappingFile, read_mapping
from mappers.studio import studio_mapping as mapping
from mappers.studio.studio_mapping import StudioMapping
from migrate.postgres.catalog import Column, LiveSchema
from migrate.postgres.create_tables import Ddl, read_ddl
from migrate.runtime.config import EVERY, Config
from migrate.runtime.errors import UsageError
from migrate.runtime.toml_lines import with_lines
from migrate.snapshot.workspace import Workspace


def load_spec(config: Config) -> MappingSpec:
    """Return what the mapping says without a source. Raises UsageError if its file cannot be read."""
    described = described_mapping(config)
    return mapping.SPEC if described is None else describe_mapping(described)


def tables_of(snapshot: Path) -> SourceTables:
    """Return the tables of a snapshot and the names of their columns."""
    with Workspace.snapshot_only(snapshot) as workspace:
        return workspace.tables()


def bind_mapping(
    config: Config, tables: Mapping[str, Sequence[str]], live: LiveSchema | None = None
) -> BoundMapping:
    """Return the mapping for a source that has these tables and columns.

    `live` is the target's shape: with it optional columns are filled and the lengths of texts are checked.
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


@functools.cache
def _mapping(path: Path) -> tuple[MappingFile, str, str]:
    text = ""
    try:
        raw = path.read_bytes()
        text = raw.decode()
        return read_mapping(text), hashlib.sha256(raw).hexdigest(), text
    except FileNotFoundError as error:
        raise UsageError(
            f"[mappers] mapping: there is no file {path}",
            hint="`migrate init --source URL --out FOLDER` writes one; the path is relative to the folder of "
            "the configuration file",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"[mappers] mapping: cannot read {path}: {error}") from error
    except MappingError as error:
        raise UsageError(
            "\n  ".join([f"{path} has mistakes:", *with_lines(path.name, text, error.mistakes)]),
            hint="fix these lines, then run the same command again",
        ) from error


def described_mapping(config: Config) -> MappingFile | None:
    """Return the mapping file that the configuration names, read once per process; None for the flagship.

    Raises UsageError with every mistake in it.
    """
    path = config.mappers.mapping
    return None if path is None else _mapping(path.absolute())[0]


def with_places(config: Config, mistakes: Iterable[str]) -> list[str]:
    """Return mistakes of the mapping file, each with its line if that is known."""
    path = config.mappers.mapping
    return list(mistakes) if path is None else with_lines(path.name, _mapping(path.absolute())[2], mistakes)


def target_columns(live: LiveSchema | None) -> dict[str, tuple[Column, ...]]:
    """Return the target's columns, by table."""
    return {name: table.columns for name, table in (live.tables if live else {}).items()}


@functools.cache
def _ddl(path: Path) -> Ddl:
    return read_ddl(path)


def target_ddl(config: Config) -> Ddl | None:
    """Return the DDL for the tables of an empty target, read once per process; None if no file is named."""
    path = config.target.schema_file
    return None if path is None else _ddl(path.absolute())


def digests(config: Config) -> dict[str, str | None]:
    """Return the digests of the files that the configuration names, by their key."""
    ddl, path = target_ddl(config), config.mappers.mapping
    return {
        "target.schema": ddl.digest if ddl else None,
        "mappers.mapping": _mapping(path.absolute())[1] if path else None,
    }


def emptied_tables(config: Config, present: Iterable[str]) -> list[str]:
    """Return the tables among `present` that publish empties without filling them."""
    there, keep = set(present), set(config.target.keep)
    return [name for name in config.target.empty if name in there and name not in keep]


def mapped_names(config: Config, spec: MappingSpec) -> tuple[str, ...]:
    """Return what the id map holds of what it may hold.

    Raises UsageError if `[ids] map` names another thing.
    """
    if EVERY in config.ids.map:
        return tuple(spec.id_map)
    unknown = [name for name in config.ids.map if name not in spec.id_map]
    if unknown:
        raise UsageError(
            f"[ids] map: no ids are made for {', '.join(unknown)}",
            hint=f"possible are {', '.join(spec.id_map)}",
        )
    return tuple(config.ids.map)


def mapped_entities(config: Config, spec: MappingSpec) -> frozenset[str]:
    """Return the entities for which the id map holds every legacy id."""
    return frozenset(entity for name in mapped_names(config, spec) for entity in spec.id_map[name])
