"""Text as people meant it: entities decoded once, line ends, NUL, white space."""

from __future__ import annotations

import html
from typing import Final

import polars as pl

# What HTML 5 takes for a character reference, as `html.unescape` has it.
_REFERENCE: Final = r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\x0C <&#;]{1,32};?)"
# Python refuses integers of more digits than this many; no code point has them.
_MANY_DIGITS: Final = 1000
#: Character references for a line end or for an invalid character; the longest match is taken.
_PLAINER: Final = {"\r\n": "\n", "\r": "\n", "\x00": ""}


def text(column: pl.Expr) -> pl.Expr:
    """Return the column cleaned by the text rule; a cell that becomes empty is null.

    In this order: HTML entities decoded once, CR LF and CR to LF, NUL characters removed, Unicode white space
    trimmed at both ends.
    """
    return column.map_batches(clean_text, return_dtype=pl.String, is_elementwise=True)


def without_nul(column: pl.Expr) -> pl.Expr:
    """Return the column without NUL characters, which PostgreSQL cannot hold."""
    return column.str.replace_all("\x00", "", literal=True)


def decode_entities(column: pl.Expr) -> pl.Expr:
    """Return the column with each character reference decoded once, as `html.unescape` does."""
    return column.map_batches(_decode, return_dtype=pl.String, is_elementwise=True)


def clean_text(cells: pl.Series) -> pl.Series:
    """Return the cells cleaned by the text rule; see `text`."""
    cells = _decode(cells.cast(pl.String))
    if cells.str.contains("[\r\x00]").any():
        cells = cells.str.replace_many(list(_PLAINER), list(_PLAINER.values()), leftmost=True)
    trimmed = cells.str.strip_chars()
    return trimmed.to_frame("t").select(pl.when(pl.col("t") != "").then(pl.col("t")))["t"].alias(cells.name)


def _decode(cells: pl.Series) -> pl.Series:
    """Decode column-wise: first the distinct references of the column, then all of them at once.

    A reference never holds the `&` of another, and the pattern takes the longest match at a place. So one
    left-most, longest-first replacement equals decoding cell by cell.
    """
    marked = cells.str.contains("&", literal=True).fill_null(False)
    if not marked.any():
        return cells
    found = cells.filter(marked).str.extract_all(_REFERENCE).list.explode().drop_nulls().unique()
    decoded = {reference: _character(reference) for reference in found}
    changed = sorted((r for r, c in decoded.items() if r != c), key=lambda r: (-len(r.encode()), r))
    if not changed:
        return cells
    return cells.str.replace_many(changed, [decoded[r] for r in changed], leftmost=True)


def _character(reference: str) -> str:
    digits = reference.lstrip("&#xX0")
    return "\ufffd" if len(digits) > _MANY_DIGITS else html.unescape(reference)
