"""What the application has written to a published table: rows added, changed and deleted, by key.

No copy of the published rows is kept. PostgreSQL keeps with each row the transaction that wrote it, and the
line of a publication in the ledger was written by its own transaction: a row of a later one is new or was
changed. The rows that are gone are counted by what is missing from the recorded number, and the recorded
checksum, a sum over rows, proves that those still there are the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from backups.content import Change
from migrate.postgres.catalog import LiveSchema, Table
from migrate.postgres.connection import Connection, translate_errors
from migrate.postgres.table_checksum import Content, row_hash
from migrate.runtime.amount import amount
from migrate.staging.ledger import Ledger
from migrate.staging.ledger_queries import PublicationRecord

#: Keys that are named; the others are counted.
_NAMED: Final = 3

_LATER: Final = "age(t.xmin) < (SELECT age(p.xmin) FROM {publications} p WHERE p.id = {publication})"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE later), count(*) FILTER (WHERE NOT later),
       coalesce(sum(hash) FILTER (WHERE NOT later), 0)::text
FROM (SELECT {later} AS later, hashint8extended({hash}, 0) AS hash FROM ONLY {table} t) AS one
"""
_KEYS: Final = "SELECT concat_ws(', ', {keys}) FROM ONLY {table} t WHERE {later} ORDER BY 1 LIMIT {limit}"
#: The keys of the publication that are still there among the later rows, and those that are not there.
_KNOWN: Final = """
SELECT count(*) FROM ONLY {table} t WHERE {later}
AND EXISTS (SELECT FROM {ids} m WHERE m.entity = {entity} AND m.new_id = {key}::text)
"""
_GONE: Final = """
SELECT DISTINCT m.new_id FROM {ids} m WHERE m.entity = {entity}
AND NOT EXISTS (SELECT FROM ONLY {table} t WHERE {key}::text = m.new_id) ORDER BY 1 LIMIT {limit}
"""


@dataclass(frozen=True)
class Written:
    """The rows of a table that differ from the publication: `later` ones of now, `gone` ones of then.

    `changed` is how many of them are the same rows, None if no key shows it; `keys` names the first of them.
    """

    table: str
    later: int
    gone: int
    changed: int | None
    keys: tuple[str, ...] = ()
    gone_keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.changed is None:
            written, missing = _rows(self.later), _rows(self.gone)
            what = [f"{written} added or changed{_named(self.keys)}", f"{missing} changed or deleted"]
        else:
            added, deleted = self.later - self.changed, self.gone - self.changed
            new = " and ".join(
                f"{_rows(count)} {fate}"
                for count, fate in ((added, "added"), (self.changed, "changed"))
                if count
            )
            what = [new + _named(self.keys)] if new else []
            what += [f"{_rows(deleted)} deleted{_named(self.gone_keys)}"] if deleted else []
        return f"{self.table}: {', '.join(what)}"


def _rows(count: int) -> str:
    return amount(count, "row")


def _named(keys: tuple[str, ...]) -> str:
    if not keys:
        return ""
    more = ", …" if len(keys) > _NAMED else ""
    return f" ({', '.join(keys[:_NAMED])}{more})"


def describe(
    conn: Connection, ledger: Ledger, publication: PublicationRecord, change: Change, live: LiveSchema
) -> str:
    """Return a line that says how a table differs from what the publication left in it.

    It falls back on the two numbers of `change` if the transactions of the rows say nothing, as after a move
    to another server. Run it in the transaction in which the change was found.
    """
    table = live.tables.get(change.table)
    if table is None:
        return str(change)
    columns = {column.name for column in table.columns}
    before = publication.columns.get(change.table)
    added = sorted(columns - before.keys()) if before else []
    if added:
        return f"{change}; columns were added since: {', '.join(added)}"
    found = _count(conn, ledger, live.schema, publication, table)
    return str(change if found is None else found)


def _count(
    conn: Connection, ledger: Ledger, schema: str, publication: PublicationRecord, live: Table
) -> Written | None:
    name, table = live.name, sql.Identifier(schema, live.name)
    part: dict[str, Any] = {
        "table": table,
        "later": sql.SQL(_LATER).format(
            publications=ledger.name("publication"), publication=sql.Literal(publication.id)
        ),
        "ids": ledger.name("id_map"),
        "entity": sql.Literal(name),
        "limit": sql.Literal(_NAMED + 1),
        "rows": sql.Literal(publication.tables[name].rows),
    }
    with translate_errors(f"comparing {schema}.{name} with the publication"):
        row = conn.execute(sql.SQL(_COUNT).format(hash=row_hash(conn, table), **part)).fetchone()
        assert row is not None
        later, kept, checksum = row
        before = publication.tables[name]
        gone = before.rows - kept
        if gone < 0 or (gone == 0) != (Content(kept, checksum) == before):
            return None
        keys = live.primary_key
        part["keys"] = sql.SQL(", ").join(sql.Identifier("t", key) for key in keys)
        first = _texts(conn, _KEYS, part) if keys and later else ()
        if later == 0 or gone == 0:
            return Written(name, later, gone, 0, first, _gone_keys(conn, keys, part) if gone else ())
        changed = _changed(conn, keys, part)
        return Written(name, later, gone, changed, first, _gone_keys(conn, keys, part))


def _changed(conn: Connection, keys: tuple[str, ...], part: Mapping[str, Any]) -> int | None:
    """Return how many later rows have a key of the publication, None if the id map does not hold its keys."""
    if not _has_ids(conn, keys, part):
        return None
    row = conn.execute(sql.SQL(_KNOWN).format(key=sql.Identifier("t", keys[0]), **part)).fetchone()
    assert row is not None
    return int(row[0])


def _gone_keys(conn: Connection, keys: tuple[str, ...], part: Mapping[str, Any]) -> tuple[str, ...]:
    if not _has_ids(conn, keys, part):
        return ()
    return _texts(conn, _GONE, {**part, "key": sql.Identifier("t", keys[0])})


def _has_ids(conn: Connection, keys: tuple[str, ...], part: Mapping[str, Any]) -> bool:
    """Return whether the id map holds the key of every published row of the table."""
    if len(keys) != 1:
        return False
    query = sql.SQL("SELECT count(DISTINCT new_id) = {rows} FROM {ids} WHERE entity = {entity}")
    row = conn.execute(query.format(**part)).fetchone()
    return row is not None and bool(row[0])


def _texts(conn: Connection, query: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text for (text,) in conn.execute(sql.SQL(query).format(**part)).fetchall())
