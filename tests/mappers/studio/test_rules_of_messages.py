"""Messages, connections, reviews and the report: the mapping's rules beyond the worked example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from mappers.settings import MapperSettings
from mappers.studio.settings import MessageSettings, ReviewSettings
from mappers.studio.studio_mapping import StudioMapping
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import SCHEMA, legacy_file, run
from tests.mappers.studio.test_merge_people import forum, shows
from tests.mappers.studio.test_rules import mapped, meta, people


def message(
    id_: int, sender: int, receiver: int, text: str = "x", table: str = "shows_messages", **more: Any
) -> str:
    date, deleted = more.get("date", "2020-01-01 00:00:00"), more.get("deleted", 0)
    return f"INSERT INTO {table} VALUES ({id_}, {sender}, {receiver}, '{text}', '{date}', 0, '{deleted}');"


def test_two_message_tables_are_one_union_and_the_first_wins(tmp_path: Path) -> None:
    other = SCHEMA[SCHEMA.index("CREATE TABLE shows_messages") :].partition(";")[0]
    outcome = mapped(
        tmp_path,
        people(1, 2),
        other.replace("shows_messages", "messages") + ";",
        message(1, 1, 2, "first", "messages"),
        message(1, 2, 1, "second"),
        message(2, 2, 1, "third"),
    )
    assert {row["content"] for row in outcome.rows("messages")} == {"first", "third"}
    assert outcome.fate_set() == {("shows_messages", "1", "merged", "same_id")}


def test_deleted_messages_are_kept_where_the_config_says_so(tmp_path: Path) -> None:
    settings = MapperSettings(messages=MessageSettings(keep_deleted=True))
    outcome = mapped(tmp_path, people(1), message(1, 1, 1, deleted=1), settings=settings)
    assert len(outcome.rows("messages")) == 1


def test_a_message_names_the_end_that_is_unknown_and_no_text(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, people(1), message(1, 1, 8), message(2, 9, 1), message(3, 9, 8))
    assert outcome.fates["detail"].to_list() == ["receiver 8", "sender 9", "sender 9, receiver 8"]


def test_ends_that_are_stored_as_no_integer_are_compared_as_sqlite_compares_them(tmp_path: Path) -> None:
    ends = ("' 2 '", "2.0", "'2x'", "x'32'", "2.5", "NULL")
    schema = SCHEMA.replace("from_user INTEGER NOT NULL", "from_user")
    assert schema != SCHEMA
    path = legacy_file(
        tmp_path / "odd.db",
        schema,
        people(1, 2),
        *(
            f"INSERT INTO shows_messages VALUES ({n}, {end}, 1, 'x', '2020-01-01 00:00:00', 0, 0);"
            for n, end in enumerate(ends, 1)
        ),
    )
    outcome = run(path)
    assert len(outcome.rows("messages")) == 2
    assert dict(outcome.fates.select("source_id", "detail").rows()) == {
        "3": "sender 2", "4": "sender 2", "5": "sender 2", "6": "sender ",
    }  # fmt: skip


def test_a_message_without_a_date_is_as_old_as_the_younger_of_the_two(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path, people(1), shows(2, "b@example.com", joined="2021-02-03"), message(1, 1, 2, date="?")
    )
    assert str(outcome.rows("messages")[0]["created_at"]) == "2021-02-03 00:00:00"
    assert ("shows_messages", "1", "date", "invalid_timestamp") in outcome.warning_set()


def test_the_first_contact_of_a_pair_gives_the_direction_and_any_the_consent(tmp_path: Path) -> None:
    rows = "INSERT INTO shows_contacts VALUES (1, 1, 2, 0), (2, 2, 1, 1), (3, 3, 1, 0), (4, 3, 1, 0);"
    rows += forum(1, "p1@example.com") + forum(2, "p3@example.com")
    rows += "INSERT INTO community_contacts VALUES (1, 1, 2, 0);"
    outcome = mapped(tmp_path, people(1, 2, 3), rows)
    ids = {outcome.ids.derive("users", n): n for n in (1, 2, 3)}
    given = {
        (ids[r["user_id"]], ids[r["connected_user_id"]], r["accepted"])
        for r in outcome.rows("user_connections")
    }
    assert given == {(1, 2, True), (2, 1, True), (3, 1, False)}
    assert {fate for fate in outcome.fate_set() if "contacts" in fate[0]} == {
        ("shows_contacts", "2", "merged", "same_pair"),
        ("shows_contacts", "4", "merged", "same_pair"),
        ("community_contacts", "1", "merged", "same_pair"),
    }


def comment(id_: int, user: int, page: object, parent: int = 0, **more: Any) -> str:
    values = {"content": "x", "date": "2020-01-01 00:00:00", "updated": "", "status": 1, **more}
    return (
        "INSERT INTO shows_comments"
        " (id, user_id, page, page_url, page_title, content, date, updated, status, parent)"
        f" VALUES ({id_}, {user}, '{page}', '', '', '{values['content']}', '{values['date']}',"
        f" '{values['updated']}', {values['status']}, {parent});"
    )


def test_reviews_have_a_status_and_the_configured_rating(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        people(1, 2) + meta(1, loc1="x"),
        comment(1, 2, 1, status=0)
        + comment(2, 2, " 1 ", status=2, updated="2021-01-01")
        + comment(3, 2, "x"),
        comment(4, 9, 1) + comment(5, 2, 1, status=7),
        settings=MapperSettings(reviews=ReviewSettings(rating=4)),
    )
    derive = outcome.ids.derive
    rows = {row["id"]: row for row in outcome.rows("reviews")}
    found = [rows[derive("shows_comments", n)] for n in (1, 2, 5)]
    assert [(row["status"], row["rating"]) for row in found] == [
        ("PENDING", 4),
        ("REJECTED", 4),
        ("PENDING", 4),
    ]
    assert [str(row["updated_at"])[:4] for row in found] == ["2020", "2021", "2020"]
    assert outcome.fate_set() == {
        ("shows_comments", "3", "rejected", "no_studio"),
        ("shows_comments", "4", "rejected", "unknown_user"),
    }


def test_only_the_owners_earliest_answer_is_kept(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        people(1, 2) + meta(1, loc1="x"),
        comment(1, 2, 1),
        comment(2, 1, 1, 1, date="2020-03-01 00:00:00", content="late"),
        comment(3, 1, 1, 1, date="2020-02-01 00:00:00", content="early"),
        comment(4, 2, 1, 1) + comment(5, 9, 1, 1) + comment(6, 1, 1, 3) + comment(7, 1, 1, 99),
        comment(8, 1, 1, 1, date="2020-01-15 00:00:00", content="&nbsp;"),
    )
    assert [row["content"] for row in outcome.rows("review_responses")] == ["early"]
    assert outcome.fate_set() == {
        ("shows_comments", "2", "excluded", "reply_not_by_owner"),
        ("shows_comments", "4", "excluded", "reply_not_by_owner"),
        ("shows_comments", "5", "rejected", "unknown_user"),
        ("shows_comments", "6", "excluded", "reply_not_by_owner"),
        ("shows_comments", "7", "excluded", "reply_not_by_owner"),
        ("shows_comments", "8", "rejected", "empty_reply"),
    }


def test_a_text_too_long_for_its_column_is_rejected_and_named(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        people(1),
        message(1, 1, 1, "12345"),
        message(2, 1, 1, "123456"),
        limits={("messages", "content"): 5},
    )
    assert [row["content"] for row in outcome.rows("messages")] == ["12345"]
    assert outcome.fates.rows() == [("shows_messages", "2", "rejected", "too_long", "content")]


def test_bytes_that_are_no_utf8_are_read_as_windows_1252_and_reported(tmp_path: Path) -> None:
    rows = "INSERT INTO shows_messages VALUES (1, 1, 1, CAST(x'80756e6f' AS TEXT), '2020-01-01', 0, 0);"
    rows += "INSERT INTO shows_usermeta VALUES (5, 1, 'about', CAST(x'6361e9' AS TEXT));"
    outcome = mapped(tmp_path, people(1), rows)
    assert outcome.rows("messages")[0]["content"] == "\u20acuno"
    assert outcome.rows("user_profiles")[0]["about"] == "ca\xe9"
    assert {
        ("shows_messages", "1", "message", "invalid_utf8"),
        ("shows_usermeta", "5", "about", "invalid_utf8"),
    } <= outcome.warning_set()


def test_repeated_profile_rows_are_named_by_rowid(tmp_path: Path) -> None:
    rows = "INSERT INTO profile (user_id, about) VALUES (1, ''), (1, 'two'), (8, 'nobody');"
    outcome = mapped(tmp_path, people(1), rows)
    assert outcome.rows("user_profiles")[0]["about"] == "two"
    assert outcome.fate_set() == {("profile", "3", "rejected", "unknown_user")}


def test_the_column_report_names_every_column_and_key(tmp_path: Path) -> None:
    snapshot = legacy_file(
        tmp_path / "s.db", SCHEMA, people(1), meta(1, about="x", odd="", last_login_ip="1")
    )
    with Workspace(snapshot, tmp_path / "x.db") as workspace:
        tables = workspace.tables()
        report = StudioMapping(MapperSettings(), tables).column_report(workspace)
    columns = report.filter(pl.col("key").is_null())
    assert set(columns.select("source_table", "column").rows()) == {(t, c) for t in tables for c in tables[t]}
    assert report["went_to"].null_count() == 0
    keys = report.filter(pl.col("key").is_not_null()).select("key", "went_to", "filled").rows()
    assert keys == [
        ("about", "user_profiles.about, studios.description, studios.studio_type", 1),
        ("last_login_ip", "dropped:dropped_keys", 1),
        ("odd", "user_metadata", 0),
    ]
    went = {(t, c): to for t, c, to in columns.select("source_table", "column", "went_to").rows()}
    assert went["shows_users", "remember"] == "dropped:token"
    assert went["faq", "question"] == "dropped:faq"
    assert went["studio_gallery", "created_at"] == "dropped:no_target_column"
