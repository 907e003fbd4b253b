"""A backup is proven by restoring it, and a wrong one is caught and named."""

from __future__ import annotations

import psycopg
import pytest

from backups.errors import BackupDamaged, BackupError
from backups.files import digest_file
from backups.manifest import Manifest, load, save
from tests.backups.conftest import Live


def _leftovers(live: Live) -> list[str]:
    with psycopg.connect(live.throwaway) as conn:
        query = "SELECT datname FROM pg_database WHERE datname LIKE 'restored%'"
        return [name for (name,) in conn.execute(query).fetchall()]


def _pass_off(live: Live, manifest: Manifest) -> Manifest:
    """Return a manifest that describes the dump file as it lies there, with the old tables."""
    path = live.folder / manifest.file
    return manifest.model_copy(update={"sha256": digest_file(path), "bytes": path.stat().st_size})


def test_a_dump_of_odd_values_comes_back_the_same(live: Live) -> None:
    result = live.drill(live.dump())
    assert (result.passed, result.explain(), result.problems) == (True, "", ())
    assert (result.tables, result.rows) == (5, 3 + 4 + 1000 + 1)


def test_the_drill_leaves_no_database_behind(live: Live) -> None:
    live.drill(live.dump())
    assert _leftovers(live) == []


def test_a_drill_that_is_stopped_leaves_no_database_behind(live: Live) -> None:
    manifest = live.dump()
    calls = []

    def stop() -> None:
        calls.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live.drill(manifest, on_tick=stop)
    assert (calls, _leftovers(live)) == ([1], [])


def test_rows_altered_while_dumping_the_wrong_moment_are_named(live: Live) -> None:
    manifest = live.dump()
    live.run("DELETE FROM counted WHERE n = 500")
    live.run("UPDATE users SET email = 'two@example.com' WHERE id = 'u2'")
    live.dump()
    result = live.drill(_pass_off(live, manifest))
    assert not result.passed
    assert result.explain() == (
        "counted: 999 rows instead of 1000; users: 3 rows as expected, but with other values"
    )


def test_a_table_that_is_not_in_the_dump_is_named(live: Live) -> None:
    manifest = live.dump()
    live.run("DROP TABLE empty")
    live.dump()
    assert live.drill(_pass_off(live, manifest)).explain() == "empty: missing"


def test_a_truncated_dump_does_not_get_as_far_as_the_drill(live: Live) -> None:
    manifest = live.dump()
    path = live.folder / manifest.file
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BackupDamaged, match=rf"has {manifest.bytes - 200} bytes; its manifest says"):
        live.drill(manifest)


def test_a_dump_truncated_before_its_digest_was_taken_fails_the_drill(live: Live) -> None:
    manifest = live.dump()
    path = live.folder / manifest.file
    path.write_bytes(path.read_bytes()[: manifest.bytes // 2])
    result = live.drill(_pass_off(live, manifest))
    assert not result.passed
    assert "users" in result.explain()


def test_a_flipped_bit_is_noticed(live: Live) -> None:
    manifest = live.dump()
    path = live.folder / manifest.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(BackupDamaged, match="was changed"):
        live.drill(manifest)


def test_a_missing_dump_is_an_error_that_names_the_file(live: Live) -> None:
    manifest = live.dump()
    (live.folder / manifest.file).unlink()
    with pytest.raises(BackupDamaged, match=r"backup\.dump: No such file"):
        live.drill(manifest)


def test_owners_and_policies_of_roles_unknown_to_the_throwaway_server_do_no_harm(live: Live) -> None:
    live.run("CREATE ROLE drill_app NOLOGIN")
    try:
        live.run("GRANT SELECT ON users TO drill_app")
        live.run("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
        live.run("CREATE POLICY own ON users TO drill_app USING (id = current_user)")
        manifest = live.dump()
        live.run("DROP POLICY own ON users")
        live.run("DROP OWNED BY drill_app")
    finally:
        live.run("DROP ROLE drill_app")
    result = live.drill(manifest)
    assert (result.passed, result.problems) == (True, ())


def test_a_foreign_key_to_a_table_outside_the_schema_is_reported_but_fails_nothing(live: Live) -> None:
    live.run("CREATE SCHEMA auth")
    live.run("CREATE TABLE auth.people (id text PRIMARY KEY)")
    live.run("ALTER TABLE empty ADD CONSTRAINT outside FOREIGN KEY (id) REFERENCES auth.people")
    result = live.drill(live.dump())
    assert result.passed
    assert result.problems == (
        'ALTER TABLE ONLY "Live data".empty ADD CONSTRAINT outside FOREIGN KEY (id) REFERENCES'
        ' auth.people(id): schema "auth" does not exist',
    )


def test_types_of_extensions_and_collations_are_provided(live: Live) -> None:
    live.run("CREATE SCHEMA extensions")
    live.run("CREATE EXTENSION citext SCHEMA extensions")
    live.run("CREATE EXTENSION hstore")  # into the live schema itself
    live.run("""CREATE COLLATION pg_catalog."xx_XX.utf8" (PROVIDER = libc, LOCALE = 'C')""")
    live.run(
        """ALTER TABLE users ADD handle extensions.citext, ADD bag hstore, ADD x text COLLATE "xx_XX.utf8" """
    )
    live.run("UPDATE users SET handle = 'Me', bag = 'a=>1'")
    result = live.drill(live.dump())
    assert (result.passed, result.problems) == (True, ())


def test_a_missing_extension_that_a_table_needs_is_named(live: Live) -> None:
    # As a server without PostGIS sees a dump that uses it.
    live.run("CREATE SCHEMA gis")
    live.run("CREATE TYPE gis.geometry AS (x float8)")
    live.run("ALTER TABLE users ADD place gis.geometry")
    manifest = live.dump().model_copy(update={"extensions": {"postgis": "gis"}})
    result = live.drill(manifest)
    assert not result.passed
    assert "users: missing" in result.explain()
    assert "extensions that the throwaway server does not have: postgis" in result.explain()


def test_a_default_of_an_extension_that_is_not_there_needs_only_its_name(live: Live) -> None:
    live.run("CREATE SCHEMA extensions")
    live.run(
        "CREATE FUNCTION extensions.uuid_generate_v4() RETURNS uuid"
        " LANGUAGE sql AS 'SELECT gen_random_uuid()'"
    )
    live.run("ALTER TABLE empty ADD other uuid DEFAULT extensions.uuid_generate_v4()")
    manifest = live.dump().model_copy(update={"extensions": {"uuid-ossp": "extensions"}})
    result = live.drill(manifest)
    assert (result.passed, result.missing_extensions) == (True, ("uuid-ossp",))


def test_a_refused_row_is_not_quoted(live: Live) -> None:
    live.run("CREATE FUNCTION fine(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'")
    live.run("ALTER TABLE users ADD CONSTRAINT fine CHECK (fine(email))")
    live.run("CREATE OR REPLACE FUNCTION fine(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'")
    result = live.drill(live.dump())
    assert not result.passed
    assert "users: 0 rows instead of 3" in result.explain()
    assert "example.com" not in result.model_dump_json()


def test_the_throwaway_server_being_away_is_an_error_without_its_password(live: Live) -> None:
    manifest = live.dump()
    with pytest.raises(BackupError, match="throwaway server cannot create a database") as caught:
        live.drill(manifest, server="postgresql://postgres:sesame@127.0.0.1:1/postgres?connect_timeout=2")
    assert "sesame" not in str(caught.value)


def test_the_result_is_kept_in_the_manifest(live: Live) -> None:
    manifest = live.dump()
    assert not manifest.proven
    save(manifest.with_drill(live.drill(manifest)), live.folder / "manifest.json")
    loaded, path = load(live.folder / "manifest.json")
    assert (loaded.proven, path) == (True, live.folder / "backup.dump")


def test_a_dump_in_another_encoding_comes_back_the_same(live: Live) -> None:
    name = "drill_latin"
    with psycopg.connect(live.throwaway, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
        )
    address = psycopg.conninfo.make_conninfo(live.throwaway, dbname=name)
    try:
        with psycopg.connect(address, autocommit=True) as conn:
            conn.execute("CREATE TABLE words (w text); INSERT INTO words VALUES ('café'), ('naïve')")
        other = Live(address, live.folder, live.throwaway)
        manifest = other.dump(schema="public")
        assert (manifest.encoding, other.drill(manifest).explain()) == ("LATIN1", "")
    finally:
        with psycopg.connect(live.throwaway, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
