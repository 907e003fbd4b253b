"""Reading a `.sql` dump."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import SourceError, UsageError
from migrate.runtime.source_settings import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from tests.servers.libsql import MakeServer
from tests.source import hard_values

_HEAD = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id INTEGER PRIMARY KEY, v);\n"


def _write(path: Path, body: str, end: str = "COMMIT;\n") -> str:
    path.write_text(_HEAD + body + end)
    return str(path)


def _rows(url: str) -> list[tuple[object, ...]]:
    with closing(open_source(url)) as source:
        table = source.inspect().table("t")
        return [row for page in source.pages(table, None) for row in page.rows]


def test_the_dump_of_a_real_server_is_read(
    libsql: MakeServer, hard_file: Path, tmp_path: Path, work: Path
) -> None:
    server = libsql(content=hard_file)
    # What the server itself cannot dump: text that is not UTF-8, quotes in names, reals without a fraction.
    for statement in (
        "DELETE FROM texts WHERE id BETWEEN 9 AND 12", "DELETE FROM mixed WHERE id IN (2, 10)",
        "DELETE FROM pair WHERE v = 'raw key'", "UPDATE ints SET \"any\" = NULL WHERE id = 3",
        'DROP TABLE "sp ace ""quoted"" \'x\'"', "DELETE FROM floats WHERE id = 6",
        "DELETE FROM texts WHERE id = 13",  # it confuses a backslash and n with a line break
    ):  # fmt: skip
        server.execute(statement)
    dump = tmp_path / "real.sql"
    dump.write_text(server.dump())
    with closing(open_source(str(dump))) as source:
        facts = take_snapshot(source, work, SourceSettings())
    expected = _content_of(server, tmp_path)
    assert hard_values.content(work / "snapshot.db", rowids=False) == expected
    left_out = {one.name for one in facts.left_out}
    assert {"search", "search_data", "search_content", "_litestream_seq"} <= left_out


def _content_of(server: object, tmp_path: Path) -> dict[str, list[str]]:
    copy = tmp_path / "after"
    with closing(open_source(server.url)) as source:  # type: ignore[attr-defined]
        take_snapshot(source, copy, SourceSettings())
    return hard_values.content(copy / "snapshot.db", rowids=False)


@pytest.mark.parametrize("end", ["", "COMMIT", "INSERT INTO t VALUES (9, 'x", "ROLLBACK; -- due to errors\n"])
def test_a_dump_cut_short_is_refused(tmp_path: Path, end: str) -> None:
    url = _write(tmp_path / "cut.sql", "INSERT INTO t VALUES (1, 'x');\n", end)
    with pytest.raises(SourceError, match="cut short") as caught:
        open_source(url)
    assert ".dump" in (caught.value.hint or "")


def test_a_dump_that_only_pretends_to_end_is_refused(tmp_path: Path) -> None:
    url = _write(tmp_path / "cut.sql", "INSERT INTO t VALUES (1, 'a secret\n")
    with pytest.raises(SourceError, match=r"statement 4 .*INSERT INTO …\) was refused") as caught:
        open_source(url)
    assert "secret" not in caught.value.message


def test_a_dump_that_leaves_its_transaction_open_is_refused(tmp_path: Path) -> None:
    url = _write(tmp_path / "open.sql", "COMMIT;\nBEGIN;\n", "-- COMMIT;")
    with pytest.raises(SourceError, match="does not end its transaction"):
        open_source(url)


@pytest.mark.parametrize("end", ["COMMIT;", "commit;\r\n\n", "END TRANSACTION;\n"])
def test_a_whole_dump_is_read_however_it_is_written(tmp_path: Path, end: str) -> None:
    url = _write(tmp_path / "whole.sql", "INSERT INTO t VALUES (1, 'a;b''c');\n", end)
    assert _rows(url) == [(1, "a;b'c")]


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE '{other}' AS o;", "PRAGMA journal_mode = WAL;", "PRAGMA foreign_keys;",
        "VACUUM INTO '{other}';",
        "SELECT load_extension('/x');", "CREATE VIRTUAL TABLE s USING fts5 (x);", "DETACH DATABASE main;",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x (y)');",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (x)';", "DROP TABLE t;", "nonsense;",
    ],
)  # fmt: skip
def test_what_no_dump_holds_is_refused(tmp_path: Path, statement: str) -> None:
    other = tmp_path / "other.db"
    url = _write(tmp_path / "evil.sql", statement.format(other=other) + "\n")
    with pytest.raises(SourceError, match="statement 4 of the dump"):
        open_source(url)
    assert not other.exists()


def test_odd_values_in_a_dump_are_read(tmp_path: Path) -> None:
    body = (
        "INSERT INTO t VALUES (3,'inf'), (4, unistr('a\\u000ab\\\\'));\n"
        "INSERT INTO t VALUES(5,inf);\nINSERT INTO t VALUES(6,-inf);\nINSERT INTO t VALUES(7,'(inf,inf)');\n"
        "INSERT INTO t VALUES(8,'a\0b');\nINSERT INTO t VALUES(9,replace('x\\ny','\\n',char(10)));\n"
    )
    assert _rows(_write(tmp_path / "odd.sql", body)) == [
        (3, "inf"), (4, "a\nb\\"), (5, float("inf")), (6, float("-inf")), (7, "(inf,inf)"),
        (8, "a\0b"), (9, "x\ny"),
    ]  # fmt: skip


def test_triggers_in_a_dump_do_not_end_at_their_first_semicolon(tmp_path: Path) -> None:
    body = (
        "CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT ';'; SELECT 2; END;\nINSERT INTO t VALUES (1, 2);\n"
    )
    url = _write(tmp_path / "trigger.sql", body)
    assert _rows(url) == [(1, 2)]
    with closing(open_source(url)) as source:
        assert [name for name, _ in source.inspect().triggers] == ["a"]


def test_a_virtual_table_of_a_module_that_is_not_here_is_left_out(tmp_path: Path) -> None:
    body = (
        "PRAGMA writable_schema=ON;\n"
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES('table','it''s','it''s',0,"
        "'CREATE VIRTUAL TABLE \"it''s\" USING vss0(x)');\nPRAGMA writable_schema=OFF;\n"
        "INSERT INTO t VALUES (1, 2);\n"
    )
    url = _write(tmp_path / "virtual.sql", body)
    with closing(open_source(url)) as source:
        assert [(one.name, one.reason.split()[0]) for one in source.inspect().left_out] == [
            ("it's", "virtual:")
        ]
    assert _rows(url) == [(1, 2)]


def test_a_dump_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        open_source(str(tmp_path / "none.sql"))


def test_nothing_is_left_among_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert _rows(_write(tmp_path / "whole.sql", "INSERT INTO t VALUES (1, 2);\n")) == [(1, 2)]
    with pytest.raises(SourceError):
        open_source(_write(tmp_path / "bad.sql", "nonsense;\n"))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_large_dumps_are_read_statement_by_statement(tmp_path: Path) -> None:
    lines = "".join(f"INSERT INTO t VALUES({n},'row {n}; with a semicolon');\n" for n in range(20_000))
    url = _write(tmp_path / "large.sql", lines)
    rows = _rows(url)
    assert len(rows) == 20_000
    assert rows[-1] == (19_999, "row 19999; with a semicolon")


def test_the_copy_of_a_dump_is_a_sound_database(tmp_path: Path, work: Path) -> None:
    url = _write(tmp_path / "whole.sql", "INSERT INTO t VALUES (1, 2);\n")
    with closing(open_source(url)) as source:
        take_snapshot(source, work, SourceSettings())
    with closing(sqlite3.connect(work / "snapshot.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
