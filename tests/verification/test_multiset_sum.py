"""Bags of texts compared by their sums, and fates looked up for a batch."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from tests.verification.world import World
from verification.multiset_diff import Difference, Staged, compare
from verification.multiset_sum import multiset_sum
from verification.row_outcomes import Fated, fates_of
from verification.studio.message_counts import MessageCounts

_STAGED = Staged(sql.Identifier("staging", "user_metadata"), sql.Identifier("value"), sql.Identifier("id"))


def _values(world: World, values: list[str | None]) -> None:
    world.target.execute("TRUNCATE staging.user_metadata")
    with world.target.cursor() as cursor:
        rows = [(str(place), value) for place, value in enumerate(values)]
        cursor.executemany("INSERT INTO staging.user_metadata (id, value) VALUES (%s, %s)", rows)


def _compare(world: World, expected: list[str], staged: Staged = _STAGED) -> Difference:
    frame = pl.DataFrame({"text": expected}, schema={"text": pl.String})
    with world.target.transaction():
        return compare(world.context, lambda: iter([frame]), staged)


@pytest.mark.parametrize(
    "texts",
    [["one", "two"], [], ["", "x"], ["parted\x1eby what parts texts", "plain"], ["same", "same"]],
    ids=["plain", "none", "empty", "parted", "twice"],
)
def test_the_same_texts_are_the_same_bag_in_any_order(world: World, texts: list[str]) -> None:
    _values(world, [*texts])
    difference = _compare(world, texts[::-1])
    assert (difference.expected, difference.staged) == (len(texts), len(texts))
    assert difference.missing.is_empty() and difference.unexpected.is_empty() and not difference.unnamed


def test_a_text_in_two_parts_is_not_two_texts(world: World) -> None:
    _values(world, ["one\x1etwo"])
    difference = _compare(world, ["one", "two"])
    assert sorted(difference.missing["text"]) == ["one", "two"]
    assert difference.unexpected["text"].to_list() == ["one\x1etwo"]


def test_only_the_rows_of_the_condition_are_compared(world: World) -> None:
    _values(world, ["one", "two"])
    some = Staged(_STAGED.table, _STAGED.text, _STAGED.key, sql.SQL("value = 'one'"))
    same = _compare(world, ["one"], some)
    assert same.missing.is_empty() and same.unexpected.is_empty()
    other = _compare(world, ["three"], some)
    assert other.unexpected["key"].to_list() == ["0"]


def test_a_table_of_partitions_is_compared_whole(world: World) -> None:
    world.target.execute(
        "CREATE TABLE staging.parted (id text, value text) PARTITION BY HASH (id);"
        "CREATE TABLE staging.parted_0 PARTITION OF staging.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE staging.parted_1 PARTITION OF staging.parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "INSERT INTO staging.parted SELECT n::text, n::text FROM generate_series(1, 100) AS n"
    )
    staged = Staged(sql.Identifier("staging", "parted"), _STAGED.text, _STAGED.key)
    difference = _compare(world, [str(number) for number in range(1, 101)], staged)
    assert (difference.staged, difference.unnamed) == (100, 0)


@given(st.lists(st.text(), max_size=20), st.data())
def test_the_tally_knows_no_order_and_no_batches(texts: list[str], data: st.DataObject) -> None:
    def frame(some: list[str]) -> pl.DataFrame:
        return pl.DataFrame({"text": some}, schema={"text": pl.String})

    cut = data.draw(st.integers(0, len(texts)))
    assert multiset_sum(iter([frame(texts)])) == multiset_sum(iter([frame(texts[cut:]), frame(texts[:cut])]))


@pytest.mark.parametrize("odd", ["", "parted\x1eby what parts rows", "by what parts\x1fid and fate"])
def test_fates_are_fetched_whatever_an_id_holds(world: World, odd: str) -> None:
    rows = {odd: "merged", "7": "rejected", "8": "lost"}
    with world.target.cursor() as cursor:
        lines = [(world.context.run_id, "odd", *row, "why", "") for row in rows.items()]
        cursor.executemany("INSERT INTO ledger.fate VALUES (%s, %s, %s, %s, %s, %s)", lines)
    with world.target.transaction():
        found = fates_of(world.context, "odd").rows()
        none = fates_of(world.context, "of no table").rows()
    assert dict(found.cast(pl.String).iter_rows()) == {**rows, "8": "other"}
    assert (none.height, none.schema) == (0, found.schema)


_IDS = st.lists(st.integers(-50, 50).map(str) | st.sampled_from(["007", "a", "-0", ""]), max_size=30)


_KINDS = pl.Enum(["merged", "rejected", "excluded", "other"])


@given(fated=st.lists(_IDS, max_size=3), batch=_IDS)
def test_the_fates_of_a_batch_are_found_whatever_its_ids_are(
    fated: list[list[str]], batch: list[str]
) -> None:
    frames = [
        pl.DataFrame({"source_id": some, "fate": [kind] * len(some)},
                     schema={"source_id": pl.String, "fate": _KINDS})
        for some, kind in zip(fated, _KINDS.categories, strict=False)
    ]  # fmt: skip
    fates = Fated(frames)
    assert Counter(fates.rows().rows()) == Counter(row for frame in frames for row in frame.rows())
    assert fates.marks().equals(fates.rows().select(pl.col("source_id").hash().alias("mark"), "fate"))
    rows = pl.Series("source_id", batch, dtype=pl.String)
    found = fates.of(rows).join(rows.unique().to_frame(), on="source_id", how="semi")
    assert sorted(found["source_id"]) == sorted({text for some in fated for text in some} & set(batch))


@given(batches=st.lists(_IDS, max_size=6), known=_IDS)
def test_texts_are_counted_as_a_counter_counts_them(batches: list[list[str]], known: list[str]) -> None:
    marks = pl.Series(sorted(set(known)), dtype=pl.String).hash().sort()
    times = MessageCounts(marks)
    for batch in batches:
        times.add(pl.Series(batch, dtype=pl.String).hash())
        assert times.times.sum() <= sum(map(len, batches))  # counted in between, as of many rows
    met = Counter(text for batch in batches for text in batch)
    names = pl.Series(sorted(set(known)), dtype=pl.String)
    assert times.of(names.hash()).to_list() == [met[text] for text in names]
    strange = pl.Series([text for text in met if text not in known], dtype=pl.String).hash()
    assert sorted(times.stray.unique()) == sorted(strange)
