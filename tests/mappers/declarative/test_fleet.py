"""One mapping for many tenants: whose rows they are, and which rows all of them have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_file import MappingError, for_tenant, read_mapping, shared_targets
from migrate.pipeline.ids import Ids
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import Outcome, legacy_file, run

FLEET = """
version = 1
[fleet]
column = "tenant_id"
[tables.plans]
target = "Plan"
key = ["id"]
ids = "cuid"
scope = "shared"
by = ["code", "year"]
columns.id = {to = "id", as = "id"}
columns.code = {to = "code"}
columns.year = {to = "year", as = "integer"}
[tables.users]
target = "User"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.plan = {to = "planId", as = "reference", of = "plans", dangling = "null"}
"""
SOURCE = """
CREATE TABLE plans (id INTEGER PRIMARY KEY, code TEXT, year INTEGER);
CREATE TABLE users (id INTEGER PRIMARY KEY, plan INTEGER);
INSERT INTO plans VALUES ({pro}, 'pro', 2024), ({free}, 'fr:ee', 2024);
INSERT INTO users VALUES (1, {pro}), (2, {free}), (3, 99);
"""


def of_tenant(folder: Path, tenant: str, **plans: int) -> Outcome:
    file = read_mapping(FLEET)
    snapshot = folder / f"{tenant}.db"
    legacy_file(snapshot, SOURCE.format(**plans))
    with Workspace.snapshot_only(snapshot) as workspace:
        mapping = DeclarativeMapping(for_tenant(file, tenant), workspace.tables())
    ids = Ids("secret", tenant=tenant, shared=shared_targets(file))
    return run(snapshot, mapping=mapping, ids=ids, batch_keys=len(tenant))


def test_equal_keys_of_two_tenants_are_two_rows_and_a_shared_row_is_one(tmp_path: Path) -> None:
    acme, bolt = of_tenant(tmp_path, "acme", pro=1, free=2), of_tenant(tmp_path, "bolt", pro=7, free=1)
    assert {row["tenant_id"] for row in acme.rows("User")} == {"acme"}
    users = [{row["id"] for row in out.rows("User")} for out in (acme, bolt)]
    assert users[0] == {Ids("secret", tenant="acme").derive("User", key) for key in (1, 2, 3)}
    assert not users[0] & users[1]
    assert acme.rows("Plan") == bolt.rows("Plan")
    assert "tenant_id" not in acme.rows("Plan")[0]
    pro, free = (Ids("secret").derive("Plan", key) for key in ("pro:2024", r"fr\:ee:2024"))
    plans = {row["id"]: row["planId"] for row in bolt.rows("User")}
    bolts = Ids("secret", tenant="bolt")
    assert plans == {
        bolts.derive("User", 1): pro, bolts.derive("User", 2): free, bolts.derive("User", 3): None
    }  # fmt: skip
    assert ("Plan", "pro:2024", pro, "plans") in bolt.id_map.rows()


def test_a_schema_per_tenant_needs_no_column() -> None:
    file = read_mapping("version = 1\n[fleet]\nschema = 'per-tenant'\n[tables.a]\ntarget = 'A'\n")
    assert for_tenant(file, "acme") is file


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("[fleet]\ncolum = 'x'\n", "fleet.colum: unknown key; did you mean column?"),
        (
            "[tables.a]\ntarget = 'A'\nscope = 'shared'\n",
            'tables.a: `scope = "shared"` needs [fleet] with `schema = "column"`',
        ),
        ("[tables.a]\ntarget = 'A'\nby = ['x']\n", 'tables.a: `by` needs `scope = "shared"`'),
        (
            "[tables.a]\ntarget = 'A'\nscope = 'shared'\nids = 'cuid'\n",
            "tables.a: a shared table with new ids needs `by` (what its rows have in common)",
        ),
        (
            "[fleet]\n[tables.u]\ntarget = 'U'\n[tables.a]\ntarget = 'A'\nscope = 'shared'\n"
            "columns.u = {to = 'u', as = 'reference', of = 'u'}\n",
            "tables.a.columns.u: a shared table cannot refer to u, each tenant's own",
        ),
        (
            "[fleet]\n[tables.u]\ntarget = 'U'\nscope = 'shared'\n[tables.a]\ntarget = 'A'\n"
            "columns.u = {to = 'u', as = 'reference', of = 'u', dangling = 'placeholder'}\n",
            "tables.a.columns.u: no row can be made in a shared table; choose another `dangling`",
        ),
    ],
)
def test_what_a_fleet_cannot_follow_is_named(line: str, mistake: str) -> None:
    with pytest.raises(MappingError) as raised:
        read_mapping("version = 1\n" + line)
    assert raised.value.mistakes[0] == mistake
