"""A small migrated world: a snapshot with its crosswalk, and the staged rows that it became.

The staged columns are looser than the live ones, so that every fault can be planted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql

from mappers.base import Lineage
from migrate.pipeline.ids import Ids
from migrate.postgres.catalog import Column, ForeignKey, Key, Table
from verification import CheckContext, CheckResult, MapperColumns, run_checks
from verification.context import Read

IDS = Ids("a secret of the tests")
RUN = "run1"

SOURCE = """
CREATE TABLE shows_users (id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE community_users (id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE shows_usermeta (id INTEGER PRIMARY KEY, user_id INTEGER, meta_key TEXT, meta_value TEXT);
CREATE TABLE studio_gallery (id INTEGER PRIMARY KEY, user_id INTEGER);
CREATE TABLE shows_messages (id INTEGER PRIMARY KEY, from_user INTEGER, to_user INTEGER);
CREATE TABLE community_messages (id INTEGER PRIMARY KEY, from_user INTEGER, to_user INTEGER);
CREATE TABLE shows_contacts (id INTEGER PRIMARY KEY, user1 INTEGER, user2 INTEGER);
CREATE TABLE faq (id INTEGER PRIMARY KEY);
INSERT INTO shows_users VALUES (1,'boss@example.com'), (5,'ana@example.com'),
  (9,'ana@example.com'), (15,'none');
INSERT INTO community_users VALUES (1,'boss@example.com'), (2,'gus@example.org');
INSERT INTO shows_usermeta VALUES (1,5,'about','x'), (2,9,'about','y'), (3,1,'about','z'),
  (4,777,'about','lost');
INSERT INTO studio_gallery VALUES (1,5), (2,5), (3,1);
INSERT INTO shows_messages VALUES (1,1,5), (2,5,9), (3,5,777), (4,9,1), (5,1,5);
INSERT INTO community_messages VALUES (1,1,2);
INSERT INTO shows_contacts VALUES (1,1,5), (2,5,9), (3,5,1);
INSERT INTO faq VALUES (1);
CREATE TABLE x.source_read (source_table TEXT, source_column TEXT);
INSERT INTO x.source_read VALUES ('shows_users','email');
CREATE TABLE x.person (person INTEGER PRIMARY KEY, space TEXT, legacy_id INTEGER);
CREATE TABLE x.alias (space TEXT, legacy_id INTEGER, person INTEGER, PRIMARY KEY (space, legacy_id));
INSERT INTO x.person VALUES (1,'users',1), (2,'users',5), (3,'community_users',2);
INSERT INTO x.alias VALUES ('users',1,1), ('users',5,2), ('users',9,2), ('community_users',1,1),
  ('community_users',2,3);
"""

FATES = (
    ("shows_users", "9", "merged"),
    ("shows_users", "15", "rejected"),
    ("community_users", "1", "merged"),
    ("shows_usermeta", "4", "rejected"),
    ("studio_gallery", "3", "rejected"),
    ("shows_messages", "3", "rejected"),
    ("shows_messages", "5", "excluded"),
    ("shows_contacts", "2", "merged"),
    ("shows_contacts", "3", "merged"),
)

TARGET = """
CREATE SCHEMA staging; CREATE SCHEMA ledger; CREATE SCHEMA live;
CREATE TABLE ledger.fate (
  run_id text, source_table text, source_id text, fate text, reason text, detail text);
CREATE TABLE staging.id_map (entity text, legacy_id text, new_id text, via text);
CREATE TABLE staging.users (id text, email text, nickname text, role text, avatar_url text,
  points numeric, seen timestamp);
CREATE TABLE staging.user_profiles (id text, user_id text);
CREATE TABLE staging.user_metadata (id text, user_id text, key text, value text);
CREATE TABLE staging.studios (id text, owner_id text, rank bigint);
CREATE TABLE staging.studio_images (id text, studio_id text, image_url text, sort_order int);
CREATE TABLE staging.messages (id text, sender_id text, receiver_id text, content text, is_read boolean,
  created_at timestamp(3));
CREATE TABLE staging.user_connections (id text, user_id text, connected_user_id text, accepted boolean);
CREATE TABLE live.plans (id text PRIMARY KEY);
"""


@dataclass(frozen=True)
class Account:
    source: str
    sql: str
    target: str
    column: str = "id"
    more: tuple[str, ...] = ()


def _own(source: str, entity: str, target: str) -> Account:
    """Each row becomes one of its own."""
    return Account(source, f"SELECT id AS source_id, '{entity}' AS entity, id AS key FROM {source}", target)


ACCOUNTS = (
    _own("shows_users", "users", "users"),
    _own("community_users", "community_users", "users"),
    Account(
        "shows_usermeta",
        "SELECT t.id AS source_id, 'user_profiles' AS entity, a.person AS key FROM shows_usermeta t "
        "LEFT JOIN x.alias a ON a.space = 'users' AND a.legacy_id = t.user_id",
        "user_profiles",
    ),
    _own("studio_gallery", "studio_gallery", "studio_images"),
    _own("shows_messages", "messages", "messages"),
    _own("community_messages", "community_messages", "messages"),
    _own("shows_contacts", "shows_contacts", "user_connections"),
)


def new(entity: str, key: int | str) -> str:
    return IDS.derive(entity, key)


BOSS, ANA, GUS = new("users", 1), new("users", 5), new("community_users", 2)
STUDIO = new("studios", 5)
IMAGE = "https://img.example.com/a%20b.jpg"

Rows = Mapping[str, Sequence[tuple[object, ...]]]
ROWS: Rows = {
    "id_map": [
        ("users", "1", BOSS, "users"),
        ("users", "5", ANA, "users"),
        ("users", "9", ANA, "same_email"),
        ("community_users", "1", BOSS, "same_email"),
        ("community_users", "2", GUS, "community_users"),
        ("studios", "5", STUDIO, "studios"),
        ("studios", "9", STUDIO, "studios"),
    ],
    "users": [
        (BOSS, "boss@example.com", None, "ADMIN", IMAGE, "1.50", "2020-01-01 00:00:00"),
        (ANA, "ana@example.com", "ana", "STUDIO_OWNER", None, None, None),
        (GUS, "gus@example.org", "", "USER", None, "0", "2020-01-01 00:00:00.125"),
    ],
    "user_profiles": [(new("user_profiles", 1), BOSS), (new("user_profiles", 2), ANA)],
    "user_metadata": [
        (new("user_metadata", 1), BOSS, "profile_category", "OTHER"),
        (new("user_metadata", 2), ANA, "profile_category", "STUDIO"),
        (new("user_metadata", 3), ANA, "tiktok", "@ana"),
    ],
    "studios": [(STUDIO, ANA, 1)],
    "studio_images": [
        (new("studio_gallery", 1), STUDIO, IMAGE, 1),
        (new("studio_gallery", 2), STUDIO, IMAGE, 0),
    ],
    "messages": [
        (new("messages", 1), BOSS, ANA, "one", True, "2020-01-01 00:00:00"),
        (new("messages", 2), ANA, ANA, "two: 2", False, "2020-01-01 00:00:00.5"),
        (new("messages", 4), ANA, BOSS, "four\nlines", False, "2020-01-01 00:00:00"),
        (new("community_messages", 1), BOSS, GUS, "£ “five”", False, "2020-01-01 00:00:00"),
    ],
    "user_connections": [
        (new("shows_contacts", 1), BOSS, ANA, True),
        (new("shows_contacts", "1:back"), ANA, BOSS, True),
    ],
}


def _table(name: str, *columns: Column, unique: Sequence[Key] = ()) -> Table:
    id_ = Column("id", "text", not_null=True)
    return Table(name, (id_, *columns), ("id",), (Key(f"{name}_pkey", ("id",)), *unique))


def _text(name: str, **more: object) -> Column:
    return Column(name, "text", **more)  # type: ignore[arg-type]


TABLES = (
    _table(
        "users",
        _text("email", not_null=True),
        Column("nickname", "character varying(5)", max_length=5),
        Column("role", '"Role"', not_null=True, enum=("USER", "STUDIO_OWNER", "ADMIN")),
        _text("avatar_url"),
        Column("points", "numeric(4,2)", precision=4, scale=2),
        Column("seen", "timestamp(3) without time zone"),
        unique=[Key("users_email_key", ("email",)), Key("users_nickname_key", ("nickname",))],
    ),
    _table("user_profiles", _text("user_id", not_null=True)),
    _table(
        "user_metadata",
        _text("user_id", not_null=True),
        _text("key", not_null=True),
        _text("value"),
        unique=[Key("user_metadata_user_id_key_key", ("user_id", "key"))],
    ),
    _table("studios", _text("owner_id", not_null=True), Column("rank", "smallint")),
    _table(
        "studio_images",
        _text("studio_id", not_null=True),
        _text("image_url", not_null=True),
        Column("sort_order", "integer", not_null=True),
    ),
    _table(
        "messages",
        _text("sender_id", not_null=True),
        _text("receiver_id", not_null=True),
        _text("content", not_null=True),
        Column("is_read", "boolean", not_null=True),
        Column("created_at", "timestamp(3) without time zone", not_null=True),
    ),
    _table(
        "user_connections",
        _text("user_id", not_null=True),
        _text("connected_user_id", not_null=True),
        Column("accepted", "boolean", not_null=True),
    ),
)


def _points(table: str, column: str, to: str) -> ForeignKey:
    return ForeignKey(f"{table}_{column}_fkey", "live", table, (column,), "live", to, ("id",))


FOREIGN_KEYS = (
    _points("user_profiles", "user_id", "users"),
    _points("user_metadata", "user_id", "users"),
    _points("studios", "owner_id", "users"),
    _points("studio_images", "studio_id", "studios"),
    _points("messages", "sender_id", "users"),
    _points("messages", "receiver_id", "users"),
    _points("user_connections", "user_id", "users"),
    _points("user_connections", "connected_user_id", "users"),
)


WRITTEN = {table.name: tuple(column.name for column in table.columns) for table in TABLES}
MESSAGES = MapperColumns(
    "messages", "SELECT id, from_user FROM shows_messages WHERE id > ?1 ORDER BY id LIMIT ?2", WRITTEN
)
LINEAGE = Lineage(
    {
        ("shows_users", "email"): "users.email",
        ("shows_messages", "id"): "messages.id",
        ("shows_messages", "from_user"): "messages.sender_id",
        ("faq", "id"): "dropped:faq",
    },
    frozenset((table, column) for table, columns in WRITTEN.items() for column in columns),
)


@dataclass
class World:
    """The open ends of a small world, with ways to spoil it."""

    snapshot: sqlite3.Connection
    target: psycopg.Connection
    url: str
    folder: Path
    changes: dict[str, object] = field(default_factory=dict)

    @property
    def context(self) -> CheckContext:
        settings: dict[str, object] = {
            "snapshot": self.snapshot,
            "read": partial(_read, self.snapshot),
            "target": self.target,
            "schema": "staging",
            "live_schema": "live",
            "ledger": "ledger",
            "run_id": RUN,
            "id_map": ("staging", "id_map"),
            "ids": IDS,
            "accounts": ACCOUNTS,
            "left_out": {"faq": "not a part of the directory"},
            "tables": {table.name: table for table in TABLES},
            "foreign_keys": FOREIGN_KEYS,
            "shared": frozenset({"user_profiles"}),
            "lineage": LINEAGE,
            "mappers": (MESSAGES,),
            "derived": frozenset({"user_metadata", "studios", "user_connections"}),
            "second_connection": self.second_connection,
            "again": self.again,
        }
        return CheckContext(**{**settings, **self.changes})  # type: ignore[arg-type]

    def second_connection(self) -> closing[psycopg.Connection]:
        """Open another connection to the target."""
        return closing(psycopg.connect(self.url, autocommit=True))

    @contextmanager
    def again(self) -> Iterator[tuple[sqlite3.Connection, Read]]:
        """Open the snapshot once more."""
        with closing(_open(self.folder)) as snapshot:
            yield snapshot, partial(_read, snapshot)

    def plant(self, statement: str, *values: object) -> None:
        """Change the target; exactly one row must be touched."""
        assert self.target.execute(statement, values).rowcount == 1

    def check(self, name: str) -> CheckResult:
        """Run one check."""
        (result,) = run_checks(self.context, [name]).results
        return result


def build(url: str, folder: Path) -> World:
    """Make the world, without any fault."""
    snapshot = _open(folder)
    snapshot.executescript(SOURCE)
    target = psycopg.connect(url, autocommit=True)
    target.execute(TARGET)
    fates = [(RUN, *fate, "a reason", None) for fate in FATES]
    with target.cursor() as cursor:
        cursor.executemany("INSERT INTO ledger.fate VALUES (%s, %s, %s, %s, %s, %s)", fates)
        for table, rows in ROWS.items():
            values = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            insert = sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier("staging", table), values)
            cursor.executemany(insert, rows)
    return World(snapshot, target, url, folder)


def _open(folder: Path) -> sqlite3.Connection:
    snapshot = sqlite3.connect(folder / "snapshot.db", isolation_level=None)
    snapshot.execute("ATTACH DATABASE ? AS x", (str(folder / "crosswalk.db"),))
    return snapshot


def _read(snapshot: sqlite3.Connection, query: str) -> Iterator[pl.DataFrame]:
    """Yield a query's rows two at a time, as text."""
    cursor = snapshot.execute(query)
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(2):
        yield pl.DataFrame(
            [[None if value is None else str(value) for value in row] for row in rows],
            schema=dict.fromkeys(names, pl.String),
            orient="row",
        )
