"""What is built while the staged tables are read, and what is left for publish."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from migrate.postgres.connection import Connection, connect, parse_url
from migrate.postgres.table_checksum import measure_all
from migrate.publish.swap import build_concurrently
from migrate.runtime.errors import AlreadyRunning, TargetError
from migrate.staging.ledger import Ledger
from tests.publish.rich_schema import EMPTIED, FILLED, STAGING, go
from tests.publish.test_schema_unchanged import schema_text

#: So long VACUUM tries to get the lock that it needs to cut a table off: VACUUM_TRUNCATE_LOCK_TIMEOUT.
_SERVER_WAITS_S = 5.0


def ahead(conn: Connection, ledger: Ledger, **options: Any) -> list[str]:
    done: list[str] = []
    options = {"should_stop": lambda: False, "on_progress": lambda _doing, what: done.append(what), **options}
    build_concurrently(conn, ledger, "public", STAGING, FILLED, EMPTIED, **options)
    return done


def test_indexes_and_foreign_keys_are_made_while_a_transaction_reads_the_staged_tables(
    rich: Connection,
    ledger: Ledger,
    database: str,
) -> None:
    text = schema_text(database)
    with psycopg.connect(database) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in FILLED:
            reader.execute(f'SELECT count(*) FROM "{STAGING}"."{table}"'.encode())
        made = ahead(rich, ledger)
        assert any("Person_pkey" in what for what in made)
        assert any("constraint" in what for what in made)  # foreign keys
    left: list[str] = []
    publication = go(
        rich, ledger, on_progress=lambda doing, what: left.append(what) if doing == "build" else None
    )
    assert publication.exchanged
    assert schema_text(database) == text
    assert rich.execute("SELECT pg_get_indexdef(conindid) FROM pg_constraint WHERE contype = 'p'"
                        " AND conrelid = '\"Person\"'::regclass").fetchone()  # fmt: skip


def test_no_reader_is_waited_for_to_cut_empty_pages_off(
    rich: Connection, ledger: Ledger, database: str
) -> None:
    name = f'"{STAGING}"."Person"'
    rich.execute(
        f"""INSERT INTO {name} ("Id", "eMail", mood, shoe, room, nick)
            SELECT 'm' || i, 'm' || i || '@example.com', 'Fine', i, i, 'nick-' || i
            FROM generate_series(1000, 9000) i""".encode()
    )
    rich.execute(f"""DELETE FROM {name} WHERE "Id" LIKE 'm%'""".encode())
    with psycopg.connect(database) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        reader.execute(f"SELECT count(*) FROM {name}".encode())
        began = time.monotonic()
        ahead(rich, ledger)
        assert time.monotonic() - began < _SERVER_WAITS_S / 2


def test_what_was_vacuumed_ahead_is_not_vacuumed_again(rich: Connection, ledger: Ledger) -> None:
    built_ahead = build_concurrently(
        rich, ledger, "public", STAGING, FILLED, EMPTIED,
        on_progress=lambda _doing, _what: None, should_stop=lambda: False,
    )  # fmt: skip
    left: list[str] = []
    publication = go(
        rich, ledger, on_progress=lambda _doing, what: left.append(what), built_ahead=built_ahead
    )
    assert publication.exchanged
    again = [what for what in left if what.startswith("statistics of")]
    assert not [what for what in again if "letter" in what or "id_map" in what]
    assert [what for what in again if "Person" in what]  # its columns are counted otherwise by now
    analyzed = "SELECT reltuples FROM pg_class WHERE oid = %s::regclass"
    assert rich.execute(analyzed, ("letter",)).fetchone() == (50,)


def test_what_was_measured_ahead_is_what_publish_records(rich: Connection, ledger: Ledger) -> None:
    quiet: dict[str, Any] = {"on_progress": lambda _doing, _what: None, "should_stop": lambda: False}
    built_ahead = build_concurrently(rich, ledger, "public", STAGING, FILLED, EMPTIED, **quiet)
    assert built_ahead.contents == measure_all(rich, STAGING, FILLED)
    publication = go(rich, ledger, built_ahead=built_ahead)
    assert publication.tables == measure_all(rich, "public", [*FILLED, *EMPTIED])
    assert publication.tables["Person"].rows == 50


def test_one_table_is_built_while_another_is_still_written_to(rich: Connection, ledger: Ledger) -> None:
    done: list[str] = []
    quiet: dict[str, Any] = {"on_progress": lambda _d, what: done.append(what), "should_stop": lambda: False}
    some = build_concurrently(rich, ledger, "public", STAGING, FILLED, EMPTIED, only=["Person"], **quiet)
    assert done
    assert not [what for what in done if "letter" in what]
    assert set(some.contents) == {"Person"}
    rich.execute(
        f"""INSERT INTO "{STAGING}".letter (id, counter, sender, receiver, parent)
            VALUES (999, 999, 'n1', 'n2', 3)""".encode()
    )
    done.clear()
    everything = build_concurrently(rich, ledger, "public", STAGING, FILLED, EMPTIED, before=some, **quiet)
    assert [what for what in done if "letter" in what]
    assert not [what for what in done if "Person_pkey" in what]
    assert some.vacuumed < everything.vacuumed
    publication = go(rich, ledger, built_ahead=everything)
    assert publication.tables == measure_all(rich, "public", [*FILLED, *EMPTIED])
    assert publication.tables["letter"].rows == 51


def test_a_run_that_lost_the_target_builds_nothing(rich: Connection, ledger: Ledger, database: str) -> None:
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = %s"
    before = rich.execute(indexes, (STAGING,)).fetchone()
    rich.execute("SELECT pg_advisory_unlock_all()")
    with connect(parse_url(database)) as other:
        Ledger(other).take("run-2", "somebody else")
        with pytest.raises(AlreadyRunning):
            ahead(rich, ledger)
    assert rich.execute(indexes, (STAGING,)).fetchone() == before


def test_nothing_is_made_where_the_rows_will_be_moved(rich: Connection, ledger: Ledger) -> None:
    rich.execute('CREATE VIEW everybody AS SELECT "Id" FROM "Person"')
    assert ahead(rich, ledger) == []


def test_a_cancelled_build_is_waited_for_no_longer_than_a_step(rich: Connection, ledger: Ledger) -> None:
    given_up = threading.Event()
    done: list[str] = []

    def progress(_doing: str, what: str) -> None:
        done.append(what)
        given_up.set()

    assert ahead(rich, ledger, on_progress=progress, should_stop=given_up.is_set) == []
    assert len(done) == 1


def test_a_row_that_breaks_a_key_is_reported_and_stops_publish_too(
    rich: Connection,
    ledger: Ledger,
) -> None:
    rich.execute(
        f"""INSERT INTO "{STAGING}"."Person" ("Id", "eMail", mood, shoe, room, nick)
                 VALUES ('n1', 'n99@example.com', 'Fine', 99, 99, 'nick99')""".encode()
    )
    settings = "SELECT current_setting('lock_timeout'), current_setting('synchronous_commit')"
    before = rich.execute(settings).fetchone()
    with pytest.raises(psycopg.errors.UniqueViolation):
        ahead(rich, ledger)
    assert rich.execute(settings).fetchone() == before
    with pytest.raises(TargetError, match="UniqueViolation"):
        go(rich, ledger)


def test_a_vacuum_that_is_under_way_is_waited_for(rich: Connection, ledger: Ledger, database: str) -> None:
    with psycopg.connect(database) as vacuum:
        vacuum.execute(f'LOCK TABLE "{STAGING}"."Person" IN SHARE UPDATE EXCLUSIVE MODE'.encode())
        # As long as the server lets an autovacuum be in the way: deadlock_timeout, and a little more.
        ended = threading.Timer(1.3, vacuum.commit)
        ended.start()
        assert any("Person_pkey" in what for what in ahead(rich, ledger))
        ended.join()
