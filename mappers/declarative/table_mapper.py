"""The rows of one source table: what is read of them, and the target's rows that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

import polars as pl

from mappers.base import ID_MAP, Ids, MappedBatch, Query
from mappers.base import Cast as Reads
from mappers.declarative.casts.cell import cell_columns, failed, storage_classes
from mappers.declarative.casts.column_expr import ColumnExpr, read_line
from mappers.declarative.casts.masks import masked
from mappers.declarative.composite_references import CompositeReference, pairs_of
from mappers.declarative.embedded_ids import with_new_ids
from mappers.declarative.reference_exprs import ReferenceExprs
from mappers.declarative.references import References
from mappers.declarative.source_table import UNIT, MappedColumn, SourceTable
from mappers.reasons import Code, Reason, left_out, replaced
from mappers.row_outcomes import fates, warn
from mappers.sqlite_sql import quoted

#: The outcome of a row that is not migrated, in its batch: fate, reason and detail in one text.
_OUTCOMES: Final = (
    "(SELECT settled.fate || char(31) || settled.reason || char(31) || coalesce(settled.detail, '')"
    " FROM x.settled AS settled WHERE settled.source = {source} AND settled.number = {number})"
)
#: Names, for a row, the columns whose bytes were not UTF-8; see `migrate.snapshot.workspace`.
INVALID: Final = "invalid_utf8"
A = TypeVar("A")
B = TypeVar("B")
#: The alias of the current table.
ROW: Final = "c"


@dataclass(frozen=True)
class _Judged:
    """A checked batch: its rows with a value `t…` for each column, and the rejections and warnings."""

    rows: pl.DataFrame
    rejects: list[tuple[pl.Expr, Reason, str]] = field(default_factory=list)
    warnings: list[tuple[pl.Expr, str, Code]] = field(default_factory=list)


class TableMapper:
    """Implements `mappers.base.Mapper` for one source table."""

    def __init__(self, table: SourceTable, references: References, constants: Mapping[str, Any]) -> None:
        self.pairs = pairs_of(table, references.tables)
        self.name = self.source = table.name
        self.writes: tuple[str, ...] = (table.target,)
        self._table, self._references = table, references
        self._constants = constants
        self._links = ReferenceExprs(table, references)
        self.reads = self._query()

    def depends_on(self) -> frozenset[str] | None:
        """Return the table and those that decide whether its references are followed; see `Repeatable`."""
        found: dict[str, SourceTable] = {}
        waiting = [self._table]
        while waiting:
            table = waiting.pop()
            if table.name in found:
                continue
            found[table.name] = table
            waiting += [parent for line in table.lines for _, parent in self._references.named(line)]
            waiting += [pair.parent for pair in pairs_of(table, self._references.tables)]
        alone = not self._table.lists and self._table.name not in self._references.made_up
        return frozenset(found) if alone else None

    @cached_property
    def _plain(self) -> tuple[MappedColumn, ...]:
        return tuple(line for line in self._table.lines if not self._links.links(line))

    @cached_property
    def _linked(self) -> tuple[MappedColumn, ...]:
        return tuple(line for line in self._table.lines if self._links.links(line))

    def _query(self, where: str = "", *, linked: bool = True) -> Query:
        """Return the query of the rows; without `linked` only for what a row's own cells decide."""
        table, number = self._table, self._table.row_key(ROW)
        cells = [line.cell(ROW) for line in table.lines]
        columns: list[tuple[str, str, Reads]] = [
            ("number", number, "integer"),
            ("source_id", table.name_of_row(ROW), "text"),
            ("settled", _OUTCOMES.format(source=table.number, number=number), "text"),
            ("classes", storage_classes(cells), "text"),
        ]
        for line in table.lines:
            columns += cell_columns(line, ROW)
            if linked:
                columns += self._links.columns(line, ROW)
        if linked:
            columns += [(pair.flag, pair.dangles(ROW), "integer") for pair in self.pairs]
        selected = ", ".join(f"{sql} AS {quoted(name)}" for name, sql, _ in columns)
        return Query(
            sql=f"SELECT {selected} FROM {table.rows(ROW)}"  # noqa: S608  quoted names, constants of the file
            f" WHERE {number} > ?1{where} ORDER BY {number} LIMIT ?2",
            key="number",
            columns={name: reads for name, _, reads in columns},
            count=f"SELECT count(*) FROM {quoted(table.name)}",  # noqa: S608
        )

    def own_cells(self, where: str) -> Query:
        """Return the query of the rows that `where` selects, without what they refer to."""
        return self._query(where, linked=False)

    def misfits(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return number, reason and detail of the rows of `own_cells` whose own cells do not fit."""
        judged = self._judge_cells(rows)
        return _first(judged).filter(pl.col("reason").is_not_null()).select("number", "reason", "detail")

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return the target's rows, the outcomes of the others, and what was changed."""
        judged = self._judge_cells(rows)
        judged = self._judge_links(judged, ids)
        verdict = _with_outcomes(_first(judged))
        kept = verdict.filter(pl.col("fate").is_null())
        return MappedBatch(
            {self._table.target: kept.select(*self._values())},
            fates=fates(verdict, pl.lit(self._table.name), pl.col("source_id")),
            warnings=self._warnings(kept, judged),
            id_map=self._id_map(kept),
        )

    def _judge_cells(self, rows: pl.DataFrame) -> _Judged:
        reads = [(line, read_line(line)) for line in self._plain]
        cast = rows.with_columns(read.cast for _, read in reads if read.cast is not None)
        judged = _Judged(cast.with_columns(read.value.alias(f"t{line.at}") for line, read in reads))
        for line in self._table.lines:
            if line.failed:
                _note_failed(judged, line)
        for line, read in reads:
            _note(judged, line, read)
        return judged

    def _judge_links(self, judged: _Judged, ids: Ids) -> _Judged:
        reads = [(line, self._links.read(line, ids)) for line in self._linked]
        rows = judged.rows.with_columns(read.value.alias(f"t{line.at}") for line, read in reads)
        for line in self._plain:
            if line.mapping.ids:
                rows, read = with_new_ids(rows, line, self._references, ids)
                reads.append((line, read))
        rows = rows.with_columns(
            masked(pl.col(f"t{line.at}"), line.mapping.mask, ids).alias(f"t{line.at}")
            for line in self._plain
            if line.mapping.mask not in (None, "null")
        )
        linked = _Judged(rows, judged.rejects, judged.warnings)
        for line, read in reads:
            _note(linked, line, read)
        for pair in self.pairs:
            linked = _without(linked, pair)
        return linked

    def _values(self) -> Iterator[pl.Expr]:
        for line in self._table.lines:
            yield pl.col(f"t{line.at}").alias(line.to.name)
        for name, value in self._constants.items():
            yield pl.lit(value).alias(name)

    def _warnings(self, kept: pl.DataFrame, judged: _Judged) -> pl.DataFrame:
        """Return what was changed in the rows that are migrated."""
        source = (pl.lit(self._table.name), pl.col("source_id"))
        found = [warn(kept.drop(INVALID, strict=False), *source, *_holding(kept, judged.warnings))]
        if INVALID in kept.columns:
            names = {f"v{line.at}": line.column for line in self._table.lines}
            column = pl.col(INVALID).str.split(",").alias("column")
            broken = kept.drop_nulls(INVALID).select("source_id", column).explode("column")
            named = pl.col("column").replace_strict(names, default=None, return_dtype=pl.String)
            found.append(
                broken.with_columns(named)
                .drop_nulls("column")
                .select(
                    source[0].alias("source_table"),
                    "source_id",
                    "column",
                    pl.lit(Reason.INVALID_UTF8).alias("rule"),
                )
            )
        return pl.concat(found)

    def _id_map(self, kept: pl.DataFrame) -> pl.DataFrame:
        """Return the new keys by the old ones, for a table with new keys of its own, not another table's."""
        line = self._table.new_id or self._table.key_line
        if line is None or self._references.root(self._table).entity != self._table.target:
            return pl.DataFrame(schema=dict(ID_MAP))
        return kept.select(
            pl.lit(self._table.target).alias("entity"),
            pl.col(f"r{line.at}").alias("legacy_id"),
            pl.col(f"t{line.at}").alias("new_id"),
            pl.lit(self._table.name).alias("via"),
        )


def _note(judged: _Judged, line: MappedColumn, read: ColumnExpr) -> None:
    judged.rejects.extend((condition, reason, line.column) for condition, reason in read.rejects)
    judged.warnings.extend((condition, line.column, rule) for condition, rule in read.warnings)
    if line.to.not_null:
        judged.rejects.append((pl.col(f"t{line.at}").is_null(), Reason.REQUIRED, line.column))


def _note_failed(judged: _Judged, line: MappedColumn) -> None:
    """Reject the rows on which an expression fails, or leave its value out."""
    policy, reason = line.mapping.otherwise, Reason.EXPRESSION_FAILED
    if policy == "reject":
        judged.rejects.append((failed(line), reason, line.column))
    else:
        rule = replaced(reason) if policy == "default" else left_out(reason)
        judged.warnings.append((failed(line), line.column, rule))


def _without(judged: _Judged, pair: CompositeReference) -> _Judged:
    """Reject the rows in which a reference of several columns dangles, or leave its values out."""
    dangles = pl.col(pair.flag) == 1
    if pair.reference.dangling == "reject":
        judged.rejects.append((dangles, Reason.DANGLING, pair.column_names))
        return judged
    rows, warnings = judged.rows, list(judged.warnings)
    for line in pair.emptied():
        value, lost = f"t{line.at}", f"{pair.flag}_{line.at}"
        rows = rows.with_columns((dangles & pl.col(value).is_not_null()).alias(lost))
        rows = rows.with_columns(pl.when(~dangles).then(pl.col(value)).alias(value))
        warnings.append((pl.col(lost), line.column, left_out(Reason.DANGLING)))
    return _Judged(rows, judged.rejects, warnings)


def _holding(rows: pl.DataFrame, noted: list[tuple[pl.Expr, A, B]]) -> list[tuple[pl.Expr, A, B]]:
    """Return those of `noted` that are true for any row."""
    if not noted:
        return []
    flags = rows.select(condition.any().alias(str(n)) for n, (condition, _, _) in enumerate(noted)).row(0)
    return [one for one, holds in zip(noted, flags, strict=True) if holds]


def _first(judged: _Judged) -> pl.DataFrame:
    """Return the rows with reason and detail (the column) of the first fault of each."""
    reason, detail = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for condition, why, column in reversed(_holding(judged.rows, judged.rejects)):
        reason = pl.when(condition).then(pl.lit(why)).otherwise(reason)
        detail = pl.when(condition).then(pl.lit(column)).otherwise(detail)
    return judged.rows.with_columns(reason.alias("reason"), detail.alias("detail"))


def _with_outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the outcome that the crosswalk or their own cells gave them."""
    outcomes = pl.col("settled").str.splitn(UNIT, 3).struct
    known, wrong = pl.col("settled").is_not_null(), pl.col("reason").is_not_null()
    return rows.with_columns(
        pl.when(known).then(outcomes.field("field_0")).when(wrong).then(pl.lit("rejected")).alias("fate"),
        pl.when(known).then(outcomes.field("field_1")).otherwise("reason").alias("reason"),
        pl.when(known).then(outcomes.field("field_2").replace("", None)).otherwise("detail").alias("detail"),
    )
