"""I8: whatever oddities the live schema has, publish leaves it as it was."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.connection import Connection, libpq_environment, parse_url
from migrate.postgres.embedded import binary
from migrate.postgres.schema_fingerprint import differences, fingerprint
from migrate.postgres.table_checksum import measure, measure_all
from migrate.publish.publish import Kind, Publication, publish
from migrate.runtime.errors import TargetError
from migrate.staging import schema
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import RUN

STAGING = "migrate_staging"
TABLES = ["Person", "letter"]


def schema_text(url: str) -> str:
    """What pg_dump says of everything but the migration's own schemas."""
    settings = psycopg.conninfo.conninfo_to_dict(parse_url(url).conninfo)
    done = subprocess.run(
        [binary("pg_dump"), "--schema-only", "--restrict-key=test",
         "--exclude-schema=migrate_ledger", f"--exclude-schema={STAGING}", '--exclude-schema="Stage One"'],
        env={**os.environ, **libpq_environment(settings)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture
def odd(conn: Connection, database: str, ledger: Ledger) -> Connection:
    text = Path(__file__).with_name("odd_schema.sql").read_text()
    conn.execute(text.replace("%(name)s", conn.info.dbname))
    schema.create(conn, "public", STAGING, TABLES)
    return conn


def go(conn: Connection, ledger: Ledger, kind: Kind = "publish") -> Publication:
    return publish(
        conn, ledger=ledger, schema="public", staging=STAGING, filled=TABLES, emptied=[],
        expected=measure_all(conn, "public", TABLES), run_id=RUN, kind=kind,
    )  # fmt: skip


def stage(conn: Connection) -> None:
    conn.execute(
        f"""INSERT INTO {STAGING}."Person" ("Id", "eMail", mood, shoe, room, nick)
            SELECT 'n' || i, 'n' || i || '@example.com', 'Fine', i, i, 'nick' || i
            FROM generate_series(1, 50) i;
        INSERT INTO {STAGING}.letter (id, sender, receiver)
            SELECT i * 3, 'n' || i, 'n' || (51 - i) FROM generate_series(1, 50) i"""
    )


def test_the_house_is_the_same_after_publish(odd: Connection, ledger: Ledger, database: str) -> None:
    stage(odd)
    before, text = fingerprint(odd, "public"), schema_text(database)
    go(odd, ledger)
    assert differences(before, fingerprint(odd, "public")) == []
    assert schema_text(database) == text
    assert odd.execute('SELECT count(*), min("Id") FROM "Person"').fetchone() == (50, "n1")
    assert odd.execute("SELECT count(*), max(id), count(plan) FROM letter").fetchone() == (50, 150, 50)


def test_publish_fires_no_trigger_of_the_application(odd: Connection, ledger: Ledger) -> None:
    stage(odd)
    odd.execute("TRUNCATE seen")
    go(odd, ledger)
    assert odd.execute("SELECT count(*) FROM seen").fetchone() == (0,)


def test_sequences_go_on_after_the_largest_number(odd: Connection, ledger: Ledger) -> None:
    stage(odd)
    odd.execute(f"UPDATE {STAGING}.letter SET serial_no = id + 1000")
    go(odd, ledger)
    odd.execute("INSERT INTO letter (sender) VALUES ('n1')")
    last = odd.execute("SELECT id, serial_no FROM letter ORDER BY id DESC LIMIT 1").fetchone()
    assert last == (151, 1151)
    # values that were not staged were drawn from the column's own sequence, every number once
    codes = odd.execute("SELECT count(DISTINCT code), min(code) % 5 FROM letter").fetchone()
    assert codes == (51, 0)


def test_the_ledger_records_what_each_table_holds_after_it(odd: Connection, ledger: Ledger) -> None:
    stage(odd)
    publication = go(odd, ledger)
    assert publication.tables == measure_all(odd, "public", TABLES)
    assert publication.replaced == {"Person": 2, "letter": 2}
    row = odd.execute("SELECT id, run_id, kind, tables FROM migrate_ledger.publication").fetchone()
    person = measure(odd, "public", "Person")
    assert row is not None
    assert row[:3] == (publication.id, RUN, "publish")
    columns = row[3]["Person"].pop("columns")
    assert row[3]["Person"] == {"rows": 50, "checksum": person.checksum}
    assert columns["eMail"] == "character varying(254)"


def test_new_rows_must_satisfy_a_foreign_key_that_was_never_validated(
    odd: Connection, ledger: Ledger
) -> None:
    stage(odd)
    odd.execute(f"UPDATE {STAGING}.letter SET receiver = 'nobody' WHERE id = 3")
    with pytest.raises(TargetError, match="letter_receiver_fkey"):
        go(odd, ledger)


def test_a_rollback_puts_back_rows_that_break_constraints_never_validated(
    odd: Connection, ledger: Ledger, database: str
) -> None:
    stage(odd)
    odd.execute(f"UPDATE {STAGING}.letter SET receiver = 'nobody' WHERE id = 3")
    odd.execute(f'UPDATE {STAGING}."Person" SET room = 5000 WHERE "Id" = \'n1\'')
    text = schema_text(database)
    go(odd, ledger, "rollback")
    assert schema_text(database) == text
    assert odd.execute("SELECT count(*) FROM letter WHERE receiver = 'nobody'").fetchone() == (1,)


def test_an_index_that_is_invalid_stays_invalid(odd: Connection, ledger: Ledger, database: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        odd.execute('CREATE UNIQUE INDEX CONCURRENTLY half_made ON "Person" (mood)')
    odd.execute("UPDATE pg_index SET indisready = false WHERE indexrelid = 'half_made'::regclass")
    stage(odd)
    text = schema_text(database)
    go(odd, ledger)
    assert schema_text(database) == text
    row = odd.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'half_made'::regclass").fetchone()
    assert row == (False,)


def test_a_table_outside_that_references_a_replaced_one_stops_publish(
    odd: Connection, ledger: Ledger
) -> None:
    odd.execute('CREATE TABLE plain.note (person text REFERENCES public."Person")')
    stage(odd)
    with pytest.raises(TargetError, match=r"plain\.note refers to"):
        go(odd, ledger)
    assert odd.execute('SELECT count(*) FROM "Person"').fetchone() == (2,)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("DROP INDEX person_brin", "index person_brin"),
        ("ALTER TABLE plan ADD COLUMN extra int", "column plan.extra"),
        ("ALTER TYPE \"Types\".\"Mood\" RENAME TO \"Temper\"", "column Person.mood"),
        ("COMMENT ON INDEX \"Person expr\" IS NULL", "index Person expr"),
        ("ALTER INDEX \"Person expr\" ALTER COLUMN 1 SET STATISTICS 10", "index Person expr"),
        ("ALTER TABLE letter DISABLE TRIGGER always", "trigger letter.always"),
        ("ALTER TABLE \"Person\" NO FORCE ROW LEVEL SECURITY", "relation Person"),
        ("REVOKE SELECT ON \"Person\" FROM PUBLIC; GRANT SELECT ON \"Person\" TO PUBLIC", "relation Person"),
        ("DROP POLICY own ON \"Person\"", "policy Person.own"),
        ("ALTER TABLE \"Person\" SET WITHOUT CLUSTER", "index person_ident"),
        ("ALTER PUBLICATION feed DROP TABLE letter", "publication feed.letter"),
        ("ALTER SEQUENCE letter_serial_no_seq INCREMENT 2", "sequence letter_serial_no_seq"),
        ("ALTER TABLE letter RENAME CONSTRAINT \"letter sender\" TO s", "constraint public.letter.s"),
    ],
)  # fmt: skip
def test_the_fingerprint_sees_a_change(odd: Connection, change: str, name: str) -> None:
    before = fingerprint(odd, "public")
    odd.execute(change)
    assert name in differences(before, fingerprint(odd, "public"))


def test_the_fingerprint_sees_a_row_of_prismas_own_table(conn: Connection) -> None:
    conn.execute("CREATE TABLE _prisma_migrations (id text)")
    before = fingerprint(conn, "public")
    conn.execute("INSERT INTO _prisma_migrations VALUES ('x')")
    assert differences(before, fingerprint(conn, "public")) == ["rows _prisma_migrations"]
