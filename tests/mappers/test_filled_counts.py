"""How many cells of a column are filled, whatever they hold."""

from __future__ import annotations

from pathlib import Path

from mappers.filled_counts import count_filled
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import legacy_file

_FILLED = ("0", "''0''", "' '", "x'00'", "1.5", "char(0)", "9223372036854775807")
_EMPTY = ("NULL", "''", "x''")


def test_what_is_neither_null_nor_empty_is_filled_in_every_class_and_collation(tmp_path: Path) -> None:
    kinds = ("INTEGER", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "BLOB", "REAL", "")
    columns = ", ".join(f'"c {number}" {kind}' for number, kind in enumerate(kinds))
    values = [value.replace("''0''", "'0'") for value in (*_FILLED, *_EMPTY)]
    rows = ", ".join(f"({', '.join([value] * len(kinds))})" for value in values)
    snapshot = legacy_file(tmp_path / "s.db", f"CREATE TABLE t ({columns}); INSERT INTO t VALUES {rows};")
    with Workspace.snapshot_only(snapshot) as workspace:
        filled = count_filled(workspace, "t", tuple(workspace.tables()["t"]))
    assert filled == {f"c {number}": len(_FILLED) for number in range(len(kinds))}


def test_a_table_without_rows_and_one_of_many_columns_are_counted(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1500)]
    snapshot = legacy_file(
        tmp_path / "s.db",
        f"CREATE TABLE empty (a, b); CREATE TABLE wide ({', '.join(names)});"
        f"INSERT INTO wide VALUES ({', '.join(['1'] * len(names))});",
    )
    with Workspace.snapshot_only(snapshot) as workspace:
        assert count_filled(workspace, "empty", ("a", "b")) == {"a": 0, "b": 0}
        assert count_filled(workspace, "wide", tuple(names)) == dict.fromkeys(names, 1)
