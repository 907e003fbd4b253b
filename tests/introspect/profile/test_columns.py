"""What a column is said to hold, against columns that hold just that."""

from __future__ import annotations

import json
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate.introspect.profile.database import jsonb_refuses, path_of
from tests.introspect.profile.sources import inspect_script, inspect_values


@pytest.mark.parametrize(
    ("name", "declared", "values", "reading"),
    [
        ("is_new", "INTEGER", [0, 1, 1, None], "boolean"),
        ("revisions_requested", "INTEGER", [0, 1, 2], "integer"),
        ("total_ratings", "INTEGER", [0, 1, 1], "integer"),
        ("user_id", "INTEGER", [0, 1], "integer_id"),
        ("active", "", ["true", "false", "TRUE"], "boolean"),
        ("v", "", [str(uuid.UUID(int=7)), ""], "uuid"),
        ("v", "", ["cjld2cjxh0000qzrmn831i7rn", "tz4a98xxat96iws9zmbrgj3a"], "cuid"),
        ("v", "", ["01ARZ3NDEKTSV4RRFFQ69G5FAV"], "ulid"),
        ("v", "", ["a@example.org", None], "email"),
        ("v", "", ["https://example.org/a?b=c"], "url"),
        ("v", "", ["anyone at all, with words"], "text"),
        ("v", "", [b"\0\1"], "blob"),
        ("v", "", [None, ""], "empty"),
        ("v", "", ['{"a": 1}', "[1]"], "json"),
        ("v", "", ['{"a": 1}', "plain"], "mixed"),
        ("v", "REAL", [1.25, 2.0], "real"),
        ("price", "NUMERIC(12, 2)", [1.25, 2, "3.10"], "decimal"),
        ("amount", "REAL", [1.0, 2.0], "decimal"),
        ("v", "", ["0123", "456"], "text"),
        ("created_at", "INTEGER", [1_700_000_000], "timestamp"),
        ("created_at", "INTEGER", [1_700_000_000_123], "timestamp"),
        ("points", "INTEGER", [1_700_000_000], "integer"),
    ],
)
def test_a_column_is_what_all_its_values_are(
    tmp_path: Path, name: str, declared: str, values: list[object], reading: str
) -> None:
    assert inspect_values(tmp_path, values, name, declared).reading == reading


@pytest.mark.parametrize(
    ("values", "reading"), [("0), (1", "boolean"), ("1700000000), (NULL", "timestamp"), ("0), (0", "boolean")]
)
def test_a_flag_in_the_place_of_a_librarys_instant_is_a_flag(
    tmp_path: Path, values: str, reading: str
) -> None:
    script = (
        "CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT, email_verified INTEGER);"
        f"INSERT INTO user (email_verified) VALUES ({values});"
    )
    assert inspect_script(tmp_path, script).table("user").column("email_verified").reading == reading


def test_the_ends_of_64_bits_are_numbers(tmp_path: Path) -> None:
    column = inspect_values(tmp_path, [2**63 - 1, -(2**63)], "score")
    assert (column.reading, column.lowest, column.highest) == ("integer", -(2**63), 2**63 - 1)


def test_every_form_of_an_instant_is_distinguished(tmp_path: Path) -> None:
    forms = {
        "iso": "2024-02-29T10:00:00", "iso_z": "2024-02-29T10:00:00.123Z",
        "iso_offset": "2024-02-29T10:00:00+05:30", "sql": "2024-02-29 10:00:00.123456",
        "sql_zone": "2024-02-29 10:00:00+00:00", "minutes": "2024-02-29T10:00", "date": "2024-02-29",
        "unix_s": 1_700_000_000, "unix_ms": "1700000000123", "now": "CURRENT_TIMESTAMP",
        "impossible": "2023-02-29T10:00:00Z",
    }  # fmt: skip
    column = inspect_values(tmp_path, list(forms.values()), "created_at")
    assert {one.name: one.rows for one in column.timestamps} == dict.fromkeys(forms, 1)
    assert column.reading == "timestamp"
    assert (column.earliest, column.latest) == ("2023-11-14T22:13:20Z", "2024-02-29T10:00:00Z")


def test_no_time_of_day_that_does_not_exist_is_an_instant(tmp_path: Path) -> None:
    values = ["2024-01-01 25:00:00", "2024-01-01 10:00:61", "0000-00-00 00:00:00", "2024-13-01"]
    column = inspect_values(tmp_path, values, "at")
    assert [(one.name, one.rows) for one in column.timestamps] == [("impossible", 4)]


def test_money_has_the_scale_that_is_seen(tmp_path: Path) -> None:
    column = inspect_values(tmp_path, [0.1 + 0.2, 1234.5, 7, "19.999", None, ""], "amount")
    assert column.decimal is not None
    assert (column.decimal.digits, column.decimal.scale, column.decimal.inexact) == (4, 3, 1)
    assert column.money
    assert (column.classes.integers, column.classes.reals, column.classes.texts) == (1, 2, 2)
    assert (column.classes.nulls, column.classes.empty, column.filled) == (1, 1, 4)


def test_json_that_jsonb_refuses_is_counted(tmp_path: Path) -> None:
    values = [r'{"a":"\u0000"}', r'["\ud800"]', r'["\\u0000"]', r'["\ud83d\ude00"]', "{broken", "[1]"]
    found = inspect_values(tmp_path, values).json
    assert found is not None
    assert (found.objects, found.arrays, found.broken, found.refused) == (1, 4, 1, 2)


def test_a_closed_set_shows_its_values_and_a_column_about_people_never(tmp_path: Path) -> None:
    words = ["open", "in_progress", "Closed"] * 4
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    column = inspect_values(folders[0], words, "status")
    assert [(one.name, one.rows) for one in column.values] == [("Closed", 4), ("in_progress", 4), ("open", 4)]
    assert inspect_values(folders[1], ["anna", "bert"] * 9, "author").values == ()
    assert inspect_values(folders[2], ["Anna", "Bert"] * 9, "helped").values == ()


def test_bounds_are_of_numbers_and_not_of_what_is_private(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    score = inspect_values(tmp_path / "a", [3, -7, 12], "score")
    assert (score.lowest, score.highest) == (-7, 12)
    assert inspect_values(tmp_path / "b", [4_912_345, 555], "phone").highest is None


def test_broken_text_and_nul_are_counted(tmp_path: Path) -> None:
    import sqlite3

    from migrate.introspect.profile import inspect_source
    from migrate.runtime.settings.source import SourceSettings
    from migrate.source.open import open_source

    with sqlite3.connect(tmp_path / "legacy.db") as connection:
        connection.execute("CREATE TABLE t (v TEXT)")
        connection.execute("INSERT INTO t VALUES (CAST(x'ff41' AS TEXT)), ('a' || char(0) || 'b'), ('é')")
    connection.close()
    source = open_source(str(tmp_path / "legacy.db"))
    column = inspect_source(source, tmp_path / "work", SourceSettings()).table("t").column("v")
    source.close()
    assert (column.broken_text, column.with_nul, column.classes.texts) == (1, 1, 3)


_cells = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=20),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.from_regex(r"\A[-0-9TZ:. +]{1,26}\Z"),
    st.datetimes().map(str), st.dates().map(str), st.uuids().map(str),
    st.recursive(st.integers() | st.text(max_size=3), st.lists, max_leaves=4).map(json.dumps),
)  # fmt: skip


@given(st.lists(_cells, max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_cell_is_counted_once_whatever_it_is(values: list[object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        column = inspect_values(Path(name), values)
    held = column.classes
    assert held.nulls + held.integers + held.reals + held.texts + held.blobs == len(values)
    assert sum(one.rows for one in column.shapes) == len(values)
    assert held.integers == sum(type(value) is int for value in values)
    assert held.blobs == sum(isinstance(value, bytes) for value in values)
    assert held.empty == sum(value == "" for value in values)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)), st.sampled_from([" ", "T"]))  # noqa: DTZ001
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_instant_that_exists_is_one(moment: datetime, sign: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        column = inspect_values(
            Path(name), [moment.isoformat(sign), moment.replace(tzinfo=UTC).isoformat(sign)]
        )
    assert column.reading == "timestamp"
    assert "impossible" not in {one.name for one in column.timestamps}


_odd = st.text("a\\u0\0\ud800é", max_size=12)


@given(st.recursive(st.integers() | _odd, lambda inner: st.lists(inner) | st.dictionaries(_odd, inner)))
def test_jsonb_refuses_exactly_nul_and_single_surrogates(value: object) -> None:
    plain = repr(value)
    texts: list[str] = []

    def collect(one: object) -> None:
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, dict):
            for key, held in one.items():
                texts.append(key)
                collect(held)
        elif isinstance(one, list):
            for held in one:
                collect(held)

    collect(value)
    wrong = any("\0" in text or any("\ud800" <= char <= "\udfff" for char in text) for text in texts)
    assert jsonb_refuses(json.dumps(value).encode()) is wrong, plain


def test_a_path_shows_names_and_no_data() -> None:
    assert path_of('$[3].items[0]."user id"') == "$[*].items[*].*"
    assert path_of('$."anna@example.org".userId') == "$.*.userId"
