"""The id map of one entity as a file, for systems that hold legacy ids: sessions, accounts, analytics."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from psycopg import sql

from migrate.pipeline.id_lookup import Found
from migrate.postgres.connection import Address, connect, translate_errors
from migrate.runtime.config import Config
from migrate.runtime.errors import UsageError
from migrate.staging.ledger import Ledger

_ROWS: Final = (
    "SELECT entity, legacy_id, new_id, via FROM {} WHERE entity = %s"
    ' ORDER BY length(legacy_id), legacy_id COLLATE "C", via'
)
#: Rows that are fetched at once, and that one INSERT holds.
_FETCHED: Final = 10_000
_INSERTED: Final = 500


def export_ids(config: Config, address: Address, entity: str) -> Iterator[Found]:
    """Yield the published ids of an entity, in the order of its legacy ids.

    Raises UsageError if nothing is published, or if the id map has no such entity.
    """
    with connect(address, read_only=True) as connection, translate_errors("reading the id map"):
        ledger = Ledger(connection, config.target.ledger_schema)
        if not ledger.exists():
            raise UsageError("there is no id map yet", hint="`migrate run` publishes it with the rows")
        ids = ledger.name("id_map")
        names = connection.execute(
            sql.SQL("SELECT DISTINCT entity FROM {} ORDER BY 1").format(ids)
        ).fetchall()
        known = [name for (name,) in names]
        if entity not in known:
            raise UsageError(
                f"the id map has no entity {entity}",
                hint=f"it has {', '.join(known)}" if known else "`migrate run` publishes it with the rows",
            )
        with connection.transaction(), connection.cursor("ids") as cursor:
            cursor.itersize = _FETCHED
            for row in cursor.execute(sql.SQL(_ROWS).format(ids), (entity,)):
                yield Found(*row)


def write_ids(found: Iterable[Found], entity: str, form: str, file: TextIO) -> None:
    """Write the ids as `csv` (with a heading), `json` (an object per line) or `sql` (a table of its own)."""
    if form == "csv":
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("legacy_id", "new_id", "via"))
        rows.writerows((one.legacy_id, one.new_id, one.via or "") for one in found)
    elif form == "json":
        for one in found:
            file.write(json.dumps({"legacy_id": one.legacy_id, "new_id": one.new_id, "via": one.via}) + "\n")
    else:
        _write_statements(found, f"{entity}_ids", file)


def _write_statements(found: Iterable[Found], table: str, file: TextIO) -> None:
    """Write standard SQL that PostgreSQL, SQLite and MySQL in ANSI mode read."""
    name = sql.Identifier(table).as_string(None)
    file.write(f"CREATE TABLE {name} (legacy_id text NOT NULL, new_id text NOT NULL);\n")
    begun = 0
    for one in found:
        start = ",\n" if begun % _INSERTED else f"{';' if begun else ''}\nINSERT INTO {name} VALUES\n"
        file.write(f"{start}({_quoted(one.legacy_id)}, {_quoted(one.new_id)})")
        begun += 1
    file.write(";\n" if begun else "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
