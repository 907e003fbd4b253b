"""A publication: the line in the ledger, and the map of ids that goes with the rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from psycopg import sql

from migrate.postgres.connection import Connection
from migrate.postgres.table_checksum import Content
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP

Kind = Literal["publish", "rollback"]

#: The published map of ids changes with the rows; the one before is kept for a rollback.
_SWAP_IDS: Final = (
    # kept for an exchange that did not come about
    "DELETE FROM {past} WHERE publication NOT IN (SELECT id FROM {publications})",
    "INSERT INTO {past} (publication, entity, legacy_id, new_id, via)"
    " SELECT {publication}, entity, legacy_id, new_id, via FROM {now}",
    "DELETE FROM {now}",
    "INSERT INTO {now} (entity, legacy_id, new_id, via) SELECT entity, legacy_id, new_id, via FROM {staged}",
)


@dataclass(frozen=True)
class Publication:
    """A line of the ledger: `tables` is what each live table held after it, `replaced` the rows before it.

    `exchanged` tells whether the staged tables took the live ones' place or
    the rows were moved. `attempts` counts the tries for the locks; the
    successful one kept writers out for `frozen` seconds and readers, within
    these, for `seconds`. `notes` say why rows were moved, and what did not go
    well afterwards and does no harm.
    """

    id: int
    run_id: str
    kind: str
    at: datetime
    tables: dict[str, Content]
    replaced: dict[str, int]
    backup_digest: str | None
    attempts: int
    exchanged: bool
    frozen: float
    seconds: float
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return how it went, for the log and the state file; times are in seconds."""
        return {
            "exchanged": self.exchanged,
            "attempts": self.attempts,
            "readers_out": round(self.seconds, 3),
            "writers_out": round(self.frozen, 3),
            "notes": list(self.notes),
        }


#: The names of these facts.
HOW: Final = ("exchanged", "attempts", "readers_out", "writers_out", "notes")


def in_words(facts: Mapping[str, Any]) -> str:
    """Return how a publication went, by its facts, in half a sentence for a person."""
    way = "the tables were exchanged" if facts["exchanged"] else "the rows were moved"
    times = (
        f"readers were kept out for {facts['readers_out']:.2f} s, writers for {facts['writers_out']:.2f} s"
    )
    return f"{way}; {times}"


def record(
    conn: Connection,
    ledger: Ledger,
    run_id: str,
    kind: Kind,
    contents: Mapping[str, Content],
    backup_digest: str | None,
    number: int | None,
) -> tuple[Any, ...]:
    """Write the publication's line, under its `number` where one was drawn; return number and time."""
    row = conn.execute(
        sql.SQL(
            "INSERT INTO {} (id, run_id, kind, tables, backup_digest) OVERRIDING SYSTEM VALUE"
            " VALUES (coalesce(%s, nextval(pg_get_serial_sequence(%s, 'id'))), %s, %s, %s, %s)"
            " RETURNING id, at"
        ).format(ledger.name("publication")),
        (
            number,
            ledger.name("publication").as_string(conn),
            run_id,
            kind,
            json.dumps({name: asdict(content) for name, content in contents.items()}),
            backup_digest,
        ),
    ).fetchone()
    assert row is not None
    return row


def swap_ids(conn: Connection, ledger: Ledger, staging: str, publication: int) -> None:
    """Replace the published map of ids by the staged one, and keep the one before."""
    for statement in _SWAP_IDS:
        conn.execute(
            sql.SQL(statement).format(
                now=ledger.name("id_map"),
                past=ledger.name("replaced_id_map"),
                publications=ledger.name("publication"),
                staged=sql.Identifier(staging, ID_MAP),
                publication=publication,
            )
        )
