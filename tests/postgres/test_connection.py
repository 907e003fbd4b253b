from __future__ import annotations

import itertools
import os
import socket
import subprocess
import time

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.connection import (
    Connection,
    async_commit,
    connect,
    libpq_environment,
    parse_url,
    raise_work_mem,
    session_settings,
    translate_errors,
)
from migrate.postgres.embedded import binary
from migrate.runtime.errors import TargetError, TargetUnavailable, UsageError
from tests.postgres.studio_target import with_query
from tests.servers.pooler import TransactionPooler
from tests.servers.proxy import Proxy


def show(conn: Connection, name: str) -> str:
    row = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_a_session_is_the_same_whatever_the_database_is_set_to(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname
        for setting in ("TimeZone='Asia/Tokyo'", "DateStyle='German'", "bytea_output='escape'",
                        "statement_timeout='1min'", "extra_float_digits=-3"):  # fmt: skip
            admin.execute(f"ALTER DATABASE {name} SET {setting}")
    with connect(parse_url(database)) as conn:
        assert show(conn, "TimeZone") == "UTC"
        assert show(conn, "DateStyle") == "ISO, MDY"
        assert show(conn, "statement_timeout") == "0"
        assert show(conn, "row_security") == "off"
        assert show(conn, "default_transaction_isolation") == "read committed"
        text = "SELECT '2024-03-01 02:03:04.5+09'::timestamptz::text || '\\x00ff'::bytea::text || 0.1::float8"
        assert conn.execute(text).fetchone() == ("2024-02-29 17:03:04.5+00\\x00ff0.1",)
        assert conn.autocommit


@pytest.mark.parametrize("silent_from", [3, 4, 7])  # logging in, the first question, the last
def test_a_server_that_falls_silent_while_the_session_is_set_up_is_given_up(
    database: str, silent_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATE_SILENCE_S", "1")
    messages = itertools.count(1)
    with Proxy.before(database) as proxy:
        proxy.on_request = lambda: proxy.black_hole() if next(messages) == silent_from else None
        address = proxy.address(with_query(database, "sslmode=disable&connect_timeout=2"))
        began = time.monotonic()
        with (
            pytest.raises(TargetUnavailable),
            connect(parse_url(address)) as conn,
            translate_errors("asking"),
        ):
            conn.execute("SELECT 1")
    assert time.monotonic() - began < 20
    assert next(messages) > silent_from, "it asked fewer times"


def test_the_schema_of_the_url_comes_first_on_the_search_path(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute('CREATE SCHEMA "My Shop"; CREATE TABLE "My Shop".here (n int)')
    with connect(parse_url(with_query(database, "schema=My%20Shop"))) as conn:
        assert conn.execute("SELECT count(*) FROM here").fetchone() == (0,)


def test_a_read_only_connection_writes_nothing(database: str) -> None:
    with connect(parse_url(database), read_only=True) as conn:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("CREATE TABLE t (n int)")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), conn.transaction():
            conn.execute("CREATE TABLE t (n int)")


def test_a_prisma_url_connects_as_pasted(database: str) -> None:
    pasted = with_query(
        database, "schema=public&connection_limit=5&pool_timeout=10&sslmode=prefer&socket_timeout=3"
    )
    with connect(parse_url(pasted)) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_password_is_reported_without_the_password(database: str) -> None:
    parts = database.split("@")
    with pytest.raises(TargetError, match="password authentication failed") as caught:
        connect(parse_url(f"postgresql://postgres:hunter2@{parts[1]}"))
    assert not isinstance(caught.value, TargetUnavailable)
    assert "hunter2" not in str(caught.value)


def test_a_missing_database_is_no_passing_trouble(database: str) -> None:
    with pytest.raises(TargetError, match="does not exist") as caught:
        connect(parse_url(database.replace("/t_", "/not_t_")))
    assert not isinstance(caught.value, TargetUnavailable)


def test_a_server_that_does_not_answer_is_passing_trouble() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TargetUnavailable, match="cannot connect to 127"):
        connect(parse_url(f"postgresql://u:p@127.0.0.1:{port}/d"))


def test_an_error_names_the_constraint_and_not_the_value(conn: Connection) -> None:
    conn.execute("CREATE TABLE t (mail text CONSTRAINT one UNIQUE); INSERT INTO t VALUES ('ann@example.com')")
    with (
        pytest.raises(TargetError, match=r"trying: UniqueViolation .*constraint one") as caught,
        translate_errors("trying"),
    ):
        conn.execute("INSERT INTO t VALUES ('ann@example.com')")
    assert "ann" not in str(caught.value)


def test_an_error_of_a_value_does_not_quote_it(conn: Connection) -> None:
    with pytest.raises(TargetError) as caught, translate_errors("trying"):
        conn.execute("SELECT 'my secret'::int")
    assert "secret" not in str(caught.value)


def test_a_session_that_was_ended_is_passing_trouble(conn: Connection, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
    with pytest.raises(TargetUnavailable) as caught, translate_errors("trying"):
        conn.execute("SELECT 1")
    assert caught.value.exit_code == 3


def test_a_missing_right_says_what_to_do(conn: Connection) -> None:
    conn.execute("SET ROLE pg_read_all_settings")
    with pytest.raises(TargetError, match="permission denied") as caught, translate_errors("trying"):
        conn.execute("CREATE TABLE t (n int)")
    assert "owner" in (caught.value.hint or "")


def test_postgresqls_own_programs_connect_by_environment(database: str) -> None:
    settings = psycopg.conninfo.conninfo_to_dict(parse_url(with_query(database, "keepalives=1")).conninfo)
    environment = libpq_environment(settings)
    done = subprocess.run(
        [binary("psql"), "-Atc", "SELECT current_database()"],
        env={**os.environ, **environment}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == settings["dbname"]


def test_a_parameter_without_a_variable_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="sslpassword"):
        libpq_environment({"sslpassword": "x"})


def test_a_transaction_pooler_is_refused_before_anything_is_set(database: str) -> None:
    with TransactionPooler(database, size=2) as pooler:
        with pytest.raises(TargetError, match="transaction-pooling endpoint") as caught:
            connect(parse_url(pooler.url))
        assert "direct URL" in (caught.value.hint or "")
        with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as application:
            assert application.execute("SHOW row_security").fetchone() == ("on",)


def test_a_session_pooler_is_as_good_as_the_server(database: str) -> None:
    with (
        TransactionPooler(database, size=3, whole_sessions=True) as pooler,
        connect(parse_url(pooler.url)) as conn,
    ):
        assert conn.execute("SELECT pg_backend_pid()").fetchone() != (conn.info.backend_pid,)
        assert show(conn, "TimeZone") == "UTC"


def test_a_transaction_gets_the_memory_it_needs_and_no_less_than_the_server_gives(conn: Connection) -> None:
    conn.execute("SET maintenance_work_mem = '1GB'")
    conn.execute("SET work_mem = '64kB'")
    with conn.transaction():
        raise_work_mem(conn)
        assert (show(conn, "maintenance_work_mem"), show(conn, "work_mem")) == ("1GB", "64MB")
    assert (show(conn, "maintenance_work_mem"), show(conn, "work_mem")) == ("1GB", "64kB")


def test_settings_that_are_held_are_given_back_whatever_ends_the_block(database: str) -> None:
    with connect(parse_url(database)) as conn:
        conn.execute("SET synchronous_commit = on")
        before = show(conn, "work_mem")
        with async_commit(conn), session_settings(conn, {"work_mem": "3MB"}):
            assert (show(conn, "synchronous_commit"), show(conn, "work_mem")) == ("off", "3MB")
            with conn.transaction():
                assert show(conn, "synchronous_commit") == "off"
        assert (show(conn, "synchronous_commit"), show(conn, "work_mem")) == ("on", before)
        with pytest.raises(psycopg.errors.DivisionByZero), async_commit(conn):
            conn.execute("SELECT 1 / 0")
        assert show(conn, "synchronous_commit") == "on"
        with pytest.raises(TargetUnavailable), translate_errors("ending"), async_commit(conn):
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("name", ["50% off", "%s", "%(a)s", 'a"%b', "100%%"])
def test_a_name_with_a_percent_sign_goes_with_parameters(database: str, name: str) -> None:
    table = sql.Identifier(name, "t")
    with connect(parse_url(database)) as conn:
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        conn.execute(sql.SQL("CREATE TABLE {} (v text)").format(table))
        conn.execute(sql.SQL("INSERT INTO {} VALUES (%s || {})").format(table, sql.Literal(name)), ("x",))
        rows = conn.execute(sql.SQL("SELECT v FROM {} WHERE v LIKE %(v)s").format(table), {"v": "x%"})
        assert rows.fetchall() == [("x" + name,)]
