"""What a run did, as numbers and as tables for a person."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from mappers.base import BoundMapping, Breakdown
from mappers.reasons import LEFT_OUT, REPLACED
from migrate.pipeline.context import RunContext
from migrate.pipeline.crosswalk import open_workspace
from migrate.pipeline.mapping import mapped_names
from migrate.pipeline.stage import BackgroundTask
from migrate.pipeline.summary import snapshot_counts
from migrate.pipeline.summary.row_flows import FirstRow, RowFlow, first_rows, row_flows
from migrate.postgres.connection import Connection, connect
from migrate.postgres.table_checksum import Content
from migrate.publish.publication import HOW
from migrate.runtime import files
from migrate.runtime.background import Cancellation, Work
from migrate.staging import ledger_queries

FILE: Final = "summary.json"
#: Endings of the rules that lose a value.
_LOST: Final = (LEFT_OUT, REPLACED)


@dataclass
class Flow:
    """What the rows of one source table became; the four outcomes add up to `rows`."""

    table: str
    rows: int
    migrated: int = 0
    merged: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Changed:
    """Values of one source column that were changed during the migration.

    `lost` is true if the value is missing or replaced in the target.
    """

    table: str
    column: str
    rule: str
    rows: int
    lost: bool


@dataclass
class Summary:
    """A run in numbers; `left_out` are source tables that a rule does not migrate.

    `warnings` are the changed values, by rule; `changed` the same by column, the lost ones first. `contents`
    is what each live table held right after publish, empty before it; `mapped` what the id map holds,
    `legacy_keys` the target tables whose keys are the source's own. `categories` are the counts that
    `breakdown` describes; `metadata` is the target table that keeps values without a column, if any.
    """

    run_id: str
    outcome: str
    dry: bool
    flows: list[Flow]
    left_out: dict[str, tuple[str, int]]
    filled: dict[str, int]
    breakdown: Breakdown | None
    categories: dict[str, int]
    warnings: dict[str, int]
    changed: list[Changed]
    seconds: dict[str, float]
    publication: dict[str, Any]
    columns: list[dict[str, Any]]
    routes: list[RowFlow]
    first_rows: list[FirstRow]
    server: str
    mapped: list[str]
    legacy_keys: list[str]
    metadata: str
    contents: dict[str, Content]

    def facts(self) -> dict[str, Any]:
        """Return the summary as a JSON document."""
        return {"version": 1, **asdict(self)}


@dataclass(frozen=True)
class _Staged:
    """What snapshot and ledger know as soon as every row is staged; the fields are those of `Summary`."""

    counted: dict[str, int]
    columns: list[dict[str, Any]]
    flows: list[Flow]
    routes: list[RowFlow]
    first_rows: list[FirstRow]
    changed: list[Changed]


def summarise(run: RunContext) -> Summary:
    """Count what the run did, from the rows of snapshot, ledger and target."""
    staged = run.background.result(TASK.name, lambda: _count_staged(run, run.mapping, run.connection))
    mapping, counted, changed = run.mapping, staged.counted, staged.changed
    publication = ledger_queries.publication_of(run.connection, run.ledger, run.id)
    schema = run.address.schema if publication else run.staging
    return Summary(
        run_id=run.id,
        outcome=run.state.document.outcome,
        dry=run.dry,
        flows=staged.flows,
        left_out={
            name: (rule, counted[name])
            for name, rule in {**mapping.left_out, **dict.fromkeys(mapping.unknown, "unknown")}.items()
            if name in counted
        },
        filled=(
            {name: publication.tables[name].rows for name in run.filled}
            if publication
            else {name: _count(run, schema, name) for name in run.filled}
        ),
        breakdown=mapping.breakdown,
        categories=_categories(run, schema),
        warnings=_by_rule(changed),
        changed=changed,
        seconds={name: record.seconds for name, record in run.state.document.stages.items()},
        publication=_publication(run),
        columns=staged.columns,
        routes=staged.routes,
        first_rows=staged.first_rows,
        server=run.connection.info.parameter_status("server_version") or "",
        mapped=list(mapped_names(run.config, run.spec)),
        legacy_keys=list(run.spec.legacy_keys),
        metadata=run.spec.metadata,
        contents=publication.tables if publication else {},
    )


def _plan(run: RunContext) -> Work[_Staged]:
    mapping = run.mapping  # read here: the run's session is not for two threads

    def count(_cancellation: Cancellation) -> _Staged:
        with contextlib.closing(connect(run.address, read_only=True)) as session:
            return _count_staged(run, mapping, session)

    return count


#: What publish does not change is counted meanwhile.
TASK: Final = BackgroundTask("summary of what is staged", after="verify", plan=_plan)


def _count_staged(run: RunContext, mapping: BoundMapping, session: Connection) -> _Staged:
    counted, columns = snapshot_counts.take(run)
    with open_workspace(run) as workspace:
        counted_only = mapping.counted(workspace)
        sources = list(dict.fromkeys(account.source for account in mapping.accounts))
        flows = _flows(run, session, counted, sources)
        migrated = {flow.table: flow.migrated for flow in flows}
        routes = row_flows(run, session, workspace, mapping.accounts, migrated)
        named = first_rows(run, session, workspace, mapping.accounts)
    changed = _changed([*ledger_queries.warnings(session, run.ledger, run.id), *counted_only])
    return _Staged(counted, columns, flows, routes, named, changed)


def _flows(run: RunContext, session: Connection, counted: dict[str, int], tables: list[str]) -> list[Flow]:
    fates: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for table, fate, reason, count in ledger_queries.fates(session, run.ledger, run.id):
        fates[table][fate][reason] = count
    flows = []
    for table in tables:
        of = fates[table]
        flow = Flow(table, counted[table], 0, of["merged"], of["rejected"], of["excluded"])
        gone = sum(sum(reasons.values()) for reasons in (flow.merged, flow.rejected, flow.excluded))
        flow.migrated = flow.rows - gone
        flows.append(flow)
    return flows


def _changed(counts: list[tuple[str, str, str, int]]) -> list[Changed]:
    found = [Changed(*count, lost=is_lost(count[2])) for count in counts]
    return sorted(found, key=lambda one: (not one.lost, one.table, one.column, one.rule))


def is_lost(rule: str) -> bool:
    """Return whether a rule removes or replaces a value."""
    return rule.endswith(_LOST)


def _by_rule(changed: list[Changed]) -> dict[str, int]:
    rules: Counter[str] = Counter()
    for one in changed:
        rules[one.rule] += one.rows
    return dict(sorted(rules.items()))


def keep(summary: Summary, work: Path) -> Path:
    """Write the summary to `<work>/summary.json` and return its path."""
    path = work / FILE
    with files.write_atomically(path) as file:
        file.write(json.dumps(summary.facts(), indent=1).encode())
    return path


def _publication(run: RunContext) -> dict[str, Any]:
    """Return how publish went; empty if it was committed by a process that died."""
    stage = run.state.stage("publish")
    return {name: stage.facts[name] for name in HOW if name in stage.facts} if stage else {}


def _count(run: RunContext, schema: str, table: str) -> int:
    row = run.connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
    ).fetchone()
    return int(row[0]) if row else 0


def _categories(run: RunContext, schema: str) -> dict[str, int]:
    counted = run.mapping.breakdown
    if counted is None or counted.table not in run.filled:
        return {}
    rows = run.connection.execute(
        sql.SQL("SELECT value, count(*) FROM {} WHERE key = %s GROUP BY value ORDER BY 2 DESC, 1").format(
            sql.Identifier(schema, counted.table)
        ),
        (counted.key,),
    ).fetchall()
    return {str(value): int(count) for value, count in rows}


# ---- for a person --------------------------------------------------------------------
