"""A role with the least rights is enough, and each right that it lacks is named with what grants it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.write import write_sample
from tests.e2e.hostile.target import Owned, owned_database
from tests.servers.libsql import LibsqlServer, Signer
from tests.tools.commands import ROOT, content, migrate

PAGE = (ROOT / "docs" / "security.md").read_text()
SQL = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SETTINGS = {
    "MIGRATE__IDS__SECRET": "an id secret of the tests",
    "MIGRATE__VERIFICATION__MAX_REJECT_SHARE": "1",
}


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("legacy") / "legacy.db"
    write_sample(path, scale=0.03)
    return path


@pytest.fixture
def owned(postgres: EmbeddedServer) -> Iterator[Owned]:
    with owned_database(postgres, "a password") as found:
        yield found


def lacking(work: Path, url: str, legacy: Path) -> list[tuple[str, str]]:
    """Return what the plan says is missing, and the statements that it names."""
    settings = {**SETTINGS, "MIGRATE__TARGET__URL": url, "MIGRATE__SOURCE__URL": str(legacy)}
    done = migrate("plan", "--json", "--work", str(work), code=None, **settings)
    errors = [finding for finding in done.json()["findings"] if finding["level"] == "error"]
    assert done.code == (1 if errors else 0)
    return [(error["message"], error["hint"].partition("run: ")[2]) for error in errors]


def grant(owned: Owned, statements: str) -> None:
    with psycopg.connect(owned.admin, autocommit=True) as admin:
        admin.execute(statements.encode())


def documented(owned: Owned, statements: str) -> None:
    """Run statements of the page for this test's role and database."""
    for name, real in (("app", owned.role), ("live", owned.database)):
        statements = re.sub(rf"\b{name}\b", sql.Identifier(real).as_string(None), statements)
    grant(owned, statements)


def end_to_end(work: Path, owned: Owned, legacy: Path) -> None:
    """Run, take back, run again, check."""
    settings = {**SETTINGS, "MIGRATE__TARGET__URL": owned.url(), "MIGRATE__SOURCE__URL": str(legacy)}
    before = content(owned.admin)
    assert "tables swapped" in migrate("run", "--yes", "--work", str(work), **settings).out
    published = content(owned.admin)
    assert published["users"] != before["users"]
    back = migrate("rollback", "--yes", "--work", str(work), **settings)
    assert "tables swapped" in back.err
    assert content(owned.admin) == before
    migrate("run", "--yes", "--work", str(work), **settings)
    assert content(owned.admin) == published
    migrate("verify", "--published", "--work", str(work), **settings)


@pytest.mark.slow
def test_an_owner_of_the_tables_who_may_make_schemas_needs_no_more(
    work: Path, owned: Owned, legacy: Path
) -> None:
    assert [message for message, _ in lacking(work, owned.url(), legacy)] == [
        f"the role {owned.role} may not create the schema {schema} in the database {owned.database}"
        for schema in ("migrate_ledger", "migrate_staging")
    ]
    documented(owned, SQL[0])
    assert lacking(work, owned.url(), legacy) == []
    end_to_end(work, owned, legacy)


@pytest.mark.slow
def test_schemas_that_were_made_for_the_role_do_instead(work: Path, owned: Owned, legacy: Path) -> None:
    missing = lacking(work, owned.url(), legacy)
    statements = [statement for _, statement in missing]
    assert statements == [
        f'CREATE SCHEMA "{schema}" AUTHORIZATION "{owned.role}";'
        for schema in ("migrate_ledger", "migrate_staging")
    ]
    documented(owned, SQL[1])
    assert lacking(work, owned.url(), legacy) == []
    end_to_end(work, owned, legacy)


def test_a_role_with_hardly_a_right_gets_a_message_for_each(work: Path, owned: Owned, legacy: Path) -> None:
    role = "guest " + owned.role[4:]
    names = {"role": sql.Identifier(role), "word": sql.Literal("a password")}
    with psycopg.connect(owned.admin, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD {word}").format(**names))
        admin.execute(sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC").format(**names))
    try:
        url = owned.url(role=role)
        missing = dict(lacking(work, url, legacy))
        shown = "\n".join(missing)
        assert f"the role {role} lacks USAGE and CREATE on the schema public" in shown
        assert f"the role {role} does not own " in shown and f"the owner is {owned.role}" in shown
        assert f"the role {role} cannot read " in shown and "_prisma_migrations" in shown
        assert f"may not create the schema migrate_ledger in the database {owned.database}" in shown
        assert f"may not create the schema migrate_staging in the database {owned.database}" in shown
        assert all(missing.values())
        for statement in missing.values():
            grant(owned, statement)
        assert lacking(work, url, legacy) == []
    finally:
        with psycopg.connect(owned.admin, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP OWNED BY {role} CASCADE").format(**names))
            admin.execute(sql.SQL("DROP ROLE {role}").format(**names))


def test_one_table_of_somebody_else_is_named(work: Path, owned: Owned, legacy: Path) -> None:
    documented(owned, SQL[0])
    grant(owned, "ALTER TABLE messages OWNER TO postgres; ALTER TABLE messages ENABLE ROW LEVEL SECURITY")
    missing = dict(lacking(work, owned.url(), legacy))
    assert f"the role {owned.role} does not own messages; the owner is postgres" in missing
    assert f"row-level security hides rows of messages from the role {owned.role}" in missing


@pytest.mark.slow
def test_the_right_to_make_schemas_can_be_taken_back(work: Path, owned: Owned, legacy: Path) -> None:
    documented(owned, SQL[0])
    settings = {**SETTINGS, "MIGRATE__TARGET__URL": owned.url(), "MIGRATE__SOURCE__URL": str(legacy)}
    before = content(owned.admin)
    migrate("run", "--yes", "--work", str(work), **settings)
    documented(owned, "CREATE SCHEMA IF NOT EXISTS migrate_staging AUTHORIZATION app;" + SQL[2])
    migrate("rollback", "--yes", "--work", str(work), **settings)
    assert content(owned.admin) == before


def test_a_token_that_may_only_read_is_enough_and_all_is_deleted(
    tmp_path: Path, owned: Owned, legacy: Path
) -> None:
    signer = Signer()
    with LibsqlServer(tmp_path / "sqld", content=legacy, signer=signer) as libsql:
        source = {"TURSO_DATABASE_URL": libsql.url, "TURSO_AUTH_TOKEN": signer.token(access="ro")}
        before = libsql.execute("SELECT count(*), total(id) FROM shows_messages")
        migrate("run", "--yes", "--work", str(tmp_path / "work"), **SETTINGS, **source)
        assert libsql.execute("SELECT count(*), total(id) FROM shows_messages") == before
    data = Path(json.loads((tmp_path / "work" / "postgres.json").read_text())["data"])
    assert data.is_dir()
    subprocess.run(["bash", "-euc", SHELL[0]], cwd=tmp_path, check=True)
    assert not data.exists() and not (tmp_path / "work").exists()
    documented(owned, SQL[1])
    documented(owned, SQL[3])
    with psycopg.connect(owned.admin) as admin:
        left = admin.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'migrate%'").fetchall()
    assert left == []
