"""Quoted identifiers and literals for SQLite statements."""

from __future__ import annotations

from collections.abc import Iterable
from string import Template

from mappers.base import Cast


def quoted(name: str) -> str:
    """Return an identifier in SQL quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Return one of our text constants in SQL quotes; values of the data are bound instead."""
    return "'" + value.replace("'", "''") + "'"


def typed(integers: Iterable[str], texts: Iterable[str]) -> dict[str, Cast]:
    """Return the columns of a query and how each is read."""
    found: dict[str, Cast] = dict.fromkeys(integers, "integer")
    found.update(dict.fromkeys(texts, "text"))
    return found


def sql(template: str, **parts: str) -> str:
    """Return the SQL with each `$part` filled in: quoted identifiers, constants, fragments of SQL."""
    return Template(template).substitute(parts)
