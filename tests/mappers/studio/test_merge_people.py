"""One person for every chain of shared ids and shared e-mails."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.settings import MapperSettings
from mappers.studio.settings import UserSettings
from tests.mappers.studio.runner import SCHEMA, Outcome, legacy_file, run


def shows(id_: int, email: str, **more: object) -> str:
    values = {"username": f"u{id_}", "joined": "2020-01-01 00:00:00", "password": "", "role_id": 2, **more}
    return (
        "INSERT INTO shows_users (id, email, joined, status, username, password, role_id)"
        f" VALUES ({id_}, '{email}', '{values['joined']}', 1, '{values['username']}',"
        f" '{values['password']}', {values['role_id']});"
    )


def tidy(id_: int, email: str, status: str = "active", created: str = "2021-01-01") -> str:
    return (
        "INSERT INTO users (id, email, username, displayname, status, created_at)"
        f" VALUES ({id_}, '{email}', '', '', '{status}', '{created}');"
    )


def forum(id_: int, email: str, joined: str = "2019-01-01 00:00:00") -> str:
    return (
        "INSERT INTO community_users (id, email, username, display_name, joined, status)"
        f" VALUES ({id_}, '{email}', 'f{id_}', 'F {id_}', '{joined}', 1);"
    )


def mapped(tmp_path: Path, *statements: str, settings: MapperSettings | None = None) -> Outcome:
    return run(legacy_file(tmp_path / "snapshot.db", SCHEMA, *statements), settings=settings)


def test_a_chain_over_an_email_and_an_id_is_one_person(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        tidy(7, "c@example.com"),
        shows(3, "a@example.com"),
        shows(7, "A@example.com "),
        forum(1, "c@example.com"),
    )
    users = outcome.rows("users")
    assert [user["id"] for user in users] == [outcome.ids.derive("users", 7)]
    assert users[0]["email"] == "c@example.com"
    assert outcome.fate_set() == {
        ("shows_users", "3", "merged", "same_email"),
        ("shows_users", "7", "merged", "same_id"),
        ("community_users", "1", "merged", "same_email"),
    }
    assert {
        ("shows_users", "3", "email", "email_conflict"),
        ("shows_users", "7", "email", "email_conflict"),
    } == {warning for warning in outcome.warning_set() if warning[3] == "email_conflict"}
    assert set(outcome.id_map.filter(entity="users")["new_id"]) == {users[0]["id"]}


def test_a_row_linked_by_a_later_row_of_its_id_is_merged_by_id(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, tidy(5, "a@example.com"), tidy(9, "b@example.com"), shows(9, "a@example.com"))
    assert outcome.fate_set() == {
        ("users", "9", "merged", "same_id"),
        ("shows_users", "9", "merged", "same_id"),
    }


def test_an_invalid_email_is_filled_from_a_later_source(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, tidy(5, "none"), shows(5, "a@example.com"))
    assert [user["email"] for user in outcome.rows("users")] == ["a@example.com"]
    assert ("users", "5", "email", "invalid_email") in outcome.warning_set()
    assert outcome.fate_set() == {("shows_users", "5", "merged", "same_id")}


def test_a_placeholder_is_excluded_and_links_no_one(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, tidy(5, "a@example.com", status=" Stub "), shows(6, "a@example.com"))
    assert [user["id"] for user in outcome.rows("users")] == [outcome.ids.derive("users", 6)]
    assert outcome.fate_set() == {("users", "5", "excluded", "stub")}


def test_the_id_spaces_are_apart(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, shows(1, "a@example.com"), forum(1, "b@example.com"))
    derive = outcome.ids.derive
    assert {user["id"] for user in outcome.rows("users")} == {
        derive("users", 1),
        derive("community_users", 1),
    }


def test_names_belong_to_the_lowest_id_and_the_community_comes_last(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        forum(1, "f@example.com").replace("'f1'", "'same'"),
        shows(8, "h@example.com", username="same"),
        shows(9, "i@example.com", username="Same!"),
    )
    assert {user["email"]: user["username"] for user in outcome.rows("users")} == {
        "h@example.com": "same",
        "i@example.com": "same1",
        "f@example.com": "same2",
    }


def test_a_person_without_a_date_is_dated_by_the_first_message_or_comment(tmp_path: Path) -> None:
    nonsense = "0000-00-00 00:00:00"
    outcome = mapped(
        tmp_path,
        shows(1, "a@example.com", joined=nonsense),
        shows(2, "b@example.com", joined=nonsense),
        shows(3, "c@example.com", joined=nonsense),
        "INSERT INTO shows_messages VALUES (1, 1, 2, 'x', '2015-01-01 00:00:00', 0, 0),"
        " (2, 1, 2, 'x', '1400000000', 0, 0);",
        "INSERT INTO shows_comments (id, user_id, page, page_url, page_title, content, date, updated)"
        " VALUES (1, 2, '1', '', '', 'x', '2011-01-01', '');",
    )
    created = {user["email"]: str(user["created_at"]) for user in outcome.rows("users")}
    assert created == {
        "a@example.com": "2014-05-13 16:53:20",
        "b@example.com": "2011-01-01 00:00:00",
        "c@example.com": "1970-01-01 00:00:00",
    }


def test_the_role_of_an_administrator_is_config(tmp_path: Path) -> None:
    settings = MapperSettings(users=UserSettings(admin_role=4))
    outcome = mapped(
        tmp_path,
        shows(1, "a@example.com", role_id=1),
        shows(2, "b@example.com", role_id=4),
        settings=settings,
    )
    roles = {user["email"]: user["role"] for user in outcome.rows("users")}
    assert roles == {"a@example.com": "USER", "b@example.com": "ADMIN"}


def test_no_lost_password_is_written_anywhere(tmp_path: Path) -> None:
    outcome = mapped(tmp_path, shows(1, "a@example.com", password="correct horse"))
    assert outcome.warning_set() == {("shows_users", "1", "password", "password_reset_needed")}
    written = b"".join(path.read_bytes() for path in tmp_path.glob("crosswalk*"))
    assert b"correct horse" not in written and outcome.rows("users")[0]["password"] is None


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["users", "shows_users", "community_users"]), st.integers(1, 6), st.integers(0, 6)
    ),
    max_size=12,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_people_are_the_connected_rows(tmp_path_factory: object, rows: list[tuple[str, int, int]]) -> None:
    make = {"users": tidy, "shows_users": shows, "community_users": forum}
    folder = tmp_path_factory.mktemp("people")  # type: ignore[attr-defined]
    # The e-mail 0 is none.
    outcome = mapped(folder, *(make[t](i, f"m{e}@example.com" if e else "none") for t, i, e in rows))
    order = {name: n for n, name in enumerate(make)}
    ordered = sorted(rows, key=lambda row: (order[row[0]], row[1]))
    groups: list[list[tuple[str, int, int]]] = []
    for row in ordered:
        touching = [g for g in groups if any(_linked(row, other) for other in g)]
        groups = [g for g in groups if g not in touching] + [[*(r for g in touching for r in g), row]]
    people = [sorted(g, key=ordered.index) for g in groups if any(e for _, _, e in g)]
    firsts = {outcome.ids.derive(_space(g[0]), g[0][1]) for g in people}
    assert {user["id"] for user in outcome.rows("users")} == firsts
    merged = {(t, str(i)) for g in people for t, i, _ in g[1:]}
    rejected = {(t, str(i)) for g in groups if not any(e for _, _, e in g) for t, i, _ in g}
    fates = outcome.fate_set()
    assert {(t, i) for t, i, fate, _ in fates if fate == "merged"} == merged
    assert {(t, i) for t, i, fate, _ in fates if fate == "rejected"} == rejected


def _space(row: tuple[str, int, int]) -> str:
    return "community_users" if row[0] == "community_users" else "users"


def _linked(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return (_space(one), one[1]) == (_space(other), other[1]) or (one[2] == other[2] and bool(one[2]))


def test_names_that_are_no_utf_8_are_warned_of_in_every_row_that_is_read(tmp_path: Path) -> None:
    latin = "CAST(x'4dfc' AS TEXT)"
    outcome = mapped(
        tmp_path,
        "INSERT INTO users (id, email, username, displayname, status, created_at)"
        f" VALUES (7, 'a@example.com', {latin}, '', 'active', '2021-01-01'),"
        f" (8, 'b@example.com', '', {latin}, 'stub', '2021-01-01');",
        shows(7, "a@example.com"),
    )
    assert {warning for warning in outcome.warning_set() if warning[3] == "invalid_utf8"} == {
        ("users", "7", "username", "invalid_utf8"),
        ("users", "8", "display_name", "invalid_utf8"),
    }


def test_a_user_name_is_made_of_the_first_that_is_there_even_of_nothing(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        "INSERT INTO users (id, email, username, displayname, status, created_at)"
        " VALUES (7, NULL, '!!!', '', 'active', '2021-01-01'), (8, 'q.r@example.com', NULL, '', '', '');",
        shows(7, "Jo.Doe@example.com", username="kept"),
        shows(8, "other@example.com", username="asked"),
        forum(1, "jo.doe@example.com"),
    )
    names = {user["email"]: user["username"] for user in outcome.rows("users")}
    assert names == {"jo.doe@example.com": "jodoe", "q.r@example.com": "asked"}


def test_an_id_that_is_no_number_is_the_reason_of_its_row(tmp_path: Path) -> None:
    outcome = mapped(
        tmp_path,
        "DROP TABLE community_users; CREATE TABLE community_users"
        " (id TEXT, email TEXT, username TEXT, display_name TEXT, joined TEXT, status INTEGER);"
        "INSERT INTO community_users VALUES ('x1', 'a@example.com', 'a', 'A', '2019-01-01 00:00:00', 1),"
        " ('2', 'b@example.com', 'b', 'B', '2019-01-01 00:00:00', 1);",
    )
    assert [user["email"] for user in outcome.rows("users")] == ["b@example.com"]
    assert outcome.fate_set() == {("community_users", "x1", "rejected", "invalid_id")}
