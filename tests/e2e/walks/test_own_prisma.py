"""A person's own Prisma schema that is there: renamed models, lists, a new id, what the source lacks."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.postgres.schema_fingerprint import fingerprint
from tests.e2e.prisma_engine.prisma import Engine, engine  # noqa: F401  (a fixture)
from tests.e2e.walks.client import ask_client
from tests.servers.libsql import LibsqlServer
from tests.tools.commands import migrate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCHEMA = (Path(__file__).parent / "own_prisma.prisma").read_text()
SOURCE = (Path(__file__).parent / "own_prisma.sql").read_text()
OPTIONS = (
    "--rename", "team=Workspace", "--rename", "person=Member", "--rename", "todos=Task",
    "--rename", "person.mail=email", "--rename", "todos.price_cents=price",
)  # fmt: skip
EDITS = (
    ('price_cents = { to = "price", as = "decimal", scale = 2 }',
     'price_cents = { to = "price", as = "decimal", scale = 2, divide = 100 }'),
    ('favourites = { to = "favourites", as = "list", otherwise = "null" }',
     'favourites = { to = "favourites", as = "references", of = "todos", dangling = "null" }'),
)  # fmt: skip
ASKED = """
  const workspaces = await prisma.workspace.findMany({ orderBy: { slug: 'asc' }, include: { members: true } })
  const include = { labels: true, owner: true }
  const tasks = await prisma.task.findMany({ orderBy: { title: 'asc' }, include })
  const countries = await prisma.country.findMany()
  return { workspaces, tasks, countries }
"""


def test_options_and_the_mapping_alone_bring_the_rows_into_the_schema_that_is_there(
    tmp_path: Path,
    database: str,
    engine: Engine,  # noqa: F811
) -> None:
    out = tmp_path / "mapping"
    with psycopg.connect(database, autocommit=True) as target:
        target.execute(engine(SCHEMA)[0].encode())
        before = fingerprint(target, "public")
    with LibsqlServer(tmp_path / "sqld") as server:
        server.load_script(SOURCE)
        words = ("--source", server.url, "--out", str(out), "--target", "env:DATABASE_URL", *OPTIONS)
        migrate("init", *words, DATABASE_URL=database)
        text = (out / "mapping.toml").read_text()
        for old, new in EDITS:
            assert old in text, text
            text = text.replace(old, new)
        (out / "mapping.toml").write_text(text)
        where = ("--config", str(out / "config.toml"), "--work", str(tmp_path / "work"))
        migrate("run", "--yes", *where, DATABASE_URL=database)
        migrate("verify", "--published", "--deep", *where, DATABASE_URL=database)
    with psycopg.connect(database) as target:
        assert fingerprint(target, "public") == before
    found = ask_client(tmp_path / "client", SCHEMA, database, ASKED)
    blue, red = found["workspaces"]
    assert (red["plan"], blue["plan"], red["updatedAt"]) == ("FREE", "PRO", "2024-01-01T10:00:00.000Z")
    (ann,) = red["members"]
    assert (ann["email"], ann["skills"]) == ("ann@example.org", ["sql", "rust"])
    pay, read = found["tasks"]
    assert ann["favourites"] == [pay["id"], read["id"]]
    assert (pay["price"], read["price"]) == ("19.99", "0.05")
    assert sorted(one["name"] for one in pay["labels"]) == ["home", "work"]
    assert (pay["owner"]["id"], read["owner"]) == (ann["id"], None)
    (country,) = found["countries"]
    assert (country["code"], len(country["id"])) == ("de", 25)
