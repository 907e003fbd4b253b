"""The newest moment of the snapshot is found in whatever form it stands, and whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mappers.studio.runner import SCHEMA, legacy_file, run

#: One moment of 2021 each, so that no account expires after the newest. Several are of nineteen bytes, as
#: most dates are, or come before one of 2020 as texts.
NEWEST = (
    "2021-03-01 00:00:00",
    "2021-03-01T00:00:00",
    "2020-12-31 23:00-90",
    "1614556800.12345678",
    "   2021-03-01 00:00",
    "2021-03-0&#49 23:00",
    "2021-03-\x00\x00\x0001 00:00",
    "\u00a02021-03-01 00:00:00",
    1614556800,
)


def legacy(path: Path, newest: str | int, *, joined: str = "2020-01-01 00:00:00") -> Path:
    written = newest if isinstance(newest, int) else "'" + newest.replace("\x00", "' || char(0) || '") + "'"
    return legacy_file(
        path, SCHEMA,
        "INSERT INTO shows_users (id, username, email, password, joined, status, role_id, expiry_date)"
        f" VALUES (1, 'u1', 'u1@x.example', '', '{joined}', 1, 2, '2021-01-02');"
        "INSERT INTO shows_users (id, username, email, password, joined, status, role_id)"
        " VALUES (2, 'u2', 'u2@x.example', '', '2020-01-01 00:00:00', 1, 2);"
        "INSERT INTO shows_usermeta VALUES (1, 1, 'loc1', '1 High St');"
        "INSERT INTO shows_messages VALUES (1, 1, 2, 'hello', '2020-06-01 00:00:00', 0, 0),"
        f" (2, 1, 2, 'hello', {written}, 0, 0);"
        # The last rows of a table are looked at first of all; the newest must be found behind them.
        "INSERT INTO shows_messages SELECT value + 2, 1, 2, 'hello', '2020-07-01 00:00:00', 0, 0"
        " FROM json_each('[" + ",".join(str(n) for n in range(1, 600)) + "]');",
    )  # fmt: skip


@pytest.mark.parametrize("newest", NEWEST)
def test_an_account_expires_after_the_newest_moment_in_whatever_form(tmp_path: Path, newest: str) -> None:
    (studio,) = run(legacy(tmp_path / "legacy.db", newest)).rows("studios")
    assert studio["is_premium"] is False


def test_an_account_is_paid_where_no_moment_is_later(tmp_path: Path) -> None:
    (studio,) = run(legacy(tmp_path / "legacy.db", "2021-01-01T00:00:00")).rows("studios")
    assert studio["is_premium"] is True


def test_who_has_no_date_came_with_the_first_message(tmp_path: Path) -> None:
    path = legacy(tmp_path / "legacy.db", "2019-01-01T00:00+01", joined="never")
    outcome = run(path, batch_keys=7)
    created = {user["email"]: str(user["created_at"]) for user in outcome.rows("users")}
    assert created["u1@x.example"] == "2018-12-31 23:00:00"
