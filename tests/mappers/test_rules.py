"""The mapping's rules, one by one, beyond the worked example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mappers.flagship import Flagship
from mappers.settings import (
    CategoryRule,
    ImageSettings,
    MapperSettings,
    MessageSettings,
    ProfileSettings,
    ReviewSettings,
)
from migrate.bench import Bench
from tests.mappers.runner import SCHEMA, Outcome, legacy_file, run
from tests.mappers.test_people import forum, shows


def people(*numbers: int) -> str:
    return "".join(shows(n, f"p{n}@example.com") for n in numbers)


def meta(user: int, **keys: object) -> str:
    return "".join(
        f"INSERT INTO shows_usermeta (user_id, meta_key, meta_value) VALUES ({user}, '{key}', '{value}');"
        for key, value in keys.items()
    )


def mapped(tmp_path: Path, *statements: str, **options: Any) -> Outcome:
    return run(legacy_file(tmp_path / "snapshot.db", SCHEMA, *statements), **options)


def metadata(outcome: Outcome) -> dict[str, str]:
    return {row["key"]: row["value"] for row in outcome.rows("user_metadata")}


def test_a_zero_in_a_profile_column_stands_before_meta(tmp_path: Path) -> None:
    profile = "INSERT INTO profile (user_id, showrates, rates1, about) VALUES (1, 0, '0', ' ');"
    outcome = mapped(tmp_path, people(1), profile, meta(1, showrates=1, rates1="90", about="hello"))
    row = outcome.rows("user_profiles")[0]
    assert (row["show_rates"], row["rate_tier_1"], row["about"]) == (False, "0", "hello")


def test_the_first_meta_row_that_is_not_blank_gives_the_value(tmp_path: Path) -> None:
    rows = meta(1, about="") + meta(1, about="&nbsp;") + meta(1, about="one") + meta(1, about="two")
    assert mapped(tmp_path, people(1), rows).rows("user_profiles")[0]["about"] == "one"


def test_a_merged_account_fills_what_the_first_lacks(tmp_path: Path) -> None:
    twins = shows(1, "same@example.com") + shows(2, "same@example.com")
    outcome = mapped(tmp_path, twins, meta(2, about="two", phone="22"), meta(1, about="one"))
    row = outcome.rows("user_profiles")[0]
    assert (row["about"], row["phone"]) == ("one", "22")


def test_metadata_keeps_values_as_they_were_but_for_nul(tmp_path: Path) -> None:
    raw = "INSERT INTO shows_usermeta VALUES (1, 1, 'odd', ' a&amp;' || char(0) || 'b ');"
    assert metadata(mapped(tmp_path, people(1), raw))["odd"] == " a&amp;b "


def test_secrets_are_dropped(tmp_path: Path) -> None:
    keys = {"last_login_ip": "10.0.0.1", "remember_token": "abc", "session_token": "def", "kept": "x"}
    outcome = mapped(tmp_path, people(1), meta(1, **keys))
    assert metadata(outcome) == {"kept": "x", "profile_category": "OTHER"}


def test_a_second_url_is_kept_as_metadata(tmp_path: Path) -> None:
    keys = {
        "youtubepage": "dQw4w9WgXcQ",
        "youtube2": "youtube.com/@a",
        "vimeo": "vimeo.com/1",
        "vimeo2": "vimeo.com/2",
    }
    outcome = mapped(tmp_path, people(1), meta(1, **keys))
    row = outcome.rows("user_profiles")[0]
    assert (row["youtube_url"], row["vimeo_url"]) == ("https://youtube.com/@a", "https://vimeo.com/1")
    kept = metadata(outcome)
    assert (kept["youtubepage"], kept["vimeo2"]) == ("dQw4w9WgXcQ", "vimeo.com/2")
    assert "youtube2" not in kept and "vimeo" not in kept


def test_equipment_and_labels(tmp_path: Path) -> None:
    keys = {"connection10": "ISDN", "sc": "mine", "connection3": 1, "connection12": "yes", "connection9": 0}
    outcome = mapped(tmp_path, people(1, 2), meta(1, **keys), meta(2, connection10="1"))
    rows = {row["user_id"]: row for row in outcome.rows("user_profiles")}
    one, two = (rows[outcome.ids.derive("users", n)] for n in (1, 2))
    assert (one["equipment_list"], one["services_offered"]) == ("ISDN\nmine", "Phone Patch, DIVA")
    assert two["equipment_list"] is None and metadata(outcome)["connection10"] == "1"


def test_an_avatar_that_is_no_url_is_kept_as_metadata(tmp_path: Path) -> None:
    bad = "UPDATE shows_users SET avatar_url = 'nothing' WHERE id = 1;"
    outcome = mapped(tmp_path, people(1), bad, meta(1, google_avatar="lh3.example.com/a"))
    assert outcome.rows("users")[0]["avatar_url"] == "https://lh3.example.com/a"
    assert metadata(outcome)["avatar_url"] == "nothing"
    assert ("shows_users", "1", "avatar_url", "invalid_url") in outcome.warning_set()


CATEGORIES = [
    ({"homestudio3": "3", "rates1": "5"}, "STUDIO"),
    ({"loc1": "1 Low Rd", "rates1": "5"}, "STUDIO"),
    ({"latitude": "51.5", "loc4": "-0.1"}, "STUDIO"),
    ({"loc3": "0", "loc4": "0"}, "OTHER"),
    ({"homestudio": "0"}, "OTHER"),
    ({"rates2": "5", "connection1": "1"}, "VOICEOVER"),
    ({"showrates": "on"}, "VOICEOVER"),
    ({"connection8": "1"}, "STUDIO"),
    ({"connection9": "1"}, "OTHER"),
]


@pytest.mark.parametrize(("keys", "category"), CATEGORIES)
def test_the_first_rule_that_holds_gives_the_category(
    tmp_path: Path, keys: dict[str, str], category: str
) -> None:
    outcome = mapped(tmp_path, people(1), meta(1, **keys))
    assert metadata(outcome)["profile_category"] == category
    assert len(outcome.rows("studios")) == (category == "STUDIO")
    assert outcome.rows("users")[0]["role"] == ("STUDIO_OWNER" if category == "STUDIO" else "USER")


def test_category_rules_and_key_are_config_and_fill_a_column_where_there_is_one(tmp_path: Path) -> None:
    rules = (CategoryRule(category="VOICEOVER", texts=("agent",)),)
    settings = MapperSettings(profiles=ProfileSettings(category_rules=rules, category_key="kind"))
    columns = {"user_profiles": ["id", "category"]}
    outcome = mapped(tmp_path, people(1), meta(1, agent="A"), settings=settings, target_columns=columns)
    assert metadata(outcome) == {"agent": "A", "kind": "VOICEOVER"}
    assert outcome.rows("user_profiles")[0]["category"] == "VOICEOVER"


TYPES = [
    ({"homestudio": "4"}, "PRODUCTION"),
    ({"homestudio": "0", "homestudio2": "5"}, "MOBILE"),
    ({"homestudio": "6", "about": "a Professional Studio"}, "RECORDING"),
    ({"loc1": "x", "shortabout": "commercials, and a podcast"}, "PODCAST"),
    ({"loc1": "x", "about": "on-location"}, "MOBILE"),
    ({"loc1": "x"}, "HOME"),
]


@pytest.mark.parametrize(("keys", "kind"), TYPES)
def test_the_studio_type_is_the_first_code_or_the_words(
    tmp_path: Path, keys: dict[str, str], kind: str
) -> None:
    assert mapped(tmp_path, people(1), meta(1, **keys)).rows("studios")[0]["studio_type"] == kind


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"first_name": "Ana"}, "Ana Studio"),
        ({"location": "Leeds"}, "Leeds Studio"),
        ({}, "Studio of u1_user"),
    ],
)
def test_a_studio_always_has_a_name(tmp_path: Path, columns: dict[str, str], name: str) -> None:
    assert mapped(tmp_path, people(1), meta(1, loc1="x", **columns)).rows("studios")[0]["name"] == name


@pytest.mark.parametrize(
    ("expires", "role", "featured", "premium"),
    [
        ("2020-06-02", 2, "0", True),
        ("2020-05-31", 2, "0", False),
        ("", 7, "0", True),
        ("", 2, "1", True),
        ("", 2, "0", False),
    ],
)
def test_premium_is_featured_paid_or_not_yet_expired(
    tmp_path: Path, expires: str, role: int, featured: str, premium: bool
) -> None:
    outcome = mapped(
        tmp_path,
        shows(1, "a@example.com", role_id=role),
        f"UPDATE shows_users SET expiry_date = '{expires}';",
        "INSERT INTO shows_messages VALUES (1, 1, 1, 'newest', '2020-06-01 00:00:00', 0, 0);",
        meta(1, loc1="x", featured=featured),
    )
    assert outcome.rows("studios")[0]["is_premium"] is premium


def test_images_are_dense_primary_first(tmp_path: Path) -> None:
    gallery = (
        "INSERT INTO studio_gallery (id, user_id, image_type, image_filename, is_primary, display_order)"
    )
    rows = " VALUES (1, 1, 'gallery', 'a.jpg', 0, 2), (2, 1, 'gallery', '', 0, 0),"
    rows += " (3, 1, 'gallery', 'c.jpg', 0, 1), (4, 1, 'gallery', 'd.jpg', 1, 9), (5, 1, 'avatar', '', 0, 0), (6, 9, 'gallery', 'x.jpg', 0, 0);"
    settings = MapperSettings(images=ImageSettings(base_url="https://img.example.com/base/"))
    outcome = mapped(
        tmp_path, people(1), meta(1, loc1="x", avatar_image2="no.jpg"), gallery + rows, settings=settings
    )
    images = sorted(outcome.rows("studio_images"), key=lambda row: row["sort_order"])
    base = "https://img.example.com/base"
    assert [(row["image_url"], row["alt_text"]) for row in images] == [
        (f"{base}/d.jpg", "Photo of Studio of u1_user"),
        (f"{base}/c.jpg", "Photo of Studio of u1_user (2)"),
        (f"{base}/a.jpg", "Photo of Studio of u1_user (3)"),
    ]
    assert outcome.fate_set() == {
        ("studio_gallery", "2", "rejected", "no_image"),
        ("studio_gallery", "5", "rejected", "no_image"),
        ("studio_gallery", "6", "rejected", "unknown_user"),
    }


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
    with Bench(snapshot, tmp_path / "x.db") as bench:
        tables = bench.tables()
        report = Flagship(MapperSettings(), tables).column_report(bench)
    columns = report.filter(pl.col("key").is_null())
    assert set(columns.select("source_table", "column").rows()) == {(t, c) for t in tables for c in tables[t]}
    assert report["went_to"].null_count() == 0
    keys = report.filter(pl.col("key").is_not_null()).select("key", "went_to", "filled").rows()
    assert keys == [
        ("about", "user_profiles.about", 1),
        ("last_login_ip", "dropped:dropped_keys", 1),
        ("odd", "user_metadata", 0),
    ]
    went = {(t, c): to for t, c, to in columns.select("source_table", "column", "went_to").rows()}
    assert went["shows_users", "remember"] == "dropped:token"
    assert went["faq", "question"] == "dropped:faq"
    assert went["studio_gallery", "created_at"] == "dropped:no_target_column"
