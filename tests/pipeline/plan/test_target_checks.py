from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from migrate.pipeline.plan.target_checks import Finding, inspect_target
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Address, Connection, connect, parse_url
from migrate.postgres.schema_fingerprint import differences, fingerprint
from migrate.postgres.table_checksum import measure_all
from migrate.publish.publish import publish
from migrate.staging import schema
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import init_sql, with_query

WRITES = {"users": ["id", "email", "username", "display_name", "updated_at"]}


def look(
    address: Address, conn: Connection, writes: dict[str, list[str]] | None = None, **options: object
) -> list[Finding]:
    live = introspect(conn, address.schema)
    chosen = {
        "writes": WRITES if writes is None else writes,
        "emptied": [name for name in live.tables if name not in WRITES],
        "ledger_schema": "migrate_ledger",
        "staging_schema": "migrate_staging",
        **options,
    }
    return inspect_target(address, conn, live, **chosen)  # type: ignore[arg-type]


def errors(found: list[Finding]) -> list[str]:
    return [finding.message for finding in found if finding.level == "error"]


@pytest.fixture
def address(database: str) -> Address:
    return parse_url(database)


def test_a_good_target_has_no_findings(address: Address, flagship: Connection) -> None:
    assert look(address, flagship) == []


def test_notes_of_the_url_are_passed_on(database: str, flagship: Connection) -> None:
    found = look(parse_url(with_query(database, "connection_limit=1")), flagship)
    assert [finding.level for finding in found] == ["note"]


def test_a_pooled_url_is_refused_with_the_way_out(database: str, flagship: Connection) -> None:
    found = look(parse_url(with_query(database, "pgbouncer=true")), flagship)
    assert "transaction-pooling endpoint" in errors(found)[0]
    assert "direct URL" in (found[-1].hint or "")


def test_tables_that_reference_a_replaced_one_are_named(address: Address, flagship: Connection) -> None:
    flagship.execute('CREATE SCHEMA o; CREATE TABLE o."N" (u text CONSTRAINT nu REFERENCES public.users)')
    found = look(address, flagship, emptied=["sessions"], keep=["accounts"])
    kept = [finding for finding in found if finding.message.startswith("accounts ")]
    assert kept[0].message == (
        "accounts references users (accounts_user_id_fkey) and is to be kept, but those rows are replaced"
    )
    assert "[target] keep" in (kept[0].hint or "")
    assert any(text.startswith("o.N references users (nu)") for text in errors(found))
    assert not any(text.startswith("sessions ") for text in errors(found))


def test_what_the_schema_lacks_is_named(address: Address, flagship: Connection) -> None:
    flagship.execute("ALTER TABLE users ADD COLUMN must text NOT NULL, ADD COLUMN sum int"
                     " GENERATED ALWAYS AS (1) STORED, DROP COLUMN email")  # fmt: skip
    found = errors(look(address, flagship, {**WRITES, "gone": ["id"]} | {"users": [*WRITES["users"], "sum"]}))
    assert found == [
        "the schema public has no table gone",
        "the table users has no column email",
        "the columns sum of users are computed by PostgreSQL",
        "the mapping does not fill these required columns of users: must",
    ]


def test_a_schema_that_is_not_there_is_named(database: str, conn: Connection) -> None:
    found = errors(look(parse_url(with_query(database, "schema=shop")), conn))
    assert found == ["the schema shop has no table users"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("CREATE TABLE sub () INHERITS (users)", "users is partitioned or inherits"),
        ("CREATE RULE r AS ON INSERT TO users DO ALSO NOTHING", "users has rules"),
        ("ALTER TABLE users DISABLE TRIGGER ALL", "at users are disabled"),
        ("CREATE PUBLICATION p FOR TABLE users; ALTER TABLE users REPLICA IDENTITY NOTHING",
         "users is in the publication p but has no replica identity"),
        ("ALTER DATABASE {} SET default_transaction_read_only = on", "read-only transactions"),
        ("CREATE PUBLICATION p FOR ALL TABLES", "the publication p is FOR ALL TABLES"),
        ("CREATE SCHEMA migrate_ledger; CREATE PUBLICATION p FOR TABLES IN SCHEMA migrate_ledger",
         "the publication p sends every table of migrate_ledger"),
        ("CREATE SEQUENCE s; ALTER TABLE users ADD code text NOT NULL DEFAULT 'A' || nextval('s')",
         "the mapping does not fill these required columns of users: code"),
        ("CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS"
         " 'BEGIN RAISE EXCEPTION ''no drops here''; END';"
         "CREATE EVENT TRIGGER no_drop ON sql_drop EXECUTE FUNCTION f()",
         "an event trigger (no_drop) forbids to make or drop tables: no drops here"),
    ],
)  # fmt: skip
def test_what_publish_cannot_handle_is_refused(
    database: str, flagship: Connection, change: str, message: str
) -> None:
    flagship.execute(change.replace("{}", flagship.info.dbname).encode())
    address = parse_url(database)
    with connect(address) as fresh:
        found = errors(
            look(address, fresh, emptied=[n for n in introspect(fresh, "public").tables if n != "users"])
        )
    assert any(message in text for text in found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("CREATE PUBLICATION p FOR TABLE users", "users is in the publication p"),
        ("CREATE MATERIALIZED VIEW m AS SELECT id FROM users", "m is built from users"),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
         "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
         "the triggers t of users"),
    ],
)  # fmt: skip
def test_what_an_operator_should_know_is_a_note(
    address: Address, flagship: Connection, change: str, message: str
) -> None:
    flagship.execute(change.encode())
    found = look(address, flagship)
    assert errors(found) == []
    assert any(message in finding.message for finding in found)


def test_the_three_schemas_must_be_three(address: Address, flagship: Connection) -> None:
    assert "three different schemas" in errors(look(address, flagship, staging_schema="public"))[0]
    assert "three different schemas" in errors(look(address, flagship, ledger_schema="migrate_staging"))[0]


def test_a_table_with_the_name_of_the_map_of_ids_is_refused(address: Address, flagship: Connection) -> None:
    flagship.execute("CREATE TABLE id_map (id text)")
    assert any("named id_map" in text for text in errors(look(address, flagship)))


def test_a_database_that_is_not_utf8_is_refused(postgres: object, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname + "_latin"
        admin.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
            ).format(sql.Identifier(name))
        )
        try:
            parts = urlsplit(database)
            address = parse_url(urlunsplit(parts._replace(path=f"/{name}")))
            with connect(address) as conn:
                assert any("LATIN1" in text for text in errors(look(address, conn, {})))
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# ---- rights --------------------------------------------------------------------------


@pytest.fixture
def owner(database: str) -> Iterator[Address]:
    """An ordinary role that owns the flagship's tables in the schema `app`, and nothing else."""
    name = f"owner_{urlsplit(database).path[3:]}"
    parts = urlsplit(database)
    with psycopg.connect(database, autocommit=True) as admin:
        role = sql.Identifier(name)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw'").format(role))
        admin.execute(sql.SQL("CREATE SCHEMA app AUTHORIZATION {}").format(role))
    place = f"{parts.hostname}:{parts.port}"
    address = parse_url(with_query(urlunsplit(parts._replace(netloc=f"{name}:pw@{place}")), "schema=app"))
    with connect(address) as conn:
        conn.execute(init_sql().replace('CREATE SCHEMA IF NOT EXISTS "public";', "").encode())
    yield address
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
        admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
        admin.execute(sql.SQL("DROP ROLE {}").format(role))


def test_an_owner_that_may_not_make_schemas_gets_the_statements(owner: Address, conn: Connection) -> None:
    with connect(owner) as session:
        found = look(owner, session)
        role = session.info.user
    hints = [finding.hint for finding in found]
    assert errors(found) == [
        f"the role {role} may not create the schema {name} in the database {conn.info.dbname}"
        for name in ("migrate_ledger", "migrate_staging")
    ]
    for hint in hints:
        assert hint is not None
        conn.execute(hint.split("run: ")[1].encode())
    with connect(owner) as session:
        assert look(owner, session) == []


def test_an_ordinary_owner_can_do_the_whole_migration(owner: Address, conn: Connection) -> None:
    conn.execute(sql.SQL("CREATE SCHEMA migrate_staging AUTHORIZATION {role}; CREATE SCHEMA migrate_ledger"
                         " AUTHORIZATION {role}").format(role=sql.Identifier(_user(owner))))  # fmt: skip
    with connect(owner) as session:
        ledger = Ledger(session)
        ledger.create()
        ledger.take("r", "owner")
        tables = list(introspect(session, "app").tables)
        schema.create(session, "app", "migrate_staging", ["users"])
        session.execute(
            "INSERT INTO migrate_staging.users (id, email, username, display_name, updated_at)"
            " VALUES ('a', 'a@example.com', 'a', 'A', '2020-01-01')"
        )
        before = fingerprint(session, "app")
        publication = publish(
            session, ledger=ledger, schema="app", staging="migrate_staging", filled=["users"],
            emptied=[name for name in tables if name != "users"],
            expected=measure_all(session, "app", tables), run_id="r",
        )  # fmt: skip
        assert publication.notes == ()
        assert differences(before, fingerprint(session, "app")) == []
        assert session.execute("SELECT count(*) FROM app.users").fetchone() == (1,)
        schema.drop(session, "migrate_staging")


def _user(address: Address) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(address.conninfo)["user"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE app.users OWNER TO CURRENT_USER", "does not own users; the owner is"),
        ("ALTER TABLE app.users OWNER TO CURRENT_USER", "cannot read users"),
        ("ALTER TABLE app.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", "hides rows of users"),
        (
            "ALTER SCHEMA app OWNER TO CURRENT_USER; GRANT USAGE ON SCHEMA app TO {}",
            "lacks CREATE on the schema app",
        ),
        ("CREATE SCHEMA migrate_ledger", "lacks USAGE and CREATE on the schema migrate_ledger"),
    ],
)
def test_a_missing_right_is_named_with_what_grants_it(
    owner: Address, conn: Connection, change: str, message: str
) -> None:
    conn.execute(change.replace("{}", _user(owner)).encode())
    with connect(owner) as session:
        found = look(owner, session)
    named = [finding for finding in found if message in finding.message]
    assert len(named) == 1
    assert named[0].hint


def test_a_missing_schema_is_a_right_problem_too(owner: Address) -> None:
    with connect(owner) as session:
        elsewhere = replace(owner, schema="nowhere")
        assert "there is no schema nowhere" in errors(look(elsewhere, session))
