"""E-mail addresses and user names."""

from __future__ import annotations

from typing import Final

import polars as pl

_EMAIL: Final = r"^[^@\s\x00-\x1f\x7f]+@[^@\s.\x00-\x1f\x7f]+(?:\.[^@\s.\x00-\x1f\x7f]+)+$"
_EMAIL_LENGTH: Final = 254
_NO_LETTER: Final = "[^a-z0-9_-]"
_USERNAME_LENGTH: Final = 30
_USERNAME_SHORTEST: Final = 3


def email(column: pl.Expr) -> pl.Expr:
    """Return clean e-mail addresses: trimmed, lower case, one @ and a dotted domain; else null."""
    clean = column.str.strip_chars().str.to_lowercase()
    valid = clean.str.contains(_EMAIL) & (clean.str.len_chars() <= _EMAIL_LENGTH)
    return pl.when(valid).then(clean)


def username(name: pl.Expr, address: pl.Expr) -> pl.Expr:
    """Return clean user names, made of `name` or, if nothing of it is left, of the e-mail's local part.

    Two persons may get the same; see `mappers.studio.crosswalk.usernames`.
    """
    own, local = username_of_name(name), username_of_address(address)
    return pl.when(own != "").then(own).otherwise(local)


def username_of_name(name: pl.Expr) -> pl.Expr:
    """Return the user names made of names, '' if nothing of a name is left, null if there is none."""
    own = _letters(name)
    return pl.when(own == "").then(own).otherwise(_whole(own))


def username_of_address(address: pl.Expr) -> pl.Expr:
    """Return the user names made of the local parts of e-mails, null if there is none."""
    return _whole(_letters(address.str.split_exact("@", 1).struct.field("field_0")))


def _whole(letters: pl.Expr) -> pl.Expr:
    with_lookup = pl.when(letters.str.contains("^[a-z]")).then(letters).otherwise(pl.lit("user_") + letters)
    long_enough = with_lookup.str.len_bytes() >= _USERNAME_SHORTEST
    return pl.when(long_enough).then(with_lookup).otherwise(with_lookup + "_user")


def person_name(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Return first and last name, or the one that exists, null if there is neither."""
    both = pl.concat_str(first, last, separator=" ", ignore_nulls=True)
    return pl.when(both != "").then(both)


def _letters(column: pl.Expr) -> pl.Expr:
    return column.map_batches(_kept_letters, return_dtype=pl.String, is_elementwise=True)


def _kept_letters(cells: pl.Series) -> pl.Series:
    """Return the part of the cells that a user name may hold; most hold nothing else."""
    lower = cells.str.to_lowercase()
    odd = lower.str.contains(_NO_LETTER).fill_null(False).arg_true()
    if not odd.is_empty():
        lower = lower.scatter(odd, lower.gather(odd).str.replace_all(_NO_LETTER, ""))
    return lower.str.slice(0, _USERNAME_LENGTH)
