"""Names of keys, indexes and foreign keys as Prisma's engine makes them.

This is the engine's rule: table and columns joined with `_`, truncated to 63 bytes minus the suffix, then the
suffix.
"""

from __future__ import annotations

from collections.abc import Sequence

from migrate.introspect.scaffold.naming import LONGEST, shorten


def primary_key(table: str) -> str:
    """Return the name of a table's primary key."""
    return _ended(table, "_pkey")


def unique_key(table: str, columns: Sequence[str]) -> str:
    """Return the name of a unique key."""
    return _ended("_".join((table, *columns)), "_key")


def index(table: str, columns: Sequence[str]) -> str:
    """Return the name of an index."""
    return _ended("_".join((table, *columns)), "_idx")


def foreign_key(table: str, columns: Sequence[str]) -> str:
    """Return the name of a foreign key."""
    return _ended("_".join((table, *columns)), "_fkey")


def _ended(name: str, ending: str) -> str:
    return shorten(name, LONGEST - len(ending)) + ending
