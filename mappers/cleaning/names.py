"""E-mail addresses and user names."""

from __future__ import annotations

from typing import Final

import polars as pl

_EMAIL: Final = r"^[^@\s\x00-\x1f\x7f]+@[^@\s.\x00-\x1f\x7f]+(?:\.[^@\s.\x00-\x1f\x7f]+)+$"
_EMAIL_LENGTH: Final = 254
_USERNAME_LENGTH: Final = 30
_USERNAME_SHORTEST: Final = 3


def email(column: pl.Expr) -> pl.Expr:
    """Return clean e-mail addresses: trimmed, lower case, one @ and a dotted domain; else null."""
    clean = column.str.strip_chars().str.to_lowercase()
    valid = clean.str.contains(_EMAIL) & (clean.str.len_chars() <= _EMAIL_LENGTH)
    return pl.when(valid).then(clean)


def username(name: pl.Expr, address: pl.Expr) -> pl.Expr:
    """Return clean user names, made of `name`, or where nothing of it is left, of the e-mail's local part.

    Two persons may get the same; see `mappers.crosswalk.usernames`.
    """
    own, local = _letters(name), _letters(address.str.extract(r"^([^@]*)@", 1))
    kept = pl.when(own != "").then(own).otherwise(local).fill_null("")
    begun = pl.when(kept.str.contains("^[a-z]")).then(kept).otherwise(pl.lit("user_") + kept)
    long_enough = begun.str.len_bytes() >= _USERNAME_SHORTEST
    return pl.when(long_enough).then(begun).otherwise(begun + "_user")


def person_name(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Return first and last name, whichever there is, null where there is neither."""
    both = pl.concat_str(first, last, separator=" ", ignore_nulls=True)
    return pl.when(both != "").then(both)


def _letters(column: pl.Expr) -> pl.Expr:
    return column.str.to_lowercase().str.replace_all("[^a-z0-9_-]", "").str.slice(0, _USERNAME_LENGTH)
