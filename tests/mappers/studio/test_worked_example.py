"""The worked example comes out exactly, each trap once."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.mappers.studio.runner import EXAMPLE, HERE, SCHEMA, Outcome, legacy_file, run

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("mapped example")

EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((HERE / "example" / "expected.json").read_text())


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(legacy_file(tmp_path_factory.mktemp("example") / "snapshot.db", SCHEMA, EXAMPLE))


@pytest.fixture(scope="module")
def emails(outcome: Outcome) -> dict[str, str]:
    return {row["id"]: row["email"] for row in outcome.rows("users")}


def shown(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that the example shows, written as the example writes them."""
    return {key: _written(row[key]) for key in like if key in row}


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def same(given: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    assert sorted(given, key=order) == sorted(expected, key=order)


def test_users_come_out_exactly(outcome: Outcome) -> None:
    like = EXPECTED["users"][0]
    same([shown(row, like) for row in outcome.rows("users")], EXPECTED["users"])


def test_every_profile_has_the_expected_category(outcome: Outcome, emails: dict[str, str]) -> None:
    given = [
        {"email": emails[row["user_id"]], "category": row["value"]}
        for row in outcome.rows("user_metadata")
        if row["key"] == "profile_category"
    ]
    same(given, EXPECTED["categories"])


def test_profiles_come_out_exactly(outcome: Outcome, emails: dict[str, str]) -> None:
    like = EXPECTED["profiles"][0]
    given = [shown({**row, "email": emails[row["user_id"]]}, like) for row in outcome.rows("user_profiles")]
    same(given, EXPECTED["profiles"])


def test_metadata_keeps_what_no_column_holds(outcome: Outcome, emails: dict[str, str]) -> None:
    given = {(emails[row["user_id"]], row["key"], row["value"]) for row in outcome.rows("user_metadata")}
    assert {(row["email"], row["key"], row["value"]) for row in EXPECTED["metadata"]} <= given
    assert not [key for _, key, _ in given if key in ("last_login_ip", "first_name", "facebook", "rates1")]


def test_studios_come_out_exactly(outcome: Outcome, emails: dict[str, str]) -> None:
    like = EXPECTED["studios"][0]
    given = [shown({**row, "owner": emails[row["owner_id"]]}, like) for row in outcome.rows("studios")]
    same(given, EXPECTED["studios"])


@pytest.fixture(scope="module")
def owners(outcome: Outcome, emails: dict[str, str]) -> dict[str, str]:
    return {row["id"]: emails[row["owner_id"]] for row in outcome.rows("studios")}


def test_services_come_out_exactly(outcome: Outcome, owners: dict[str, str]) -> None:
    given = [
        {"owner": owners[row["studio_id"]], "service": row["service"]}
        for row in outcome.rows("studio_services")
    ]
    same(given, EXPECTED["services"])


def test_images_come_out_exactly(outcome: Outcome, owners: dict[str, str]) -> None:
    like = EXPECTED["images"][0]
    given = [shown({**row, "owner": owners[row["studio_id"]]}, like) for row in outcome.rows("studio_images")]
    same(given, EXPECTED["images"])


def test_messages_come_out_exactly(outcome: Outcome, emails: dict[str, str]) -> None:
    like = EXPECTED["messages"][0]
    given = [
        shown({**row, "sender": emails[row["sender_id"]], "receiver": emails[row["receiver_id"]]}, like)
        for row in outcome.rows("messages")
    ]
    same(given, EXPECTED["messages"])


def test_connections_come_out_exactly(outcome: Outcome, emails: dict[str, str]) -> None:
    like = EXPECTED["connections"][0]
    given = [
        shown(
            {**row, "user": emails[row["user_id"]], "connected_user": emails[row["connected_user_id"]]}, like
        )
        for row in outcome.rows("user_connections")
    ]
    same(given, EXPECTED["connections"])


def test_reviews_and_answers_come_out_exactly(
    outcome: Outcome, emails: dict[str, str], owners: dict[str, str]
) -> None:
    reviews = {row["id"]: row for row in outcome.rows("reviews")}
    given = [
        {**row, "reviewer": emails[row["reviewer_id"]], "owner": emails[row["owner_id"]]}
        for row in reviews.values()
    ]
    same([shown(row, EXPECTED["reviews"][0]) for row in given], EXPECTED["reviews"])
    assert all(owners[row["studio_id"]] == row["owner"] for row in given)
    responses = [
        {
            **row,
            "review_of": emails[reviews[row["review_id"]]["owner_id"]],
            "author": emails[row["author_id"]],
        }
        for row in outcome.rows("review_responses")
    ]
    same([shown(row, EXPECTED["review_responses"][0]) for row in responses], EXPECTED["review_responses"])


def test_every_row_not_migrated_has_the_expected_fate(outcome: Outcome) -> None:
    expected = {
        (row["table"], str(row["id"]), row["fate"], row["reason"])
        for row in EXPECTED["fates_other_than_migrated"]
    }
    assert outcome.fate_set() == expected
    assert outcome.fates.height == len(expected)


def test_avatars_are_taken_from_columns_gallery_and_meta_keys(outcome: Outcome) -> None:
    avatars = {row["email"]: row["avatar_url"] for row in outcome.rows("users") if row["avatar_url"]}
    base = "https://res.cloudinary.com/demo/image/upload"
    assert avatars == {
        "boss@example.com": "https://img.example.com/boss.png",
        "ana@example.com": f"{base}/v1/a.jpg",
        "fay@example.com": f"{base}/fay.jpg",
    }


def test_warnings_name_what_was_migrated_otherwise(outcome: Outcome) -> None:
    assert outcome.warning_set() == {
        ("shows_users", "20", "password", "password_reset_needed"),
        ("shows_users", "21", "password", "password_reset_needed"),
        ("profile", "5", "twitter", "invalid_url"),
        ("profile", "5", "showemail", "invalid_boolean"),
        ("shows_usermeta", "12", "loc3", "invalid_number"),
        ("shows_usermeta", "13", "loc4", "invalid_number"),
    }


def test_every_legacy_id_leads_to_its_person(outcome: Outcome) -> None:
    found = {(row["entity"], row["legacy_id"]): row for row in outcome.id_map.to_dicts()}
    derive = outcome.ids.derive
    assert (
        found[("users", "9")]["new_id"] == derive("users", 5) and found[("users", "9")]["via"] == "same_email"
    )
    assert found[("community_users", "1")]["new_id"] == derive("users", 20)
    assert found[("community_users", "2")]["new_id"] == derive("community_users", 2)
    assert found[("studios", "9")]["new_id"] == derive("studios", 5)
    assert found[("studios", "community_users:1")]["new_id"] == derive("studios", 20)
    assert ("users", "15") not in found and ("users", "99") not in found


def test_content_does_not_depend_on_the_batch_size(tmp_path: Path) -> None:
    snapshot = legacy_file(tmp_path / "snapshot.db", SCHEMA, EXAMPLE)
    outcomes = [run(snapshot, batch_keys=size) for size in (1, 7, 1000)]
    for other in outcomes[1:]:
        assert other.tables.keys() == outcomes[0].tables.keys()
        for table, frame in outcomes[0].tables.items():
            assert frame.equals(other.tables[table]), table
        assert outcomes[0].fates.equals(other.fates)
        assert outcomes[0].warnings.equals(other.warnings)
        assert outcomes[0].id_map.equals(other.id_map)
