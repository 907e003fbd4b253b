from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from psycopg import sql

from mappers.base import FATES, ID_MAP, WARNINGS, MappedBatch
from migrate.postgres.connection import Connection
from migrate.runtime.errors import AlreadyRunning, TargetError, TargetUnavailable
from migrate.staging import batch as load
from migrate.staging import schema as staging
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import RUN

STAGING = "migrate_staging"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def users(*names: str) -> pl.DataFrame:
    return pl.DataFrame({
        "id": [f"c{name}" for name in names],
        "email": [f"{name}@example.com" for name in names],
        "username": list(names),
        "display_name": list(names),
        "updated_at": pl.Series([at('2020-01-01')] * len(names), dtype=pl.Datetime("ms")),
    })  # fmt: skip


def a_batch(
    number: int = 1, tables: dict[str, pl.DataFrame] | None = None, **frames: pl.DataFrame
) -> load.Batch:
    mapped = MappedBatch(tables={"users": users("ann", "ben")} if tables is None else tables, **frames)
    return load.Batch(RUN, "users", "users", number, 1, number * 10, 2, mapped)


def count(conn: Connection, schema: str, table: str) -> int:
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def staged(flagship: Connection, ledger: Ledger) -> Connection:
    staging.create(flagship, "public", STAGING, ["users", "messages", "studios"])
    return flagship


def test_a_batch_leaves_rows_fates_warnings_ids_and_its_line_in_the_ledger(
    staged: Connection, ledger: Ledger
) -> None:
    fates = pl.DataFrame([["users", "7", "rejected", "invalid_email", None]], FATES, orient="row")
    warnings = pl.DataFrame([["users", "8", "avatar", "invalid_url"]], WARNINGS, orient="row")
    id_map = pl.DataFrame([["users", "1", "cann", "users"]], ID_MAP, orient="row")
    load.commit_batch(staged, ledger, STAGING, a_batch(fates=fates, warnings=warnings, id_map=id_map))
    assert count(staged, STAGING, "users") == 2
    assert count(staged, STAGING, "id_map") == 1
    assert staged.execute("SELECT source_id, reason, detail FROM migrate_ledger.fate").fetchall() == [
        ("7", "invalid_email", None)
    ]
    assert staged.execute("SELECT column_name, rule FROM migrate_ledger.warning").fetchall() == [
        ("avatar", "invalid_url")
    ]
    assert staged.execute("SELECT number, source_rows, target_rows FROM migrate_ledger.batch").fetchall() == [
        (1, 2, {"users": 2})
    ]
    progress = ledger.cursor(RUN, "users")
    assert (progress.batch, progress.after, progress.done) == (1, 10, False)


def test_a_batch_names_the_first_rows_of_each_outcome(staged: Connection, ledger: Ledger) -> None:
    fates = pl.DataFrame(
        [["users", str(number), "rejected", "invalid_email", None] for number in range(20, 2, -2)]
        + [["users", "1", "merged", "same_id", "with 2"]], FATES, orient="row",
    )  # fmt: skip
    load.commit_batch(staged, ledger, STAGING, a_batch(fates=fates))
    ((named,),) = staged.execute("SELECT first_fates FROM migrate_ledger.batch").fetchall()
    assert sorted((row["reason"], row["source_id"], row["detail"]) for row in named) == [
        ("invalid_email", "10", None), ("invalid_email", "12", None), ("invalid_email", "4", None),
        ("invalid_email", "6", None), ("invalid_email", "8", None), ("same_id", "1", "with 2"),
    ]  # fmt: skip


def test_columns_that_a_mapper_leaves_out_get_the_live_defaults(staged: Connection, ledger: Ledger) -> None:
    load.commit_batch(staged, ledger, STAGING, a_batch())
    rows = staged.execute(
        "SELECT DISTINCT role, email_verified, avatar_url FROM migrate_staging.users"
    ).fetchall()
    assert rows == [("USER", False, None)]


def test_the_same_batch_number_twice_is_refused_and_adds_nothing(staged: Connection, ledger: Ledger) -> None:
    load.commit_batch(staged, ledger, STAGING, a_batch())
    with pytest.raises(TargetError, match="batch 1 of users is already in the ledger"):
        load.commit_batch(staged, ledger, STAGING, a_batch(tables={"users": users("eve")}))
    assert count(staged, STAGING, "users") == 2


def test_a_gap_between_batches_is_refused(staged: Connection, ledger: Ledger) -> None:
    with pytest.raises(TargetError, match="batch 2 of users"):
        load.commit_batch(staged, ledger, STAGING, a_batch(2))
    assert count(staged, STAGING, "users") == 0


def test_a_finished_mapper_takes_no_more_batches(staged: Connection, ledger: Ledger) -> None:
    load.commit_batch(staged, ledger, STAGING, a_batch())
    ledger.finish(RUN, "users", "users")
    assert ledger.cursor(RUN, "users").done
    with pytest.raises(TargetError, match="batch 2 of users"):
        load.commit_batch(staged, ledger, STAGING, a_batch(2))


def test_a_batch_that_fails_in_its_last_table_leaves_nothing(staged: Connection, ledger: Ledger) -> None:
    broken = pl.DataFrame({"id": ["s1"], "studio_type": ["a secret word"]})
    with pytest.raises(TargetError) as caught:
        load.commit_batch(staged, ledger, STAGING, a_batch(tables={"users": users("ann"), "studios": broken}))
    assert "COPY studios, row 1, column studio_type" in str(caught.value)
    assert "secret word" not in str(caught.value)
    assert count(staged, STAGING, "users") == 0
    assert ledger.cursor(RUN, "users").batch == 0


def test_a_batch_killed_halfway_leaves_nothing(
    staged: Connection, ledger: Ledger, opened: Callable[[], Connection]
) -> None:
    writer, blocker = opened(), opened()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            message = pl.DataFrame({"id": ["m1"], "content": ["hello"]})
            tables = {"users": users("ann", "ben"), "messages": message}
            load.commit_batch(writer, ledger, STAGING, a_batch(tables=tables))
        except TargetUnavailable as error:
            errors.append(error)

    with blocker.transaction():
        blocker.execute("LOCK TABLE migrate_staging.messages IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=write)
        thread.start()
        pid = writer.info.backend_pid
        waiting = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        while not staged.execute(waiting, (pid,)).fetchone():
            time.sleep(0.01)
        staged.execute("SELECT pg_terminate_backend(%s)", (pid,))
        thread.join(10)
    assert len(errors) == 1
    assert count(staged, STAGING, "users") == 0
    assert ledger.cursor(RUN, "users").batch == 0
    load.commit_batch(staged, ledger, STAGING, a_batch())
    assert count(staged, STAGING, "users") == 2


def test_a_frozen_run_cannot_commit_after_another_took_the_target(
    staged: Connection, ledger: Ledger, opened: Callable[[], Connection]
) -> None:
    worker = opened()
    load.commit_batch(worker, ledger, STAGING, a_batch())
    other = Ledger(opened())
    other.conn.execute("SELECT pg_terminate_backend(%s)", (staged.info.backend_pid,))
    while other.holder():
        time.sleep(0.01)
    other.take("run-2", "the other one")
    with pytest.raises(AlreadyRunning, match="the other one"):
        load.commit_batch(worker, ledger, STAGING, a_batch(2))
    assert count(worker, STAGING, "users") == 2


def test_values_survive_copy(conn: Connection, ledger: Ledger) -> None:
    conn.execute(
        "CREATE TYPE \"Mood\" AS ENUM ('so so', 'it\"s, fine');"
        'CREATE TABLE odd (n int, t text, e "Mood", d numeric(11,8), j jsonb, at timestamp(3), z timestamptz,'
        " b boolean, f float8, y bytea)"
    )
    texts = ["", None, "\\.", "a\n\\.\nb", 'say "so", she', "tab\tand\\backslash", " \r\n ", "NULL", "\\N"]
    n = len(texts)
    frame = pl.DataFrame({
        "n": range(n),
        "t": texts,
        "e": ["so so", 'it"s, fine', None] * 3,
        "d": pl.Series([Decimal("-1.00000001"), None, Decimal("179.12345678")] * 3, dtype=pl.Decimal(11, 8)),
        "j": ['{"a": "x\\ny", "b": [1, null]}', None, '""'] * 3,
        "at": pl.Series([at('1970-01-01'), None, at('2024-02-29 23:59:59.999')] * 3,
                        dtype=pl.Datetime("ms")),
        "z": pl.Series([at('2024-07-01 12:00')] * n, dtype=pl.Datetime("us", "UTC"))
               .dt.convert_time_zone("Europe/Paris"),
        "b": [True, False, None] * 3,
        "f": [1e300, float("inf"), 0.1] * 3,
        "y": [b"", None, b"\x00\xff"] * 3,
    })  # fmt: skip
    staging.create(conn, "public", STAGING, ["odd"])
    load.commit_batch(conn, ledger, STAGING, a_batch(tables={"odd": frame}))
    rows = conn.execute("SELECT * FROM migrate_staging.odd ORDER BY n").fetchall()
    assert [row[1] for row in rows] == texts
    assert [row[2] for row in rows[:3]] == ["so so", 'it"s, fine', None]
    assert [row[3] for row in rows[:3]] == [Decimal("-1.00000001"), None, Decimal("179.12345678")]
    assert [row[4] for row in rows[:3]] == [{"a": "x\ny", "b": [1, None]}, None, ""]
    assert [row[5] for row in rows[:3]] == [
        at('1970-01-01'), None, at('2024-02-29 23:59:59.999')
    ]  # fmt: skip
    assert {row[6].isoformat() for row in rows} == {"2024-07-01T12:00:00+00:00"}
    assert [row[7] for row in rows[:3]] == [True, False, None]
    assert [row[8] for row in rows[:3]] == [1e300, float("inf"), 0.1]
    assert [row[9] for row in rows[:3]] == [b"", None, b"\x00\xff"]


def test_an_empty_frame_is_nothing_to_copy(staged: Connection, ledger: Ledger) -> None:
    load.commit_batch(staged, ledger, STAGING, a_batch(tables={"users": users()}))
    assert ledger.cursor(RUN, "users").batch == 1
    assert count(staged, STAGING, "users") == 0


def test_encoding_ahead_gives_the_same_as_encoding_on_commit(staged: Connection, ledger: Ledger) -> None:
    batch = a_batch()
    ahead = load.encode_batch(batch)
    assert ahead.encoded is not None
    assert load.encode_batch(ahead) is ahead
    load.commit_batch(staged, ledger, STAGING, ahead)
    rows = staged.execute("SELECT id, email FROM migrate_staging.users ORDER BY id").fetchall()
    assert rows == [("cann", "ann@example.com"), ("cben", "ben@example.com")]


def test_a_guard_outside_a_transaction_is_refused(conn: Connection, ledger: Ledger) -> None:
    with pytest.raises(TargetError, match="inside transactions"):
        ledger.guard(conn)
    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_row_that_copy_does_not_take_is_missed_and_nothing_is_kept(
    staged: Connection, ledger: Ledger
) -> None:
    staged.execute(
        f"""CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RETURN CASE WHEN NEW.username = 'ben' THEN NULL ELSE NEW END; END $$;
        CREATE TRIGGER swallow BEFORE INSERT ON {STAGING}.users FOR EACH ROW EXECUTE FUNCTION swallow()"""
    )
    with pytest.raises(TargetError, match="COPY took 1 row of 2"):
        load.commit_batch(staged, ledger, STAGING, a_batch())
    assert count(staged, STAGING, "users") == 0
    assert count(staged, "migrate_ledger", "batch") == 0
