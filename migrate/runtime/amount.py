"""Numbers of things in a sentence."""

from __future__ import annotations


def amount(number: int, one: str, many: str = "") -> str:
    """Return a number and what it counts: `1 row`, `1,200 rows`.

    `many` is for more than an `s` at the end: `amount(2, "table is", "tables are")`.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
