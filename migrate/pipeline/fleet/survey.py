"""Looks at the schemas of the tenants before a run: which are the same, which the mapping fits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mappers.base import SourceTables
from mappers.declarative.mapping_file import MappingFile, for_tenant
from mappers.declarative.validate import find_misfits
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.fleet.tenant_publish import shape_of
from migrate.pipeline.fleet.tenant_run import source_of
from migrate.pipeline.mapping import target_columns
from migrate.postgres.catalog import LiveSchema
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError
from migrate.source.private_copy import remove_returned

_AT_ONCE: Final = 8


@dataclass(frozen=True)
class Shape:
    """Tenants whose tables and columns are the same; `misfits` say why the mapping does not fit them."""

    digest: str
    tenants: tuple[str, ...]
    tables: int
    misfits: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """The schemas of the tenants that were looked at, and those that did not answer, with the reason."""

    looked_at: int
    shapes: tuple[Shape, ...]
    unreadable: tuple[tuple[str, str], ...]


def look_at_schemas(
    config: Config,
    tenants: Sequence[Tenant],
    mapping: MappingFile | None,
    live: LiveSchema | None,
    folder: Path,
    most: int | None = None,
) -> Survey:
    """Read the schemas of the tenants (of `most`, spread evenly), and group them.

    Without `live`, the target's tables, the mapping is compared with the sources alone; without a mapping
    nothing is compared.
    """
    chosen = _spread(tenants, most)
    paces = _Paces(config.fleet.requests_per_second)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda one: _tables_of(config, one, folder, paces.of(one.host)), chosen))
    remove_returned()
    groups: dict[str, tuple[SourceTables, list[str]]] = {}
    unreadable = []
    for tenant, tables in zip(chosen, found, strict=True):
        if isinstance(tables, SourceTables):
            groups.setdefault(shape_of(tables), (tables, []))[1].append(tenant.name)
        else:
            unreadable.append((tenant.name, tables))
    shapes = [
        Shape(digest, tuple(names), len(tables), _misfits(mapping, names[0], tables, live))
        for digest, (tables, names) in groups.items()
    ]
    shapes.sort(key=lambda shape: (-len(shape.tenants), shape.digest))
    return Survey(len(chosen), tuple(shapes), tuple(unreadable))


def _spread(tenants: Sequence[Tenant], most: int | None) -> list[Tenant]:
    if most is None or len(tenants) <= most:
        return list(tenants)
    return [tenants[number * len(tenants) // most] for number in range(most)]


def _tables_of(config: Config, tenant: Tenant, folder: Path, pace: Callable[[], None]) -> SourceTables | str:
    """Return the tables of a tenant, or why they cannot be read."""
    try:
        source = source_of(config, tenant, folder, pace).open()
        try:
            catalogue = source.inspect()
        finally:
            source.close()
    except MigrateError as error:
        return error.message
    tables = SourceTables()
    for table in catalogue.tables:
        tables[table.name] = [column.name for column in table.columns if column.hidden != 1]
    tables.without_rowid = frozenset(table.name for table in catalogue.tables if table.without_rowid)
    return tables


def _misfits(
    mapping: MappingFile | None, tenant: str, tables: SourceTables, live: LiveSchema | None
) -> tuple[str, ...]:
    if mapping is None:
        return ()
    target = target_columns(live)
    if live is None:  # its tables are made by the run
        names = [table.target for table in mapping.tables.values() if table.target is not None]
        unknown = tuple(f"the target has no table {name}" for name in names)
        found = find_misfits(for_tenant(mapping, tenant), tables, target)
        return tuple(one for one in found if not one.partition(": ")[2].startswith(unknown))
    return tuple(find_misfits(for_tenant(mapping, tenant), tables, target))


class _Paces:
    """Keeps the requests to each host apart, for the threads of this process."""

    def __init__(self, per_second: float | None) -> None:
        self._step = 1 / per_second if per_second else 0.0
        self._free_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, host: str) -> Callable[[], None]:
        """Return what waits until the host may be asked."""
        return (lambda: self._wait(host)) if self._step and host else lambda: None

    def _wait(self, host: str) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._free_at.get(host, now))
            self._free_at[host] = turn + self._step
        time.sleep(turn - now)
