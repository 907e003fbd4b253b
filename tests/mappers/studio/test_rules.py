"""The mapping's rules, one by one, beyond the worked example."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappers.settings import MapperSettings
from mappers.studio.settings import CategoryRule, ImageSettings, ProfileSettings
from tests.mappers.studio.runner import SCHEMA, Outcome, legacy_file, run
from tests.mappers.studio.test_merge_people import shows


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
    table_names = shows(1, "same@example.com") + shows(2, "same@example.com")
    outcome = mapped(tmp_path, table_names, meta(2, about="two", phone="22"), meta(1, about="one"))
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


PLACES = [
    # of the first account, of the second, the place
    ({"latitude": "1", "longitude": "2"}, {"latitude": "3", "longitude": "4"}, ("1", "2")),
    ({"latitude": "1"}, {"longitude": "4"}, None),
    ({"latitude": "1"}, {"latitude": "3", "longitude": "4"}, ("3", "4")),
    ({"latitude": "1", "loc4": "2"}, {"loc3": "5", "loc4": "6"}, ("5", "6")),
    ({"latitude": "91", "longitude": "2", "loc3": "5", "loc4": "6"}, {"loc3": "3", "loc4": "4"}, ("5", "6")),
    ({"latitude": "0", "longitude": "0"}, {"loc3": "5", "loc4": "6"}, ("5", "6")),
    ({}, {"latitude": "3", "longitude": "4"}, ("3", "4")),
]


@pytest.mark.parametrize(("first", "second", "place"), PLACES)
def test_a_merged_persons_studio_stands_where_one_of_the_accounts_is(
    tmp_path: Path, first: dict[str, str], second: dict[str, str], place: tuple[str, str] | None
) -> None:
    table_names = shows(1, "same@example.com") + shows(2, "same@example.com")
    outcome = mapped(tmp_path, table_names, meta(1, address="A", **first), meta(2, **second))
    (row,) = outcome.rows("studios")
    found = (row["latitude"], row["longitude"])
    assert found == (tuple(map(Decimal, place)) if place else (None, None))


SERVICES = [
    ("ISDN2, MSTeams", {"ISDN", "TEAMS"}),
    ("MS Teams and clean feed", {"TEAMS", "CLEANFEED"}),
    ("SourceConnectNow", {"SOURCE_CONNECT_NOW"}),
    ("Source Connect Now; source-connect", {"SOURCE_CONNECT_NOW", "SOURCE_CONNECT"}),
    ("SourceConnectUser, isdns, zoomed", set()),
    ("source connect nowadays", {"SOURCE_CONNECT"}),
]


@pytest.mark.parametrize(("said", "services"), SERVICES)
def test_services_are_named_by_whole_words(tmp_path: Path, said: str, services: set[str]) -> None:
    outcome = mapped(tmp_path, people(1), meta(1, address="A", connection10=said))
    assert {row["service"] for row in outcome.rows("studio_services")} == services


@pytest.mark.parametrize(
    ("about", "kind"),
    [("in my automobile", "HOME"), ("A MOBILE rig", "MOBILE"), ("commercials", "HOME"),
     ("on-location", "MOBILE"), ("podcast/production", "PODCAST"), ("recording studios", "HOME")],
)  # fmt: skip
def test_a_studios_type_is_named_by_whole_words(tmp_path: Path, about: str, kind: str) -> None:
    outcome = mapped(tmp_path, people(1), meta(1, address="A", about=about))
    assert [row["studio_type"] for row in outcome.rows("studios")] == [kind]


CATEGORIES = [
    ({"homestudio3": "3", "rates1": "5"}, "STUDIO"),
    ({"loc1": "1 Low Rd", "rates1": "5"}, "STUDIO"),
    ({"loc3": "51.5", "loc4": "-0.1"}, "STUDIO"),
    ({"latitude": "51.5", "loc4": "-0.1"}, "OTHER"),  # one from here and one from there are no place
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


def test_category_rules_and_key_are_config_and_fill_a_column_if_there_is_one(tmp_path: Path) -> None:
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
    rows += " (3, 1, 'gallery', 'c.jpg', 0, 1), (4, 1, 'gallery', 'd.jpg', 1, 9),"
    rows += " (5, 1, 'avatar', '', 0, 0), (6, 9, 'gallery', 'x.jpg', 0, 0);"
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


def test_a_person_whose_names_do_not_fit_is_rejected_with_all_that_hangs_on_it(tmp_path: Path) -> None:
    limits = {("users", "username"): 5}
    names = shows(1, "a@example.com", username="longer") + shows(2, "b@example.com", username="short")
    outcome = mapped(tmp_path, names, meta(1, about="x"), limits=limits)
    assert [row["username"] for row in outcome.rows("users")] == ["short"]
    assert outcome.fate_set() == {
        ("shows_users", "1", "rejected", "too_long"),
        ("shows_usermeta", "1", "rejected", "unknown_user"),
    }


def test_a_fact_too_long_for_its_column_stays_as_metadata(tmp_path: Path) -> None:
    limits = {("user_profiles", "location"): 5, ("studios", "address"): 5}
    outcome = mapped(tmp_path, people(1), meta(1, location="123456", homestudio="1"), limits=limits)
    assert outcome.rows("user_profiles")[0]["location"] is None
    assert metadata(outcome)["location"] == "123456"
    assert outcome.rows("studios")[0]["address"] is None
    assert ("shows_usermeta", "1", "location", "too_long") in outcome.warning_set()
