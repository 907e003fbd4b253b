"""A person's own Drizzle database: every wish is an edit of mapping.toml, and the target's files follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.introspect.scaffold.write_files import edited_files
from tests.e2e.prisma_engine.prisma import Engine, engine  # noqa: F401  (a fixture)
from tests.e2e.walks.client import ask_client
from tests.servers.libsql import LibsqlServer
from tests.tools.commands import migrate, query

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SOURCE = (Path(__file__).parent / "own_drizzle.sql").read_text()
EDITS = (
    # a rename, kept ids of one table, a filter
    ('[tables.accounts]\ntarget = "accounts"\nkey = ["id"]\nids = "cuid"',
     '[tables.accounts]\ntarget = "members"\nkey = ["id"]\nids = "keep"\nwhere = "deleted_at IS NULL"'),
    ('account_id = { to = "account_id"', 'account_id = { to = "member_id"'),
    # a table that is left out
    ('[tables.debug_log]\ntarget = "debug_log"\nkey = ["id"]\nids = "cuid"\n',
     '[tables.debug_log]\nleft_out = "no"\n'),
    # an enum
    ('tier = { to = "tier", as = "text" }',
     'tier = { to = "tier", as = "enum", values = { Free = "FREE", free = "FREE", pro = "PRO" } }'),
    # an expression
    ('first_name = { to = "first_name", as = "text" }',
     'name = { to = "name", sql = "first_name || \' \' || last_name" }'),
    ('last_name = { to = "last_name", as = "text" }', "# last_name is in name"),
    # an amount, and a list
    ('total_cents = { to = "total_cents", as = "integer" }',
     'total_cents = { to = "total", as = "decimal", scale = 2, divide = 100 }'),
    ('tags = { to = "tags", as = "json", otherwise = "null" }', 'tags = { to = "tags", as = "list" }'),
)  # fmt: skip
ASKED = """
  const members = await prisma.member.findMany({ orderBy: { id: 'asc' }, include: { invoices: true } })
  const made = await prisma.member.create({ data: { email: 'di@example.org', name: 'Di', tier: 'PRO' } })
  return { members, made }
"""


def test_edits_of_the_mapping_alone_make_the_target(
    tmp_path: Path,
    database: str,
    engine: Engine,  # noqa: F811
) -> None:
    out = tmp_path / "mapping"
    with LibsqlServer(tmp_path / "sqld") as server:
        server.load_script(SOURCE)
        migrate("init", "--source", server.url, "--out", str(out))
        mapping = out / "mapping.toml"
        text = mapping.read_text()
        for before, after in EDITS:
            assert before in text, text
            text = text.replace(before, after)
        mapping.write_text(text)
        where = ("--config", str(out / "config.toml"), "--work", str(tmp_path / "work"))
        variables = {"MIGRATE__TARGET__URL": database}
        older = migrate("plan", *where, code=1, **variables)
        assert f"migrate init --regenerate --out {out}" in older.out + older.err
        migrate("init", "--regenerate", "--out", str(out))
        assert mapping.read_text() == text
        assert edited_files(out, ["schema.prisma", "init.sql", "mapping.toml"]) == ["mapping.toml"]
        migrate("run", "--yes", *where, **variables)
        migrate("verify", "--published", "--deep", *where, **variables)
    schema = (out / "schema.prisma").read_text()
    (ddl,) = engine(schema)
    assert (out / "init.sql").read_text().endswith(ddl)
    found = ask_client(tmp_path / "client", schema, database, ASKED)
    ann, bo = found["members"]
    assert (ann["id"], ann["name"], ann["tier"], ann["tags"]) == (4, "Ann Lee", "FREE", ["a", "b"])
    assert [one["total"] for one in ann["invoices"]] == ["19.99"]
    assert (bo["id"], bo["tier"], bo["admin"], bo["tags"]) == (7, "FREE", False, [])
    assert found["made"]["id"] == 8
    assert query(database, "SELECT count(*) FROM invoices") == [(2,)]
