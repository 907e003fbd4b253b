"""Every statement and command of docs/database-switch-guide.md, run on a published migration."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from tests.tools.commands import ROOT, migrate, query

PAGE = (ROOT / "docs" / "database-switch-guide.md").read_text()
SMALL = {"MIGRATE__SAMPLE__SCALE": "0.05", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shared(database: str) -> Iterator[dict[str, str]]:
    """The settings of a target that is dropped with the role that the page makes."""
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    yield {**SMALL, "MIGRATE__TARGET__URL": database}
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


@pytest.mark.slow
def test_the_page_holds_true_on_a_published_database(work: Path, shared: dict[str, str]) -> None:
    url = shared["MIGRATE__TARGET__URL"]
    migrate("run", "--work", str(work), "--yes", **shared)
    [(legacy, new)] = query(
        url,
        "SELECT legacy_id, new_id FROM migrate_ledger.id_map WHERE entity = 'users' AND via = 'users'"
        " ORDER BY 1 LIMIT 1",
    )
    answers = []
    with psycopg.connect(url, autocommit=True) as connection:
        for block in blocks("sql"):
            asked = block.replace("'42'", f"'{legacy}'").replace("c000000000000000000000000", new)
            for statement in filter(str.strip, asked.split(";")):
                cursor = connection.execute(statement.encode())
                answers.append(cursor.fetchall() if cursor.description else cursor.statusmessage)
    assert [(new,)] in answers
    assert [(f"/users/{legacy}", f"/users/{new}")] == [
        row for rows in answers if isinstance(rows, list) for row in rows if row[0] == f"/users/{legacy}"
    ]
    assert [(0,)] in answers
    reader = psycopg.conninfo.make_conninfo(url, user="reader", password="choose-one")
    with psycopg.connect(reader, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM users").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM users")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM migrate_ledger.setting")
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        name, *words = shlex.split(line.replace(" 42", f" {legacy}"))
        assert name == "migrate"
        said = migrate(*words, "--work", str(work), **shared).out
        if words[0] == "ids":
            assert new in said
        if words[-1] == "sql":
            with sqlite3.connect(":memory:") as other:
                other.executescript(said)
                assert other.execute("SELECT new_id FROM users_ids WHERE legacy_id = ?", (legacy,)).fetchone()
    assert query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'migrate_ledger'") == [("id_map",)]
