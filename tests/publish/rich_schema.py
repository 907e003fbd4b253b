"""A house with everything that can hang on a table, its staged rows, and how they are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migrate.postgres.connection import Connection
from migrate.postgres.table_checksum import measure_all
from migrate.publish.publish import Publication, publish
from migrate.staging import schema
from migrate.staging.ledger import Ledger

#: the run of the fixture `ledger`
RUN = "run-1"
STAGING = "Stage One"
FILLED, EMPTIED = ["Person", "letter"], ["seat"]


def build(conn: Connection) -> None:
    text = Path(__file__).with_name("rich_schema.sql").read_text()
    conn.execute(text.replace("%(name)s", conn.info.dbname).encode())
    conn.execute("GRANT SELECT ON migrate_ledger.id_map TO PUBLIC")
    schema.create(conn, "public", STAGING, FILLED)
    conn.execute(
        f"""INSERT INTO "{STAGING}"."Person" ("Id", "eMail", mood, shoe, room, nick)
            SELECT 'n' || i, 'n' || i || '@example.com', 'Fine', i, i, 'nick' || i
            FROM generate_series(1, 50) i;
        INSERT INTO "{STAGING}".letter (id, counter, sender, receiver, parent)
            SELECT i * 3, i, 'n' || i, 'n' || (51 - i), 3 FROM generate_series(1, 50) i;
        INSERT INTO "{STAGING}".id_map VALUES ('users', '1', 'n1', 'users')"""
    )


def go(conn: Connection, ledger: Ledger, **options: Any) -> Publication:
    managed = [*FILLED, *EMPTIED]
    return publish(
        conn, ledger=ledger, schema="public", staging=STAGING, filled=FILLED, emptied=EMPTIED,
        expected=measure_all(conn, "public", managed), run_id=RUN, **options,
    )  # fmt: skip
