"""Runs by a mapping file: over HTTP, killed and resumed, refused, rehearsed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.create_tables import make_tables, read_ddl
from migrate.runtime.errors import TargetError, UsageError
from tests.e2e.faults.harness import Held, Scene
from tests.servers.libsql import LibsqlServer
from tests.tools.commands import migrate, query

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, best_job INTEGER REFERENCES jobs (id));
CREATE TABLE jobs (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES users (id), price REAL,
  posted TEXT NOT NULL);
CREATE TABLE cards (user INTEGER PRIMARY KEY REFERENCES users (id), colour TEXT);
INSERT INTO users VALUES (1, 'Ann', 2), (2, 'Bo', NULL), (3, 'Cy', 1);
INSERT INTO jobs SELECT value, 1 + value % 3, value * 1.25, '2024-03-01 10:00:00'
  FROM generate_series(1, 100);
INSERT INTO jobs VALUES (101, 9, 1.5, '2024-03-01 10:00:00');
INSERT INTO cards VALUES (1, 'red'), (3, 'blue');
"""
POINTS = ("schema:made", "crosswalk:prepared", "jobs:copied#2", "publish:committed")


def make_source(path: Path) -> Path:
    """Write a small database whose tables refer to each other in a circle."""
    text = SOURCE.replace("FROM generate_series(1, 100)", "FROM n")
    numbers = "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100) "
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text.replace("INSERT INTO jobs SELECT", f"{numbers}INSERT INTO jobs SELECT"))
        connection.commit()
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real sqld that holds the small database."""
    folder = tmp_path_factory.mktemp("jobs")
    with LibsqlServer(folder / "sqld", content=make_source(folder / "jobs.db")) as server:
        yield server.url


@pytest.fixture(scope="module")
def mapping(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `migrate init` writes for it."""
    folder = tmp_path_factory.mktemp("mapping") / "mapping"
    migrate("init", "--source", source, "--out", str(folder))
    return folder


@pytest.fixture
def scene(source: str, mapping: Path, database: str, work: Path) -> Scene:
    """An empty target and a mapping of its own, that a test may edit."""
    own = work.parent / "mapping"
    own.mkdir()
    for file in mapping.iterdir():
        (own / file.name).write_text(file.read_text())
    made = Scene(work, source, database, database)
    made.extra.update({"MIGRATE__MAPPERS__MAPPING": str(own / "mapping.toml"),
                   "MIGRATE__TARGET__SCHEMA": str(own / "init.sql")})  # fmt: skip
    return made


def edit(scene: Scene, change: Callable[[str], str]) -> None:
    path = Path(scene.extra["MIGRATE__MAPPERS__MAPPING"])
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Held]:
    """What runs left that nothing disturbed; the first test that wants one makes it."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_the_same_command_finishes(
    scene: Scene, undisturbed: dict[str, Held], point: str
) -> None:
    assert scene.kill_at(point)
    scene.run()
    killed = scene.held()
    if "left" not in undisturbed:
        with psycopg.connect(scene.behind, autocommit=True) as connection:
            connection.execute("DROP TABLE users, jobs, cards CASCADE")
            connection.execute("DROP SCHEMA migrate_ledger CASCADE")
        replace(scene, work=scene.work.with_name("undisturbed")).run()
        undisturbed["left"] = scene.held()
    assert killed == undisturbed["left"]
    assert scene.ask("SELECT count(*) FROM jobs") == [(100,)]
    assert scene.ask("SELECT source_id, reason FROM migrate_ledger.fate") == [("101", "dangling")]


@pytest.mark.slow
def test_the_circle_is_whole_and_a_shared_key_is_the_parents(scene: Scene) -> None:
    scene.run()
    new = {name: scene.do("ids", *name.split(), "--json").json()["ids"][0]["new_id"]
           for name in ("users 1", "jobs 2")}  # fmt: skip
    best, owner = "SELECT best_job FROM users WHERE name = 'Ann'", "SELECT id FROM users WHERE name = 'Ann'"
    assert scene.ask(best) == [(new["jobs 2"],)]
    assert scene.ask(owner) == [(new["users 1"],)]
    assert (new["users 1"],) in query(scene.behind, 'SELECT "user" FROM cards')
    stages = scene.do("status", "--json").json()["stages"]
    assert next(iter(stages)) == "schema"
    assert {"users", "jobs", "cards", "publish"} <= stages.keys()
    assert all(stage["status"] == "done" for stage in stages.values())


def test_a_mapping_that_is_edited_within_a_run_is_refused(scene: Scene) -> None:
    assert scene.kill_at("jobs:copied")
    edit(scene, lambda text: text.replace('as = "decimal", scale = 2', 'as = "decimal", scale = 1'))
    refused = scene.run(code=2)
    assert "different: mappers.mapping" in refused.err
    assert "--fresh" in refused.err


@pytest.mark.slow
def test_a_dry_run_makes_its_tables_elsewhere(scene: Scene) -> None:
    done = scene.do("verify", "--json")
    assert "3 tables are made first, from [target] schema" in done.err
    assert done.json()["filled"]["jobs"] == 100
    assert scene.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_target_that_has_some_of_the_tables_is_left_alone(scene: Scene) -> None:
    scene.execute("CREATE TABLE users (id text PRIMARY KEY)")
    refused = scene.do("plan", "--json", code=1)
    messages = " ".join(finding["message"] for finding in refused.json()["findings"])
    assert "tables.jobs: the target has no table jobs" in messages
    assert refused.json()["made"] == []


def test_a_source_table_that_the_file_does_not_name_stops_the_plan(scene: Scene) -> None:
    edit(scene, lambda text: text[: text.index("[tables.cards]")] + text[text.index("[tables.jobs]") :])
    refused = scene.do("plan", code=1)
    assert "cards is missing: the source has this table" in refused.out


def test_a_mistake_in_the_file_is_named(scene: Scene) -> None:
    edit(scene, lambda text: text.replace('as = "decimal"', 'as = "decimals"'))
    refused = scene.do("plan", code=2)
    assert "price" in refused.err
    assert "Traceback" not in refused.err


def test_an_entity_that_has_no_ids_is_refused(scene: Scene) -> None:
    refused = scene.do("plan", code=2, MIGRATE__IDS__MAP='["planets"]')
    assert "planets" in refused.err
    assert "jobs" in refused.err


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_rehearsal_killed_at_every_point_ends_the_same(scene: Scene) -> None:
    process = scene.start("rehearse", "--json")
    out, err = process.communicate(timeout=1700)
    assert process.returncode == 0, err
    done = json.loads(out)
    assert done["identical"]
    assert {table: content["rows"] for table, content in done["disturbed"].items()} == {
        "users": 3, "jobs": 100, "cards": 2,
    }  # fmt: skip
    assert {"schema:recorded", "crosswalk:prepared", "jobs:copied"} <= set(done["killed"])
    assert scene.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_file_that_ends_the_transaction_is_refused(database: str, tmp_path: Path) -> None:
    (tmp_path / "init.sql").write_text("CREATE TABLE a (id text); COMMIT;")
    with (
        psycopg.connect(database, autocommit=True) as connection,
        pytest.raises(TargetError, match="ends the transaction"),
    ):
        make_tables(connection, "public", read_ddl(tmp_path / "init.sql"))


def test_a_file_that_fails_half_way_makes_nothing(database: str, tmp_path: Path) -> None:
    for text, said in (
        ("CREATE TABLE a (id text);\n\n-- again; really\nCREATE TABLE a (id text);",
         r'init\.sql:4: .*relation "a" already exists'),
        ("CREATE TABLE a (id text);\nCREATE TABLE b (\n  id tetx);", r'init\.sql:3: .*type "tetx" does not'),
        ("CREATE TABLE a (id text);\nCREATE INDEX ON a (di);", r'init\.sql:2: .*column "di" does not exist'),
    ):  # fmt: skip
        (tmp_path / "init.sql").write_text(text)
        with (
            psycopg.connect(database, autocommit=True) as connection,
            pytest.raises(TargetError, match=said),
        ):
            make_tables(connection, "public", read_ddl(tmp_path / "init.sql"))
    assert query(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_file_of_ddl_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.sql"):
        read_ddl(tmp_path / "none.sql")
