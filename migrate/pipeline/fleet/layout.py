"""Where the rows of a tenant are in the target: in shared tables with a column, or in a schema of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from mappers.declarative.mapping_file import FleetMapping, MappingFile, shared_targets
from migrate.pipeline.fleet.ledger import IDS
from migrate.pipeline.mapping import described_mapping
from migrate.postgres.catalog import LiveSchema
from migrate.runtime.config import Config
from migrate.runtime.errors import UsageError
from migrate.staging.schema import ID_MAP

_LONGEST_NAME: Final = 63


@dataclass(frozen=True)
class Place:
    """One table of a tenant's rows; `column` holds the tenant, None: all rows are its own.

    `columns` are those that are written, without computed ones. `name` is '' for the map of ids.
    """

    name: str
    live: sql.Identifier
    staged: sql.Identifier
    columns: tuple[str, ...]
    column: str | None


@dataclass(frozen=True)
class Layout:
    """How tenants are kept apart; `shared` are the target tables whose rows all tenants have in common."""

    fleet: FleetMapping
    schema: str
    ledger: str
    shared: frozenset[str]

    @property
    def per_tenant(self) -> bool:
        """Return whether each tenant has a schema of its own."""
        return self.fleet.layout == "per-tenant"

    def schema_of(self, tenant: str) -> str:
        """Return the schema of a tenant's rows: a name that is none, or too long, gets a digest."""
        if not self.per_tenant:
            return self.schema
        plain = re.sub(r"[^a-z0-9_]+", "_", tenant.lower())
        if plain == tenant and len(plain) < _LONGEST_NAME - 2:
            return f"t_{plain}"
        return f"t_{plain[:40]}_{hashlib.sha256(tenant.encode()).hexdigest()[:12]}"

    def places(self, tenant: str, live: LiveSchema, filled: list[str], staged: str) -> Iterator[Place]:
        """Yield the tables of a tenant's own rows, the map of its ids last."""
        for name in filled:
            if name in self.shared:
                continue
            yield Place(
                name,
                sql.Identifier(self.schema_of(tenant), name),
                sql.Identifier(staged, name),
                live.tables[name].writable,
                None if self.per_tenant else self.fleet.column,
            )
        yield Place(
            "",
            sql.Identifier(self.ledger, IDS),
            sql.Identifier(staged, ID_MAP),
            ("entity", "legacy_id", "new_id", "via"),
            "tenant",
        )


def fleet_mapping(config: Config) -> MappingFile:
    """Return the mapping file of a fleet. Raises UsageError if none is named or it has no [fleet]."""
    described = described_mapping(config)
    if described is None:
        raise UsageError(
            "a fleet needs a mapping file",
            hint="write one from one of the tenants with `migrate init --source URL --out FOLDER`, "
            "and add [fleet]",
        )
    if described.fleet is None:
        raise UsageError(
            f"{config.mappers.mapping} has no section [fleet]",
            hint='add [fleet] with column = "tenant_id", or schema = "per-tenant"',
        )
    return described


def layout_of(config: Config, schema: str) -> Layout:
    """Return the layout that the mapping file describes, for a target with that schema."""
    described = fleet_mapping(config)
    assert described.fleet is not None
    return Layout(described.fleet, schema, config.target.ledger_schema, shared_targets(described))
