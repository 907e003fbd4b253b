"""Who is who: the legacy rows, the persons, what is known of each."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mappers.settings import MapperSettings
from migrate.pipeline.ids import Ids
from tests.mappers.studio.reference import cleaning

SPACES = {"users": "users", "shows_users": "users", "community_users": "community_users"}
META = {"shows_usermeta": "users", "community_usermeta": "community_users"}
MESSAGES = {"messages": "users", "shows_messages": "users", "community_messages": "community_users"}
CONTACTS = {"shows_contacts": "users", "community_contacts": "community_users"}
PLACE = ("latitude", "longitude", "loc3", "loc4")
COMMENTS = {"shows_comments": "users", "community_comments": "community_users"}
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
Row = dict[str, Any]


def _decoded(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


@dataclass
class Legacy:
    """Every row as text; `#id`, `#from_user` … are the integers among the cells."""

    tables: dict[str, list[Row]]

    @classmethod
    def read(cls, path: Path) -> Legacy:
        connection = sqlite3.connect(path)
        found: dict[str, list[Row]] = {}
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            cells = ", ".join(f'CAST(CAST("{c}" AS TEXT) AS BLOB), typeof("{c}")' for c in columns)
            rows = []
            for rowid, *values in connection.execute(f'SELECT rowid, {cells} FROM "{table}" ORDER BY rowid'):
                row: Row = {"#rowid": rowid}
                for column, raw, kind in zip(columns, values[::2], values[1::2], strict=True):
                    row[column] = _decoded(raw)
                    row["#" + column] = int(raw) if kind == "integer" else None
                rows.append(row)
            found[table] = rows
        connection.close()
        return cls(found)

    def __getitem__(self, table: str) -> list[Row]:
        return self.tables.get(table, [])


@dataclass
class Person:
    """One person: its rows in order of authority and what follows from them."""

    rows: list[tuple[str, Row]]
    ids: list[tuple[str, int]]
    email: str
    created: dt.datetime = EPOCH
    updated: dt.datetime = EPOCH
    username: str = ""
    profile: bool = False
    category: str | None = None
    studio: bool = False
    studio_name: str = ""
    avatar: str | None = None
    place: tuple[Any, Any] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    #: keys whose fact came from a column of the user tables
    own: set[str] = field(default_factory=set)

    def first(self, *columns: str) -> str | None:
        """Return the first value that is left of the columns, in order of authority."""
        for _, row in self.rows:
            for column in columns:
                if column in row:
                    if (value := cleaning.text(row[column])) is not None:
                        return value
                    break
        return None

    def fact(self, *keys: str) -> str | None:
        """Return the first fact among the keys, cleaned."""
        return next((cleaning.text(self.facts[key]) for key in keys if key in self.facts), None)

    @property
    def full_name(self) -> str | None:
        return " ".join(n for n in (self.fact("first_name"), self.fact("last_name")) if n) or None

    @property
    def display_name(self) -> str | None:
        return self.first("display_name", "displayname")

    @property
    def active(self) -> bool:
        return (self.first("status") or "").lower() in ("1", "active")

    @property
    def key(self) -> str:
        space, number = self.ids[0]
        return str(number) if space == "users" else f"{space}:{number}"


class Book:
    """Everything the reference finds: tables as lists of rows, fates as a set."""

    def __init__(self, legacy: Legacy, ids: Ids, settings: MapperSettings) -> None:
        self.legacy, self.ids, self.settings = legacy, ids, settings
        self.people: list[Person] = []
        self.by_id: dict[tuple[str, int], Person] = {}
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self.fates: set[tuple[str, str, str, str]] = set()

    def fate(self, table: str, row_id: Any, fate: str, reason: str) -> None:
        self.fates.add((table, str(row_id), fate, reason))

    def who(self, space: str, number: int | None) -> Person | None:
        return None if number is None else self.by_id.get((space, number))

    def user_id(self, person: Person) -> str:
        return self.ids.derive(*person.ids[0])

    def studio_id(self, person: Person) -> str:
        return self.ids.derive("studios", person.key)

    def settle(self) -> None:
        self._persons()
        self._dates()
        self._names()
        self._facts()

    # ---- one person for every chain of ids and addresses ---------------------------------

    def _persons(self) -> None:
        rows: list[tuple[str, Row]] = []
        for table in SPACES:
            for row in sorted(self.legacy[table], key=lambda row: row["#id"]):
                status = (row.get("status") or "").strip(" ").lower()
                if table == "users" and status == self.settings.users.placeholder_status:
                    self.fate(table, row["id"], "excluded", "stub")
                else:
                    rows.append((table, row))
        chains: list[list[int]] = []
        of_row: dict[int, list[int]] = {}
        seen: dict[Any, int] = {}
        shared: dict[str, int] = defaultdict(int)
        for n, (table, row) in enumerate(rows):
            address = cleaning.email(row["email"])
            marks: list[Any] = [(SPACES[table], row["#id"])]
            if address:
                marks.append(address)
                shared[address] += 1
            chain = [n]
            for mark in marks:
                if mark in seen and (other := of_row[seen[mark]]) is not chain:
                    chain = sorted({*chain, *other})
                    chains = [known for known in chains if known is not other]
                    for member in chain:
                        of_row[member] = chain
                seen.setdefault(mark, n)
            for member in chain:
                of_row[member] = chain
            chains = [known for known in chains if known is not chain] + [chain]
        for chain in sorted(chains, key=min):
            self._person([rows[n] for n in chain], shared)

    def _person(self, rows: list[tuple[str, Row]], shared: dict[str, int]) -> None:
        addresses = [a for a in (cleaning.email(row["email"]) for _, row in rows) if a]
        ids: list[tuple[str, int]] = []
        for n, (table, row) in enumerate(rows):
            mark = (SPACES[table], row["#id"])
            if not addresses:
                self.fate(table, row["id"], "rejected", "invalid_email")
            elif n:
                address = cleaning.email(row["email"])
                by_email = mark not in ids and address is not None and shared[address] > 1
                self.fate(table, row["id"], "merged", "same_email" if by_email else "same_id")
            if mark not in ids:
                ids.append(mark)
        if addresses:
            person = Person(rows, ids, addresses[0])
            self.people.append(person)
            self.by_id.update(dict.fromkeys(ids, person))

    def _dates(self) -> None:
        stored: dict[int, list[dt.datetime]] = defaultdict(list)
        for tables, who in ((MESSAGES, "#from_user"), (COMMENTS, "#user_id")):
            for table, space in tables.items():
                for row in self.legacy[table]:
                    person, at = self.who(space, row[who]), cleaning.timestamp(row["date"])
                    if person and at:
                        stored[id(person)].append(at)
        for person in self.people:
            own = [cleaning.timestamp(row.get("joined") or row.get("created_at")) for _, row in person.rows]
            person.created = next((at for at in own if at), None) or min(stored[id(person)], default=EPOCH)

    def _names(self) -> None:
        def order(person: Person) -> tuple[bool, int]:
            main = [number for space, number in person.ids if space == "users"]
            return (not main, min(main or [number for _, number in person.ids]))

        taken: set[str] = set()
        waiting = []
        for person in sorted(self.people, key=order):
            person.username = cleaning.username(person.first("username"), person.email)
            if person.username in taken:
                waiting.append(person)
            taken.add(person.username)
        for person in waiting:
            suffix = 1
            while f"{person.username}{suffix}" in taken:
                suffix += 1
            person.username += str(suffix)
            taken.add(person.username)

    # ---- one value a person and key ------------------------------------------------------

    def _facts(self) -> None:
        profiles: dict[int, list[Row]] = defaultdict(list)
        for row in self.legacy["profile"]:
            if self.who("users", row["#user_id"]) is None:
                unique = len({r["user_id"] for r in self.legacy["profile"]}) == len(self.legacy["profile"])
                self.fate("profile", row["user_id"] if unique else row["#rowid"], "rejected", "unknown_user")
            else:
                profiles[row["#user_id"]].append(row)
        metas: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for table, space in META.items():
            for row in sorted(self.legacy[table], key=lambda row: row["#id"]):
                if self.who(space, row["#user_id"]) is None:
                    self.fate(table, row["id"], "rejected", "unknown_user")
                else:
                    metas[space, row["#user_id"]].append(row)
        for person in self.people:
            for space, number in person.ids:
                here: Row = {}
                claims = [row.items() for row in profiles[number]] if space == "users" else []
                claims += [[(row["meta_key"], row["meta_value"])] for row in metas[space, number]]
                for key, value in (cell for row in claims for cell in row):
                    if key in PLACE and value is not None and cleaning.text(value) is not None:
                        here.setdefault(key, value)
                for one, other in (("latitude", "longitude"), ("loc3", "loc4")):
                    person.place = person.place or cleaning.place(here.get(one), here.get(other))
                for row in profiles[number] if space == "users" else []:
                    person.profile = True
                    for column, value in row.items():
                        if not column.startswith("#") and column != "user_id":
                            self._claim(person, column, value)
                for row in metas[space, number]:
                    person.profile = True
                    self._claim(person, row["meta_key"], row["meta_value"])
            for _, row in person.rows:
                for column in ("avatar_url", "expiry_date", "upgrade"):
                    if self._claim(person, column, row.get(column)):
                        person.own.add(column)

    def _claim(self, person: Person, key: str, value: str | None) -> bool:
        wanted = key not in person.facts and key not in self.settings.profiles.dropped_keys
        if wanted and value is not None and cleaning.text(value) is not None:
            person.facts[key] = value
            return True
        return False
