"""Commits a batch: its rows, outcomes, warnings, ids and its row of the ledger in one transaction."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl
from polars import selectors
from psycopg import errors, sql

from mappers.base import MappedBatch
from migrate.postgres.connection import Connection, to_migrate_error
from migrate.runtime.amount import amount
from migrate.runtime.errors import TargetError
from migrate.runtime.failpoints import hit
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP
from verification.sums.batch_sums import BatchSums

_FATES: Final = ("run_id", "source_table", "source_id", "fate", "reason", "detail")
_WARNINGS: Final = ("run_id", "source_table", "source_id", "column_name", "rule")
_COPY_CHUNK: Final = 1 << 20  # bytes handed to COPY at a time
#: How many rows of each source table, outcome and reason the ledger names for the summary.
NAMED: Final = 5


@dataclass(frozen=True)
class CsvTable:
    """Rows ready for COPY: `columns` in the order of the CSV in `data`."""

    columns: tuple[str, ...]
    rows: int
    data: bytes


@dataclass(frozen=True)
class EncodedBatch:
    """A mapped batch as CSV, which one thread can encode while another one copies."""

    tables: Mapping[str, CsvTable]
    fates: CsvTable
    first_fates: str
    warnings: CsvTable
    id_map: CsvTable


@dataclass(frozen=True)
class Batch:
    """One batch of one mapper.

    `number` counts from 1 without gaps; `first` and `last` are the smallest and the largest source key in it,
    `source_rows` the rows read. `encode_batch` may fill `encoded` in advance. `sums` are those of its cells:
    the checks compare the staged rows with them.
    """

    run_id: str
    stage: str
    mapper: str
    number: int
    first: int | None
    last: int | None
    source_rows: int
    mapped: MappedBatch
    encoded: EncodedBatch | None = None
    sums: BatchSums | None = None


def encode(frame: pl.DataFrame) -> bytes:
    """Return the frame as CSV without a header, as COPY reads it: '' quoted, NULL unquoted and empty.

    Bytes become bytea's hex form; times are converted to UTC and lose their zone.
    """
    plain = frame.with_columns(
        *(
            (pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name)
            for name, kind in frame.schema.items()
            if kind == pl.Binary
        ),
        selectors.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.replace_time_zone(None),
    )
    out = io.BytesIO()
    # Text is always quoted, so that it is never read as NULL or as COPY's end mark `\.`.
    plain.write_csv(
        out,
        include_header=False,
        quote_style="non_numeric",
        null_value="",
        datetime_format="%Y-%m-%d %H:%M:%S%.6f",
    )
    return out.getvalue()


def encode_batch(batch: Batch) -> Batch:
    """Return the batch encoded, without its frames; it does not use PostgreSQL, so any thread can run it."""
    if batch.encoded is not None:
        return batch
    run = pl.lit(batch.run_id).alias("run_id")
    mapped = batch.mapped
    encoded = EncodedBatch(
        tables={name: _csv_table(frame) for name, frame in mapped.tables.items()},
        fates=_csv_table(mapped.fates.select(run, *_FATES[1:]), _FATES),
        first_fates=_first_fates(mapped.fates),
        warnings=_csv_table(
            mapped.warnings.select(run, "source_table", "source_id", "column", "rule"), _WARNINGS
        ),
        id_map=_csv_table(mapped.id_map.select("entity", "legacy_id", "new_id", "via")),
    )
    return replace(batch, mapped=MappedBatch({}), encoded=encoded)


def _first_fates(fates: pl.DataFrame) -> str:
    """Return the first rows of each outcome as JSON: the shortest ids, in the order of their bytes.

    Here each batch sorts its own few; the server would sort the outcomes of all batches.
    """
    ascending = fates.sort(pl.col("source_id").str.len_chars(), "source_id")
    return ascending.group_by("source_table", "fate", "reason", maintain_order=True).head(NAMED).write_json()


def commit_batch(conn: Connection, ledger: Ledger, staging: str, batch: Batch) -> None:
    """Write the batch and its row of the ledger in one transaction.

    Raises AlreadyRunning if another run owns the target by now. Raises TargetError if the batch is already
    committed, does not follow its predecessor or holds a value that the target refuses. Raises
    TargetUnavailable if the connection or the server was lost. In all these cases nothing of the batch is
    committed.
    """
    encoded = encode_batch(batch).encoded
    assert encoded is not None
    where = f"batch {batch.number} of {batch.mapper}"
    try:
        with conn.transaction():
            ledger.guard(conn)
            _record(conn, ledger, batch, encoded)
            for table, table_csv in encoded.tables.items():
                _copy(conn, sql.Identifier(staging, table), table_csv)
            _copy(conn, ledger.name("fate"), encoded.fates)
            _copy(conn, ledger.name("warning"), encoded.warnings)
            _copy(conn, sql.Identifier(staging, ID_MAP), encoded.id_map)
            hit(f"{batch.stage}:copied")
    except errors.Error as error:
        raise to_migrate_error(f"writing {where}", error) from error


def _record(conn: Connection, ledger: Ledger, batch: Batch, encoded: EncodedBatch) -> None:
    rows = {table: table_csv.rows for table, table_csv in encoded.tables.items()}
    added = conn.execute(
        sql.SQL(
            "INSERT INTO {batch} (run_id, stage, mapper, number, first, last, source_rows, target_rows,"
            " first_fates, sums) SELECT %(run)s, %(stage)s, %(mapper)s, %(number)s, %(first)s, %(last)s,"
            " %(source)s, %(target)s, %(fates)s, %(sums)s"
            " WHERE %(number)s = 1 + (SELECT coalesce(max(number), 0) FROM {batch}"
            "                         WHERE run_id = %(run)s AND mapper = %(mapper)s)"
            " AND NOT EXISTS (SELECT 1 FROM {finished} WHERE run_id = %(run)s AND mapper = %(mapper)s)"
        ).format(batch=ledger.name("batch"), finished=ledger.name("finished")),
        {
            "run": batch.run_id,
            "stage": batch.stage,
            "mapper": batch.mapper,
            "number": batch.number,
            "first": batch.first,
            "last": batch.last,
            "source": batch.source_rows,
            "target": json.dumps(rows),
            "fates": encoded.first_fates,
            "sums": None if batch.sums is None else batch.sums.to_json(),
        },
    )
    if added.rowcount != 1:
        raise TargetError(
            f"batch {batch.number} of {batch.mapper} is already in the ledger, or does not follow "
            "the last one",
            hint="run the same command again; it continues after the ledger's last batch",
        )


def _csv_table(frame: pl.DataFrame, columns: Sequence[str] = ()) -> CsvTable:
    return CsvTable(tuple(columns or frame.columns), frame.height, encode(frame) if frame.height else b"")


def _copy(conn: Connection, table: sql.Identifier, table_csv: CsvTable) -> None:
    if not table_csv.rows:
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, table_csv.columns))
    )
    data = memoryview(table_csv.data)
    cursor = conn.cursor()
    with cursor.copy(statement) as copy:
        for start in range(0, len(data), _COPY_CHUNK):
            copy.write(data[start : start + _COPY_CHUNK])
    if cursor.rowcount != table_csv.rows:
        raise TargetError(
            f"COPY took {amount(cursor.rowcount, 'row')} of {table_csv.rows} into {table.as_string(conn)}",
            hint="nothing of the batch was kept; report this with the PostgreSQL version",
        )
