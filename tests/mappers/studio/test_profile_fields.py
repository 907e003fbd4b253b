"""Facts of profile rows are the same whether frames or statements bring them."""

from __future__ import annotations

from pathlib import Path

from tests.mappers.studio.runner import Outcome, legacy_file, run

PEOPLE = """
CREATE TABLE shows_users (id INTEGER PRIMARY KEY, email TEXT, username TEXT, joined TEXT, status INTEGER,
  role_id INTEGER, password TEXT);
INSERT INTO shows_users VALUES (1, 'a@x.example', 'ann', '2020-01-01 00:00:00', 1, 2, ''),
  (2, 'b@x.example', 'bob', '2020-01-01 00:00:00', 1, 2, ''),
  (3, 'B@x.example', 'bobby', '2020-01-01 00:00:00', 1, 2, '');
"""


def metadata(outcome: Outcome, legacy_id: int) -> dict[str, str]:
    person = outcome.ids.derive("users", legacy_id)
    rows = outcome.rows("user_metadata")
    return {
        row["key"]: row["value"]
        for row in rows
        if row["user_id"] == person and row["key"] != "profile_category"
    }


def mapped(path: Path, *statements: str) -> Outcome:
    return run(legacy_file(path, PEOPLE, *statements))


def test_the_first_of_several_rows_that_has_a_value_gives_it(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path / "legacy.db",
        "CREATE TABLE profile (user_id INTEGER, pinterest TEXT, tiktok TEXT, gender TEXT);",
        "INSERT INTO profile VALUES (1, 'p1', '', '&nbsp;'), (1, 'p2', 't2', 'g2'), (2, '', 't3', NULL),"
        " (3, 'p4', 't4', '-');",
    )
    assert metadata(outcome, 1) == {"pinterest": "p1", "tiktok": "t2", "gender": "g2"}
    assert metadata(outcome, 2) == {"pinterest": "p4", "tiktok": "t3", "gender": "-"}


def test_numbers_and_bytes_that_are_no_text_come_as_they_were(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path / "legacy.db",
        "CREATE TABLE profile (user_id INTEGER, weight, height, motto, blank);",
        "INSERT INTO profile VALUES (1, 0.1, 180, CAST(x'e9' AS TEXT), ' &#32; '),"
        " (2, 'much', 7.0, 'be', 0);",
    )
    assert metadata(outcome, 1) == {"weight": "0.1", "height": "180", "motto": "é"}
    assert metadata(outcome, 2) == {"weight": "much", "height": "7.0", "motto": "be", "blank": "0"}
    assert {warning for warning in outcome.warning_set() if warning[3] == "invalid_utf8"} == {
        ("profile", "1", "motto", "invalid_utf8")
    }


def test_a_wide_table_gives_every_column(tmp_path: Path) -> None:
    columns = [f"k{n}" for n in range(650)]
    outcome = mapped(
        tmp_path / "legacy.db",
        f"CREATE TABLE profile (user_id INTEGER, {', '.join(columns)});",
        f"INSERT INTO profile VALUES (1, {', '.join(str(n) for n in range(650))});",
    )
    assert metadata(outcome, 1) == {f"k{n}": str(n) for n in range(650)}
