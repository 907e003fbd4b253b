"""What forbids an exchange, each with its reason; and that nothing else does."""

from __future__ import annotations

import psycopg
import pytest

from migrate.postgres.connection import Connection
from migrate.publish.swap_blockers import TableName, find_swap_blockers
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import MANAGED

TWINS = [*(TableName("public", "s", table) for table in MANAGED), TableName("migrate_ledger", "s", "id_map")]
REASONS = [
    ("CREATE VIEW v AS SELECT id FROM users", "the view public.v reads public.users"),
    ("CREATE VIEW v AS SELECT new_id FROM migrate_ledger.id_map",
     "the view public.v reads migrate_ledger.id_map"),
    ("CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM messages",
     "the materialized view public.v reads public.messages"),
    ("CREATE TABLE other (n int);"
     " CREATE RULE r AS ON INSERT TO other DO ALSO UPDATE users SET display_name = 'x'",
     "a rule of public.other reads public.users"),
    ("CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING", "the rule r is on public.users"),
    ("CREATE FUNCTION f(u users) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
     "function public.f(public.users) depends on public.users"),
    ("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM users; END",
     "function public.f() depends on public.users"),
    ("CREATE FUNCTION f() RETURNS SETOF users LANGUAGE sql AS $$ SELECT * FROM users $$",
     "function public.f() depends on public.users"),
    ("CREATE TABLE other (u users)", "table public.other depends on public.users"),
    ("CREATE TABLE other (u users[])", "table public.other depends on public.users"),
    ("CREATE TABLE other (id text REFERENCES users)",
     "public.other, which is not replaced, references public.users"),
    ("CREATE TABLE other (id text PRIMARY KEY);"
     " ALTER TABLE users ADD FOREIGN KEY (avatar_url) REFERENCES other",
     "public.users references public.other, which is not replaced"),
    ("CREATE POLICY p ON studios USING (EXISTS (SELECT 1 FROM users u WHERE u.id = owner_id))",
     "policy p on table public.studios depends on public.users"),
    ("CREATE TABLE part () INHERITS (users)", "public.users is partitioned or inherits"),
    ("ALTER TABLE messages SET UNLOGGED", "public.messages is unlogged or temporary"),
    ("ALTER TABLE users ADD n int GENERATED ALWAYS AS IDENTITY", "public.users.n is an identity column"),
    ("COMMENT ON TYPE users IS 'x'", "the row type of public.users has grants or a comment"),
    ("CREATE PUBLICATION feed FOR TABLE users", "public.users is published by feed"),
    ("CREATE PUBLICATION feed FOR ALL TABLES", "public.users is published by feed"),
    ("CREATE ROLE {name} LOGIN; GRANT SELECT ON users TO {name} WITH GRANT OPTION;"
     " GRANT USAGE ON SCHEMA public TO {name}; SET ROLE {name}; GRANT SELECT ON users TO PUBLIC; RESET ROLE",
     "rights on public.users were granted by {name}"),
    ("CREATE ROLE {name}; ALTER TABLE users OWNER TO {name}; CREATE ROLE {name}_2 IN ROLE {name};"
     " GRANT ALL ON SCHEMA public TO {name}_2; SET ROLE {name}_2",
     "the owner of public.users, {name}, may make no table in its schema"),
    ("CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;"
     " CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION e()",
     "the event trigger watch watches definitions"),
    ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_email_key'::regclass",
     "the index public.users_email_key is invalid"),
]  # fmt: skip


@pytest.fixture
def prepared(flagship: Connection, ledger: Ledger) -> Connection:
    return flagship


def test_the_flagship_has_no_obstacle(prepared: Connection) -> None:
    # what an exchange carries over is none
    prepared.execute(
        "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        " CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW WHEN (NEW.email <> OLD.email)"
        " EXECUTE FUNCTION t();"
        " CREATE POLICY p ON users USING (id = current_user); ALTER TABLE messages ADD n serial;"
        " CREATE STATISTICS s ON role, email FROM users; CREATE INDEX i ON users (lower(email));"
        " ALTER TABLE users ADD CHECK (users.email <> '');"
        " ALTER TABLE users ADD twice text GENERATED ALWAYS AS (email || '') STORED;"
        " CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.users';"
        " GRANT SELECT ON users TO PUBLIC; CREATE TABLE alone (id int PRIMARY KEY);"
        " CREATE VIEW lonely AS SELECT id FROM alone"
    )
    assert find_swap_blockers(prepared, TWINS) == []


def test_every_obstacle_is_named(prepared: Connection) -> None:
    name = prepared.info.dbname
    for plant, reason in REASONS:
        with prepared.transaction() as planting:
            prepared.execute(plant.replace("{name}", name).encode())
            assert reason.replace("{name}", name) in find_swap_blockers(prepared, TWINS), plant
            raise psycopg.Rollback(planting)
    assert find_swap_blockers(prepared, TWINS) == []
