"""The cast to JSON: what jsonb accepts, and what happens to what it refuses."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from mappers.cleaning.text import without_nul
from mappers.declarative.casts.cell import BLOB, Cast, Cell
from mappers.reasons import Reason

_PAIR: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF: Final = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_NUL: Final = r"\\u0000"
#: Numbers that may be more than numeric holds: 131,072 digits before the point, 16,383 after it.
_HUGE: Final = r"[eE][+-]?[0-9]{4}|[0-9]{16000}"
_NAME: Final = r'"(?:[^"\\]|\\.)*":'
_ESCAPED: Final = r"\\."
#: names with their colon, other strings, and the ends of objects
_PIECE: Final = r'"[^"]*":|"[^"]*"|[{}]'
_BEFORE, _BEHIND = 131_072, 16_383
_ESCAPES: Final = {
    **{chr(code): f"\\u{code:04x}" for code in range(1, 32)},
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def document(cell: Cell, *, wrap: bool) -> Cast:
    r"""Return JSON that jsonb accepts, unchanged.

    Refused are text that is not JSON, `\u0000`, a single surrogate and numbers beyond numeric's range; with
    `wrap` such a cell becomes a JSON string of its text.
    """
    taken = (cell.valid == 1) & _is_taken(cell.text)
    twice = cell.text.map_batches(names_twice, return_dtype=pl.Boolean, is_elementwise=True)
    value = pl.when(taken).then(cell.text)
    of_taken = (((cell.made == cell.text) & twice, Reason.NAME_TWICE_LAST_KEPT),)
    if not wrap:
        return Cast(value, Reason.INVALID_JSON, of_taken)
    wrapped = pl.lit('"') + without_nul(cell.text).str.replace_many(_ESCAPES) + pl.lit('"')
    refused = cell.made != cell.text
    rules = (
        *of_taken,
        (refused, Reason.WRAPPED_AS_JSON_STRING),
        (refused & cell.text.str.contains("\x00", literal=True), Reason.NUL_REMOVED),
        (refused & (cell.storage == BLOB), Reason.BYTES_AS_TEXT),
    )
    return Cast(pl.when(taken).then(cell.text).otherwise(wrapped), Reason.INVALID_JSON, rules)


def names_twice(cells: pl.Series) -> pl.Series:
    """Return which documents hold an object with a name twice: jsonb, like JavaScript, keeps the last."""
    cells = cells.str.replace_all(r'"\s+:', '":')
    names = cells.str.extract_all(_NAME)
    doubtful = (names.list.n_unique() < names.list.len()).fill_null(False)
    if not doubtful.any():
        return doubtful
    tokens = (
        cells.to_frame("t")
        .with_row_index("row")
        .filter(doubtful)
        .select("row", pl.col("t").str.replace_all(_ESCAPED, "_").str.extract_all(_PIECE).alias("token"))
        .explode("token")
        .filter(~pl.col("token").str.ends_with('"'))
    )
    opens, closes = pl.col("token") == "{", pl.col("token") == "}"
    deep = tokens.with_columns(
        (opens.cast(pl.Int32) - closes.cast(pl.Int32)).cum_sum().over("row").alias("depth")
    )
    # Of the objects opened at a depth, a name belongs to the last one.
    inside = deep.with_columns(opens.cast(pl.Int32).cum_sum().over("row", "depth").alias("object"))
    names_there = inside.filter(~opens & ~closes)
    twice = names_there.filter(pl.struct("row", "depth", "object", "token").is_duplicated())["row"].unique()
    return pl.int_range(cells.len(), eager=True).is_in(twice.implode())


def _is_taken(text: pl.Expr) -> pl.Expr:
    """Return which valid documents jsonb accepts, too."""
    return text.map_batches(_taken, return_dtype=pl.Boolean, is_elementwise=True)


def _taken(cells: pl.Series) -> pl.Series:
    doubtful = cells.str.contains(r"\\u|" + _HUGE).fill_null(False)
    if not doubtful.any():
        return cells.is_not_null()
    # An escaped backslash begins no other escape.
    escapes = pl.col("t").str.replace_all(r"\\\\", "", literal=False).str.replace_all(_PAIR, "")
    found = cells.to_frame("t").select(
        (~escapes.str.contains(f"{_NUL}|{_HALF}")).fill_null(False).alias("escapes"),
        pl.col("t").str.contains(_HUGE).fill_null(False).alias("huge"),
        "t",
    )
    if not found["huge"].any():
        return found["escapes"]
    # Too few to be worth a column: documents with a number of thousands of digits, or similar text.
    small = {text: _numbers_fit(text) for text in found.filter("huge")["t"].unique()}
    fits = pl.col("t").replace_strict(small, default=True, return_dtype=pl.Boolean)
    return found.select((pl.col("escapes") & fits).alias("t"))["t"]


def _numbers_fit(text: str) -> bool:
    beyond: list[str] = []

    def keep(number: str) -> int:
        mantissa, _, power = number.lower().partition("e")
        whole, _, places = mantissa.lstrip("-").partition(".")
        shift = int(power or 0)
        if len(whole) + shift > _BEFORE or len(places) - shift > _BEHIND:
            beyond.append(number)
        return 0

    try:
        json.loads(text, parse_float=keep, parse_int=keep)
    except (ValueError, RecursionError):
        return False
    return not beyond
