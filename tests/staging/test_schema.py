from __future__ import annotations

import pytest

from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Connection
from migrate.postgres.schema_fingerprint import fingerprint
from migrate.runtime.errors import TargetError
from migrate.staging import schema

STAGING = "Stage One"


def test_staged_tables_have_the_live_columns_and_nothing_that_slows_a_load(flagship: Connection) -> None:
    schema.create(flagship, "public", STAGING, ["users", "messages"])
    live, staged = introspect(flagship, "public"), introspect(flagship, STAGING)
    assert list(staged.tables) == ["id_map", "messages", "users"]
    for name in ("users", "messages"):
        shape = [(column.name, column.type, column.default) for column in staged.tables[name].columns]
        assert shape == [(column.name, column.type, column.default) for column in live.tables[name].columns]
        assert not any(column.not_null for column in staged.tables[name].columns)
        assert staged.tables[name].primary_key == ()
        assert staged.tables[name].keys == ()
    assert staged.foreign_keys == ()


def test_the_live_schema_is_not_touched(flagship: Connection) -> None:
    before = fingerprint(flagship, "public")
    schema.create(flagship, "public", STAGING, list(introspect(flagship, "public").tables))
    schema.drop(flagship, STAGING)
    assert fingerprint(flagship, "public") == before


def test_a_staged_row_does_not_move_a_live_sequence(conn: Connection) -> None:
    conn.execute(
        "CREATE TABLE t (id serial, ident int GENERATED ALWAYS AS IDENTITY, n int NOT NULL DEFAULT 7,"
        " twice int GENERATED ALWAYS AS (n * 2) STORED)"
    )
    schema.create(conn, "public", STAGING, ["t"])
    conn.execute('INSERT INTO "Stage One".t (n) VALUES (4)')
    assert conn.execute('SELECT id, ident, n, twice FROM "Stage One".t').fetchall() == [(None, None, 4, 8)]
    assert conn.execute("SELECT is_called FROM t_id_seq").fetchone() == (False,)


def test_making_staging_again_leaves_it_empty(flagship: Connection) -> None:
    schema.create(flagship, "public", STAGING, ["users"])
    flagship.execute("INSERT INTO \"Stage One\".users (id) VALUES ('x')")
    schema.create(flagship, "public", STAGING, ["messages", "messages"])
    assert list(introspect(flagship, STAGING).tables) == ["id_map", "messages"]


def test_a_schema_that_is_not_ours_is_never_cleared(flagship: Connection) -> None:
    for act in (lambda: schema.create(flagship, "public", "public", ["users"]),
                lambda: schema.drop(flagship, "public")):  # fmt: skip
        with pytest.raises(TargetError, match="which migrate did not create"):
            act()
    assert len(introspect(flagship, "public").tables) == 18


def test_a_view_put_into_staging_by_somebody_is_not_dropped(flagship: Connection) -> None:
    schema.create(flagship, "public", STAGING, ["users"])
    flagship.execute('CREATE VIEW "Stage One".mine AS SELECT 1 AS n')
    with pytest.raises(TargetError, match="mine"):
        schema.drop(flagship, STAGING)


def test_a_schema_made_by_an_administrator_is_emptied_but_kept(flagship: Connection) -> None:
    flagship.execute('CREATE SCHEMA "Stage One"')
    schema.create(flagship, "public", STAGING, ["users"])
    schema.drop(flagship, STAGING)
    assert introspect(flagship, STAGING).tables == {}
    assert flagship.execute("SELECT to_regnamespace('\"Stage One\"') IS NOT NULL").fetchone() == (True,)


def test_dropping_twice_is_fine_and_removes_a_schema_of_ours(flagship: Connection) -> None:
    schema.create(flagship, "public", STAGING, ["users"])
    schema.drop(flagship, STAGING)
    schema.drop(flagship, STAGING)
    assert flagship.execute("SELECT to_regnamespace('\"Stage One\"') IS NULL").fetchone() == (True,)


def test_a_missing_live_table_is_named(flagship: Connection) -> None:
    with pytest.raises(TargetError, match="has no table nowhere") as caught:
        schema.create(flagship, "public", STAGING, ["users", "nowhere"])
    assert "prisma migrate deploy" in (caught.value.hint or "")


def test_analyze_gives_the_planner_the_staged_numbers(flagship: Connection) -> None:
    schema.create(flagship, "public", STAGING, ["users"])
    flagship.execute('INSERT INTO "Stage One".users (id) SELECT i::text FROM generate_series(1, 40) i')
    schema.analyze(flagship, STAGING)
    row = flagship.execute("SELECT reltuples::int FROM pg_class WHERE oid = '\"Stage One\".users'::regclass")
    assert row.fetchone() == (40,)


def test_no_autovacuum_comes_to_a_staged_table_whatever_the_live_one_says(conn: Connection) -> None:
    conn.execute(
        "CREATE TABLE t (id text)"
        " WITH (autovacuum_enabled = true, toast.autovacuum_enabled = true, fillfactor = 70)"
    )
    schema.create(conn, "public", STAGING, ["t"])
    off = "autovacuum_enabled=false"
    options = conn.execute(
        "SELECT c.relname, c.reloptions, t.reloptions FROM pg_class c"
        " LEFT JOIN pg_class t ON t.oid = c.reltoastrelid"
        " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' ORDER BY 1",
        (f'"{STAGING}"',),
    ).fetchall()
    assert options == [("id_map", [off], [off]), ("t", ["fillfactor=70", off], [off])]
