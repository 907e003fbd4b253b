"""Proves migrated rows by the rows that they became in one column of one target table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from psycopg import sql

from verification.accounted_rows import BETWEEN, AccountedRows, new_ids
from verification.context import CheckContext, Table
from verification.multiset_diff import Staged, compare
from verification.queries import ask, at, count_rows, key_of, stream, texts
from verification.result import Outcome
from verification.sums.batch_sums import fates_as_mapped, rows_as_mapped

#: between a source table and the key of its row, in the text that identifies a row
_BETWEEN = "\x1e"
_UNACCOUNTED = "no source row belongs to this row"


def prove(
    context: CheckContext,
    target: str,
    columns: Sequence[str],
    accounted_rows: Sequence[AccountedRows],
    outcome: Outcome,
) -> None:
    """Record the migrated rows without their target row, and the target rows without a source row.

    `columns` are those of the key that identifies the rows; without any the rows are counted.
    """
    if target not in context.tables:
        for accounted in accounted_rows:
            rows = sum(free.height for free, _ in accounted.rows())
            if rows:
                what = f"goes to {target}, which is not filled"
                outcome.found_many(accounted.account.source, [None], what, total=rows)
        return
    if not columns:
        _counted(context, target, accounted_rows, outcome)
    elif target in context.shared | context.derived:
        _each(context, target, columns, accounted_rows, outcome)
    elif not proven_by_sums(context, target, columns, accounted_rows):
        _one_to_one(context, target, columns, accounted_rows, outcome)


def _text(columns: Sequence[str]) -> sql.Composable:
    """Return SQL for the key of a row as text, its parts as one."""
    texts = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    if len(texts) == 1:
        return texts[0]
    # Not concat_ws, which leaves out what is null.
    between = [part for text in texts for part in (sql.Literal(BETWEEN), text)][1:]
    return sql.SQL("concat({})").format(sql.SQL(", ").join(between))


def _text_column(table: Table, columns: Sequence[str]) -> tuple[str, str] | None:
    """Return table and column if the key is one text column."""
    column = table.column(columns[0]) if len(columns) == 1 else None
    return (table.name, column.name) if column is not None and column.type == "text" else None


def proven_by_sums(
    context: CheckContext, target: str, columns: Sequence[str], accounted_rows: Sequence[AccountedRows]
) -> bool:
    """Return whether sums and counts prove the rows, so that no key need be derived and compared.

    The staged rows and the outcomes are those that the mappers gave; there are as many rows as source rows
    without an outcome; and no two rows have the same key. What is not asked here is whether each row has the
    id of its own source row: `verification.id_oracle` derives some of them by other code, a deep check all.
    """
    if context.deep or not rows_as_mapped(context, target) or not fates_as_mapped(context):
        return False
    table = context.tables[target]
    unique = any(
        key.columns and set(key.columns) <= set(columns) and not key.expressions and key.predicate is None
        for key in table.keys
    )
    return unique and sum([accounted.tally() for accounted in accounted_rows]) == count_rows(context, target)


def _counted(
    context: CheckContext, target: str, accounted_rows: Sequence[AccountedRows], outcome: Outcome
) -> None:
    """Compare only the number of rows, for a table whose rows have no key to identify them."""
    for accounted in accounted_rows:
        for _ in accounted.rows():
            pass
    migrated, held = sum(accounted.unfated for accounted in accounted_rows), count_rows(context, target)
    if migrated != held:
        outcome.found(target, None, f"holds {held} rows, but {migrated} were migrated into it")


def _one_to_one(
    context: CheckContext,
    target: str,
    columns: Sequence[str],
    accounted_rows: Sequence[AccountedRows],
    outcome: Outcome,
) -> None:
    def expected() -> Iterator[pl.DataFrame]:
        for accounted in accounted_rows:
            name = pl.lit(accounted.account.source + _BETWEEN) + pl.col("source_id")
            for free, _ in accounted.rows():
                yield new_ids(context, free).select(pl.col("id").alias("text"), name.alias("key"))

    table = context.tables[target]
    staged = Staged(at(context, target), _text(columns), key_of(table), whole=_text_column(table, columns))
    difference = compare(context, expected, staged)
    named = difference.missing["key"].to_list()
    for source, key in (name.split(_BETWEEN, 1) for name in named):
        outcome.found(source, key, f"was migrated, but {target} has no row of its own for it")
    unexpected = difference.unexpected["key"].to_list()
    outcome.found_many(target, unexpected, _UNACCOUNTED, ", ".join(columns))
    if difference.unnamed:
        what = "more rows do not match than can be listed"
        outcome.found_many(target, [None], what, ", ".join(columns), total=difference.unnamed)


def _each(
    context: CheckContext,
    target: str,
    columns: Sequence[str],
    accounted_rows: Sequence[AccountedRows],
    outcome: Outcome,
) -> None:
    shared = target in context.shared
    seen = pl.DataFrame(schema={"mark": pl.UInt64})
    for accounted in accounted_rows:
        source = accounted.account.source
        for free, barred in accounted.rows():
            ids = new_ids(context, free.unique(_identified_by(free)) if shared else free).with_columns(
                pl.col("id").hash().alias("mark")
            )
            new = ids.unique("mark", keep="any").join(seen, on="mark", how="anti")
            if not shared and new.height < ids.height:
                again = ids.join(seen, on="mark", how="semi").vstack(
                    ids.filter(pl.col("mark").is_duplicated())
                )
                keys = again["source_id"].unique().sort().to_list()
                outcome.found_many(source, keys, f"shares its row of {target} with another row")
            seen.extend(new.select("mark"))
            lost = new.join(present(context, target, columns, new), on="id", how="anti")["source_id"]
            outcome.found_many(source, lost.sort().to_list(), f"was migrated, but {target} has no row for it")
            if not shared and barred.height:
                ids = new_ids(context, barred)
                kept = ids.join(present(context, target, columns, ids), on="id", how="semi")["source_id"]
                outcome.found_many(source, kept.sort().to_list(), f"must not be migrated, but is in {target}")
    if target not in context.derived and count_rows(context, target) != seen.height:
        _surplus(context, target, columns, seen, outcome)


def _identified_by(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name.startswith(("entity", "key"))]


def present(context: CheckContext, target: str, columns: Sequence[str], ids: pl.DataFrame) -> pl.DataFrame:
    """Return which values of the column `id` are in the target, once each."""
    query = sql.SQL(
        "SELECT wanted.id FROM unnest(%s::text[]) AS wanted (id) WHERE EXISTS "
        "(SELECT FROM {} AS held WHERE {} = wanted.id)"
    ).format(at(context, target), _text(columns))
    rows = ask(context, query, ids["id"].unique().to_list())
    return pl.DataFrame(rows, schema={"id": pl.String}, orient="row")


def _surplus(
    context: CheckContext, target: str, columns: Sequence[str], seen: pl.DataFrame, outcome: Outcome
) -> None:
    table = at(context, target)
    query = sql.SQL("SELECT {}, {} FROM {}").format(_text(columns), key_of(context.tables[target]), table)
    found = pl.DataFrame(schema={"mark": pl.UInt64})
    for frame in stream(context, query, texts("id", "key")):
        marked = frame.with_columns(pl.col("id").hash().alias("mark")).with_row_index("place")
        first = marked.unique("mark", keep="first", maintain_order=True).join(found, on="mark", how="anti")
        proven = first.join(seen, on="mark", how="semi")
        extra = marked.join(proven, on="place", how="anti")["key"]
        outcome.found_many(target, extra.sort().to_list(), _UNACCOUNTED, ", ".join(columns))
        found.extend(first.select("mark"))
