"""Small fleets, tenant by tenant in this process: what is live afterwards, and what is not."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.pipeline.fleet import shared_rows
from migrate.pipeline.fleet.ledger import FleetLedger
from migrate.pipeline.ids import Ids
from migrate.pipeline.run_mode import RunMode
from migrate.postgres.catalog import introspect
from migrate.runtime.errors import CheckError
from migrate.staging.ledger import Ledger
from tests.pipeline.fleet.world import COLUMN, SCHEMAS, World, add_tenant

PEOPLE = 'SELECT tenant_id, id, email, "planId", "bossId" FROM "Person" ORDER BY tenant_id, email'


def test_tenants_become_one_database_and_a_broken_one_is_quarantined(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database)
    for number, name in enumerate(("acme", "bolt", "core")):
        add_tenant(
            world.at / "tenants", name, shift=number * 10, label="Pro" if number < 2 else "Professional"
        )
    (world.at / "tenants" / "dead.db").write_bytes(b"no database at all" * 100)
    add_tenant(world.at / "tenants", "odd", more="ALTER TABLE notes RENAME COLUMN body TO text;")
    acme, bolt, core, dead, odd = world.run()
    assert [line.state for line in (acme, bolt, core)] == ["published"] * 3
    assert (dead.state, dead.kind) == ("quarantined", "source")
    assert (odd.state, odd.kind) == ("quarantined", "mapping")
    assert odd.reason is not None
    assert "tables.notes.columns.text is missing" in odd.reason
    assert acme.rows == {"Note": 2, "Person": 2}
    assert acme.source_rows == 8
    assert acme.fates == {"rejected: dangling": 2}
    ids = Ids("a secret of sixteen letters", tenant="bolt", shared={"Plan"})
    free, pro = ids.derive("Plan", "free"), ids.derive("Plan", "pro")
    first, second = ids.derive("Person", 1), ids.derive("Person", 2)
    assert [row[1:] for row in world.rows(PEOPLE) if row[0] == "bolt"] == [
        (second, "bolt@example.org", pro, first),
        (first, "shared@example.org", free, None),
    ]
    assert len(world.rows(PEOPLE)) == 6
    assert world.rows('SELECT id, code, label FROM "Plan" ORDER BY code') == [
        (free, "free", "Free"), (pro, "pro", "Pro")
    ]  # fmt: skip
    before = world.rows(PEOPLE), world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant ORDER BY 1")
    assert [line.attempt for line in world.run()] == [1, 1, 1, 1, 1]
    assert before == (
        world.rows(PEOPLE), world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant ORDER BY 1")
    )  # fmt: skip
    assert not list((world.at / "work" / "fleet-snapshots").glob("*/snapshot.db"))


def everything(world: World, *, without: str = "") -> list[list[tuple[object, ...]]]:
    """Return all live rows, but those of one tenant."""
    others = f"to_jsonb(t)->>'tenant_id' IS DISTINCT FROM '{without}'"
    tables = ("Plan", "Person", "Note")
    return [world.rows(f'SELECT t::text FROM "{table}" t WHERE {others} ORDER BY 1') for table in tables]


def two(world: World) -> None:
    for number, name in enumerate(("acme", "bolt")):
        add_tenant(world.at / "tenants", name, shift=number * 10)


def test_a_tenant_goes_back_and_forth_and_is_run_again_alone(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database)
    two(world)
    world.run()
    others, first = everything(world, without="bolt"), everything(world)
    world.roll_back(["bolt"])
    assert everything(world) == others
    assert [line.state for line in world.lines()] == ["published", "rolled_back"]
    assert world.rows("SELECT count(*) FROM migrate_ledger.fleet_id_map WHERE tenant = 'bolt'") == [(0,)]
    world.roll_back(["bolt"], undo=True)
    assert everything(world) == first
    add_tenant(world.at / "more", "bolt", shift=10, more="INSERT INTO notes VALUES (4, 1, 'new');")
    (world.at / "more" / "bolt.db").rename(world.at / "tenants" / "bolt.db")
    assert [line.rows["Note"] for line in world.run(again=["bolt"])] == [2, 3]
    assert everything(world, without="bolt") == others
    world.roll_back(["bolt"])
    assert everything(world) == first
    world.roll_back(["bolt"], undo=True)
    assert [line.rows["Note"] for line in world.lines()] == [2, 3]


def test_each_tenant_may_have_a_schema_of_its_own(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database, layout=SCHEMAS)
    two(world)
    add_tenant(world.at / "tenants", "Core GmbH & Co")
    core, acme, bolt = world.run()
    assert [line.state for line in (acme, bolt, core)] == ["published"] * 3
    schemas = [name for (name,) in world.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'")]
    assert sorted(schemas)[:2] == ["t_acme", "t_bolt"]
    assert len(schemas) == 3
    assert world.rows('SELECT count(*) FROM t_bolt."Person"') == [(2,)]
    people = 'SELECT id FROM t_acme."Person" INTERSECT SELECT id FROM t_bolt."Person"'
    assert world.rows(people) == []
    before = world.rows('SELECT t::text FROM t_bolt."Note" t ORDER BY 1')
    world.roll_back(["bolt"])
    assert world.rows('SELECT count(*) FROM t_bolt."Note"') == [(0,)]
    world.roll_back(["bolt"], undo=True)
    assert world.rows('SELECT t::text FROM t_bolt."Note" t ORDER BY 1') == before


def test_values_that_must_be_unique_over_all_are_named_with_their_tenants(
    tmp_path: Path, database: str
) -> None:
    world = World(tmp_path / "fleet", database)
    ddl = (world.at / "init.sql").read_text()
    (world.at / "init.sql").write_text(ddl.replace("UNIQUE (tenant_id, email)", "UNIQUE (email)"))
    two(world)
    acme, bolt = world.run()
    assert (acme.state, bolt.state, bolt.kind) == ("published", "quarantined", "target")
    assert "its key Person_email_key" in str(bolt.reason)
    assert "the same values are of acme" in str(bolt.reason)
    assert "shared@example.org" not in str(bolt.reason)
    world.publish = "together"
    world.configure()
    with pytest.raises(CheckError, match="the same values in acme, bolt"):
        world.run(RunMode.FRESH)


def test_a_shared_row_that_differs_may_stop_a_tenant(tmp_path: Path, database: str) -> None:
    stop = COLUMN | {"layout": 'column = "tenant_id"\ndiffers = "stop"'}
    world = World(tmp_path / "fleet", database, layout=stop, column=True)
    add_tenant(world.at / "tenants", "acme")
    add_tenant(world.at / "tenants", "bolt", label="Professional")
    acme, bolt = world.run()
    assert (acme.state, bolt.state, bolt.kind) == ("published", "quarantined", "check")
    assert 'Plan ["' in str(bolt.reason)
    assert world.rows("SELECT tenant FROM migrate_ledger.fleet_shared GROUP BY 1") == [("acme",)]
    with psycopg.connect(database, autocommit=True) as conn:  # staged again, with foreign keys to them
        change = "UPDATE migrate_ledger.fleet_shared SET row = replace(row, ',Pro', ',Max')"
        assert conn.execute(change).rowcount == 2
        conn.execute("INSERT INTO \"Plan\" VALUES ('c', 'old', 'Old')")
        live = introspect(conn, "public")
        shared_rows.stage(conn, FleetLedger(Ledger(conn)), "public", live, ["Plan"])
    assert world.rows('SELECT code, label FROM "Plan" ORDER BY 1') == [("free", "Free"), ("pro", "Max")]


def test_too_many_in_quarantine_stop_the_run_and_a_retry_takes_them_alone(
    tmp_path: Path, database: str
) -> None:
    world = World(tmp_path / "fleet", database, settings="max_quarantined = 0.1\ncanary = 1")
    two(world)
    (world.at / "tenants" / "acme.db").rename(world.at / "acme.kept")
    (world.at / "tenants" / "acme.db").write_bytes(b"\0" * 5000)
    with pytest.raises(CheckError, match="the tenant acme of the canary is quarantined"):
        world.run()
    assert [line.state for line in world.lines()] == ["quarantined", "waiting"]
    with pytest.raises(CheckError, match=r"1 of 2 tenants are quarantined, more than 10\.0%"):
        world.run()
    (world.at / "acme.kept").rename(world.at / "tenants" / "acme.db")
    assert [line.state for line in world.run(again=[])] == ["published", "published"]
