"""The legacy tables of a given copy: any optional table or column may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mappers.sqlite_sql import quoted

#: The sources of people in order of authority, and the id space of each.
PEOPLE: Final[Mapping[str, str]] = {
    "users": "users",
    "shows_users": "users",
    "community_users": "community_users",
}
#: The tables of keys and values, and the id space of their user_id.
META: Final[Mapping[str, str]] = {"shows_usermeta": "users", "community_usermeta": "community_users"}
MESSAGES: Final[Mapping[str, str]] = {
    "messages": "users",
    "shows_messages": "users",
    "community_messages": "community_users",
}
CONTACTS: Final[Mapping[str, str]] = {"shows_contacts": "users", "community_contacts": "community_users"}
COMMENTS: Final[Mapping[str, str]] = {"shows_comments": "users", "community_comments": "community_users"}


class Legacy:
    """Knows which tables and columns exist, and names them in SQL."""

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Take the snapshot's tables and the names of their columns."""
        self._tables = {table: tuple(columns) for table, columns in tables.items()}

    def present(self, tables: Iterable[str]) -> tuple[str, ...]:
        """Return those of `tables` that the snapshot holds, in the order given."""
        return tuple(table for table in tables if table in self._tables)

    def has(self, table: str, column: str | None = None) -> bool:
        """Return whether the table exists, and the column in it if one is named."""
        return table in self._tables and (column is None or column in self._tables[table])

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the table's columns, none if it is missing."""
        return self._tables.get(table, ())

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the names of all tables."""
        return tuple(self._tables)

    def column(self, table: str, *names: str, of: str | None = None) -> str:
        """Return SQL for the first of the columns `names` that the table has, NULL if it has none.

        `of` is the table's alias in the query.
        """
        for name in names:
            if self.has(table, name):
                return f"{of or quoted(table)}.{quoted(name)}"
        return "NULL"
