"""What every way of reaching a legacy database must do alike."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import Stopped
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import forecast, take_snapshot
from migrate.source.model import LeftOut, RawText, Source
from migrate.source.open import open_source
from tests.source import hard_values
from tests.source.conftest import WAYS

SMALL = SourceSettings(first_page_rows=2)


@pytest.fixture
def source(hard_url: str):
    with closing(open_source(hard_url, settings=SMALL)) as opened:
        yield opened


@pytest.mark.parametrize("first_page_rows", [1, 3, 1000])
def test_the_snapshot_holds_every_value_exactly(
    hard_url: str, way: str, hard_file: Path, work: Path, first_page_rows: int
) -> None:
    settings = SourceSettings(first_page_rows=first_page_rows)
    with closing(open_source(hard_url, settings=settings)) as source:
        take_snapshot(source, work, settings)
    rowids = not WAYS[way].as_sql
    assert hard_values.content(work / "snapshot.db", rowids=rowids) == hard_values.content(
        hard_file, rowids=rowids
    )


def test_the_snapshot_holds_the_tables_by_their_own_ddl_and_nothing_else(
    source: Source, hard_file: Path, work: Path
) -> None:
    take_snapshot(source, work, SMALL)
    with (
        closing(sqlite3.connect(work / "snapshot.db")) as copy,
        closing(sqlite3.connect(hard_file)) as original,
    ):
        made = dict(copy.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        wanted = dict(original.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        names = hard_values.copied_tables(original)
    made.pop("sqlite_sequence")
    assert made == {name: wanted[name] for name in names}


def test_internal_virtual_and_shadow_tables_are_left_out_by_name(source: Source, way: str) -> None:
    left_out = source.inspect().left_out
    assert LeftOut("sqlite_sequence", "table", "internal to SQLite") in left_out
    if not WAYS[way].as_sql:
        assert LeftOut("_litestream_seq", "table", "internal to SQLite") in left_out
        assert LeftOut("search", "table", "virtual table: a full-text index") in left_out
        assert LeftOut("search_content", "table", "part of a virtual table") in left_out
    assert not {one.name for one in left_out} & {table.name for table in source.inspect().tables}


def test_the_catalogue_names_views_triggers_and_indexes(source: Source) -> None:
    catalogue = source.inspect()
    assert [name for name, _ in catalogue.views] == ["view_of_ints"]
    assert [name for name, _ in catalogue.triggers] == ["after_ints"]
    assert [name for name, _ in catalogue.indexes] == ["texts_v"]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("ints", ("id",)), ("nokey", ("rowid",)), ("pair", ("a", "b")), ("folded", ("a", "b")),
        ("textkey", ("rowid",)), ("rowidcol", ("_rowid_",)), ("hidden", ()),
    ],
)  # fmt: skip
def test_a_table_is_paged_by_its_rowid_or_primary_key(
    source: Source, table: str, key: tuple[str, ...]
) -> None:
    assert source.inspect().table(table).key == key


def test_reading_goes_on_behind_any_key(source: Source) -> None:
    for name in ("pair", "folded", "nokey", "floats"):
        table = source.inspect().table(name)
        stats = source.stats(table)
        rows = [row for page in source.pages(table, stats) for row in page.rows]
        keys = [page.after for page in source.pages(table, stats)]
        behind = [row for page in source.pages(table, stats, keys[0]) for row in page.rows]
        assert rows[len(rows) - len(behind) :] == behind
        assert len(rows) - len(behind) <= SMALL.first_page_rows


def test_text_that_is_not_utf8_comes_as_raw_text(source: Source) -> None:
    table = source.inspect().table("texts")
    rows = {row[0]: row[1] for page in source.pages(table, source.stats(table)) for row in page.rows}
    assert isinstance(rows[9], RawText)
    assert rows[9] == b"\xffA"
    assert rows[3] == "a\0b"


def test_count_and_forecast_return_the_rows(source: Source, way: str) -> None:
    found = {one.table: one for one in forecast(source)}
    assert found["ints"].rows == source.count(source.inspect().table("ints")) == 6
    assert found["empty"].rows == 0
    assert found["ints"].rows_read == WAYS[way].billed


def test_a_fingerprint_depends_on_content_only(source: Source, hard_url: str) -> None:
    table = source.inspect().table("texts")
    stats = source.stats(table)
    with closing(open_source(hard_url, settings=SourceSettings())) as other:
        assert other.fingerprint(table, stats) == source.fingerprint(table, stats)
    blobs = source.inspect().table("blobs")
    assert source.fingerprint(blobs, source.stats(blobs)) != source.fingerprint(table, stats)


@pytest.mark.slow
def test_a_snapshot_stopped_after_every_page_ends_as_an_undisturbed_one(
    hard_url: str, way: str, hard_file: Path, work: Path
) -> None:
    stops = 0
    while True:
        with closing(open_source(hard_url, settings=SMALL)) as source:
            try:
                facts = take_snapshot(source, work, SMALL, should_stop=lambda: True)
            except Stopped as stop:
                assert "again" in (stop.hint or "")
                stops += 1
                continue
            break
    rowids = not WAYS[way].as_sql
    # Tables of a file of ours are taken in one piece each.
    assert stops >= len(facts.tables) if WAYS[way].whole else stops > len(facts.tables)
    assert hard_values.content(work / "snapshot.db", rowids=rowids) == hard_values.content(
        hard_file, rowids=rowids
    )


def test_the_facts_say_what_was_copied(source: Source, work: Path, way: str) -> None:
    seen = []
    facts = take_snapshot(source, work, SMALL, seen.append)
    assert (
        facts.rows
        == sum(table.rows for table in facts.tables)
        == sum({one.table: one.rows for one in seen}.values())
    )
    assert facts.bytes > 0
    assert (facts.rows_read > facts.rows) == WAYS[way].counts
    assert facts.source == source.label
    assert (facts.mark is not None) == WAYS[way].marked
