"""Each fault is planted alone, and its check catches and names it."""

from __future__ import annotations

import dataclasses

import pytest

from migrate.postgres.catalog import Table
from tests.verification.planted import MESSAGE, PLANTED
from tests.verification.world import ANA, BOSS, STUDIO, TABLES, World, new
from verification import run_checks
from verification.result import NAMED


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught_and_named(world: World, name: str) -> None:
    check, statement, values, (table, key, rule) = PLANTED[name]
    assert world.check(check).passed
    world.plant(statement, *values)
    result = world.check(check)
    assert not result.passed
    assert result.total >= len(result.findings) > 0
    named = [(finding.table, finding.key) for finding in result.findings if rule in finding.what]
    assert (table, key) in named, result.findings


def test_a_category_column_must_agree_with_the_metadata(world: World) -> None:
    world.target.execute("ALTER TABLE staging.user_profiles ADD category text DEFAULT 'STUDIO'")
    tables = {table.name: table for table in TABLES}
    profiles = tables["user_profiles"]
    columns = (*profiles.columns, dataclasses.replace(profiles.columns[1], name="category"))
    world.changes["tables"] = {**tables, "user_profiles": dataclasses.replace(profiles, columns=columns)}
    (finding,) = world.check("categories").findings
    assert (finding.key, finding.column) == (new("user_profiles", 1), "category")


def test_people_who_share_an_id_are_noticed(world: World) -> None:
    world.snapshot.execute("UPDATE x.person SET legacy_id = 5 WHERE person = 1")
    assert any("3 people share 2 ids" in str(finding) for finding in _id_findings(world))


def _id_findings(world: World) -> list[object]:
    world.target.execute("UPDATE staging.id_map SET new_id = %s WHERE new_id = %s", (ANA, BOSS))
    return list(world.check("ids_mapped").findings)


def test_findings_are_capped_and_the_rest_counted(world: World) -> None:
    world.target.execute(
        "INSERT INTO staging.messages "
        "SELECT 'm' || n, 'gone', %s, 'x', false, now() FROM generate_series(1, 200) AS n",
        (ANA,),
    )
    result = world.check("dangling_keys")
    assert (len(result.findings), result.total) == (NAMED, 200)
    assert run_checks(world.context, ["dangling_keys"]).lines()[-1] == "  and 150 more"


def test_more_faults_than_can_be_fetched_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.multiset_diff.FETCHED", 10)
    world.target.execute("INSERT INTO staging.messages SELECT 'm' || n FROM generate_series(1, 200) n")
    result = world.check("reconciliation")
    assert result.total == 200
    assert "more rows do not match than can be listed" in result.findings[-1].what


def test_findings_carry_no_values(world: World) -> None:
    world.plant("UPDATE staging.users SET email = 'ana@example.com' WHERE id = %s", BOSS)
    world.plant("UPDATE staging.messages SET sender_id = 'secret words' WHERE id = %s", MESSAGE)
    world.plant("UPDATE staging.users SET avatar_url = 'secret words' WHERE id = %s", BOSS)
    report = run_checks(world.context)
    assert not report.passed
    text = "\n".join(report.lines())
    assert "secret" not in text
    assert "@example" not in text


def test_a_table_without_a_key_names_rows_by_their_place(world: World) -> None:
    tables = {table.name: table for table in TABLES}
    studios = tables["studios"]
    world.changes["tables"] = {**tables, "studios": Table("studios", studios.columns)}
    world.plant("UPDATE staging.studios SET owner_id = NULL WHERE id = %s", STUDIO)
    (finding,) = world.check("domains").findings
    assert finding.key is not None
    assert finding.key.startswith("(0,")
