"""Finds the new id of a legacy id, and the legacy id of a new one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import psycopg
from psycopg import sql

from mappers.base import BoundMapping
from migrate.pipeline.id_secret import KnownIds, known_ids
from migrate.pipeline.ids import HEX, Ids
from migrate.pipeline.live_target import open_target
from migrate.pipeline.mapping import bind_mapping, load_spec, mapped_entities
from migrate.postgres.connection import connect
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError, UsageError
from migrate.snapshot.manifest import SNAPSHOT_NAME
from migrate.snapshot.workspace import Workspace

_ANY: Final = "SELECT entity, legacy_id, new_id, via FROM {} WHERE entity = %s LIMIT 1"


@dataclass(frozen=True)
class Found:
    """One legacy id and its new one; `via` says how a merged id was matched, None if it was derived."""

    entity: str
    legacy_id: str
    new_id: str
    via: str | None


@dataclass
class Lookup:
    """Looks in the published id map first, then derives."""

    ids: Ids
    connection: psycopg.Connection[Any]
    id_map: sql.Identifier
    workspace: Workspace | None
    mapping: BoundMapping | None
    #: entities of which ids are made, and those of which the id map holds every legacy id
    entities: tuple[str, ...]
    mapped: frozenset[str]

    def forward(self, entity: str, legacy_id: str) -> Found:
        """Return the new id of a legacy id; for a merged person, the id of the person it was merged into.

        Before the id map is published every id is derived. Raises UsageError for an entity that has no ids,
        MigrateError for a legacy id that the publication does not hold.
        """
        if entity not in self.entities:
            raise UsageError(
                f"there are no new ids for {entity}", hint=f"known are {', '.join(self.entities) or 'none'}"
            )
        row = self._one(
            "SELECT entity, legacy_id, new_id, via FROM {} WHERE entity = %s AND legacy_id = %s",
            entity,
            legacy_id,
        )
        if row is None and entity in self.mapped and self._one(_ANY, entity) is not None:
            raise MigrateError(
                f"{entity} {legacy_id} has no row in the target: it was rejected, excluded, or is "
                "not in the source",
                hint="the table `fate` in the ledger's schema lists every row that was not "
                "migrated, with the reason",
            )
        return row or Found(entity, legacy_id, self.ids.derive(entity, legacy_id), None)

    def reverse(self, new_id: str) -> list[Found]:
        """Return every legacy id that a new id stands for; empty if there is none."""
        rows = self.connection.execute(
            sql.SQL("SELECT entity, legacy_id, new_id, via FROM {} WHERE new_id = %s ORDER BY 1, 2").format(
                self.id_map
            ),
            (new_id,),
        ).fetchall()
        return [Found(*row) for row in rows] or list(self._scan(new_id))

    def _one(self, query: str, *parameters: str) -> Found | None:
        row = self.connection.execute(sql.SQL(query).format(self.id_map), parameters).fetchone()
        return Found(*row) if row else None

    def _scan(self, new_id: str) -> Iterator[Found]:
        """Derive the id of every row of the snapshot, a chunk at a time."""
        if self.workspace is None or self.mapping is None:
            return
        for account in self.mapping.accounts:
            if account.column != "id":
                continue  # the id of another entity, found under that one
            for rows in self.workspace.stream(account.sql):
                for (entity,), part in rows.group_by("entity"):
                    hits = part.filter(self.ids.expr(str(entity), pl.col("key")) == new_id)
                    for key in hits["key"]:
                        yield Found(str(entity), str(key), new_id, None)
                        return


@contextlib.contextmanager
def open_lookup(config: Config, work: Path) -> Iterator[Lookup]:
    """Yield a lookup on the target's ledger and, if there is one, the work folder's snapshot."""
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(open_target(config, work))
        connection = stack.enter_context(connect(target.address, read_only=True))
        workspace = mapping = None
        snapshot, crosswalk = work / SNAPSHOT_NAME, work / "crosswalk.db"
        if snapshot.exists() and crosswalk.exists():
            workspace = stack.enter_context(Workspace.open_readonly(snapshot, crosswalk, batch_keys=100_000))
            mapping = bind_mapping(config, workspace.tables())
        id_map = sql.Identifier(config.target.ledger_schema, "id_map")
        spec = load_spec(config)
        yield Lookup(
            _ids(config, known_ids(config, target, work)),
            connection,
            id_map,
            workspace,
            mapping,
            spec.entities,
            mapped_entities(config, spec),
        )


def _ids(config: Config, known: KnownIds) -> Ids:
    secret = config.ids.secret.get_secret_value() if config.ids.secret is not None else known.secret
    if not secret:
        raise UsageError(
            "there is no id secret yet, neither in the configuration nor in the ledger nor in the state file",
            hint="run `migrate run` or `migrate verify` first, or set MIGRATE__IDS__SECRET",
        )
    return Ids(secret, rule=known.rule or HEX)
