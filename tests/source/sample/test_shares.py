"""The sample has the defects of the real copy, in its shares: counted from the rows, not from the code."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import pytest

from tests.source.sample.defects import DEFECTS

ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

Ask = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def ask(sample: sqlite3.Connection) -> Ask:
    def has_entity(value: object) -> bool:
        return isinstance(value, str) and ENTITY.search(value) is not None

    def is_email(value: object) -> bool:
        return (
            isinstance(value, str)
            and len(value) <= 254
            and EMAIL.fullmatch(value.strip().lower()) is not None
        )

    sample.create_function("has_entity", 1, has_entity)
    sample.create_function("is_email", 1, is_email)
    return lambda query: sample.execute(query).fetchall()


def _number(ask: Ask, query: str) -> float:
    value = ask(query)[0][0]
    assert isinstance(value, int | float)
    return value


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("shows_users", 640),
        ("shows_usermeta", 36_701),
        ("shows_messages", 2_690),
        ("shows_contacts", 403),
        ("shows_comments", 25),
        ("studio_gallery", 1_791),
    ],
)
def test_the_counts_are_those_of_the_real_copy(ask: Ask, table: str, rows: int) -> None:
    assert ask(f"SELECT count(*) FROM {table}") == [(rows,)]


@pytest.mark.parametrize(
    ("defect", "share", "query"),
    [
        ("messages with entities", 0.80, "SELECT avg(has_entity(message)) FROM shows_messages"),
        ("meta values with entities", 0.02, "SELECT avg(has_entity(meta_value)) FROM shows_usermeta"),
        (
            "display names with entities",
            0.02,
            "SELECT avg(has_entity(coalesce(display_name, ''))) FROM shows_users",
        ),
        ("active users", 0.94, "SELECT avg(status = 1) FROM shows_users"),
        ("empty passwords", 0.03, "SELECT avg(password = '') FROM shows_users"),
        ("messages to oneself", 0.07, "SELECT avg(from_user = to_user) FROM shows_messages"),
    ],
)
def test_a_counted_share_is_met(ask: Ask, defect: str, share: float, query: str) -> None:
    assert _number(ask, query) == pytest.approx(share, abs=0.004), defect


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_defect_occurs(ask: Ask, defect: str) -> None:
    assert _number(ask, DEFECTS[defect]) > 0


@pytest.mark.parametrize("status", [0, 1, 2])
def test_comments_have_each_status(ask: Ask, status: int) -> None:
    assert _number(ask, f"SELECT count(*) FROM shows_comments WHERE status = {status}") > 0


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("zero", r"0000-00-00 00:00:00"),
        ("empty", r""),
        ("unix seconds", r"\d{10}"),
        ("unix milliseconds", r"\d{13}"),
        ("with Z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("with an offset", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00"),
        ("with a fraction", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"),
        ("day", r"\d{4}-\d\d-\d\d"),
        ("nonsense", r"last summer"),
    ],
)
@pytest.mark.parametrize("column", ["joined FROM shows_users", "date FROM shows_messages"])
def test_odd_dates_of_every_form_occur(ask: Ask, column: str, form: str, pattern: str) -> None:
    values = [str(value) for (value,) in ask(f"SELECT {column}")]
    assert any(re.fullmatch(pattern, value) for value in values), form


def test_most_dates_are_plain(ask: Ask) -> None:
    values = [str(value) for (value,) in ask("SELECT date FROM shows_messages")]
    assert sum(PLAIN_DATE.fullmatch(value) is not None for value in values) / len(values) > 0.99


@pytest.mark.parametrize("pattern", [r"[A-Z][a-z]{2} 20\d\d", PLAIN_DATE.pattern, ""])
def test_last_updates_come_as_months_too(ask: Ask, pattern: str) -> None:
    values = [str(value) for (value,) in ask("SELECT lastupdated FROM profile WHERE lastupdated IS NOT NULL")]
    assert any(re.fullmatch(pattern, value) for value in values)


@pytest.mark.parametrize("key", ["loc3", "loc4", "latitude", "longitude"])
@pytest.mark.parametrize("pattern", [r"-?\d+\.\d{9,}", r"0", r"", r"n/a", r"-?\d+\.\d{1,5}"])
def test_coordinates_come_in_every_form(ask: Ask, key: str, pattern: str) -> None:
    values = [
        str(value) for (value,) in ask(f"SELECT meta_value FROM shows_usermeta WHERE meta_key = '{key}'")
    ]
    assert any(re.fullmatch(pattern, value) for value in values)


def test_coordinates_out_of_range_occur(ask: Ask) -> None:
    query = "SELECT max(abs(CAST(meta_value AS REAL))) FROM shows_usermeta WHERE meta_key = '{}'"
    assert _number(ask, query.format("loc3")) > 90
    assert _number(ask, query.format("loc4")) > 180


def test_flags_come_in_every_spelling(ask: Ask) -> None:
    meta = {
        value for (value,) in ask("SELECT meta_value FROM shows_usermeta WHERE meta_key LIKE 'connection_'")
    }
    assert meta >= {"0", "1", "", "yes", "no", "on", "true", "TRUE", "maybe"}
    profile = {value for (value,) in ask("SELECT verified FROM profile UNION SELECT showemail FROM profile")}
    assert profile >= {0, 1, "", "yes", None}


def test_home_studio_keys_hold_one_digit_codes(ask: Ask) -> None:
    query = "SELECT DISTINCT meta_value FROM shows_usermeta WHERE meta_key LIKE 'homestudio%'"
    assert {value for (value,) in ask(query)} == {"", "1", "2", "3", "4", "5", "6"}


@pytest.mark.parametrize("form", ["https://%", "http://%", "www.%", "http://", "coming soon"])
def test_web_addresses_come_bare_whole_and_as_nonsense(ask: Ask, form: str) -> None:
    query = f"SELECT count(*) FROM shows_usermeta WHERE meta_key = 'url' AND meta_value LIKE '{form}'"
    assert _number(ask, query) > 0


def test_there_are_about_110_keys_mapped_or_not(ask: Ask) -> None:
    keys = {str(key) for (key,) in ask("SELECT DISTINCT meta_key FROM shows_usermeta")}
    assert 105 <= len(keys) <= 115
    columns = {str(name) for (name,) in ask("SELECT name FROM pragma_table_info('profile')")} - {"user_id"}
    assert columns <= keys
    assert {"loc1", "loc3", "loc4", "sc", "spotlight", "vimeopage", "youtube", "facebook_avatar"} <= keys
    assert {"theme", "languages", "session_token"} <= keys


def test_a_user_has_a_key_once(ask: Ask) -> None:
    assert ask("SELECT user_id, meta_key FROM shows_usermeta GROUP BY 1, 2 HAVING count(*) > 1") == []


def test_profile_leaves_gaps_that_meta_fills(ask: Ask) -> None:
    query = (
        "SELECT count(*) FROM profile p"
        " JOIN shows_usermeta m ON m.user_id = p.user_id AND m.meta_key = 'about'"
        " WHERE coalesce(p.about, '') = '' AND m.meta_value <> ''"
    )
    assert _number(ask, query) > 0


def test_profile_and_meta_agree_where_both_speak(ask: Ask) -> None:
    query = (
        "SELECT avg(p.phone = m.meta_value) FROM profile p"
        " JOIN shows_usermeta m ON m.user_id = p.user_id AND m.meta_key = 'phone' WHERE p.phone <> ''"
    )
    assert _number(ask, query) == 1


def test_most_of_the_studios_reviewed_are_studios(ask: Ask) -> None:
    query = (
        "SELECT avg(EXISTS (SELECT 1 FROM shows_usermeta m WHERE m.user_id = CAST(c.page AS INTEGER)"
        " AND m.meta_value <> '' AND m.meta_key IN ('address', 'loc1', 'homestudio')))"
        " FROM shows_comments c WHERE parent = 0"
    )
    assert _number(ask, query) > 0.6
