"""What a run would do: read from both ends, nothing written to either."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mappers.base import Project
from migrate import __version__
from migrate.config import Config
from migrate.console import terminal_safe
from migrate.errors import TargetError
from migrate.fitting import find_misfits, require_fit
from migrate.ids import Ids
from migrate.kept_plan import digest
from migrate.opening import bind
from migrate.origin import Origin
from migrate.project import emptied_tables, make_project, mapped_names
from migrate.source.snapshot import forecast
from migrate.target.connection import Address
from migrate.target.content import Content, measure
from migrate.target.fingerprint import fingerprint
from migrate.target.preflight import Finding, inspect_target
from migrate.target.schema import introspect

#: What snapshot and crosswalk take of the disk, generously: the sample's rows take about 220 bytes.
BYTES_PER_ROW = 500


@dataclass(frozen=True)
class SourceTable:
    """One table of the source: its rows, and what becomes of it."""

    name: str
    rows: int
    fate: str


@dataclass(frozen=True)
class LiveTable:
    """One live table that publish touches: its rows now (None: may not be read), what becomes of them."""

    name: str
    rows: int | None
    fate: str


@dataclass(frozen=True)
class Plan:
    """Both ends as they are now and the stages between."""

    source: str
    source_named_by: str
    target: str
    target_named_by: str
    schema: str
    source_tables: list[SourceTable]
    live_tables: list[LiveTable]
    stages: list[tuple[str, str]]
    rows_billed: int
    backups: str
    findings: list[Finding]
    #: what must not have changed for the plan to hold: source, target, configuration, code
    marks: dict[str, str]

    @property
    def errors(self) -> list[Finding]:
        """The findings that forbid a run."""
        return [finding for finding in self.findings if finding.level == "error"]

    def facts(self) -> dict[str, Any]:
        """Return the plan as a JSON document."""
        return {"version": 1, **asdict(self)}

    def require(self) -> None:
        """Raise TargetError listing every error among the findings; return where there is none."""
        if self.errors:
            raise TargetError(
                "the migration cannot be made:\n"
                + "\n".join(f"  {finding.message}" for finding in self.errors),
                hint="; ".join(dict.fromkeys(finding.hint for finding in self.errors if finding.hint))
                or None,
            )


def make_plan(
    config: Config,
    work: Path,
    origin: Origin,
    address: Address,
    connection: psycopg.Connection[Any],
    named_by: str,
    stages: Sequence[tuple[str, str]] = (),
) -> Plan:
    """Look at both ends and return the plan; `stages` are names and what each does.

    Raises SourceError or TargetError where an end does not answer, UsageError
    where the source is no studio directory.
    """
    source = origin.open()
    try:
        catalogue = source.inspect()
        rows = forecast(source)
        moment = source.mark()
    finally:
        source.close()
    columns = {table.name: [column.name for column in table.columns] for table in catalogue.tables}
    live = introspect(connection, address.schema)
    project = make_project(config, columns)
    require_fit(columns, origin.label)
    mapped_names(config, project)
    writes = _writes(project)
    emptied = emptied_tables(config, live.tables)
    # Tables of the mapping that this source has nothing for: their rows are replaced with none.
    unfed = [name for name in project.tables_filled if name not in writes]
    findings = inspect_target(
        address,
        connection,
        live,
        ledger_schema=config.target.ledger_schema,
        staging_schema=config.target.staging_schema,
        writes=writes,
        emptied=[*emptied, *unfed],
        keep=config.target.keep,
    )
    findings += [
        Finding("note", f"the source table {left.name} is not copied: {left.reason}")
        for left in catalogue.left_out
        if left.reason.startswith("virtual")
    ]
    findings += find_misfits(config, project, {item.table: item.rows for item in rows})
    findings += _space(work, sum(item.rows for item in rows))
    replaced = [
        (name, _content(connection, address.schema, name), fate)
        for names, fate in (
            (writes, "replaced"),
            (unfed, "emptied: the source has none"),
            (emptied, "emptied"),
        )
        for name in names
        if name in live.tables
    ]
    return Plan(
        source=origin.label,
        source_named_by=origin.named_by,
        target=address.label,
        target_named_by=named_by,
        schema=address.schema,
        source_tables=[SourceTable(item.table, item.rows, _fate(project, item.table)) for item in rows],
        live_tables=[
            LiveTable(name, content.rows if content else None, fate) for name, content, fate in replaced
        ],
        stages=list(stages),
        rows_billed=sum(item.rows_read for item in rows),
        backups=str(work / "backups"),
        findings=findings,
        marks={
            "source": digest(
                [[table.sql for table in catalogue.tables], [asdict(row) for row in rows], moment]
            ),
            "target": digest(
                [
                    fingerprint(connection, address.schema),
                    [[name, str(content)] for name, content, _ in replaced],
                ]
            ),
            "configuration": digest(bind(config, origin, address)),
            "code": __version__,
        },
    )


def _content(connection: psycopg.Connection[Any], schema: str, table: str) -> Content | None:
    try:
        return measure(connection, schema, table)
    except TargetError as error:
        if isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            return None  # a finding names the right that is missing
        raise


def _writes(project: Project) -> dict[str, list[str]]:
    """Return the columns that the mappers give each table: those of what no row at all becomes."""
    nobody = Ids("no row, no id")
    written: dict[str, dict[str, None]] = {}
    for stage in project.stages:
        for mapper in stage.mappers:
            types = {"integer": pl.Int64, "text": pl.String}
            rows = pl.DataFrame(schema={name: types[cast] for name, cast in mapper.reads.columns.items()})
            for table, frame in mapper.map(rows, nobody).tables.items():
                written.setdefault(table, {}).update(dict.fromkeys(frame.columns))
    return {table: list(columns) for table, columns in written.items()}


def _fate(project: Project, table: str) -> str:
    if table in project.left_out:
        return f"left out: {project.left_out[table]}"
    return "unknown to the mapping" if table in project.unknown else "migrated"


def _space(work: Path, rows: int) -> list[Finding]:
    folder = next(path for path in [work, *work.parents] if path.exists())
    free = shutil.disk_usage(folder).free
    needed = rows * BYTES_PER_ROW
    if free >= needed:
        return []
    return [
        Finding(
            "error",
            f"the work folder {work} has {free:,} bytes free; about {needed:,} are needed",
            "name a roomier folder with --work",
        )
    ]


# ---- for a person --------------------------------------------------------------------


def show_plan(plan: Plan, console: Console) -> None:
    """Print the plan."""
    console.print(f"source  {terminal_safe(plan.source)}  (from {plan.source_named_by})", markup=False)
    console.print(
        f"target  {terminal_safe(plan.target)}, schema {terminal_safe(plan.schema)}  "
        f"(from {plan.target_named_by})",
        markup=False,
    )
    console.print(_table("Source tables", plan.source_tables))
    if plan.rows_billed:
        console.print(f"Reading them is billed as about {plan.rows_billed:,} rows read.")
    console.print(_table("Live tables that publish replaces or empties", plan.live_tables))
    console.print("Stages: " + ", ".join(name for name, _ in plan.stages))
    console.print(
        f"The live rows are backed up to {plan.backups} and the backup is restored once as a test.",
        markup=False,
    )
    for finding in plan.findings:
        console.print(f"{finding.level}: {terminal_safe(finding.message)}", markup=False)


def _table(title: str, rows: Sequence[SourceTable | LiveTable]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("what becomes of it")
    for row in rows:
        table.add_row(
            escape(terminal_safe(row.name)),
            "?" if row.rows is None else f"{row.rows:,}",
            escape(terminal_safe(row.fate)),
        )
    return table
