"""One text form for the cells of a row, for PostgreSQL's rows and for a mapper's.

A row's text is its cells one after the other, each as its length in characters, a colon and the text, or `-`
for null: '' and null stay different, and no value can be read as two.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
from psycopg import sql

from verification.context import Column

_NULL = "-"
#: types for which a mapper's text and PostgreSQL's text may differ
_UNCOMPARED = ("xml", "tsvector")
#: arrays that a mapper writes as PostgreSQL prints them
ARRAYS = ("text[]", "uuid[]", "boolean[]", "smallint[]", "integer[]", "bigint[]")
_FLOATS = ("real", "double precision")
#: a function of the server takes no more than 100 arguments
_ARGUMENTS = 50


def comparable(column: Column) -> bool:
    """Return whether a column's cells have one form on both sides: not computed ones, few arrays."""
    plain = not column.type.endswith("[]") or column.type in ARRAYS
    return not column.generated and column.type not in _UNCOMPARED and plain


def staged_row(columns: Sequence[Column]) -> sql.Composed:
    """Return an SQL expression for the text of a row."""
    cells = [sql.SQL("coalesce(length({0}) || ':' || {0}, {1})").format(_staged(c), _NULL) for c in columns]
    pieces = [cells[start : start + _ARGUMENTS] for start in range(0, len(cells), _ARGUMENTS)]
    joined = [sql.SQL("concat({})").format(sql.SQL(", ").join(piece)) for piece in pieces or [cells]]
    return sql.SQL("({})").format(sql.SQL(" || ").join(joined))


def _staged(column: Column) -> sql.Composed:
    name = sql.Identifier(column.name)
    if column.type.endswith("with time zone"):
        return sql.SQL("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')").format(name)
    if column.type.startswith("timestamp"):
        return sql.SQL("to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')").format(name)
    if column.type.startswith("numeric"):
        return sql.SQL("trim_scale({})::text").format(name)
    if column.type in _FLOATS:
        # Not ::numeric at once, which rounds to 15 digits.
        return sql.SQL(
            "CASE WHEN {0} IN ('NaN', 'Infinity', '-Infinity') THEN {0}::text"
            " ELSE trim_scale({0}::text::numeric)::text END"
        ).format(name)
    if _is_vector(column):
        return sql.SQL(
            "(SELECT '[' || string_agg(trim_scale(x::text::numeric)::text, ',' ORDER BY n) || ']'"
            " FROM unnest({}::real[]) WITH ORDINALITY AS of_vector(x, n))"
        ).format(name)
    if column.type == "bytea":
        return sql.SQL("encode({}, 'hex')").format(name)
    return sql.SQL("{}::text").format(name)


def expected_row(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.Expr:
    """Return an expression for the text of a row of `frame`, whose columns `columns` names."""
    texts = [_expected(column, frame.schema[column.name]) for column in columns]
    cells = [pl.concat_str(t.str.len_chars(), pl.lit(":"), t).fill_null(_NULL) for t in texts]
    return pl.concat_str(cells)


def _expected(column: Column, given: pl.DataType) -> pl.Expr:
    value = pl.col(column.name)
    if isinstance(given, pl.Datetime):
        value = value if given.time_zone is None else value.dt.convert_time_zone("UTC")
        return value.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if column.type.startswith("timestamp"):
        moment = value.cast(pl.String).str.to_datetime(time_unit="us", strict=True)
        return moment.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if column.type in _FLOATS and given.is_float():
        return _plain(value.cast(pl.Float64))
    if column.type.startswith("numeric"):
        text = value.cast(pl.String)
        trimmed = text.str.strip_chars_end("0").str.strip_chars_end(".")
        return pl.when(text.str.contains(".", literal=True)).then(trimmed).otherwise(text)
    if _is_vector(column):
        return value.map_batches(_numbers_of, return_dtype=pl.String, is_elementwise=True)
    if isinstance(given, pl.Binary):
        return value.bin.encode("hex")
    return value.cast(pl.String)


def _is_vector(column: Column) -> bool:
    """Return whether a column holds vectors of the extension pgvector, in whatever schema it is."""
    return column.type.partition("(")[0].rpartition(".")[2] == "vector"


def _numbers_of(vectors: pl.Series) -> pl.Series:
    """Return vectors with each number written out, as `trim_scale` does."""
    row, number = pl.int_range(len(vectors), eager=True).alias("row"), "number"
    split = pl.DataFrame([row, vectors.str.strip_chars("[]").str.split(",").alias(number)])
    numbers = split.drop_nulls().explode(number)
    plain = _written_out(numbers[number]).str.replace(r"\.0$", "").str.replace(r"^-0$", "0")
    joined = numbers.with_columns(plain.alias(number)).group_by("row", maintain_order=True).agg(number)
    texts = joined.select("row", ("[" + pl.col(number).list.join(",") + "]").alias(number))
    return split.select("row").join(texts, on="row", how="left", maintain_order="left")[number]


def _plain(floats: pl.Expr) -> pl.Expr:
    """Return finite floats as the shortest decimals that are the same float."""
    text = floats.cast(pl.String).map_batches(_written_out, return_dtype=pl.String, is_elementwise=True)
    text = text.str.replace(r"\.0$", "").str.replace(r"^-0$", "0")
    return pl.when(floats.is_finite()).then(text).otherwise(floats.cast(pl.String))


def _written_out(texts: pl.Series) -> pl.Series:
    """Write out the powers of ten: each that occurs is computed once."""
    powers = texts.filter(texts.str.contains("e", literal=True).fill_null(False)).unique()
    if powers.is_empty():
        return texts
    plain = [format(Decimal(power), "f") for power in powers]
    return texts.replace(powers, pl.Series(plain, dtype=pl.String))


def cells_of(text: str) -> list[str | None]:
    """Return the cells of a row's text."""
    cells: list[str | None] = []
    place = 0
    while place < len(text):
        if text[place] == _NULL:
            cells.append(None)
            place += 1
            continue
        colon = text.index(":", place)
        end = colon + 1 + int(text[place:colon])
        cells.append(text[colon + 1 : end])
        place = end
    return cells
