"""Accounts that do not add up, and source tables without an account."""

from __future__ import annotations

from tests.verification.world import ANA, GUS, TABLES, Account, World, new
from verification import Limits


def test_a_table_that_nothing_explains_is_named(world: World) -> None:
    world.changes["derived"] = frozenset({"studios", "user_connections"})
    (finding,) = world.check("reconciliation").findings
    assert (finding.table, finding.key) == ("user_metadata", None)
    assert world.check("reconciliation").total == 3


def test_a_rejected_row_is_not_in_a_table_with_derived_rows(world: World) -> None:
    world.plant(
        "UPDATE ledger.fate SET fate = 'rejected' WHERE source_table = 'shows_contacts' AND source_id = '2'"
    )
    world.plant(
        "INSERT INTO staging.user_connections VALUES (%s, %s, %s, false)", new("shows_contacts", 2), GUS, ANA
    )
    (finding,) = world.check("reconciliation").findings
    assert (finding.table, finding.key) == ("shows_contacts", "2")


def test_an_account_that_forgets_rows_is_named(world: World) -> None:
    forgetful = Account(
        "faq", "SELECT id AS source_id, 'faq' AS entity, id AS key FROM faq WHERE id > 1", "users"
    )
    world.changes["accounts"] = (*world.context.accounts, forgetful)
    (finding,) = world.check("reconciliation").findings
    assert (finding.table, finding.what) == ("faq", "has 1 rows, but the mapping accounts for 0")


def test_two_rows_do_not_share_a_target_row_that_is_theirs_alone(world: World) -> None:
    accounts = [account for account in world.context.accounts if account.source != "shows_contacts"]
    one = Account("shows_contacts", "SELECT id AS source_id, 'shows_contacts' AS entity, 1 AS key FROM shows_contacts", "user_connections")  # fmt: skip # noqa: E501
    world.changes["accounts"] = (*accounts, one)
    world.target.execute("DELETE FROM ledger.fate WHERE source_table = 'shows_contacts'")
    result = world.check("reconciliation")
    assert {finding.key for finding in result.findings} == {"1", "2", "3"}
    assert "shares its row" in result.findings[0].what


def test_a_second_account_may_prove_what_the_first_cannot(world: World) -> None:
    meta = next(account for account in world.context.accounts if account.source == "shows_usermeta")
    second = Account("shows_usermeta", "SELECT 4 AS source_id, 'users' AS entity, 1 AS key", "users")
    world.target.execute("DELETE FROM ledger.fate WHERE source_id = '4'")
    assert world.check("reconciliation").total == 1
    rest = [account for account in world.context.accounts if account.source != "shows_users"]
    world.changes["accounts"] = (meta, second, *(account for account in rest if account is not meta))
    world.changes["derived"] = frozenset({"user_metadata", "studios", "user_connections", "users"})
    findings = [
        finding for finding in world.check("reconciliation").findings if finding.table != "shows_users"
    ]
    assert findings == []


def test_a_proof_in_a_table_that_is_not_filled_is_named(world: World) -> None:
    tables = {table.name: table for table in TABLES if table.name != "studio_images"}
    world.changes["tables"] = tables
    result = world.check("reconciliation")
    assert (result.findings[0].table, result.total) == ("studio_gallery", 2)


def test_a_source_table_that_is_unknown_is_named(world: World) -> None:
    world.snapshot.execute("CREATE TABLE mystery (a)")
    result = world.check("left_out")
    assert result.passed and result.numbers["mystery"] == {"rows": 0, "left out": 0}
    world.snapshot.execute("INSERT INTO mystery VALUES (1)")
    (finding,) = world.check("left_out").findings
    assert finding.table == "mystery"


def test_too_many_rejects_fail(world: World) -> None:
    world.changes["limits"] = Limits(0.3)
    assert [finding.table for finding in world.check("reject_share").findings] == ["studio_gallery"]
    world.changes["limits"] = Limits(0.3, {"studio_gallery": 0.5, "shows_users": 0.2})
    assert [finding.table for finding in world.check("reject_share").findings] == ["shows_users"]


def test_few_rejects_and_those_by_a_rule_are_never_too_many(world: World) -> None:
    world.changes["limits"] = Limits(0.3)
    (finding,) = world.check("reject_share").findings
    share, _, reasons = finding.what.partition(": ")
    assert share.endswith("rows are rejected, more than 30.0%")
    why, _, rows = reasons.rpartition(" ")
    world.changes["limits"] = Limits(0.3, max_reject_rows=int(rows))
    assert world.check("reject_share").passed
    world.changes["limits"] = Limits(0.3, max_reject_rows=int(rows) - 1)
    assert not world.check("reject_share").passed
    world.changes["limits"] = Limits(0.3, by_rule={why})
    assert world.check("reject_share").passed
