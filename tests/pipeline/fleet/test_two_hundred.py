"""Two hundred tenants of a thousand rows: equal ids, shared people, a look-up table that drifts, faults."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest

from tests.pipeline.fleet.world import COLUMN, SCHEMAS, SOURCE, World
from tests.tools.commands import content, migrate

pytestmark = pytest.mark.slow

TENANTS, ROWS = 200, 1000
#: What is wrong with five of them, and the kind under which they are put in quarantine.
BROKEN = {
    "t013": ("DROP TABLE notes;", "mapping"),
    "t057": ("ALTER TABLE people RENAME COLUMN email TO mail;", "mapping"),
    "t101": ("INSERT INTO people SELECT id + 5000, email, plan, boss FROM people WHERE id = 20;", "check"),
    "t150": (None, "source"),
    "t199": (None, "source"),
}


def add_tenants(folder: Path) -> None:
    folder.mkdir()
    for number in range(TENANTS):
        name = f"t{number:03d}"
        more, _ = BROKEN.get(name, ("", ""))
        path = folder / f"{name}.db"
        if more is None:
            path.write_bytes(b"no database at all" * 100)
            continue
        with contextlib.closing(sqlite3.connect(path)) as database:
            label = "Pro" if number % 10 else "Professional"
            database.executescript(SOURCE.format(shift=number % 4 * 10, label=label, name=name))
            people = [(at + 10, f"person{at}@example.org", number % 4 * 10 + 1) for at in range(ROWS // 3)]
            database.executemany("INSERT INTO people VALUES (?, ?, ?, 1)", people)
            notes = [(at + 10, at % (ROWS // 3) + 10, f"note {at}") for at in range(ROWS - len(people) - 8)]
            database.executemany("INSERT INTO notes VALUES (?, ?, ?)", notes)
            database.executescript(more)


def run(world: World, *words: str) -> None:
    places = ("--config", str(world.config), "--work", str(world.at / "work"))
    limits = ("--workers", "2", "--max-quarantined", "3%")
    done = migrate("fleet", "run", *places, "--yes", "--json", *limits, *words)
    assert done.json()["tenants"] == {"published": TENANTS - len(BROKEN), "quarantined": len(BROKEN)}


def require_whole(world: World) -> None:
    """Every source row has one fate; the broken tenants have their reasons, and no row."""
    for line in world.lines():
        if line.tenant in BROKEN:
            assert (line.kind, line.rows) == (BROKEN[line.tenant][1], {}), line
            assert line.reason
        else:
            own = sum(line.rows.values())
            shared = 2 if world.layout is COLUMN else 0
            assert line.source_rows == ROWS == own + sum(line.fates.values()) + shared


@pytest.mark.timeout(1800)
def test_a_column_keeps_two_hundred_tenants_apart_both_ways(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database)
    add_tenants(world.at / "tenants")
    run(world, "--each")
    require_whole(world)
    each = content(database)
    ids = "SELECT count(*), count(DISTINCT id), count(DISTINCT tenant_id) FROM"
    for table in ("Person", "Note"):
        rows, distinct, tenants = world.rows(f'{ids} "{table}"')[0]
        assert rows == distinct
        assert tenants == TENANTS - len(BROKEN)
    assert world.rows('SELECT code, label FROM "Plan" ORDER BY 1') == [
        ("free", "Free"), ("pro", "Professional")
    ]  # fmt: skip
    shared = "SELECT count(DISTINCT tenant_id) FROM \"Person\" WHERE email = 'shared@example.org'"
    assert world.rows(shared) == [(TENANTS - len(BROKEN),)]
    run(world, "--together", "--fresh")
    require_whole(world)
    assert content(database) == each


@pytest.mark.timeout(1800)
def test_two_hundred_tenants_have_schemas_of_their_own(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database, layout=SCHEMAS)
    add_tenants(world.at / "tenants")
    run(world, "--each")
    require_whole(world)
    with psycopg.connect(database) as conn:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname LIKE 't\\_%' AND tablename = 'Person'"
        assert conn.execute(query).fetchone() == (TENANTS - len(BROKEN),)
