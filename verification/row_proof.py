"""Proving migrated rows by the rows that they became in one column of one target table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from psycopg import sql

from verification.accounted_rows import BETWEEN, Walk, new_ids
from verification.context import Subject, Table
from verification.multiset_diff import Staged, compare
from verification.queries import ask, at, count_rows, key_of, stream, texts
from verification.result import Outcome

#: between a source table and the key of its row, in what we carry along to name a row
_BETWEEN = "\x1e"
_UNACCOUNTED = "no source row accounts for this row"


def prove(
    subject: Subject, target: str, columns: Sequence[str], walks: Sequence[Walk], outcome: Outcome
) -> None:
    """Record the migrated rows without their target row, and the target rows without a source row.

    `columns` are those of the key that tells the rows; without any they are counted.
    """
    if target not in subject.tables:
        for walk in walks:
            rows = sum(free.height for free, _ in walk.rows())
            if rows:
                what = f"is proven by {target}, which is not filled"
                outcome.found_many(walk.account.source, [None], what, total=rows)
        return
    if not columns:
        _counted(subject, target, walks, outcome)
    elif target in subject.shared | subject.derived:
        _each(subject, target, columns, walks, outcome)
    else:
        _one_to_one(subject, target, columns, walks, outcome)


def _text(columns: Sequence[str]) -> sql.Composable:
    """Return SQL for what the key of a row is as text, its parts as one."""
    texts = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    if len(texts) == 1:
        return texts[0]
    # Not concat_ws, which leaves out what is null.
    between = [part for text in texts for part in (sql.Literal(BETWEEN), text)][1:]
    return sql.SQL("concat({})").format(sql.SQL(", ").join(between))


def _whole(table: Table, columns: Sequence[str]) -> tuple[str, str] | None:
    """Return table and column where the key is one column that is text already."""
    column = table.column(columns[0]) if len(columns) == 1 else None
    return (table.name, column.name) if column is not None and column.type == "text" else None


def _counted(subject: Subject, target: str, walks: Sequence[Walk], outcome: Outcome) -> None:
    """Hold a table that nothing tells the rows of by their number alone."""
    for walk in walks:
        for _ in walk.rows():
            pass
    migrated, held = sum(walk.unfated for walk in walks), count_rows(subject, target)
    if migrated != held:
        outcome.found(target, None, f"holds {held} rows, but {migrated} were migrated to it")


def _one_to_one(
    subject: Subject, target: str, columns: Sequence[str], walks: Sequence[Walk], outcome: Outcome
) -> None:
    def expected() -> Iterator[pl.DataFrame]:
        for walk in walks:
            name = pl.lit(walk.account.source + _BETWEEN) + pl.col("source_id")
            for free, _ in walk.rows():
                yield new_ids(subject, free).select(pl.col("id").alias("text"), name.alias("key"))

    table = subject.tables[target]
    staged = Staged(at(subject, target), _text(columns), key_of(table), whole=_whole(table, columns))
    difference = compare(subject, expected, staged)
    named = difference.missing["key"].to_list()
    for source, key in (name.split(_BETWEEN, 1) for name in named):
        outcome.found(source, key, f"was migrated, but {target} has no row of its own for it")
    unexpected = difference.unexpected["key"].to_list()
    outcome.found_many(target, unexpected, _UNACCOUNTED, ", ".join(columns))
    if difference.unnamed:
        what = "more rows than can be named do not match"
        outcome.found_many(target, [None], what, ", ".join(columns), total=difference.unnamed)


def _each(
    subject: Subject, target: str, columns: Sequence[str], walks: Sequence[Walk], outcome: Outcome
) -> None:
    shared = target in subject.shared
    seen = pl.DataFrame(schema={"mark": pl.UInt64})
    for walk in walks:
        source = walk.account.source
        for free, barred in walk.rows():
            ids = new_ids(subject, free.unique(_told_by(free)) if shared else free).with_columns(
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
            lost = new.join(_there(subject, target, columns, new), on="id", how="anti")["source_id"]
            outcome.found_many(source, lost.sort().to_list(), f"was migrated, but {target} has no row for it")
            if not shared and barred.height:
                ids = new_ids(subject, barred)
                kept = ids.join(_there(subject, target, columns, ids), on="id", how="semi")["source_id"]
                outcome.found_many(
                    source, kept.sort().to_list(), f"was not to be migrated, but is in {target}"
                )
    if target not in subject.derived and count_rows(subject, target) != seen.height:
        _surplus(subject, target, columns, seen, outcome)


def _told_by(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name.startswith(("entity", "key"))]


def _there(subject: Subject, target: str, columns: Sequence[str], ids: pl.DataFrame) -> pl.DataFrame:
    """Return which of the column `id` are in the target, once each."""
    query = sql.SQL(
        "SELECT wanted.id FROM unnest(%s::text[]) AS wanted (id) WHERE EXISTS "
        "(SELECT FROM {} AS held WHERE {} = wanted.id)"
    ).format(at(subject, target), _text(columns))
    rows = ask(subject, query, ids["id"].unique().to_list())
    return pl.DataFrame(rows, schema={"id": pl.String}, orient="row")


def _surplus(
    subject: Subject, target: str, columns: Sequence[str], seen: pl.DataFrame, outcome: Outcome
) -> None:
    table = at(subject, target)
    query = sql.SQL("SELECT {}, {} FROM {}").format(_text(columns), key_of(subject.tables[target]), table)
    found = pl.DataFrame(schema={"mark": pl.UInt64})
    for frame in stream(subject, query, texts("id", "key")):
        marked = frame.with_columns(pl.col("id").hash().alias("mark")).with_row_index("place")
        first = marked.unique("mark", keep="first", maintain_order=True).join(found, on="mark", how="anti")
        proven = first.join(seen, on="mark", how="semi")
        extra = marked.join(proven, on="place", how="anti")["key"]
        outcome.found_many(target, extra.sort().to_list(), _UNACCOUNTED, ", ".join(columns))
        found.extend(first.select("mark"))
