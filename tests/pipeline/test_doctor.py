"""`migrate doctor`: every point is looked at, whatever the others are like."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.pipeline import doctor
from migrate.runtime.config import load_config
from tests.tools.commands import migrate


def verdicts(work: Path, code: int, **settings: str) -> dict[str, str]:
    facts = migrate("doctor", "--work", str(work), "--json", code=code, **settings).json()
    assert facts["well"] == (code == 0)
    return {point["name"]: point["verdict"] for point in facts["points"]}


def test_the_built_in_ends_are_well_and_nothing_is_made(work: Path) -> None:
    found = verdicts(work, 0)
    assert set(found.values()) == {"ok"}
    assert {"migrate", "postgres", "work folder", "source", "target"} <= found.keys()
    assert not work.exists()
    assert "No problem found" in migrate("doctor", "--work", str(work)).out


def test_an_end_that_does_not_answer_hides_no_other(work: Path, database: str) -> None:
    found = verdicts(work, 1, TURSO_DATABASE_URL="/no/such/file.db", MIGRATE__TARGET__URL=database)
    assert (found["source"], found["target"], found["permissions"]) == ("error", "ok", "ok")
    found = verdicts(work, 1, MIGRATE__TARGET__URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert (found["source"], found["target"]) == ("ok", "error")
    said = migrate("doctor", code=1, MIGRATE__TARGET__URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in said.out + said.err


def test_a_program_that_is_not_there_hides_no_other(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = doctor.binary
    monkeypatch.setattr(doctor, "binary", lambda name: tmp_path / name if name == "pg_dump" else there(name))
    points = {point.name: point for point in doctor.examine(load_config(None), work)}
    assert (points["pg_dump"].verdict, points["pg_restore"].verdict) == ("error", "ok")
    assert "install" in (points["pg_dump"].hint or "")


def test_a_right_that_is_missing_is_named_with_the_statement(work: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'synthetic'").format(sql.Identifier(f"{name}_app"))
        )
    try:
        url = database.replace("postgres:", f"{name}_app:", 1)
        url = url[: url.index("_app:") + 5] + "synthetic" + url[url.index("@") :]
        said = migrate("doctor", "--work", str(work), code=1, MIGRATE__TARGET__URL=url).out
        assert "may not create the schema migrate_ledger" in said
        assert "CREATE SCHEMA" in said
    finally:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(f"{name}_app")))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    found = verdicts(place / "work", 1)
    assert found["work folder"] == "error"
