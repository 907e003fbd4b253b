"""What a run would do: read from source and target, nothing is written to either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from mappers.base import BoundMapping, MappingSpec, SourceTables
from migrate import __version__
from migrate.introspect.profile.manual_work import ManualWork, find_manual_work
from migrate.pipeline.mapping import bind_mapping, emptied_tables, load_spec, mapped_names
from migrate.pipeline.open_run import bind
from migrate.pipeline.plan.disk_space import find_too_little_space
from migrate.pipeline.plan.expected_schema import ExpectedSchema, expected_schema
from migrate.pipeline.plan.ledger_checks import ANY_SOURCE, inspect_ledger
from migrate.pipeline.plan.mapping_fit import (
    find_doubts,
    find_drift,
    find_mistakes,
    find_unknown,
    require_fit,
)
from migrate.pipeline.plan.not_migrated import find_not_migrated
from migrate.pipeline.plan.plan_file import digest
from migrate.pipeline.plan.target_checks import Finding, inspect_target
from migrate.pipeline.plan.unknown_names import find_unknown_names
from migrate.pipeline.written_columns import written_columns
from migrate.postgres.connection import Address
from migrate.postgres.locks import waiting_briefly
from migrate.postgres.schema_fingerprint import fingerprint
from migrate.postgres.table_checksum import Content, measure
from migrate.publish.swap_blockers import TableName, find_swap_blockers
from migrate.runtime.config import Config
from migrate.runtime.errors import TargetError
from migrate.snapshot.take import forecast
from migrate.source.configured import ConfiguredSource
from migrate.source.model import Catalogue, TableForecast
from migrate.staging.schema import ID_MAP

REPLACED: Final = "replaced"
EMPTIED: Final = "emptied"
UNFED: Final = "emptied: the source has no rows for it"


@dataclass(frozen=True)
class SourceTable:
    """One table of the source: its rows, what happens to it, and the tables that its rows go to."""

    name: str
    rows: int
    fate: str
    into: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveTable:
    """One live table that publish changes: its rows now (None: no right to read), and what happens to them.

    `coming` is the largest number of rows that it gets, None if the plan does not know.
    """

    name: str
    rows: int | None
    fate: str
    coming: int | None = None


@dataclass(frozen=True)
class Plan:
    """Source and target as they are now, and the stages between them."""

    source: str
    source_named_by: str
    target: str
    target_named_by: str
    schema: str
    source_tables: list[SourceTable]
    live_tables: list[LiveTable]
    made: list[str]
    stages: list[tuple[str, str]]
    rows_billed: int
    backups: str
    findings: list[Finding]
    #: what the operator must write again by hand in the target
    by_hand: list[ManualWork]
    #: what must stay the same for the plan to be valid: source, target, configuration, code
    marks: dict[str, str]

    @property
    def errors(self) -> list[Finding]:
        """Return the findings that forbid a run."""
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def source_rows(self) -> dict[str, int]:
        """Return the number of rows of all source tables."""
        return {table.name: table.rows for table in self.source_tables}

    def facts(self) -> dict[str, Any]:
        """Return the plan as a JSON document."""
        return {"version": 1, **asdict(self)}

    def require(self) -> None:
        """Raise TargetError with every error among the findings; return if there is none."""
        if self.errors:
            raise TargetError(
                "the migration cannot start:\n"
                + "\n".join(f"  {finding.message}" for finding in self.errors),
                hint="; ".join(dict.fromkeys(finding.hint for finding in self.errors if finding.hint))
                or None,
            )


def make_plan(
    config: Config,
    work: Path,
    origin: ConfiguredSource,
    address: Address,
    connection: psycopg.Connection[Any],
    named_by: str,
    stages: Sequence[tuple[str, str]] = (),
    *,
    replace_source: str | None = ANY_SOURCE,
) -> Plan:
    """Inspect source and target and return the plan; `stages` are pairs of name and purpose.

    Raises SourceError or TargetError if one of them does not answer or another session holds the live tables,
    UsageError if the mapping does not take such a source.
    """
    found_source = _inspect_source(origin)
    counts = {item.table: item.rows for item in found_source.rows}
    columns = _columns(found_source.catalogue)
    spec = load_spec(config)
    require_fit(spec, columns, origin.label)
    patience = config.target.lock_timeout_ms
    with waiting_briefly(connection, address.schema, patience):
        expected = expected_schema(config, work, address, connection)
    mapping = bind_mapping(config, columns, expected.live)
    mapped_names(config, spec)
    findings = find_mistakes(config, columns, expected.live)
    # A table that does not fit cannot be mapped, not even without rows.
    mistaken = bool(findings)
    findings += [*(find_drift(config) if expected.made else []), *find_doubts(config)]
    writes = {name: list[str]() for name in spec.tables_filled} if mistaken else written_columns(mapping)
    touched = _Touched(writes, emptied_tables(config, expected.live.tables), spec.tables_filled)
    findings += _inspect_target(config, address, connection, expected, touched, mistaken=mistaken)
    findings += inspect_ledger(
        connection, config.target.ledger_schema, address.schema, origin.label, replace_source
    )
    by_hand = list(find_manual_work(found_source.catalogue))
    findings += find_not_migrated(found_source.catalogue, by_hand)
    findings += find_unknown(config, mapping, counts)
    findings += find_unknown_names(config, counts, expected.live.tables)
    findings += _copy_instead_of_swap(
        config, connection, address.schema, [name for name, _ in touched.fates()]
    )
    findings += find_too_little_space(work, sum(counts.values()))
    coming = _coming(spec, mapping, counts)
    with waiting_briefly(connection, address.schema, patience):
        replaced = [
            (name, None if expected.made else _content(connection, address.schema, name), fate)
            for name, fate in touched.fates()
            if name in expected.live.tables
        ]
    return Plan(
        source=origin.label,
        source_named_by=origin.named_by,
        target=address.label,
        target_named_by=named_by,
        schema=address.schema,
        source_tables=[
            SourceTable(name, count, _fate(mapping, name), _into(mapping, name))
            for name, count in counts.items()
        ],
        live_tables=[
            LiveTable(name, _rows(expected, content), fate, coming.get(name) if fate == REPLACED else 0)
            for name, content, fate in replaced
        ],
        made=expected.made,
        stages=list(stages),
        rows_billed=sum(item.rows_read for item in found_source.rows),
        backups=str(work / "backups"),
        findings=findings,
        by_hand=by_hand,
        marks={
            "source": found_source.mark(),
            "target": digest(
                [_definitions(connection, address.schema), [[n, str(c)] for n, c, _ in replaced]]
            ),
            "configuration": digest(bind(config, origin, address)),
            "code": __version__,
        },
    )


@dataclass(frozen=True)
class _InspectedSource:
    """The source as it was inspected: its tables, their rows, and its version if it has one."""

    catalogue: Catalogue
    rows: list[TableForecast]
    version: str | None

    def mark(self) -> str:
        """Return a digest that changes with the source."""
        tables = [table.sql for table in self.catalogue.tables]
        return digest([tables, [asdict(row) for row in self.rows], self.version])


def _inspect_target(
    config: Config,
    address: Address,
    connection: psycopg.Connection[Any],
    expected: ExpectedSchema,
    touched: _Touched,
    *,
    mistaken: bool,
) -> list[Finding]:
    return inspect_target(
        address,
        connection,
        expected.live,
        ledger_schema=config.target.ledger_schema,
        staging_schema=config.target.staging_schema,
        writes={} if mistaken else touched.writes,
        emptied=[*touched.emptied, *touched.unfed],
        keep=config.target.keep,
    )


def _rows(expected: ExpectedSchema, content: Content | None) -> int | None:
    """Return the rows of a live table: 0 if it is not created yet, None if it must not be read."""
    if expected.made:
        return 0
    return content.rows if content else None


def _inspect_source(origin: ConfiguredSource) -> _InspectedSource:
    source = origin.open()
    try:
        return _InspectedSource(source.inspect(), forecast(source), source.mark())
    finally:
        source.close()


@dataclass(frozen=True)
class _Touched:
    """The live tables that publish changes: those written to, with the columns, and those emptied."""

    writes: Mapping[str, list[str]]
    emptied: list[str]
    filled: tuple[str, ...]

    @property
    def unfed(self) -> list[str]:
        """Return the tables of the mapping without a source table: their rows are replaced by none."""
        return [name for name in self.filled if name not in self.writes]

    def fates(self) -> Iterator[tuple[str, str]]:
        """Yield each table with what happens to its rows."""
        for names, fate in (
            (self.writes, REPLACED),
            (self.unfed, UNFED),
            (self.emptied, EMPTIED),
        ):
            yield from ((name, fate) for name in names)


def _columns(catalogue: Catalogue) -> SourceTables:
    """Return the source's tables as the snapshot will have them."""
    tables = SourceTables(
        (table.name, [column.name for column in table.columns if column.hidden != 1])
        for table in catalogue.tables
    )
    tables.without_rowid = frozenset(table.name for table in catalogue.tables if table.without_rowid)
    return tables


def _coming(spec: MappingSpec, mapping: BoundMapping, counts: Mapping[str, int]) -> dict[str, int]:
    """Return how many rows at most each table gets whose rows stand for one row of the source each."""
    coming: dict[str, int] = {}
    for account in mapping.accounts:
        if account.target not in (*spec.shared, *spec.derived):
            coming[account.target] = coming.get(account.target, 0) + counts.get(account.source, 0)
    return coming


def _definitions(connection: psycopg.Connection[Any], schema: str) -> dict[str, str]:
    try:
        return fingerprint(connection, schema)
    except TargetError as error:
        if isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            return {}  # a finding names the missing right
        raise


def _content(connection: psycopg.Connection[Any], schema: str, table: str) -> Content | None:
    try:
        return measure(connection, schema, table)
    except TargetError as error:
        if isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            return None  # a finding names the missing right
        raise


def _fate(mapping: BoundMapping, table: str) -> str:
    if table in mapping.left_out:
        return f"NOT migrated: {mapping.left_out[table]}"
    if table in mapping.chosen:
        return f"migrated where {mapping.chosen[table]}"
    return "missing in the mapping" if table in mapping.unknown else "migrated"


def _into(mapping: BoundMapping, table: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(account.target for account in mapping.accounts if account.source == table))


def _copy_instead_of_swap(
    config: Config, connection: psycopg.Connection[Any], schema: str, tables: Sequence[str]
) -> list[Finding]:
    """Return why publish cannot swap tables, and will block readers while it copies rows."""
    target = config.target
    table_names = [TableName(schema, target.staging_schema, table) for table in tables]
    table_names.append(TableName(target.ledger_schema, target.staging_schema, ID_MAP))
    return [
        Finding(
            "note",
            f"publish will copy the rows instead of swapping the tables, which locks them longer: {reason}",
        )
        for reason in find_swap_blockers(connection, table_names)
    ]
