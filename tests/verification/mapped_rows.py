"""The world's rows and outcomes as its mappers would give them, and the sums of them in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from mappers.base import FATES as SHAPE
from tests.verification.world import FATES, IDS, ROWS, RUN, TABLES, World
from verification.sums.batch_sums import BatchSums
from verification.sums.cell_sums import hash_of

SHAPES = {table.name: table for table in TABLES}


def frame_of(table: str) -> pl.DataFrame:
    """Return the rows of a table as a mapper gives them."""
    names = [column.name for column in SHAPES[table].columns]
    schema = {name: pl.Boolean if name in ("is_read", "accepted") else pl.String for name in names}
    rows = [[v if v is None or isinstance(v, bool) else str(v) for v in row] for row in ROWS[table]]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    moments = [name for name in names if name in ("seen", "created_at")]
    return frame.with_columns(pl.col(name).str.to_datetime(time_unit="ms") for name in moments)


def remap(_tables: Sequence[str] = ()) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the rows of all tables, in two batches."""
    for table in SHAPES:
        frame = frame_of(table)
        yield table, frame.head(1)
        yield table, frame.tail(-1)


def fates() -> pl.DataFrame:
    """Return the outcomes as the mappers give them."""
    return pl.DataFrame([(*fate, "a reason", None) for fate in FATES], schema=dict(SHAPE), orient="row")


def keep_sums(world: World, changed: dict[str, pl.DataFrame] | None = None) -> None:
    """Put the sums of two batches into the ledger; `changed` are frames that the mappers gave instead."""
    world.target.execute("CREATE TABLE IF NOT EXISTS ledger.batch (run_id text, sums jsonb)")
    world.target.execute("DELETE FROM ledger.batch")
    whole = {table: (changed or {}).get(table, frame_of(table)) for table in SHAPES}
    first = {table: frame.head(1) for table, frame in whole.items()}
    rest = {table: frame.tail(-1) for table, frame in whole.items()}
    for tables, outcomes in ((first, fates().head(2)), (rest, fates().tail(-2))):
        sums = BatchSums.of(tables, outcomes, SHAPES, hash_of(world.target))
        world.target.execute("INSERT INTO ledger.batch VALUES (%s, %s)", (RUN, sums.to_json()))
    world.changes |= {
        "summed": True, "remap": remap, "remap_fates": lambda: iter([fates()]), "id_rule": IDS.rule,
    }  # fmt: skip
