"""What happened to the live tables since a publication: rows that were written, columns that were altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg

from backups.content import changed_since
from migrate.postgres.catalog import LiveSchema, Table
from migrate.postgres.table_checksum import measure
from migrate.publish.written_since import describe
from migrate.runtime.errors import LiveChanged
from migrate.staging.ledger import Ledger
from migrate.staging.ledger_queries import PublicationRecord

_LOST: Final = "the application has written to the published tables, and these rows would be lost:\n"


def written_since(
    connection: psycopg.Connection[Any],
    ledger: Ledger,
    schema: str,
    live: LiveSchema,
    publication: PublicationRecord,
) -> list[str]:
    """Return a line for each live table whose rows differ from what the publication left: which, by key."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        changes = changed_since(connection, schema, publication.tables, measure)
        return [describe(connection, ledger, publication, change, live) for change in changes]


def refuse_loss(changes: list[str], hint: str) -> None:
    """Raise LiveChanged with the rows that would be lost; return if there are none."""
    if changes:
        raise LiveChanged(_LOST + "\n".join(f"  {change}" for change in changes), hint=hint)


def require_columns(live: LiveSchema, publication: PublicationRecord) -> None:
    """Raise LiveChanged if a live column is gone, or has another type, since the publication."""
    changes = [
        change
        for table, columns in publication.columns.items()
        for change in _altered(table, columns, live.tables.get(table))
    ]
    if changes:
        raise LiveChanged(
            "the tables were altered after the publication, so that the earlier rows do not fit:\n"
            + "\n".join(f"  {change}" for change in changes),
            hint="bring the columns back with their earlier types (ALTER TABLE …), then run "
            "`migrate rollback` again; nothing was changed",
        )


def _altered(table: str, columns: Mapping[str, str], there: Table | None) -> Iterator[str]:
    if there is None:
        yield f"{table}: the table is gone"
        return
    now = {column.name: column.type for column in there.columns}
    for name, type_ in columns.items():
        if name not in now:
            yield f"{table}.{name}: the column is gone; it was {type_}"
        elif now[name] != type_:
            yield f"{table}.{name}: the type is {now[name]}; it was {type_}"
