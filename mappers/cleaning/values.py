"""Booleans, URLs and passwords."""

from __future__ import annotations

from typing import Final

import polars as pl

TRUE: Final = ("1", "true", "yes", "on")
FALSE: Final = ("0", "false", "no", "off", "")

_LABEL: Final = r"[\p{L}\p{N}_-]+"
_PORT: Final = r"(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]?[0-9]{1,4}))?"
_AFTER: Final = rf"://{_LABEL}(?:\.{_LABEL})+{_PORT}(?:[/?#]\S*)?$"
_WEB: Final = rf"^(?i:https?){_AFTER}"
_SECURE: Final = rf"^(?i:https){_AFTER}"
_SCHEME: Final = r"^[A-Za-z][A-Za-z0-9+.-]*://"

_BCRYPT: Final = r"^\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$"

_DOTS: Final = r"(?:^|/)\.{1,2}(?:/|$)"
# RFC 3986: the unreserved characters of a path, and the slash between its parts.
_UNRESERVED: Final = r"[^A-Za-z0-9._~/-]"


def boolean(column: pl.Expr) -> pl.Expr:
    """Return true for 1, true, yes, on in any case; false for everything else, including null."""
    return _word(column).is_in(TRUE)


def is_odd_boolean(column: pl.Expr) -> pl.Expr:
    """Return which cells are neither a known yes nor a known no, and so became false with a warning."""
    return ~_word(column).is_in([*TRUE, *FALSE])


def _word(column: pl.Expr) -> pl.Expr:
    return column.fill_null("").str.strip_chars().str.to_lowercase()


def url(column: pl.Expr, *, secure: bool = False) -> pl.Expr:
    """Return web addresses, with `https://` added if the scheme is missing; null for anything else.

    The rule of every URL, which the checks hold against the target as well: scheme http or https in any
    case, no user name, a port only as a number, a host with a dot and no empty label, behind it any
    characters but white space. With `secure` the scheme must be there and be https. The column must have been
    cleaned by the text rule.
    """
    if secure:
        return pl.when(column.str.contains(_SECURE)).then(column)
    bare = column.str.strip_prefix("//")
    whole = pl.when(column.str.contains(_SCHEME)).then(column).otherwise(pl.lit("https://") + bare)
    return pl.when(whole.str.contains(_WEB)).then(whole)


def password(column: pl.Expr) -> pl.Expr:
    """Return bcrypt hashes, `$2y$` written as `$2b$` (the same algorithm); null for anything else."""
    renamed = column.str.replace(r"^\$2y\$", "$$2b$$")
    return pl.when(column.str.contains(_BCRYPT)).then(renamed)


def password_is_lost(column: pl.Expr) -> pl.Expr:
    """Return which cells hold a password that cannot be kept, so that its owner needs a new one."""
    return (column.fill_null("") != "") & ~column.fill_null("").str.contains(_BCRYPT)


def without_dot_segments(column: pl.Expr) -> pl.Expr:
    """Return paths without their segments `.` and `..`, which a browser would resolve."""
    return column.map_batches(_without_dots, return_dtype=pl.String, is_elementwise=True)


def _without_dots(cells: pl.Series) -> pl.Series:
    if not cells.str.contains(_DOTS).any():
        return cells
    segments = cells.str.split("/").list.eval(pl.element().filter(~pl.element().is_in([".", ".."])))
    return segments.list.join("/")


def percent_encode(column: pl.Expr) -> pl.Expr:
    """Return the column encoded for a URL's path: RFC 3986's unreserved characters and `/` stay."""
    return column.map_batches(_percent_encoded, return_dtype=pl.String, is_elementwise=True)


def _percent_encoded(cells: pl.Series) -> pl.Series:
    found = cells.str.extract_all(_UNRESERVED).list.explode().drop_nulls().unique().sort().to_list()
    if not found:
        return cells
    codes = ["".join(f"%{byte:02X}" for byte in character.encode()) for character in found]
    return cells.str.replace_many(found, codes)
