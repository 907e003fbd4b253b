"""Reading a `.sql` dump."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import SourceError, UsageError
from migrate.runtime.settings.source import SourceSettings
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
    with pytest.raises(SourceError, match="incomplete") as caught:
        open_source(url)
    assert ".dump" in (caught.value.hint or "")


def test_a_dump_that_only_pretends_to_end_is_refused(tmp_path: Path) -> None:
    url = _write(tmp_path / "cut.sql", "INSERT INTO t VALUES (1, 'a secret\n")
    with pytest.raises(SourceError, match=r"statement 4 .*INSERT INTO …\) was refused") as caught:
        open_source(url)
    assert "secret" not in caught.value.message


def test_a_dump_that_leaves_its_transaction_open_is_refused(tmp_path: Path) -> None:
    url = _write(tmp_path / "open.sql", "/* it is whole:\n", "COMMIT;\n*/")
    with pytest.raises(SourceError, match="does not end its transaction"):
        open_source(url)


@pytest.mark.parametrize("end", ["COMMIT;", "commit;\r\n\n", "END TRANSACTION;\n"])
def test_a_whole_dump_is_read_however_it_is_written(tmp_path: Path, end: str) -> None:
    url = _write(tmp_path / "whole.sql", "INSERT INTO t VALUES (1, 'a;b''c');\n", end)
    assert _rows(url) == [(1, "a;b'c")]


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE '{other}' AS o;", "VACUUM INTO '{other}';",
        "SELECT load_extension('/x');", "CREATE VIRTUAL TABLE s USING fts5(x); INSERT INTO s VALUES (1);",
        "DETACH DATABASE main;",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x (y)');",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (x)';", "DROP TABLE t;", "nonsense;",
    ],
)  # fmt: skip
def test_what_no_dump_holds_is_refused(tmp_path: Path, statement: str) -> None:
    other = tmp_path / "other.db"
    url = _write(tmp_path / "evil.sql", statement.format(other=other) + "\n")
    with pytest.raises(SourceError, match=r"statement [45] of the dump"):
        open_source(url)
    assert not other.exists()


@pytest.mark.parametrize(
    ("head", "body", "end"),
    [
        # sqlite3's .recover
        (".dbconfig defensive off\n"
         "BEGIN;\nPRAGMA writable_schema = on;\nPRAGMA encoding = 'UTF-8';\nPRAGMA page_size = '4096';\n"
         "PRAGMA user_version = '7';\n", "INSERT OR IGNORE INTO 't'('id', 'v') VALUES (1, 'x');\n"
         "INSERT INTO sqlite_schema VALUES('table', 'f', 'f', 0, 'CREATE VIRTUAL TABLE f USING fts5(x)');\n",
         "PRAGMA writable_schema = off;\nCOMMIT;\n"),
        ("PRAGMA journal_mode = WAL;\nPRAGMA foreign_keys;\nBEGIN;\n", "INSERT INTO t VALUES (1, 'x');\n",
         "COMMIT;\nPRAGMA foreign_keys=ON;\nPRAGMA optimize;\n"),
        ("BEGIN;\n", "INSERT INTO t VALUES (1, 'x');\n",
         "COMMIT;\n-- Dump completed; 2024-05-01\nConnection closed; goodbye\n/* end */"),
        ("\ufeffBEGIN;\n", "INSERT INTO t VALUES (1, 'x');\n", "COMMIT;"),
        # Cloudflare D1, vouched for
        ("PRAGMA defer_foreign_keys=TRUE;\n", "INSERT INTO t VALUES (1, 'x');\n", "COMMIT;\n"),
    ],
)  # fmt: skip
def test_a_dump_is_read_whatever_its_shell_writes_around_it(
    tmp_path: Path, head: str, body: str, end: str
) -> None:
    path = tmp_path / "around.sql"
    path.write_text(f"{head}CREATE TABLE t (id INTEGER PRIMARY KEY, v);\n{body}{end}")
    assert _rows(str(path)) == [(1, "x")]
    assert [one.name for one in tmp_path.iterdir()] == ["around.sql"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_dump_in_utf16_is_refused_as_such(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "powershell.sql"
    path.write_bytes((_HEAD + "COMMIT;\r\n").encode(encoding))
    with pytest.raises(SourceError, match="is UTF-16, as PowerShell's > writes it"):
        open_source(str(path))


@pytest.mark.parametrize("end", ["", "INSERT INTO t VALUES (2, 'cu", "CREATE TABLE u (x)"])
def test_a_dump_without_a_transaction_is_refused_as_such(tmp_path: Path, end: str) -> None:
    path = tmp_path / "d1.sql"
    path.write_text(f"PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE t (id INTEGER);\n{end}")
    with pytest.raises(SourceError, match="has no transaction, as Cloudflare D1 exports") as caught:
        open_source(str(path))
    assert "add the line COMMIT;" in (caught.value.hint or "")


@pytest.mark.parametrize("more", ["INSERT INTO t VALUES (2, 'cu", "BEGIN;\nCREATE TABLE u (x);\n"])
def test_a_dump_that_goes_on_behind_its_end_is_refused(tmp_path: Path, more: str) -> None:
    url = _write(tmp_path / "two.sql", "INSERT INTO t VALUES (1, 'x');\n", f"COMMIT;\n{more}")
    with pytest.raises(SourceError, match="continues after its COMMIT"):
        open_source(url)


def test_the_index_of_vectors_in_a_dump_is_left_out_with_its_shadows(tmp_path: Path, work: Path) -> None:
    body = (
        "INSERT INTO t VALUES(1,X'0000803f');\nINSERT INTO t VALUES(2,NULL);\n"
        "CREATE INDEX t_idx ON t (libsql_vector_idx(v, 'metric=cosine'));\n"
        "CREATE TABLE libsql_vector_meta_shadow (name TEXT PRIMARY KEY, metadata BLOB) WITHOUT ROWID;\n"
        "INSERT INTO libsql_vector_meta_shadow VALUES('t_idx',X'01');\n"
        "CREATE TABLE t_idx_shadow (index_key INTEGER, data BLOB, PRIMARY KEY (index_key));\n"
        "INSERT INTO t_idx_shadow VALUES(1,X'00');\n"
    )
    url = _write(tmp_path / "vectors.sql", body)
    assert _rows(url) == [(1, b"\x00\x00\x80?"), (2, None)]
    with closing(open_source(url)) as source:
        assert [(table.name, source.count(table)) for table in source.inspect().tables] == [("t", 2)]
        facts = take_snapshot(source, work, SourceSettings())
    assert {(one.name, one.reason) for one in facts.left_out} == {
        ("libsql_vector_meta_shadow", "internal to SQLite"),
        ("t_idx_shadow", "part of a vector index"),
    }  # fmt: skip


def test_a_file_whose_index_of_vectors_is_empty_is_read(tmp_path: Path, work: Path) -> None:
    path = tmp_path / "vectors.db"
    ddl = "CREATE INDEX t_idx ON t (libsql_vector_idx(v))"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v F32_BLOB(1), w TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, x'00', 'x')", [(n,) for n in range(50)])
        connection.execute("CREATE INDEX t_idx ON t (w) WHERE 0")  # as empty as libSQL's
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 't_idx'", (ddl,))
    with closing(open_source(str(path))) as source:
        assert source.count(source.inspect().table("t")) == 50
        facts = take_snapshot(source, work, SourceSettings())
    assert [(table.name, table.rows) for table in facts.tables] == [("t", 50)]


QUOTED = [
    ("fts5vocab(nt, 'row')", "fts5vocab(nt, 'row')"),
    ("fts5vocab(nt, ''row'')", "fts5vocab(nt, 'row')"),
    ("fts5(a, content='', tokenize='porter')", "fts5(a, content='', tokenize='porter')"),
    ("fts5(a, content='')", "fts5(a, content='')"),
    ("fts5(a, content='''')", "fts5(a, content='')"),
    ("fts5(a, tokenize=\"unicode61 tokenchars '_'\")", "fts5(a, tokenize=\"unicode61 tokenchars '_'\")"),
    ("fts5(a, tokenize=''porter'', content='''')", "fts5(a, tokenize='porter', content='')"),
]


@pytest.mark.parametrize(("written", "ddl"), QUOTED)
def test_quotes_in_the_ddl_of_a_virtual_table_may_be_doubled_or_not(
    tmp_path: Path, written: str, ddl: str
) -> None:
    body = (
        "PRAGMA writable_schema=ON;\nINSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)"
        f" VALUES('table','nv','nv',0,'CREATE VIRTUAL TABLE nv USING {written}');\n"
        "PRAGMA writable_schema=OFF;\nINSERT INTO t VALUES (1, 2);\n"
    )
    url = _write(tmp_path / "vocab.sql", body)
    with closing(open_source(url)) as source:
        assert source.inspect().virtual == (("nv", f"CREATE VIRTUAL TABLE nv USING {ddl}"),)
    assert _rows(url) == [(1, 2)]


@pytest.mark.parametrize("name", ["f", '"f"', "[f]", "`f`", "IF NOT EXISTS f"])
def test_a_virtual_table_made_by_its_own_statement_is_left_out(tmp_path: Path, name: str) -> None:
    body = (
        f"CREATE VIRTUAL TABLE {name} USING fts5(x, content=\"t\", tokenize='porter');\n"
        "INSERT INTO t VALUES (1, 2);\n"
    )
    url = _write(tmp_path / "own.sql", body)
    with closing(open_source(url)) as source:
        assert [(one.name, one.reason) for one in source.inspect().left_out] == [
            ("f", "virtual table: a full-text index")
        ]
    assert _rows(url) == [(1, 2)]


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
            ("it's", "virtual")
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "-- MySQL dump 10.13\nCREATE TABLE `a` (`id` int) ENGINE=InnoDB;\n",
            "is one of MySQL",
        ),
        ("-- phpMyAdmin SQL Dump\n-- version 5\nCREATE TABLE a (id int);\n", "is one of MySQL or MariaDB"),
        ("--\n-- PostgreSQL database dump\n--\nSET statement_timeout = 0;\n", "is one of PostgreSQL"),
        ("", "is empty"),
        ("\n  \n", "is empty"),
    ],
)
def test_what_is_no_dump_of_sqlite_is_refused_as_what_it_is(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "legacy.sql"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        open_source(str(path))
