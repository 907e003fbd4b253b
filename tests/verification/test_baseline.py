"""Without a fault every check passes, and says what it looked at."""

from __future__ import annotations

import json

import pytest

from tests.verification.world import World
from verification import check_names, run_checks


def test_a_world_without_faults_passes_every_standard_check(world: World) -> None:
    report = run_checks(world.context)
    assert report.lines() == [line for line in report.lines() if line.startswith("ok: ")]
    assert report.passed
    assert [result.name for result in report.results] == check_names()[: len(report.results)]
    assert all(result.looked_at for result in report.results)


def test_reconciliation_counts_each_fate_from_rows(world: World) -> None:
    numbers = world.check("reconciliation").numbers
    assert numbers["shows_messages"] == {
        "rows": 5, "migrated": 3, "merged": 0, "rejected": 1, "excluded": 1,
    }  # fmt: skip
    assert numbers["shows_users"] == {
        "rows": 4, "migrated": 2, "merged": 1, "rejected": 1, "excluded": 0,
    }  # fmt: skip


def test_categories_are_counted(world: World) -> None:
    assert world.check("categories").numbers["user_profiles"] == {"OTHER": 1, "STUDIO": 1}


def test_left_out_tables_are_listed_with_their_rows(world: World) -> None:
    assert world.check("left_out").numbers == {"faq": {"rows": 1, "left out": 1}}


def test_the_report_is_plain_json(world: World) -> None:
    report = json.loads(json.dumps(run_checks(world.context, ["uniqueness"]).to_json()))
    assert report["passed"] is True
    assert report["checks"][0]["name"] == "uniqueness"


def test_checks_are_announced_before_they_run(world: World) -> None:
    heard: list[str] = []
    run_checks(world.context, ["domains", "studios"], on_check=lambda check: heard.append(check.name))
    assert heard == ["domains", "studios"]


def test_an_unknown_check_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="there is no check spelling"):
        run_checks(world.context, ["spelling"])


def test_checks_leave_the_connection_as_it_was(world: World) -> None:
    run_checks(world.context)
    world.plant("INSERT INTO ledger.fate VALUES ('other', 'faq', '1', 'excluded', '', '')")
    assert world.target.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_the_directorys_checks_do_not_apply_without_its_tables(world: World) -> None:
    world.changes |= {"tables": {}, "foreign_keys": (), "remap": None}
    names = [
        "ids_mapped", "categories", "studios", "urls_parse", "image_order",
        "live_ends", "message_counts", "connections", "urls_answer", "deep",
    ]  # fmt: skip
    report = run_checks(world.context, names)
    assert [result.name for result in report.results if not result.applies] == names
    assert all(line.startswith("not applicable: ") for line in report.lines())
