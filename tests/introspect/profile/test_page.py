"""What an inspection says of full text, and how it looks in a browser."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from migrate.introspect.profile import Inspection, inspect_source
from migrate.introspect.profile.attention import list_attention
from migrate.introspect.profile.full_text import full_text_tables
from migrate.report import inspect_page, page
from migrate.runtime.amount import amount
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source
from tests.e2e.systems import nasty
from tests.tools.browser import browse, require_browser

#: The tables that are shown after a search, typed as a person types.
_SEARCH = """
(() => {
  const field = document.querySelector(".search input");
  const shown = () => [...document.querySelectorAll("#tables details")].filter(e => !e.hidden);
  field.value = "PROMISES score";
  field.dispatchEvent(new Event("input"));
  const found = shown().map(e => e.dataset.name);
  field.value = "";
  field.dispatchEvent(new Event("input"));
  return [found];
})()
"""


@pytest.fixture(scope="module")
def nasty_inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    folder = tmp_path_factory.mktemp("nasty")
    with closing(open_source(str(nasty.make(folder / "nasty.db")))) as source:
        return inspect_source(source, folder / "work", SourceSettings())


@pytest.mark.parametrize(
    ("ddl", "columns", "content", "holds_text", "language"),
    [
        ("fts5(title, body UNINDEXED, content='notes', content_rowid='id', tokenize='porter unicode61')",
         ("title",), "notes", False, "english"),
        ('fts5("a b", [c,d], content="")', ("a b", "c,d"), None, False, "simple"),
        ("FTS4(body)", ("body",), None, True, "simple"),
        ("fts5(body, content=[odd \"table]) ;", ("body",), 'odd "table', False, "simple"),
    ],
)  # fmt: skip
def test_a_full_text_table_is_read_from_its_ddl(
    ddl: str, columns: tuple[str, ...], content: str | None, holds_text: bool, language: str
) -> None:
    (found,) = full_text_tables([("f", f"CREATE VIRTUAL TABLE f USING {ddl}")])
    assert (found.columns, found.content, found.holds_text) == (columns, content, holds_text)
    assert f"to_tsvector('{language}'" in found.instead


def test_other_virtual_tables_are_no_full_text() -> None:
    assert full_text_tables([("r", "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)")]) == ()


def test_what_takes_its_place_works_in_postgresql(database: str) -> None:
    ddl = 'CREATE VIRTUAL TABLE f USING fts5("the ""title""", body, content="my notes", tokenize=porter)'
    (found,) = full_text_tables([("f", ddl)])
    with psycopg.connect(database) as connection:
        connection.execute('CREATE TABLE "my notes" (id int, "the ""title""" text, body text)')
        connection.execute(found.instead.encode())
        connection.execute("INSERT INTO \"my notes\" VALUES (1, 'Foxes', NULL), (2, NULL, 'a dog')")
        asked = "SELECT id FROM \"my notes\" WHERE search @@ websearch_to_tsquery('english', 'fox')"
        assert connection.execute(asked).fetchall() == [(1,)]


def test_rows_that_break_a_check_are_counted(nasty_inspection: Inspection) -> None:
    broken = [(one.table, one.sql, one.broken) for one in nasty_inspection.checks]
    assert broken == [("promises", "score BETWEEN 1 AND 5", 1)]


def test_an_inspection_knows_its_full_text_tables(nasty_inspection: Inspection) -> None:
    found = {one.name: (one.content, one.holds_text) for one in nasty_inspection.full_text}
    assert found == {"animals_fts": ("animals", False), "bare_fts": (None, False), "notes_fts": (None, True)}


def test_a_browser_shows_the_inspection_without_a_complaint(
    nasty_inspection: Inspection, tmp_path: Path
) -> None:
    path = tmp_path / "inspection.html"
    page.write(path, inspect_page.render(nasty_inspection))
    text = path.read_text()
    assert not {char for char in text if unicodedata.category(char) in ("Cc", "Cf")} - {"\n"}
    with browse(require_browser()) as browser:
        opened = browser.open(path, width=390)
        titles = opened.texts("#tables summary")
        totals = opened.texts(".totals dd")
        sql = opened.texts("#views pre") + opened.texts("#triggers pre") + opened.texts("#fulltext pre")
        narrow = opened.evaluate("document.documentElement.scrollWidth")
        hidden = opened.evaluate(_SEARCH)
        attention = opened.rows("#attention table")
        verdict = opened.texts(".verdict p")[0]
        complaints = opened.complaints
    found = list_attention(nasty_inspection)
    assert len(attention) == len(found) > 3
    assert all(one.what and one.todo for one in found)
    assert {"lost", "decide"} == {row[0] for row in attention}
    promised = next(one for one in found if "break CHECK" in one.what)
    assert (promised.table, promised.rows) == ("promises", 1)
    touched = {one.table for one in found} & {one.name for one in nasty_inspection.tables if not one.leftover}
    assert f"{len(touched):,} need a decision" in verdict
    assert hidden == [["promises"]]
    lived_in = [table for table in nasty_inspection.tables if not table.leftover]
    assert len(titles) == len(lived_in)
    for table, title in zip(lived_in, titles, strict=True):
        assert title.startswith(page.visible(table.name).strip())
        assert amount(table.rows, "row") in title
    assert totals[0] == f"{len(nasty_inspection.tables):,}"
    assert totals[1] == f"{sum(table.rows for table in nasty_inspection.tables):,}"
    for one in (*nasty_inspection.views, *nasty_inspection.triggers, *nasty_inspection.full_text):
        assert page.visible(one.sql).strip() in sql
    assert narrow <= 390
    assert complaints == []
