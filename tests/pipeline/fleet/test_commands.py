"""`migrate fleet`: what an operator types, in this process and without Dask."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrate.cli.main import cli
from migrate.runtime.errors import AlreadyRunning, CheckError, UsageError
from tests.pipeline.fleet.world import SCHEMAS, World, add_tenant

TABLES = ("Plan", "Person", "Note")


class Operator:
    """Somebody who types commands in the folder of a small fleet."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self._capsys = world, capsys

    def type(self, *words: str, fleet: bool = True) -> str:
        """Run a command in this process and return what it printed."""
        group = ["fleet"] if fleet else []
        places = ["--config", str(self.world.config), "--work", str(self.world.at / "work")]
        self._capsys.readouterr()
        code = cli.main([*group, words[0], *places, *words[1:]], standalone_mode=False)
        text = self._capsys.readouterr().out
        assert code in (None, 0), text
        return text

    def printed(self) -> str:
        """Return what was printed since the last time."""
        return self._capsys.readouterr().out

    def facts(self, *words: str) -> Any:
        return json.loads(self.type(*words, "--json"))


@pytest.fixture
def operator(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(World(tmp_path / "fleet", database, settings=""), capsys)


def live(world: World, without: str = "") -> list[list[tuple[object, ...]]]:
    """Return all live rows, but those of one tenant."""
    others = f"to_jsonb(t)->>'tenant_id' IS DISTINCT FROM '{without}'"
    return [world.rows(f'SELECT t::text FROM "{table}" t WHERE {others} ORDER BY 1') for table in TABLES]


def add_twelve(world: World) -> None:
    """Overlapping ids, a person that all have, a look-up row that two have otherwise, two broken sources."""
    for number in range(10):
        add_tenant(
            world.at / "tenants", f"t{number}", shift=number % 3 * 10, label="Pro" if number < 8 else "Max"
        )
    (world.at / "tenants" / "dead.db").write_bytes(b"no database at all" * 100)
    add_tenant(world.at / "tenants", "odd", more="ALTER TABLE notes RENAME COLUMN body TO text;")


def test_a_fleet_is_planned_run_reported_and_tried_again(operator: Operator) -> None:
    world = operator.world
    add_twelve(world)
    with pytest.raises(CheckError, match=r"2 of 12 tenants are quarantined, more than 1\.0%|1 of 12"):
        operator.type("run", "--yes")
    allowed = ("--max-quarantined", "20%")
    operator.printed()
    plan = cli.main(["fleet", "plan", "--config", str(world.config), "--work", str(world.at / "work")],
                    standalone_mode=False)  # fmt: skip
    assert plan == 1
    said = operator.printed()
    assert "A run would stop: more than 1.0% of the tenants would go into quarantine" in said
    assert "`migrate fleet run`" not in said
    done = operator.facts("run", "--yes", *allowed)
    assert done["tenants"] == {"published": 10, "quarantined": 2}
    assert Counter(one["kind"] for one in done["quarantined"]) == {"source": 1, "mapping": 1}

    lines = world.lines()
    for line in lines:
        if line.state == "published":  # two plans of each are shared rows
            assert line.source_rows == sum(line.rows.values()) + sum(line.fates.values()) + 2
    assert world.rows('SELECT count(*), count(DISTINCT id) FROM "Person"') == [(20, 20)]
    assert world.rows('SELECT code, label FROM "Plan" ORDER BY 1') == [("free", "Free"), ("pro", "Pro")]
    each = live(world)

    with (world.at / "work" / "fleet.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == [line.state for line in lines]
    assert "10 of 12 tenants are live" in (world.at / "work" / "fleet.html").read_text()
    assert "tables.notes.columns.text is missing" in (world.at / "work" / "fleet.html").read_text()
    assert operator.facts("status")["kinds"] == {"mapping": 1, "source": 1}

    (world.at / "tenants" / "dead.db").unlink()
    add_tenant(world.at / "tenants", "dead")
    at = world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant WHERE tenant LIKE 't_' ORDER BY 1")
    assert operator.facts("retry", "--yes", *allowed)["tenants"] == {"published": 11, "quarantined": 1}
    assert at == world.rows(
        "SELECT tenant, at FROM migrate_ledger.fleet_tenant WHERE tenant LIKE 't_' ORDER BY 1"
    )
    assert live(world, without="dead") == each
    assert {line.tenant: line.attempt for line in world.lines()}["dead"] == 2

    apart = live(world)
    (world.at / "tenants" / "t0.db").rename(world.at / "t0.kept")
    with pytest.raises(CheckError, match=r"2 live rows of 1 tenant that are not published now .* t0"):
        operator.type("run", "--together", "--fresh", "--yes", *allowed)
    assert live(world) == apart
    (world.at / "t0.kept").rename(world.at / "tenants" / "t0.db")
    operator.type("run", "--together", "--fresh", "--yes", *allowed)
    assert live(world) == apart
    assert world.rows("SELECT count(*) FROM migrate_ledger.publication") == [(1,)]
    add_tenant(world.at / "tenants", "late")
    assert operator.facts("run", "--yes", *allowed)["tenants"]["published"] == 12
    assert live(world, without="late") == apart


def test_a_tenant_goes_back_and_forth_while_the_others_are_read(operator: Operator) -> None:
    world = operator.world
    for number in range(3):
        add_tenant(world.at / "tenants", f"t{number}")
    operator.type("run", "--yes")
    first, seen, over = live(world, without="t1"), list[object](), threading.Event()

    def read() -> None:
        with psycopg.connect(world.url, autocommit=True) as conn:
            while not over.is_set():
                query = "SELECT string_agg(t::text, '|' ORDER BY id) FROM \"Note\" t WHERE tenant_id <> 't1'"
                seen.append(conn.execute(query).fetchone())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert operator.facts("rollback", "--tenant", "t1", "--yes") == {
            "version": 1, "tenants": {"t1": 0}, "rows": 0
        }  # fmt: skip
        assert world.rows("SELECT count(*) FROM \"Person\" WHERE tenant_id = 't1'") == [(0,)]
        operator.type("rollback", "--tenant", "t1", "--undo", "--yes")
        assert world.rows("SELECT count(*) FROM \"Person\" WHERE tenant_id = 't1'") == [(2,)]
        operator.type("retry", "--tenant", "t1", "--yes")
    finally:
        over.set()
        reader.join()
    assert len(set(seen)) == 1
    assert live(world, without="t1") == first
    cli.main(["status", "--work", str(world.at / "work")], standalone_mode=False)
    with pytest.raises(UsageError, match="is one of a fleet") as refused:
        operator.type("rollback", "--yes", fleet=False)
    assert "migrate fleet rollback" in str(refused.value.hint)
    lines = operator.facts("status", "--tenant", "t1")
    assert (lines[0]["state"], lines[0]["attempt"]) == ("published", 2)
    assert "3 of 3 tenants" in operator.type("status", "--watch")  # no run: it ends
    first = live(world)
    operator.type("clean", "--yes", fleet=False)
    assert world.rows("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'migrate%'") == []
    assert live(world) == first
    assert not (world.at / "work").exists()


def test_a_second_coordinator_is_refused_by_folder_and_by_target(operator: Operator) -> None:
    world = operator.world
    add_tenant(world.at / "tenants", "t0")
    operator.type("run", "--yes")
    with psycopg.connect(world.url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (0x6D69_6772_6174_6F6E,))
        conn.execute("SET application_name = 'migrate: process 1 on elsewhere'")
        with pytest.raises(AlreadyRunning, match="process 1 on elsewhere"):
            operator.type("run", "--yes")
        assert operator.facts("status")["holder"].startswith("process 1 on elsewhere")


def test_schemas_of_their_own_are_published_each(tmp_path: Path, database: str,
                                                 capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    operator = Operator(World(tmp_path / "fleet", database, layout=SCHEMAS), capsys)
    add_tenant(operator.world.at / "tenants", "acme")
    with pytest.raises(UsageError, match="are published each, not together"):
        operator.type("run", "--together", "--yes")
    assert operator.facts("run", "--each", "--yes")["tenants"] == {"published": 1}


def test_a_mapping_is_drafted_over_all_tenants_and_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    unique = "CREATE UNIQUE INDEX people_email ON people (email);"
    for number in range(3):
        more = unique if number < 2 else unique + "ALTER TABLE notes ADD COLUMN extra TEXT;"
        add_tenant(tmp_path / "tenants", f"t{number}", more=more)
    monkeypatch.setenv("FLEET_TARGET", database)
    words = ["init", "--fleet", "--source", "tenants", "--out", "fleet", "--target", "env:FLEET_TARGET"]
    assert cli.main(words, standalone_mode=False) == 0
    assert "tenants whose tables or columns are not those of the draft: 1 (t2)" in capsys.readouterr().out
    assert '"people"("tenant_id", "email")' in (tmp_path / "fleet" / "init.sql").read_text()
    assert "@@unique([tenantId, email]" in (tmp_path / "fleet" / "schema.prisma").read_text()
    before = (tmp_path / "fleet" / "init.sql").read_text()
    again = ["init", "--regenerate", "--out", "fleet", "--source", "tenants/t0.db"]
    assert cli.main(again, standalone_mode=False) == 0
    assert (tmp_path / "fleet" / "init.sql").read_text() == before
    capsys.readouterr()
    run = ["fleet", "run", "--config", "fleet/config.toml", "--workers", "0", "--max-quarantined", "50%"]
    cli.main([*run, "--yes", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["tenants"] == {"published": 2, "quarantined": 1}
