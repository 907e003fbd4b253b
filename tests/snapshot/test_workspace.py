"""The local database: columns come out as they are typed, batches as they are asked for."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from mappers.base import Query
from migrate.runtime.errors import StateMismatch
from migrate.snapshot.workspace import Workspace
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
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(legacy_file(tmp_path / "snapshot.db", ROWS), tmp_path / "crosswalk.db")


def test_columns_are_read_as_the_query_types_them(workspace: Workspace) -> None:
    (rows,) = workspace.read(T)
    assert rows["a"].to_list() == [None, 7, 8, None, 2, None]
    assert rows["b"].to_list() == [None, "1.5", "x\x00y", "\xe9", "4611686018427387905", "\xff"]
    assert rows["invalid_utf8"].to_list() == [None] * 5 + ["b"]


def test_batches_hold_as_many_keys_as_asked_and_start_after_a_key(workspace: Workspace) -> None:
    assert [rows["id"].to_list() for rows in workspace.read(T, batch_keys=4)] == [[1, 2, 3, 4], [5, 9]]
    assert [rows["id"].to_list() for rows in workspace.read(T, after=4)] == [[5, 9]]
    assert workspace.count(T) == 6


def test_a_column_of_nothing_keeps_its_type(workspace: Workspace) -> None:
    first = next(workspace.read(T, batch_keys=1))
    assert first.schema == {"id": pl.Int64, "a": pl.Int64, "b": pl.String}


def test_frames_are_written_to_the_crosswalk_and_read_back(workspace: Workspace) -> None:
    workspace.write("w", pl.DataFrame({"n": [1, 2], "text": ["a\x00b", None]}))
    workspace.write("w", pl.DataFrame({"n": [3], "text": ["\xe9"]}))
    workspace.execute("UPDATE x.w SET n = n + 10 WHERE n = ?1", (3,))
    query = Query(
        "SELECT n, text FROM x.w WHERE n > ?1 ORDER BY n LIMIT ?2", "n", {"n": "integer", "text": "text"}, ""
    )
    assert pl.concat(list(workspace.read(query))).rows() == [(1, "a\x00b"), (2, None), (13, "\xe9")]


def test_tables_can_be_written_while_they_are_read(workspace: Workspace) -> None:
    for rows in workspace.read(T, batch_keys=2):
        workspace.write("seen", rows.select("id"))
    assert workspace.scalar("SELECT count(*) FROM x.seen") == 6
    assert workspace.scalar("SELECT id FROM x.seen WHERE id > 100") is None


def test_a_query_is_streamed_in_chunks_and_may_be_left_early(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.snapshot.workspace.STREAM_ROWS", 4)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10)"
        " SELECT i, NULLIF(i, 2) AS j, 'é' AS k FROM n"
    )
    frames = list(workspace.stream(numbers))
    assert [frame.height for frame in frames] == [3, 4, 3]
    assert pl.concat(frames).rows() == [(str(i), None if i == 2 else str(i), "é") for i in range(1, 11)]
    for _ in range(3):
        assert next(workspace.stream(numbers)).height == 3
    assert next(workspace.stream("SELECT id FROM t WHERE id > 100")).is_empty()


def test_a_stream_reads_bytes_that_are_no_utf8_as_batches_do(workspace: Workspace) -> None:
    (streamed,) = workspace.stream("SELECT b FROM t ORDER BY id")
    (read,) = workspace.read(T)
    assert streamed["b"].to_list() == read["b"].to_list()


def test_a_stream_that_breaks_off_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(StateMismatch, match="overflow"):
        list(workspace.stream("SELECT abs(a - 9223372036854775807 - 8) AS v FROM t WHERE id = 2"))


def test_the_snapshot_is_read_only_and_the_crosswalk_private(workspace: Workspace, tmp_path: Path) -> None:
    assert workspace.tables() == {"t": ["id", "a", "b"]}
    with pytest.raises(StateMismatch, match="readonly"):
        workspace.execute("DELETE FROM t")
    assert stat.S_IMODE((tmp_path / "crosswalk.db").stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "snapshot.db").write_text("nothing of the kind, and long enough to tell" * 9)
    with pytest.raises(StateMismatch, match=r"snapshot\.db") as caught:
        Workspace(tmp_path / "snapshot.db", tmp_path / "crosswalk.db").tables()
    assert caught.value.hint
