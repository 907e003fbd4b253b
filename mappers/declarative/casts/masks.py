"""Texts of people for a copy that leaves production: another text, always the same for the same one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers.base import Ids
from mappers.declarative.mapping_columns import Mask

#: What is derived with the id secret; a table of this name would give other ids.
_ENTITY: Final = "\x1dmask"
_HASH, _NAME, _EMAIL = 24, 10, 16
_BEFORE: Final[Mapping[Mask, str]] = {"email": "user-", "name": "Person ", "hash": ""}
_BEHIND: Final[Mapping[Mask, str]] = {"email": "@example.invalid", "name": "", "hash": ""}
_DIGITS: Final[Mapping[Mask, int]] = {"email": _EMAIL, "name": _NAME, "hash": _HASH}
#: How many characters a masked text has.
LENGTHS: Final[Mapping[Mask, int]] = {
    mask: len(_BEFORE[mask]) + digits + len(_BEHIND[mask]) for mask, digits in _DIGITS.items()
}


def masked(text: pl.Expr, mask: Mask, ids: Ids) -> pl.Expr:
    """Return the text that stands for another, null and '' as they are.

    It depends on the text and the id secret alone, so it is the same in every table and every run. The ledger
    has the secret: who has that as well can try texts.
    """
    digits = ids.expr(_ENTITY, text).str.slice(1, _DIGITS[mask])
    other = pl.lit(_BEFORE[mask]) + digits + pl.lit(_BEHIND[mask])
    return pl.when(text == "").then(text).otherwise(other)
