"""The report of a run: its figures against the database, in a browser as an operator sees it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate.pipeline.crash_test import RECEIPT
from migrate.pipeline.state import NAME, State
from migrate.postgres.embedded import EmbeddedServer
from migrate.report.collect import collect, find_folder
from migrate.report.write import render, write_report
from migrate.runtime.errors import StateMismatch, UsageError
from tests.tools.browser import Browser, browse, require_browser
from tests.tools.commands import migrate, query

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("run report")

SETTINGS = {"MIGRATE__SAMPLE__SCALE": "0.1", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("report") / "work"
    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    return work


@pytest.fixture(scope="module")
def facts(migrated: Path) -> Any:
    return migrate("report", "--work", str(migrated), "--json").json()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browse(require_browser()) as opened:
        yield opened


@pytest.fixture(scope="module")
def database(migrated: Path) -> Iterator[str]:
    with EmbeddedServer(migrated) as server:
        yield server.url()


def test_the_facts_have_a_version_and_every_row_has_one_fate(facts: Any) -> None:
    assert facts["version"] == 1
    assert facts["verdict"]["title"] == "Published"
    for one in [source for entity in facts["entities"] for source in entity["sources"]]:
        assert one["migrated"] + one["merged"] + one["rejected"] + one["excluded"] == one["rows"], one


def test_the_counts_are_those_of_snapshot_ledger_and_live_tables(
    facts: Any, migrated: Path, database: str
) -> None:
    snapshot = sqlite3.connect(migrated / "snapshot.db")
    fates = {
        tuple(row[:3]): row[3]
        for row in query(
            database, "SELECT source_table, fate, reason, count(*) FROM migrate_ledger.fate GROUP BY 1, 2, 3"
        )
    }
    reported_on_failure = {}
    for entity in facts["entities"]:
        for source in entity["sources"]:
            rows = snapshot.execute(f"SELECT count(*) FROM {source['table']}").fetchone()[0]
            assert source["rows"] == rows
        for reason in entity["reasons"]:
            reported_on_failure[reason["table"], reason["fate"], reason["reason"]] = reason["rows"]
    snapshot.close()
    assert {key: rows for key, rows in reported_on_failure.items() if key[1] != "migrated"} == fates
    for target in facts["targets"]:
        assert target["rows"] == query(database, f"SELECT count(*) FROM {target['table']}")[0][0]


def test_rows_that_could_become_one_of_two_things_are_counted_once(facts: Any, database: str) -> None:
    routes = {(flow["source"], flow["to"]): flow["rows"] for flow in facts["flows"]}
    for table in ("reviews", "review_responses"):
        assert routes["shows_comments", table] == query(database, f"SELECT count(*) FROM {table}")[0][0]


def test_the_first_rows_lead_to_rows_of_the_target(facts: Any, database: str) -> None:
    seen = 0
    for reason in (one for entity in facts["entities"] for one in entity["reasons"]):
        if reason["fate"] == "migrated" and reason["rows"]:
            table, column = reason["reason"].split(".")
            ids = [row["became"] for row in reason["first"]]
            assert ids
            found = query(database, f"SELECT DISTINCT {column} FROM {table}")
            assert set(ids) <= {row[0] for row in found}
            seen += len(ids)
        elif reason["rows"]:
            assert len(reason["first"]) == min(5, reason["rows"])
    assert seen > 30


def test_a_browser_opens_it_without_a_complaint_and_shows_the_figures(
    migrated: Path, facts: Any, browser: Browser, database: str
) -> None:
    opened = browser.open(migrated / "report.html")
    assert opened.texts("h1") == ["Published"]
    with contextlib.closing(sqlite3.connect(migrated / "snapshot.db")) as snapshot:
        names = [name for (name,) in snapshot.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        held = {name: snapshot.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    total = sum(rows for name, rows in held.items() if not name.startswith("sqlite_"))
    live = sum(query(database, f"SELECT count(*) FROM {one['table']}")[0][0] for one in facts["targets"])
    tiles = [int(text.replace(",", "")) for text in opened.texts(".totals dd b")]
    assert tiles[0] == total == sum(tiles[1:6])  # the five outcomes
    assert tiles[-1] == live
    assert tiles[5] == sum(held[name] for name, _, _ in facts["left_out"])
    listed = {(row[2], row[1]) for row in opened.rows("#attention table")}
    assert listed >= {(name, f"{rows:,}") for name, _, rows in facts["left_out"] if rows}
    assert f"{len([1 for one in facts['checks'] if one['applies']])} checks passed" in str(facts["verdict"])
    shown = {row[0]: row[1:6] for row in opened.rows("table.fates")}
    for source in (one for entity in facts["entities"] for one in entity["sources"]):
        fates = ("rows", "migrated", "merged", "rejected", "excluded")
        assert shown[source["table"]] == [f"{source[name]:,}" for name in fates]
    targets = {row[0]: row[2] for row in opened.rows("#targets table")}
    assert targets["users"] == f"{query(database, 'SELECT count(*) FROM users')[0][0]:,}"
    categories = dict(
        query(database, "SELECT value, count(*) FROM user_metadata WHERE key = 'profile_category' GROUP BY 1")
    )
    charts = {row[0]: row[2] for row in opened.rows("#charts table")}
    assert {name: charts[name] for name in categories} == {name: f"{n:,}" for name, n in categories.items()}
    assert len(opened.texts("#checks tbody .mark.good")) == len(facts["checks"])
    right = opened.evaluate("[...document.querySelectorAll('.flow.beside g title')].map(e => e.textContent)")
    assert any(
        f"users: {query(database, 'SELECT count(*) FROM users')[0][0]:,} rows, from" in one for one in right
    )
    ribbons = sum(flow["rows"] > 0 for flow in facts["flows"])
    assert len(opened.texts(".flow.beside path")) == ribbons
    assert opened.complaints == []


@pytest.mark.parametrize(("width", "picture"), [(1280, "beside"), (390, "upon")])
def test_nothing_is_wider_than_the_screen(migrated: Path, browser: Browser, width: int, picture: str) -> None:
    opened = browser.open(migrated / "report.html", width=width)
    opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    hidden = opened.evaluate(
        "[...document.querySelectorAll('td.n, dd')].filter(e => e.textContent.trim()).filter(e => {"
        " const r = document.createRange(); r.selectNodeContents(e); const b = r.getBoundingClientRect();"
        " return !b.width || b.left < 0 || b.right > document.documentElement.clientWidth })"
        ".map(e => e.textContent.trim())"
    )
    assert hidden == []  # every number is on the screen
    shown = opened.evaluate(
        "[...document.querySelectorAll('.flow')].filter(e => e.getBoundingClientRect().height).map(e =>"
        " e.classList[1])"
    )
    assert shown == [picture]


def test_dark_is_dark_and_light_is_light(migrated: Path, browser: Browser) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.open(migrated / "report.html").evaluate(paper)
    dark = browser.open(migrated / "report.html", dark=True).evaluate(paper)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 26)")


def test_values_are_shown_only_where_asked_for_and_passwords_never(
    migrated: Path, browser: Browser, tmp_path: Path
) -> None:
    out = tmp_path / "samples.html"
    migrate("report", "--work", str(migrated), "--samples", "--out", str(out))
    shown, page = set(browser.open(out).texts(".first dd")), out.read_text()
    plain = (migrated / "report.html").read_text()
    with contextlib.closing(sqlite3.connect(migrated / "snapshot.db")) as snapshot:
        rows = snapshot.execute("SELECT message FROM shows_messages ORDER BY id LIMIT 20").fetchall()
        secret = snapshot.execute("SELECT password FROM shows_users WHERE password LIKE '$%'").fetchall()
    messages = [text for (text,) in rows if text and len(text) > 15]
    assert shown & set(messages)
    assert not [text for text in messages if text in plain]
    assert secret
    assert not [text for (text,) in secret if text in page]
    assert "(not shown)" in shown
    for path in (out, migrated / "report.html"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_run_it_says_so_and_a_damaged_state_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run in"):
        find_folder(tmp_path)
    (tmp_path / NAME).write_text("{")
    with pytest.raises(StateMismatch, match="damaged"):
        collect(find_folder(tmp_path))


def test_a_rolled_back_run_says_so(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated / NAME, tmp_path)
    state = State.load(tmp_path)
    assert state is not None
    state.conclude("rolled_back")
    found = collect(tmp_path)
    assert found.verdict.title == "Rolled back"
    assert not found.counted
    assert [command.line.split(" --work")[0] for command in found.commands][:2] == [
        "migrate run",
        "migrate rollback --undo",
    ]
    assert "Rows are counted when all mapping stages are done" in render(found)


def test_a_summary_that_is_not_whole_is_not_shown(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated / NAME, tmp_path)
    body = json.loads((migrated / "summary.json").read_text())
    (tmp_path / "summary.json").write_text(json.dumps(body))
    assert collect(tmp_path).counted
    for text in (
        json.dumps({**body, "run_id": "another"}),
        json.dumps({"run_id": body["run_id"]}),
        "{",
        "[]",
    ):
        (tmp_path / "summary.json").write_text(text)
        assert not collect(tmp_path).counted


def test_the_receipt_of_a_rehearsal_is_in_it(migrated: Path, tmp_path: Path, browser: Browser) -> None:
    receipt = {
        "version": 1, "identical": True, "code": "0.1.0", "at": "2026-01-31T17:05:09+00:00",
        "points": ["a", "b"], "killed": ["a"], "seconds": {"undisturbed": 3.0, "disturbed": 200.0},
        "undisturbed": {"users": {"rows": 34, "checksum": "1"}},
        "disturbed": {"users": {"rows": 34, "checksum": "1"}},
    }  # fmt: skip
    shutil.copy(migrated / NAME, tmp_path)
    (tmp_path / RECEIPT).write_text(json.dumps(receipt))
    opened = browser.open(write_report(tmp_path))
    assert opened.rows("#rehearsal table") == [["users", "34", "identical"]]
    assert "killed 1 time, at 2 checkpoints" in opened.texts("#rehearsal p")[0]
