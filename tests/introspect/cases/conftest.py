"""Each case is migrated once, for all tests that look at it."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from tests.introspect.cases.migrated import (
    Migrated,
    make_database,
    make_source,
    migrate_by_hand,
    migrate_case,
    migrate_edited,
)

HERE = Path(__file__).parent

#: `migrated("types/g1_boolean_t_f.sql")`: a file of this folder; `migrated(script=…)`: a script in a test;
#: with `mapping` and `ddl` a mapping that a person wrote, onto tables of his own; with `edits` the draft with
#: some text of mapping.toml replaced.
MakeCase = Callable[..., Migrated]


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCase]:
    """What comes of a case of this folder, or of a script, in an empty PostgreSQL of its own."""
    made = []

    @functools.cache
    def run(
        case: str = "",
        *,
        script: str = "",
        mapping: str = "",
        ddl: str = "",
        edits: tuple[tuple[str, str], ...] = (),
    ) -> Migrated:
        folder = tmp_path_factory.mktemp("case")
        if case:
            source = make_source(HERE / case, folder)
        else:
            source = str(folder / "legacy.db")
            make_database(script, Path(source))
        made.append(f"c_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made[-1])))
        if mapping:
            return migrate_by_hand(source, folder, postgres.url(made[-1]), mapping, ddl)
        if edits:
            return migrate_edited(source, folder, postgres.url(made[-1]), edits)
        return migrate_case(source, folder, postgres.url(made[-1]))

    yield run
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
