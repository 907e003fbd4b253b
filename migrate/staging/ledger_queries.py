"""Counts from the ledger: rows staged, rows not migrated with reasons, rows published."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.postgres.table_checksum import Content
from migrate.staging.ledger import Ledger


@dataclass(frozen=True)
class PublicationRecord:
    """One row of the ledger's publications; `tables` is the content of each live table after it.

    `columns` are the types of the live columns, by table; empty for a publication of version 0.1.
    """

    id: int
    run_id: str
    kind: str
    at: str
    tables: dict[str, Content]
    backup_digest: str | None
    columns: dict[str, dict[str, str]]


def staged_rows(
    connection: Connection, ledger: Ledger, run_id: str, stage: str | None = None
) -> dict[str, int]:
    """Return the rows that the committed batches of a stage, or of all stages, staged, by target table."""
    query = sql.SQL(
        "SELECT t.key, sum(t.value::bigint)::bigint FROM {}, jsonb_each_text(target_rows) AS t"
        " WHERE run_id = %s AND stage = coalesce(%s, stage) GROUP BY t.key ORDER BY t.key"
    ).format(ledger.name("batch"))
    with translate_errors("counting the staged rows"):
        return dict(connection.execute(query, (run_id, stage)).fetchall())


def finished_mappers(connection: Connection, ledger: Ledger, run_id: str) -> list[tuple[str, str]]:
    """Return (stage, mapper) of the mappers that have finished."""
    query = sql.SQL("SELECT stage, mapper FROM {} WHERE run_id = %s ORDER BY 1, 2").format(
        ledger.name("finished")
    )
    with translate_errors("reading which mappers have finished"):
        return connection.execute(query, (run_id,)).fetchall()


def fates(connection: Connection, ledger: Ledger, run_id: str) -> list[tuple[str, str, str, int]]:
    """Return (source table, fate, reason, rows) for the source rows that were not migrated."""
    query = sql.SQL(
        "SELECT source_table, fate, reason, count(*) FROM {} WHERE run_id = %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).format(ledger.name("fate"))
    with translate_errors("counting the fates"):
        return connection.execute(query, (run_id,)).fetchall()


def warnings(connection: Connection, ledger: Ledger, run_id: str) -> list[tuple[str, str, str, int]]:
    """Return (source table, column, rule, values) for values that were changed during the migration."""
    query = sql.SQL(
        "SELECT source_table, coalesce(column_name, ''), rule, count(*) FROM {} WHERE run_id = %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).format(ledger.name("warning"))
    with translate_errors("counting the warnings"):
        return connection.execute(query, (run_id,)).fetchall()


def publication_of(connection: Connection, ledger: Ledger, run_id: str) -> PublicationRecord | None:
    """Return the publication of a run, None if it has not published."""
    return _one(connection, ledger, "WHERE run_id = %s AND kind = 'publish' ORDER BY id DESC LIMIT 1", run_id)


def publications(connection: Connection, ledger: Ledger, run_id: str) -> list[PublicationRecord]:
    """Return the publications and rollbacks of a run, in order."""
    return _read(connection, ledger, "WHERE run_id = %s ORDER BY id", run_id)


def last_publication(connection: Connection, ledger: Ledger) -> PublicationRecord | None:
    """Return the latest publication of all, rollbacks included; None if there was none."""
    return _one(connection, ledger, "ORDER BY id DESC LIMIT 1")


def live_run(connection: Connection, ledger: Ledger) -> str | None:
    """Return the run whose rows are live, None if none has published or its publication is rolled back."""
    last, rollbacks = _since_publish(connection, ledger)
    return last if rollbacks % 2 == 0 else None


def is_live(connection: Connection, ledger: Ledger, run_id: str) -> bool:
    """Return whether the live rows are those that the run published."""
    last, rollbacks = _since_publish(connection, ledger)
    return last == run_id and rollbacks % 2 == 0


def is_rolled_back(connection: Connection, ledger: Ledger) -> bool:
    """Return whether the latest publish of all is rolled back now."""
    last, rollbacks = _since_publish(connection, ledger)
    return last is not None and rollbacks % 2 == 1


def _since_publish(connection: Connection, ledger: Ledger) -> tuple[str | None, int]:
    """Return the run that published last (None if none did), and the number of rollbacks since.

    A rollback undoes the latest publication, also if that is a rollback: after an even number of them the
    rows of the last published run are live again.
    """
    last = sql.SQL("SELECT max(id) FROM {0} WHERE kind = 'publish'")
    query = sql.SQL(
        "SELECT run_id, (SELECT count(*) FROM {0} r WHERE r.id > p.id) FROM {0} p WHERE id = ({1})"
    ).format(ledger.name("publication"), last.format(ledger.name("publication")))
    with translate_errors("reading the publications"):
        row = connection.execute(query).fetchone()
    return (None, 0) if row is None else (str(row[0]), int(row[1]))


def _one(
    connection: Connection, ledger: Ledger, condition: str, *parameters: str
) -> PublicationRecord | None:
    return next(iter(_read(connection, ledger, condition, *parameters)), None)


def _read(
    connection: Connection, ledger: Ledger, condition: str, *parameters: str
) -> list[PublicationRecord]:
    query = sql.SQL("SELECT id, run_id, kind, at::text, tables, backup_digest FROM {} ").format(
        ledger.name("publication")
    )
    with translate_errors("reading the publications"):
        rows = connection.execute(query + sql.SQL(condition), parameters).fetchall()
    return [
        PublicationRecord(
            number,
            run_id,
            kind,
            at,
            {name: Content(int(part["rows"]), str(part["checksum"])) for name, part in tables.items()},
            digest,
            {name: part["columns"] for name, part in tables.items() if "columns" in part},
        )
        for number, run_id, kind, at, tables, digest in rows
    ]
