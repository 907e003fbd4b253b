"""Opens what the checks need: source and target, the accounts and the live schema's shape."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import polars as pl

from mappers.base import MappedBatch, begin
from mappers.reasons import BY_RULE
from migrate.pipeline.context import RunContext
from migrate.pipeline.crosswalk import open_workspace
from migrate.pipeline.mapping import mapped_entities, mapped_names
from migrate.pipeline.written_columns import columns_of
from migrate.postgres.connection import Connection, connect
from migrate.runtime.errors import MigrateError
from migrate.snapshot.workspace import Workspace, open_sql
from verification import context

Part = TypeVar("Part")
Remap = Callable[[Sequence[str]], Iterator[tuple[str, pl.DataFrame]]]

#: With more source rows than these, two checks that read all of them would together take more memory
#: than anything else in a run.
_TOGETHER: Final = 20_000_000


@contextlib.contextmanager
def open_check_context(run: RunContext, *, schema: str) -> Iterator[context.CheckContext]:
    """Yield the context of the checks over the tables in `schema`: the staging schema or the live one."""
    with contextlib.ExitStack() as stack:
        workspace = stack.enter_context(open_workspace(run))
        snapshot = open_sql(run.snapshot_path, run.crosswalk_path)
        stack.callback(snapshot.close)
        spec, mapping = run.spec, run.mapping
        staged = schema == run.staging
        target = stack.enter_context(_reading(run))
        yield context.CheckContext(
            snapshot=snapshot,
            read=workspace.stream,
            target=target,
            schema=schema,
            live_schema=run.address.schema,
            ledger=run.ledger.schema,
            run_id=run.id,
            id_map=(run.staging, "id_map") if staged else (run.ledger.schema, "id_map"),
            ids=run.ids,
            accounts=mapping.accounts,
            left_out=mapping.left_out,
            tables={name: run.live.tables[name] for name in run.filled},
            foreign_keys=[
                key
                for key in run.live.foreign_keys
                if key.schema == key.ref_schema == run.address.schema and key.table in run.filled
            ],
            emptied=frozenset(run.emptied),
            shared=frozenset(spec.shared),
            derived=frozenset(spec.derived),
            legacy_keys=frozenset(spec.legacy_keys),
            hidden=mapping.hidden,
            identities=_identities(run),
            cells=mapping.cells,
            lineage=mapping.lineage(),
            mappers=[
                context.MapperColumns(mapper.name, mapper.reads.sql, columns_of(mapper))
                for stage in mapping.stages
                for mapper in stage.mappers
            ],
            mapped=frozenset(mapped_names(run.config, spec)),
            limits=context.Limits(
                run.config.verification.max_reject_share,
                run.config.verification.max_reject_shares,
                run.config.verification.max_reject_rows,
                BY_RULE,
            ),
            remap=_remap(run, workspace),
            remap_fates=lambda: _map_again(run, workspace, lambda mapped: [mapped.fates]),
            id_rule=run.ids.rule,
            summed=staged,
            second_connection=lambda: _second_connection(run),
            again=(lambda: _again(run)) if _source_rows(run) <= _TOGETHER else None,
            proven=(lambda: run.early_build.proven(run.should_stop)) if staged else frozenset,
        )


@contextlib.contextmanager
def _reading(run: RunContext) -> Iterator[Connection]:
    """Yield a connection to read the target; the run's own if the server has no other to give."""
    with _second_connection(run) as connection:
        yield connection or run.connection


@contextlib.contextmanager
def _second_connection(run: RunContext) -> Iterator[Connection | None]:
    """Yield a second connection to the target, None if the server has none to give."""
    if run.single_session:
        yield None
        return
    try:
        connection = connect(run.address, read_only=True)
    except MigrateError:
        yield None
        return
    with contextlib.closing(connection):
        yield connection


def _source_rows(run: RunContext) -> int:
    snapshot = run.state.stage("snapshot")
    return int(snapshot.facts.get("rows", 0)) if snapshot else 0


@contextlib.contextmanager
def _again(run: RunContext) -> Iterator[tuple[sqlite3.Connection, context.Read]]:
    """Yield the snapshot with its crosswalk, opened a second time."""
    with (
        Workspace.open_readonly(run.snapshot_path, run.crosswalk_path) as workspace,
        contextlib.closing(open_sql(run.snapshot_path, run.crosswalk_path)) as snapshot,
    ):
        yield snapshot, workspace.stream


def _remap(run: RunContext, workspace: Workspace) -> Remap:
    """Return a function that maps the rows of some target tables again."""

    def remap(tables: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        return _map_again(run, workspace, lambda mapped: mapped.tables.items(), tables)

    return remap


def _map_again(
    run: RunContext,
    workspace: Workspace,
    wanted: Callable[[MappedBatch], Iterable[Part]],
    tables: Sequence[str] | None = None,
) -> Iterator[Part]:
    """Yield the wanted part of each batch of the mappers of some target tables, or of all."""
    for stage in run.mapping.stages:
        for mapper in stage.mappers:
            if tables is not None and not set(mapper.writes).intersection(tables):
                continue
            ready = begin(mapper, workspace, run.ids)
            for rows in workspace.read(mapper.reads):
                yield from wanted(ready.map(rows, run.ids))


def _identities(run: RunContext) -> dict[str, tuple[str, str]]:
    """Return the mapped entities with the same name as the table they fill, with table and key column."""
    entities = mapped_entities(run.config, run.spec) if run.mapping.cells else ()
    return {
        account.target: (account.target, account.column)
        for account in run.mapping.accounts
        if account.target in entities
    }
