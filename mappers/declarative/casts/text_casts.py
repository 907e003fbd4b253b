"""Casts to text, bytes, closed sets and UUIDs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers.cleaning.text import without_nul
from mappers.declarative.casts.cell import BLOB, INTEGER, REAL, TEXT, Cast, Cell
from mappers.reasons import Reason

_UUID: Final = r"^\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"
NUL: Final = "\x00"


def text(cell: Cell, max_length: int | None = None) -> Cast:
    """Return text unchanged, except NUL, which PostgreSQL cannot hold; numbers as they are printed."""
    plain = without_nul(cell.text)
    value = plain if max_length is None else pl.when(plain.str.len_chars() <= max_length).then(plain)
    rules = (
        (cell.text.str.contains(NUL, literal=True), Reason.NUL_REMOVED),
        (cell.storage.is_in([INTEGER, REAL]), Reason.NUMBER_AS_TEXT),
        (cell.storage == BLOB, Reason.BYTES_AS_TEXT),
    )
    return Cast(value, Reason.TOO_LONG, rules)


def uuid(cell: Cell) -> Cast:
    """Return UUIDs in lower case, as PostgreSQL prints them."""
    return Cast(as_uuid(cell.text), Reason.INVALID_UUID)


def as_uuid(column: pl.Expr) -> pl.Expr:
    """Return the UUIDs of a column of text as PostgreSQL prints them, null for anything else."""
    digits = column.str.to_lowercase().str.replace_all(r"[{}-]", "")
    cuts = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
    written = pl.concat_str([digits.str.slice(*cut) for cut in cuts], separator="-")
    return pl.when(column.str.contains(_UUID)).then(written)


def raw(cell: Cell) -> Cast:
    """Return bytes: a blob's own, a text's UTF-8 as it is stored; a number does not fit."""
    fits = cell.storage.is_in([BLOB, TEXT])
    return Cast(pl.when(fits).then(cell.text).str.decode("hex"), Reason.INVALID_BYTES)


def label(cell: Cell, values: Mapping[str, str], labels: tuple[str, ...] | None) -> Cast:
    """Return the target's values by the source's; without given values, those that are labels stay."""
    if not values and labels is not None:
        return Cast(pl.when(cell.text.is_in(labels)).then(cell.text), Reason.INVALID_ENUM)
    found = cell.text.replace_strict(dict(values), default=None, return_dtype=pl.String)
    return Cast(found, Reason.INVALID_ENUM)
