"""Small legacy databases as hypothesis draws them, one kind for each mapper."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.mappers.studio.runner import SCHEMA

#: Ids of one small database among many: its own ids are 1 to 9.
STEP = 100
UNION = """
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, from_user INTEGER NOT NULL, to_user INTEGER NOT NULL,
  message TEXT NOT NULL, date TEXT NOT NULL,
  "read" INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0
)"""


@dataclass(frozen=True)
class Local:
    """An id of the small database, as a number or as text."""

    number: int
    as_text: bool = False

    def shown(self, step: int) -> int | str:
        return str(self.number + step) if self.as_text else self.number + step


@dataclass(frozen=True)
class Raw:
    """Text that is no UTF-8."""

    content: bytes


@dataclass(frozen=True)
class Household:
    """Rows by table: column and value; `{n}` in a text is the number of the small database."""

    rows: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]

    def lines(self) -> list[str]:
        return [f"{table} {dict(cells)}" for table, cells in self.rows]


def write(path: Path, households: list[Household]) -> Path:
    """Write small databases side by side into one file."""
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;" + SCHEMA + ";" + UNION)
    for n, household in enumerate(households):
        for table, cells in household.rows:
            marks = ", ".join("CAST(? AS TEXT)" if isinstance(v, Raw) else "?" for _, v in cells)
            names = ", ".join(f'"{name}"' for name, _ in cells)
            values = [_shown(value, n) for _, value in cells]
            # Two rows of one id: the first one stays.
            connection.execute(f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})', values)
    connection.commit()
    connection.close()
    return path


def _shown(value: Any, number: int) -> Any:
    if isinstance(value, Local):
        return value.shown(number * STEP)
    if isinstance(value, Raw):
        return value.content
    return value.replace("{n}", str(number)) if isinstance(value, str) else value


def any_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


NASTY = any_of(
    "plain", " padded\t", "", "\u00a0", "&nbsp;", "&amp;amp;", "O&#039;Neil", "&pound;100 &bull; &notit;",
    "line\r\nline\rline", "nul\x00inside", "\x00", "\x1f", "\u2003wide\u2003", "\ufeffmark", "x" * 300,
    "'; DROP TABLE users; --", "=cmd()", "<b>&lt;b&gt;</b>", "\x1b[31m", "\U0001f399 \u202e", "0", "1",
    "&#0;", "&#xD800;", "&#128;", "&unknown;", "&#38;lt;", "\u200b", Raw(b"caf\xe9"),
    Raw(b"\xed\xa0\x80\xff"),
)  # fmt: skip
FREE = st.one_of(NASTY, st.text(max_size=12))
VALID = any_of(
    "ana{n}@x.example", " ANA{n}@X.Example ", "bo{n}@x.example", "cy{n}@x.example", "dee{n}@x.example",
    "eli{n}@x.example", "fay{n}@x.example", "gus{n}@x.example", "Gus{n}@x.example", "007-{n}@x.example",
)  # fmt: skip
ODD = any_of(
    "none", "", "a b@x.example", "@x.example", "ana{n}@x", "ana{n}@@x.example",
    "ana{n}@x..example", "l" * 250 + "{n}@x.example", "é{n}@x.example", "-{n}@x.example",
)  # fmt: skip
EMAIL = st.one_of(VALID, VALID, VALID, VALID, ODD)
NAME = any_of(
    None, "", " ", "ana", "Ana!", "ana1", "ana11", "ana 1", "7", "007", "é", "_x", "-", "a", "ab", "user_7",
    "a" * 40, "a" * 29 + "1", "Ana&amp;", "ana\x00", "ANA", "bo", "{n}", "bo{n}", Raw(b"jos\xe9"),
)  # fmt: skip
DATE = any_of(
    "2020-01-02 03:04:05", "2020-01-02 03:04:05.9995", "2019-12-31T23:59:59Z", "2020-01-01T00:00:00+05:30",
    "2020-06-01", "1583020800", "1583020800123", "0000-00-00 00:00:00", "", "nonsense", "2020-02-30 00:00:00",
    "2021-13-01 00:00:00", "99999999", " 2018-05-05 05:05:05 ", "2099-01-01 00:00:00", "0001-01-01 00:00:00",
    "0001-01-01T00:00:00+01:00", "9999-12-31 23:59:59.999999", "20200101", "2020-01-01 24:00:00",
)  # fmt: skip
FLAG = any_of(0, 1, "yes", "on", "TRUE", " 1 ", "maybe", 2, "off", "", "0", "no")
PASSWORD = any_of(
    "", "plain text", "5f4dcc3b5aa765d61d8327deb882cf99", "$2y$10$" + "a" * 53, "$2b$12$" + "./" * 26 + "Z",
    "$2y$03$" + "a" * 53, "$2a$31$" + "b" * 53, "$2y$10$" + "a" * 52,
)  # fmt: skip
ADDRESS = any_of(
    "https://img.example.com/a.png", "http://img.example.com/a.png", "example.com/ana", "//cdn.example.com/x",
    "no url at all", "http://localhost/x", "ftp://x.example/", "", "  ", "https://a.example/?q=1&amp;r=2",
    "javascript:alert(1)", "https://x.example/a b", "HTTPS://X.EXAMPLE/UP", "dQw4w9WgXcQ", "x.example:8080/p",
    "https://ana@x.example/", "https://x.example:/p", "https://x..example", "https://my_b.s3.example/a|b.png",
    "HTTPS://my_b.s3.example/{a}%2", "https://x.example.", "https://x.example:99999", "-x.example",
)  # fmt: skip
FILE = any_of(
    "a.jpg",
    "../a/./b.jpg",
    "a/..",
    "/a b.jpg",
    "ü%.png",
    "",
    " ",
    "a#b?c.jpg",
    "folder/a~b_c-d.jpg",
    "&amp;.jpg",
    "x\x00y",
)
NUMBER = any_of(
    "0", "0.0", "51.5", "-0.12", "91", "-180", "180.1", "90", "12.123456785", "12.123456775", "n/a", "",
    " 7 ", "+3", "-0", "1e1", "90.000000001", "0.000000001",
)  # fmt: skip
OWN = st.integers(1, 5).map(Local)
#: What stands in a column that names a user: mostly a person, sometimes no person or nonsense.
KNOWN = st.integers(1, 3).map(Local)
WHOSE = st.one_of(
    *[KNOWN] * 8, OWN, any_of(Local(77), Local(3, as_text=True), -1, 2.5, "nobody", 0, 2**63 - 1, "")
)
ROW = st.integers(1, 9).map(Local)
KEYS = (
    "first_name", "last_name", "location", "address", "loc1", "loc3", "loc4", "about", "shortabout", "phone",
    "url", "facebook", "youtubepage", "youtube2", "vimeo", "vimeopage", "vimeo2", "rates1", "rates2",
    "rates3", "showrates", "showemail", "crb", "featured", "spotlight", "verified", "homestudio",
    "homestudio2", "homestudio6", "connection1", "connection3", "connection5", "connection8", "connection9",
    "connection10", "connection12", "sc", "last_login", "lastupdated", "last_login_ip", "gender", "tiktok",
    "avatar_image", "avatar_image2", "avatar_image10", "facebook_avatar", "google_avatar", "profile_category",
    "latitude", "longitude", "avatar_url", "expiry_date", "Odd Key", "k\x00", "", "user_id", "password",
)  # fmt: skip
CODE = any_of("", "0", "1", "2", "3", "4", "5", "6", "7", "no", "yes", " 2 ")
GEAR = any_of(
    "ISDN, SquadCast", "source-connect", "Zoom &amp; Skype", "clean feed", "Teams!", "ISDN2 MSTeams",
    "SourceConnectNow",
    "Source Connect now & Source-Connect", "SourceConnectUser", "source connect nowadays", "MS Teams",
    "0", "1", "", "isdns",
    "SOURCE  CONNECT now",
)  # fmt: skip
WORDS = any_of(
    "I run a Podcast",
    "commercials",
    "Automobile",
    "commercial/mobile",
    "a professional studio",
    "ON-LOCATION",
    "podcast production",
    "mobile",
)
UPDATED = any_of(
    "Jul 2019", "July 2020", " May  2021 ", "Foo 2020", "2022-02-02 02:02:02", "jul", "Sept 2019"
)


def value_of(key: str) -> st.SearchStrategy[Any]:
    """Return the values that a key may have."""
    if key.startswith("homestudio"):
        return CODE
    if key in ("connection10", "sc"):
        return GEAR
    if key in ("loc3", "loc4", "latitude", "longitude"):
        return NUMBER
    if key.startswith(("show", "connection")) or key in ("crb", "featured", "spotlight", "verified"):
        return FLAG.map(str)
    if key in ("about", "shortabout"):
        return st.one_of(WORDS, FREE)
    if key in ("last_login", "lastupdated", "expiry_date"):
        return st.one_of(UPDATED, DATE)
    if key.startswith("avatar_image"):
        return st.one_of(FILE, ADDRESS)
    if key in ("url", "facebook", "avatar_url") or key.startswith(("youtube", "vimeo")) or "_avatar" in key:
        return ADDRESS
    return FREE


def row(table: str, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(columns).map(lambda cells: (table, tuple(cells.items())))


def rows(strategy: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=most)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


SHOWS = row(
    "shows_users", id=OWN, username=NAME, email=EMAIL, password=PASSWORD, display_name=maybe(FREE),
    joined=DATE, status=any_of(0, 1, "active", " Active ", 2), role_id=any_of(1, 2, 7, 4),
    expiry_date=maybe(DATE), avatar_url=maybe(ADDRESS),
)  # fmt: skip
TIDY = row(
    "users", id=OWN, username=NAME, email=maybe(EMAIL), password=maybe(PASSWORD), displayname=maybe(FREE),
    status=any_of("active", "", None, "stub", " Stub ", "1"), created_at=maybe(DATE),
)  # fmt: skip
FORUM = row(
    "community_users", id=OWN, username=NAME, email=EMAIL, password=maybe(PASSWORD), display_name=maybe(FREE),
    joined=DATE, status=FLAG, role_id=any_of(0, 1, 7),
)  # fmt: skip
META = st.sampled_from(KEYS).flatmap(
    lambda key: row(
        "shows_usermeta", id=st.integers(1, 99).map(Local), user_id=WHOSE, meta_key=st.just(key),
        meta_value=value_of(key),
    )
)  # fmt: skip
FORUM_META = st.sampled_from(KEYS).flatmap(
    lambda key: row(
        "community_usermeta", id=ROW, user_id=WHOSE, meta_key=st.just(key), meta_value=value_of(key)
    )
)
PROFILE = row(
    "profile", user_id=WHOSE, first_name=maybe(FREE), location=maybe(FREE), address=maybe(FREE),
    latitude=maybe(NUMBER), longitude=maybe(NUMBER), about=maybe(WORDS), facebook=maybe(ADDRESS),
    rates1=maybe(FREE), showrates=maybe(FLAG), homestudio=maybe(CODE), connection1=maybe(FLAG),
    connection10=maybe(GEAR), showemail=maybe(FLAG), verified=maybe(FLAG), last_login=maybe(DATE),
    avatar_image=maybe(FILE), gender=maybe(FREE),
)  # fmt: skip
GALLERY = row(
    "studio_gallery", id=ROW, user_id=WHOSE, image_type=any_of("avatar", "gallery", " AVATAR ", ""),
    image_filename=FILE, cloudinary_url=maybe(ADDRESS), is_primary=maybe(FLAG),
    display_order=any_of(0, 1, 2, None, -1, "x", 2**63 - 1), created_at=maybe(DATE),
)  # fmt: skip
MESSAGE = any_of("shows_messages", "messages", "community_messages").flatmap(
    lambda table: row(
        table, id=ROW, from_user=WHOSE, to_user=WHOSE, message=FREE, date=DATE, read=FLAG, deleted=FLAG
    )
)
CONTACT = any_of("shows_contacts", "community_contacts").flatmap(
    lambda table: row(table, id=ROW, user1=WHOSE, user2=WHOSE, accepted=FLAG)
)
COMMENT = row(
    "shows_comments", id=ROW, user_id=WHOSE,
    page=st.one_of(KNOWN, KNOWN, KNOWN, any_of(" 3 ", "", "about", "-1", "3.0", "99999999999999999999", "٣")),
    page_url=st.just(""), page_title=st.just(""), content=FREE, date=DATE, updated=DATE,
    status=any_of(0, 1, 2, 3, "x", " 1 "),
    parent=st.one_of(st.just(0), ROW, ROW, any_of("x", 77)),
)  # fmt: skip


def somebody(table: str, *ids: int) -> st.SearchStrategy[Any]:
    """Return rows of people who are surely migrated, of these ids."""
    people = [
        row(table, id=st.just(Local(n)), username=NAME, email=VALID, password=st.just(""), joined=DATE,
            display_name=maybe(FREE), status=FLAG, role_id=any_of(0, 1, 7))
        for n in ids
    ]  # fmt: skip
    return st.tuples(*people)


#: Chance alone makes the people of the mapper `users`; the others' belongings have somebody to belong to.
CHANCE = st.tuples(rows(SHOWS, 4), rows(TIDY, 4), rows(FORUM, 4)).map(
    lambda parts: [row for part in parts for row in part]
)
PEOPLE = st.tuples(
    somebody("shows_users", 1, 2, 3), somebody("community_users", 1, 2),
    rows(SHOWS, 2), rows(TIDY, 2), rows(FORUM, 1),
).map(lambda parts: [row for part in parts for row in part])  # fmt: skip
STUDIO = st.lists(
    row("shows_usermeta", id=st.integers(50, 99).map(Local), user_id=KNOWN, meta_key=st.just("loc1"),
        meta_value=st.just("1 High St")),
    min_size=1, max_size=3,
)  # fmt: skip


def household(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Household]:
    """Return small databases of some rows of each of the parts."""
    return st.tuples(*parts).map(lambda lists: Household(tuple(row for rows in lists for row in rows)))


HOUSEHOLDS = {
    "users": household(CHANCE, rows(META, 4), rows(CONTACT, 1), rows(MESSAGE, 2)),
    "profiles": household(PEOPLE, rows(META, 14), rows(FORUM_META, 3), rows(PROFILE, 3)),
    "studios": household(PEOPLE, STUDIO, rows(META, 10), rows(PROFILE, 3), rows(MESSAGE, 1)),
    "images": household(PEOPLE, STUDIO, rows(GALLERY, 8), rows(META, 4)),
    "messages": household(PEOPLE, rows(MESSAGE, 10)),
    "connections": household(PEOPLE, rows(CONTACT, 10)),
    "reviews": household(PEOPLE, STUDIO, rows(COMMENT, 9)),
}
