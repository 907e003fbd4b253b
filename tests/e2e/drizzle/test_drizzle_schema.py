"""schema.ts against Drizzle Kit: the database of init.sql is the one that it describes."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.introspect.scaffold import Draft
from migrate.introspect.scaffold.ddl import write_ddl
from migrate.introspect.scaffold.drizzle_schema import write_drizzle
from migrate.postgres.embedded import EmbeddedServer
from migrate.postgres.schema_fingerprint import fingerprint
from tests.e2e.prisma.packages import installed
from tests.introspect.scaffold.sources import draft_script
from tests.introspect.scaffold.test_prisma_engine import SHAPES

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json")
#: Drizzle Kit makes foreign keys before the unique indexes that they need.
_NOT_MADE = (" REFERENCES pages (code)", " REFERENCES raw_keys (v)")
_ENUMS = """
    CREATE TABLE person (id INTEGER PRIMARY KEY, "default" TEXT NOT NULL DEFAULT 'a', state TEXT NOT NULL,
        "new" TEXT, n INTEGER NOT NULL DEFAULT 7, m INTEGER DEFAULT -5, big INTEGER DEFAULT 3000000000);
    CREATE TABLE date (id INTEGER PRIMARY KEY, person INTEGER REFERENCES person ON DELETE CASCADE,
        boss INTEGER REFERENCES person, "a-b" TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
        INSERT INTO person (id, state) SELECT i, CASE i % 2 WHEN 0 THEN 'open' ELSE 'it''s done' END FROM n;
"""


@pytest.fixture
def kit(tmp_path: Path) -> Callable[..., str]:
    """Drizzle Kit as a function of its words; it fails with what the kit says."""
    packages = installed(HERE, FILES, generate=False)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")

    def run(*words: str) -> str:
        done = subprocess.run(
            [str(packages / "node_modules/.bin/drizzle-kit"), *words, "--dialect=postgresql"],
            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return run


def definitions(url: str, statements: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())
        found = fingerprint(connection, "public")
    # Drizzle writes the default of a decimal as text.
    return {name: re.sub(r"'([\d.]+)'::numeric", r"\1", text) for name, text in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("script", [SHAPES, _ENUMS], ids=["shapes", "enums"])
def test_drizzle_kit_makes_the_same_database(
    tmp_path: Path, postgres: EmbeddedServer, database: str, kit: Callable[..., str], script: str
) -> None:
    for foreign in _NOT_MADE:
        script = script.replace(foreign, "")
    draft: Draft = draft_script(tmp_path, script, enums=True)
    assert bool(draft.enums) == (script == _ENUMS)
    (tmp_path / "schema.ts").write_text(write_drizzle(draft))
    exported = kit("export", "--schema=schema.ts")
    ours = definitions(database, write_ddl(draft))
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            assert definitions(postgres.url(name), exported) == ours
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.slow
def test_drizzle_kit_finds_no_difference(tmp_path: Path, database: str, kit: Callable[..., str]) -> None:
    draft = draft_script(tmp_path, _ENUMS, enums=True)
    shutil.copy(HERE / "package.json", tmp_path)
    (tmp_path / "schema.ts").write_text(write_drizzle(draft))
    with psycopg.connect(database) as connection:
        connection.execute(write_ddl(draft).encode())
    said = kit("push", "--schema=schema.ts", f"--url={database}", "--force", "--verbose")
    assert "No changes detected" in said, said
