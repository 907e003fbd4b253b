"""A publication: the row in the ledger, and the id map that belongs to the rows."""

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

#: The published id map changes with the rows; the previous one is kept for a rollback.
_SWAP_IDS: Final = (
    # kept for a swap that did not happen
    "DELETE FROM {past} WHERE publication NOT IN (SELECT id FROM {publications})",
    "INSERT INTO {past} (publication, entity, legacy_id, new_id, via)"
    " SELECT {publication}, entity, legacy_id, new_id, via FROM {now}",
    "DELETE FROM {now}",
    "INSERT INTO {now} (entity, legacy_id, new_id, via) SELECT entity, legacy_id, new_id, via FROM {staged}",
)


@dataclass(frozen=True)
class Publication:
    """A row of the ledger: `tables` is each live table's content after it, `replaced` the rows before it.

    `exchanged` is true if the tables were swapped, false if the rows were copied. `attempts` counts the tries
    for the locks; the successful one blocked writers for `frozen` seconds and readers, within these, for
    `seconds`. `notes` say why rows were copied, and which harmless steps failed afterwards.
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
    """Return half a sentence for a person that describes the publication, from its facts."""
    way = "tables swapped" if facts["exchanged"] else "rows copied"
    return f"{way}; reads blocked {facts['readers_out']:.2f} s, writes {facts['writers_out']:.2f} s"


def record(
    conn: Connection,
    ledger: Ledger,
    run_id: str,
    kind: Kind,
    contents: Mapping[str, Content],
    columns: Mapping[str, Mapping[str, str]],
    backup_digest: str | None,
    number: int | None,
) -> tuple[Any, ...]:
    """Write the publication's row, with its `number` if it was drawn already; return number and time.

    `columns` are the types of the columns, by table.
    """
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
            json.dumps(
                {name: {**asdict(content), "columns": columns[name]} for name, content in contents.items()}
            ),
            backup_digest,
        ),
    ).fetchone()
    assert row is not None
    return row


def swap_ids(conn: Connection, ledger: Ledger, staging: str, publication: int) -> None:
    """Replace the published id map by the staged one, and keep the previous one."""
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
