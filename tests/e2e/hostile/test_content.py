"""Hostile content goes through the command line whole, and does nothing on its way."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest

from migrate.pipeline.ids import Ids
from migrate.postgres.embedded import EmbeddedServer
from migrate.source import hrana
from migrate.source.transport import Kind
from tests.e2e.hostile.content import (
    BROKEN,
    EMPTY,
    FACTS,
    LARGEST,
    LONG,
    NASTY,
    SMALLEST,
    TABLES,
    WIDE,
    write,
)
from tests.servers.libsql import LibsqlServer
from tests.tools.commands import Done, migrate, query

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("hostile content")

SECRET = "an id secret of the tests"
LEFT_OUT = {"MIGRATE__MAPPERS__LEFT_OUT": json.dumps([*TABLES, WIDE])}
SETTINGS = {"MIGRATE__IDS__SECRET": SECRET, "MIGRATE__LOAD__BATCH_ROWS": "7"}


def assert_quiet(done: Done) -> None:
    """No control character reaches the terminal, from any source."""
    for text in (done.out, done.err):
        raw = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}
        assert raw <= {"\n"}, raw


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hostile") / "legacy.db")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory, legacy: Path) -> Path:
    work = tmp_path_factory.mktemp("migrated") / "work"
    for words in (("run", "--yes", "-v"), ("verify", "--published", "--deep", "-v"), ("status",), ("plan",)):
        done = migrate(*words, "--work", str(work), **SETTINGS, **LEFT_OUT, MIGRATE__SOURCE__URL=str(legacy))
        assert_quiet(done)
    return work


def ask(work: Path, text: str) -> list[tuple[object, ...]]:
    with EmbeddedServer(work) as server:
        return query(server.url(), text)


def test_tables_that_no_rule_knows_stop_a_run_and_are_named(tmp_path: Path, legacy: Path) -> None:
    settings = {**SETTINGS, "MIGRATE__SOURCE__URL": str(legacy)}
    work = ("--work", str(tmp_path / "work"))
    plan = migrate("plan", *work, "--json", code=1, **settings).json()
    errors = [finding["message"] for finding in plan["findings"] if finding["level"] == "error"]
    assert errors == [
        f"the source table {name} (1 row) is not in the mapping" for name in sorted([*TABLES, WIDE])
    ]
    fates = {table["name"]: table["fate"] for table in plan["source_tables"]}
    assert all(fates[name] == "missing in the mapping" for name in (*TABLES, *EMPTY, WIDE))
    for words in (("plan",), ("run", "--yes"), ("verify",)):
        done = migrate(*words, *work, code=1, **settings)
        assert_quiet(done)
        assert "a b]c" in done.out + done.err
    assert "[mappers] left_out = [" in done.err
    assert not (tmp_path / "work" / "snapshot.db").exists()


def test_a_virtual_table_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "legacy.db", long=1, tables=False)
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
    connection.commit()
    connection.close()
    plan = migrate(
        "plan", "--json", "--work", str(tmp_path / "work"), **SETTINGS, MIGRATE__SOURCE__URL=str(path)
    ).json()
    copied, text = (finding["message"] for finding in plan["findings"])
    assert copied.startswith("the source table notes is not copied")
    assert "notes" in text


def test_a_table_that_the_mapping_reads_cannot_be_left_out(tmp_path: Path, legacy: Path) -> None:
    left_out = json.dumps([*TABLES, WIDE, "shows_messages"])
    done = migrate(
        "run", "--work", str(tmp_path / "work"), "--yes", code=1,
        **SETTINGS, MIGRATE__SOURCE__URL=str(legacy), MIGRATE__MAPPERS__LEFT_OUT=left_out,
    )  # fmt: skip
    assert "left_out lists shows_messages, but the mapping reads it" in done.err


def test_every_person_and_message_arrives(migrated: Path) -> None:
    people = ask(migrated, "SELECT count(*), count(DISTINCT username) FROM users")
    assert people == [(len(NASTY) + 2,) * 2]
    derive = Ids(SECRET).derive
    messages = dict(ask(migrated, "SELECT id, content FROM messages"))
    assert messages[derive("messages", LARGEST)] == "from the largest"
    assert messages[derive("messages", SMALLEST)] == "from the smallest"


def test_the_summary_counts_every_row(migrated: Path) -> None:
    summary = json.loads((migrated / "summary.json").read_text())
    for flow in summary["flows"]:
        gone = sum(sum(flow[fate].values()) for fate in ("merged", "rejected", "excluded"))
        assert flow["migrated"] + gone == flow["rows"], flow
    assert summary["left_out"][WIDE] == ["config", 1]
    assert summary["left_out"][EMPTY[0]] == ["unknown", 0]


def test_long_cells_arrive_whole(migrated: Path) -> None:
    longest = ask(migrated, "SELECT max(length(content)) FROM messages")
    assert longest == [(LONG,)]


def test_text_is_stored_and_not_obeyed(migrated: Path) -> None:
    stored = {value for (value,) in ask(migrated, "SELECT DISTINCT value FROM user_metadata")}
    cleaned = {text.replace("\x00", "") for text in NASTY}
    assert {text for text in cleaned if "\r" not in text} <= stored
    broken = {raw.decode("cp1252", "replace") for raw in BROKEN}
    assert broken <= stored


def test_columns_of_any_name_become_facts(migrated: Path) -> None:
    kept = dict(ask(migrated, "SELECT key, value FROM user_metadata WHERE value LIKE 'fact %'"))
    assert kept == {name: f"fact {name}" for name in FACTS}
    columns = json.loads((migrated / "summary.json").read_text())["columns"]
    went = {row["column"]: row["went_to"] for row in columns if row["source_table"] == "profile"}
    assert all(went[name] == "user_metadata" for name in FACTS)


def test_log_and_reports_hold_no_control_characters(migrated: Path) -> None:
    for path in [*migrated.glob("*.json"), *migrated.glob("*.jsonl")]:
        assert not set(path.read_bytes()) & (set(range(32)) - {10}), path.name


def elements(text: str) -> set[str]:
    """Return the names of a page's elements, and of their attributes; `style=` for a style attribute."""
    found = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.update([tag, *(f"{name}=" if name == "style" else name for name, _ in attrs)])

    Reader().feed(text)
    return found


def test_the_report_shows_names_and_values_as_text(migrated: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.html"
    migrate("report", "--work", str(migrated), "--samples", "--out", str(out))
    for path in (migrated / "report.html", out):
        text = path.read_text()
        assert not {char for char in text if unicodedata.category(char) in ("Cc", "Cf")} - {"\n"}, path.name
        assert not elements(text) & {"script", "img", "bold", "iframe", "onload", "onerror", "style="}
        assert "say &#34;what&#34;; DROP TABLE users;--" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "(20,000,000 characters)" in text or "␛[2J␛[31mred" in text


@pytest.mark.slow
def test_a_server_gives_the_same_as_the_file(tmp_path: Path, migrated: Path, legacy: Path) -> None:
    work = tmp_path / "work"
    with LibsqlServer(tmp_path / "sqld", content=legacy, longest_row=64_000_000) as libsql:
        done = migrate(
            "run", "--yes", "--work", str(work), **SETTINGS, **LEFT_OUT, MIGRATE__SOURCE__URL=libsql.url
        )
    assert_quiet(done)
    for table in ("users", "user_metadata", "messages", "user_connections", "studio_images", "reviews"):
        digest = f"SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} t"
        assert ask(work, digest) == ask(migrated, digest), table


@pytest.mark.slow
def test_cells_of_100_megabytes_and_tables_of_2000_columns_arrive_whole(tmp_path: Path) -> None:
    path, work = write(tmp_path / "legacy.db", long=100_000_000, tables=False), tmp_path / "work"
    connection = sqlite3.connect(path)
    room = 2000 - len(connection.execute("PRAGMA table_info(profile)").fetchall())  # SQLite takes no more
    for number in range(room):
        connection.execute(f"ALTER TABLE profile ADD COLUMN wide{number} TEXT")
    for number in range(room):
        connection.execute(f"UPDATE profile SET wide{number} = 'value {number}' WHERE user_id = 3")
    connection.commit()
    connection.close()
    migrate("run", "--yes", "--work", str(work), **SETTINGS, MIGRATE__SOURCE__URL=str(path))
    assert ask(work, "SELECT max(length(content)) FROM messages") == [(100_000_000,)]
    kept = dict(ask(work, "SELECT key, value FROM user_metadata WHERE key LIKE 'wide%'"))
    assert kept == {f"wide{number}": f"value {number}" for number in range(room)}


def test_a_result_of_ten_thousand_columns_is_read_whole() -> None:
    cells = [[{"type": "integer", "value": str(row * column)} for column in range(10_000)] for row in (1, 2)]
    answer = {"cols": [{"name": f"c{column}"} for column in range(10_000)], "rows": cells}
    kinds: tuple[Kind, ...] = ("integer",) * 10_000
    for known in (kinds, ()):
        assert hrana.rows(answer, known) == [
            tuple(row * column for column in range(10_000)) for row in (1, 2)
        ]
