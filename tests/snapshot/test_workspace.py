"""The local database: columns come out as they are typed, batches as they are asked for."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from mappers.base import Query
from migrate.runtime.errors import EvidenceError
from migrate.snapshot.workspace import Bench
from tests.mappers.studio.runner import legacy_file

ROWS = """
CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
INSERT INTO t VALUES (1, NULL, NULL), (2, 7, 1.5), (3, '8', 'x' || char(0) || 'y'), (4, 'no', x'c3a9'),
  (5, 2.0, 4611686018427387905), (9, 2.5, x'ff');
CREATE VIEW v AS SELECT 1;
"""
T = Query(
    sql="SELECT id, a, b FROM t WHERE id > ?1 ORDER BY id LIMIT ?2",
    key="id",
    columns={"id": "integer", "a": "integer", "b": "text"},
    count="SELECT count(*) FROM t",
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(legacy_file(tmp_path / "snapshot.db", ROWS), tmp_path / "crosswalk.db")


def test_columns_are_read_as_the_query_types_them(bench: Bench) -> None:
    (rows,) = bench.read(T)
    assert rows["a"].to_list() == [None, 7, 8, None, 2, None]
    assert rows["b"].to_list() == [None, "1.5", "x\x00y", "\xe9", "4611686018427387905", "\xff"]
    assert rows["invalid_utf8"].to_list() == [None] * 5 + ["b"]


def test_batches_hold_as_many_keys_as_asked_and_start_after_a_key(bench: Bench) -> None:
    assert [rows["id"].to_list() for rows in bench.read(T, batch_keys=4)] == [[1, 2, 3, 4], [5, 9]]
    assert [rows["id"].to_list() for rows in bench.read(T, after=4)] == [[5, 9]]
    assert bench.count(T) == 6


def test_a_column_of_nothing_keeps_its_type(bench: Bench) -> None:
    first = next(bench.read(T, batch_keys=1))
    assert first.schema == {"id": pl.Int64, "a": pl.Int64, "b": pl.String}


def test_frames_are_written_beside_the_snapshot_and_read_back(bench: Bench) -> None:
    bench.write("w", pl.DataFrame({"n": [1, 2], "text": ["a\x00b", None]}))
    bench.write("w", pl.DataFrame({"n": [3], "text": ["\xe9"]}))
    bench.execute("UPDATE x.w SET n = n + 10 WHERE n = ?1", (3,))
    query = Query(
        "SELECT n, text FROM x.w WHERE n > ?1 ORDER BY n LIMIT ?2", "n", {"n": "integer", "text": "text"}, ""
    )
    assert pl.concat(list(bench.read(query))).rows() == [(1, "a\x00b"), (2, None), (13, "\xe9")]


def test_tables_can_be_written_while_they_are_read(bench: Bench) -> None:
    for rows in bench.read(T, batch_keys=2):
        bench.write("seen", rows.select("id"))
    assert bench.scalar("SELECT count(*) FROM x.seen") == 6
    assert bench.scalar("SELECT id FROM x.seen WHERE id > 100") is None


def test_a_query_is_streamed_in_chunks_and_may_be_left_early(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.snapshot.workspace.STREAM_ROWS", 4)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10)"
        " SELECT i, NULLIF(i, 2) AS j, 'é' AS k FROM n"
    )
    frames = list(bench.stream(numbers))
    assert [frame.height for frame in frames] == [3, 4, 3]
    assert pl.concat(frames).rows() == [(str(i), None if i == 2 else str(i), "é") for i in range(1, 11)]
    for _ in range(3):
        assert next(bench.stream(numbers)).height == 3
    assert next(bench.stream("SELECT id FROM t WHERE id > 100")).is_empty()


def test_a_stream_reads_bytes_that_are_no_utf8_as_batches_do(bench: Bench) -> None:
    (streamed,) = bench.stream("SELECT b FROM t ORDER BY id")
    (read,) = bench.read(T)
    assert streamed["b"].to_list() == read["b"].to_list()


def test_a_stream_that_breaks_off_is_an_error(bench: Bench) -> None:
    with pytest.raises(EvidenceError, match="overflow"):
        list(bench.stream("SELECT abs(a - 9223372036854775807 - 8) AS v FROM t WHERE id = 2"))


def test_the_snapshot_is_read_only_and_the_crosswalk_private(bench: Bench, tmp_path: Path) -> None:
    assert bench.tables() == {"t": ["id", "a", "b"]}
    with pytest.raises(EvidenceError, match="readonly"):
        bench.execute("DELETE FROM t")
    assert stat.S_IMODE((tmp_path / "crosswalk.db").stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "snapshot.db").write_text("nothing of the kind, and long enough to tell" * 9)
    with pytest.raises(EvidenceError, match=r"snapshot\.db") as caught:
        Bench(tmp_path / "snapshot.db", tmp_path / "crosswalk.db").tables()
    assert caught.value.hint
