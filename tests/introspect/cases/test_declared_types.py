"""Declared types decide, values confirm: what columns become, and that no value is lost unseen."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def went_through(done: Migrated) -> bool:
    """Return whether both commands ended well and no row was lost."""
    assert (done.init.code, done.run.code) == (0, 0), done.init.err + done.run.err
    return done.fates == []


def test_a_zone_behind_a_blank_and_years_before_1970_are_timestamps(migrated: MakeCase) -> None:
    done = migrated("types/f1_datetime_blank_before_offset.sql")
    assert went_through(done)
    assert done.rows("Row", "id", "at") == [
        ("a", at("1900-01-01")), ("b", at("1900-01-01")), ("c", at("2024-12-30T09:37:27.100")),
        ("d", at("2024-12-30T09:19:04")),
    ]  # fmt: skip
    assert done.types("Row")["at"] == "timestamp(3) without time zone"
    assert not done.marked("Row", "at")


def test_a_declared_datetime_is_one_in_any_year(migrated: MakeCase) -> None:
    done = migrated("types/o1_declared_datetime_any_year.sql")
    assert went_through(done)
    born = ["1900-01-01", "1970-01-01", "1980-01-01", "2000-01-01"]
    assert done.column("User", "bornOn") == [at(day) for day in born]
    assert done.column("User", "since") == [at("1900-01-01")] * 3 + [at("2024-01-01")]
    assert done.column("User", "gone") == [at("2024-01-01")] * 2 + [None] * 2
    assert done.field("User", "since") == 'since DateTime @default("1900-01-01T00:00:00Z")'


def test_a_declared_boolean_takes_letters_and_its_default(migrated: MakeCase) -> None:
    done = migrated("types/g1_boolean_t_f.sql")
    assert went_through(done)
    assert done.types("post")["published"] == "boolean"
    assert done.column("post", "published") == [False, True, True]
    assert done.field("Post", "published") == "published Boolean? @default(false)"


def test_money_is_never_taken_for_seconds(migrated: MakeCase) -> None:
    done = migrated("types/n1_money_like_unix_time.sql")
    assert went_through(done)
    assert done.column("acct", "balance") == list(map(Decimal, ("0.10", "9.99", "12.50", "700000000.00")))
    assert done.types("acct")["balance"] == "numeric(11,2)"


def test_money_of_another_scale_stays_exact(migrated: MakeCase) -> None:
    done = migrated("types/n2_money_three_places_once.sql")
    assert went_through(done)
    assert done.column("pay", "amount") == list(map(Decimal, ("0.1", "9.99", "1500000000.125")))


def test_one_fraction_takes_no_digit_from_long_numbers(migrated: MakeCase) -> None:
    done = migrated("types/o2_one_real_among_long_integers.sql")
    assert done.run.code == 0
    assert done.types("s")["snowflake"] == "bigint"
    assert done.column("s", "snowflake") == [1234567890123456790 + n for n in range(1000)]
    assert done.fates == [("s", "rejected", "invalid_integer", "snowflake", 1)]
    assert "(!)" in done.line("s", "snowflake")
    assert done.line("s", "snowflake").endswith("rejected: 1")


def test_columns_that_refer_to_a_key_of_several_have_its_types(migrated: MakeCase) -> None:
    done = migrated("types/m1_nine_of_ten_references.sql")
    assert went_through(done)
    assert done.types("area")["crs_code"] == done.types("crs")["code"] == "text"
    assert done.column("area", "crs_code").count("NTF") == 1
    assert None not in done.column("area", "crs_code")


def test_columns_without_a_value_are_what_their_names_and_siblings_say(migrated: MakeCase) -> None:
    done = migrated("types/q1_columns_of_nulls.sql")
    assert went_through(done)
    for name in ("deleted_at", "ban_expires"):
        assert done.types("post")[name].startswith("timestamp")
        assert done.marked("post", name)
    assert "@default(now())" in done.field("Post", "createdAt")
    assert not done.marked("post", "created_at")


def test_libraries_get_what_they_read(migrated: MakeCase) -> None:
    done = migrated("types/t1_authjs_drizzle.sql")
    assert went_through(done)
    assert done.field("User", "emailVerified") == "emailVerified DateTime?"
    assert done.column("user", "emailVerified")[0] == at("2023-11-14T22:13:20.123")
    assert done.field("Account", "expiresAt") == 'expiresAt Int? @map("expires_at")'
    assert done.column("account", "expires_at") == [1700003600, 1700007200, None]
    for name in ("aAt", "bAt", "cAt", "dAt", "eAt"):
        assert "@default(now())" in done.field("Default", name)
