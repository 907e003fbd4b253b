"""What two numbers tell of a table: every cell that is another, of whatever type, and where it stands."""

from __future__ import annotations

import pytest

from migrate.postgres.connection import Connection
from migrate.postgres.table_checksum import Content, count_all, measure, measure_all
from migrate.runtime.errors import TargetError

#: a type of column, and values of it that are not the same
_VALUES = {
    "text": ["''", "'a'", "'A'", "'1'", "'ab'", "E'a\\n'"],
    "varchar(9)": ["''", "'a'", "' a'"],
    '"name%s"': ["'one'", "'two'"],
    "smallint": ["0", "-1", "1"],
    "integer": ["0", "1", "-1", "2147483647"],
    "bigint": ["0", "1", "9223372036854775807", "-9223372036854775808"],
    "boolean": ["true", "false"],
    "timestamp(3)": ["'2024-01-01'", "'2024-01-01 00:00:00.001'", "'infinity'", "'-infinity'"],
    "timestamptz": ["'2024-01-01 00:00+00'", "'2024-01-01 00:00+01'", "'infinity'"],
    "date": ["'2024-01-01'", "'2024-01-02'", "'infinity'"],
    "interval": ["'1 day'", "'24 hours'"],
    "numeric": ["1", "1.0", "'NaN'"],
    "double precision": ["0.1", "0.10000000000000002", "'-0'", "0"],
    "bytea": ["''", r"'\x00'", r"'\x0000'"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'00000000-0000-0000-0000-000000000001'"],
    "json": ["'{}'", "'{ }'", "'null'"],
    "jsonb": ["'{}'", "'[1]'", "'[1.0]'", "'null'"],
    "text[]": ["'{}'", "'{NULL}'", "'{a,b}'", "'{\"a,b\"}'"],
    "point": ["'(0,0)'", "'(0,1)'"],
}


def _of(conn: Connection, definition: str, *rows: str) -> Content:
    conn.execute("DROP TABLE IF EXISTS public.held")
    conn.execute(f"CREATE TABLE public.held ({definition})".encode())
    for row in rows:
        conn.execute(f"INSERT INTO public.held VALUES ({row})".encode())
    return measure(conn, "public", "held")


@pytest.mark.parametrize("kind", _VALUES)
def test_each_value_of_a_type_and_null_are_distinguished(conn: Connection, kind: str) -> None:
    conn.execute("""CREATE TYPE "name%s" AS ENUM ('one', 'two')""")
    contents = [_of(conn, f"v {kind}", value) for value in ["NULL", *_VALUES[kind]]]
    assert len({content.checksum for content in contents}) == len(_VALUES[kind]) + 1
    assert {content.rows for content in contents} == {1}


@pytest.mark.parametrize("kind", _VALUES)
def test_a_cell_counts_where_it_stands(conn: Connection, kind: str) -> None:
    conn.execute("""CREATE TYPE "name%s" AS ENUM ('one', 'two')""")
    one, other = _VALUES[kind][:2]
    columns = f"a {kind}, b {kind}"
    of_rows = _of(conn, columns, f"{one}, {one}", f"{other}, {other}")
    assert _of(conn, columns, f"{one}, {other}", f"{other}, {one}") != of_rows
    assert _of(conn, columns, f"{other}, {other}", f"{one}, {one}") == of_rows
    assert _of(conn, columns, f"NULL, {one}") != _of(conn, columns, f"{one}, NULL")


def test_rows_that_are_alike_are_counted_each(conn: Connection) -> None:
    once, thrice = _of(conn, "v text", "'a'"), _of(conn, "v text", "'a'", "'a'", "'a'")
    assert (once.rows, thrice.rows) == (1, 3)
    assert int(thrice.checksum) == 3 * int(once.checksum) != 0


def test_a_dropped_column_and_the_name_of_one_make_no_difference(conn: Connection) -> None:
    plain = _of(conn, "a text, b integer", "'x', 1")
    assert _of(conn, '"odd ""%s" text, "B" integer', "'x', 1") == plain
    _of(conn, "a text, gone text, b integer", "'x', 'y', 1")
    conn.execute("ALTER TABLE public.held DROP COLUMN gone")
    assert measure(conn, "public", "held") == plain


def test_the_collation_of_a_column_makes_no_difference(conn: Connection) -> None:
    assert _of(conn, 'v text COLLATE "C"', "'a'") == _of(conn, "v text", "'a'")


def test_tables_of_no_rows_no_columns_and_as_many_as_there_can_be(conn: Connection) -> None:
    assert _of(conn, "v text") == Content(0, "0")
    assert _of(conn, "").rows == 0
    conn.execute("INSERT INTO public.held DEFAULT VALUES")
    assert measure(conn, "public", "held").rows == 1
    many = ", ".join(f"c{place} text" for place in range(1600))
    assert _of(conn, many).rows == 0
    conn.execute("INSERT INTO public.held (c1599) VALUES ('x')")
    first = measure(conn, "public", "held")
    conn.execute("UPDATE public.held SET c1599 = NULL, c1598 = 'x'")
    assert measure_all(conn, "public", ["held"]) != {"held": first}


def test_a_table_that_is_not_there_is_named(conn: Connection) -> None:
    with pytest.raises(TargetError, match=r"measuring the content of public\.gone"):
        measure(conn, "public", "gone")


def test_the_rows_of_many_tables_are_counted_in_one_query(conn: Connection) -> None:
    conn.execute(
        'CREATE TABLE "odd%s" AS SELECT 1; CREATE TABLE base AS SELECT n FROM generate_series(1, 3) n'
    )
    conn.execute("CREATE TABLE heir () INHERITS (base); INSERT INTO heir VALUES (4)")
    assert count_all(conn, "public", ["base", "odd%s", "heir"]) == {"base": 3, "odd%s": 1, "heir": 1}
    assert count_all(conn, "public", []) == {}
    with pytest.raises(TargetError, match=r"counting the rows of the tables in public.*gone"):
        count_all(conn, "public", ["base", "gone"])
