"""The built-in target, backed up, restored and cloned as a run does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from backups.clone import clone_schema
from migrate.postgres.connection import connect, parse_url
from migrate.postgres.embedded import EmbeddedServer, binary
from migrate.postgres.schema_fingerprint import fingerprint
from migrate.source.sample.target import seed_target
from tests.backups.conftest import Live


def test_the_sample_target_is_proven_restorable(
    database: str, postgres: EmbeddedServer, tmp_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
    live = Live(database, tmp_path, postgres.url())
    manifest = live.dump(schema="public")
    result = live.drill(manifest)
    assert (result.passed, result.problems, result.missing_extensions) == (True, (), ())
    assert len(manifest.tables) == 19
    assert all(content.rows > 0 for content in manifest.tables.values())


def test_a_clone_of_the_sample_target_is_the_same_house(
    database: str, another_database: Callable[[], str]
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
    target = another_database()
    lacking = clone_schema(
        database, target, schema="public", pg_dump=binary("pg_dump"), pg_restore=binary("pg_restore")
    )
    houses = []
    for address in (database, target):
        with connect(parse_url(address)) as live:
            found = fingerprint(live, "public").items()
        houses.append({name: text for name, text in found if not name.startswith("rows ")})
    assert lacking == ()
    assert houses[0] == houses[1]
