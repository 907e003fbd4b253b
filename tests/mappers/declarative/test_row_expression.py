"""One SQLite expression over a row: what it may be, what it reads, and what is said of any other."""

from __future__ import annotations

import sqlite3

import pytest

from mappers.declarative.row_expression import ExpressionError, read_expression

COLUMNS = ("id", "first", "last", "meta", "then", "text", "Über")


@pytest.mark.parametrize(
    ("text", "reads", "may_fail"),
    [
        ("id / 100.0", ("id",), False),
        ("first || ' ' || LAST", ("first", "last"), False),
        ("json_extract(meta, '$.plan')", ("meta",), True),
        ("meta ->> '$.first'", ("meta",), True),
        ('"then" + [id] -- the rest', ("id", "then"), False),
        ("cast(text AS text) COLLATE nocase", ("text",), False),
        ("CASE id WHEN 1 THEN 'last' ELSE \"first\" END", ("id", "first"), False),
        ("'it''s' || Über", ("Über",), False),
        ("42", (), False),
    ],
)
def test_an_expression_reads_the_columns_that_it_names(
    text: str, reads: tuple[str, ...], may_fail: bool
) -> None:
    found = read_expression(text, "people", COLUMNS)
    assert (found.reads, found.may_fail) == (reads, may_fail)


def test_a_column_is_that_of_the_row_where_other_tables_have_the_same_name() -> None:
    found = read_expression("first || '.first'", "people", COLUMNS)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE people (first)")
        connection.execute("INSERT INTO people VALUES ('Ann')")
        query = f"SELECT {found.over('c')} FROM (SELECT 'no' AS first) AS other CROSS JOIN people AS c"
        assert connection.execute(query).fetchall() == [("Ann.first",)]
    connection.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frist", "there is no column frist; did you mean first?"),
        ('"frist"', "there is no column \"frist\"; did you mean first?; text is in '…'"),
        ("lenght(first)", "SQLite has no function lenght(); did you mean length?"),
        ("random()", "random() is not allowed, since its value may be another one each time or elsewhere"),
        ("CURRENT_TIMESTAMP", "current_timestamp() is not allowed"),
        ("changes()", "changes() is not allowed"),
        ("date('now')", "it depends on the time of the run; only what depends on the row is possible"),
        ("datetime()", "it depends on the time of the run"),
        ("datetime(first, 'localtime')", "the zone of the machine is none of the source's"),
        ("count(*)", "an expression sees one row; this one asks for many"),
        ("max(id)", "an expression sees one row; this one asks for many"),
        ("row_number() OVER ()", "an expression sees one row; this one asks for many"),
        ("(SELECT max(id) FROM people)", "an expression sees one row; a query inside it is not possible"),
        ("id = ?1", "a ? or a :name stands for nothing here"),
        ("people.first", "there is no column people.first"),
        ("first, last", "it is not one expression"),
        ("first; DROP TABLE people", 'it is not one SQLite expression: near ";": syntax error'),
        ("first)", 'it is not one SQLite expression: near ")": syntax error'),
        ("then + 1", 'it is not one SQLite expression: near "then": syntax error'),
        ("json('no')", "it fails on every row: malformed JSON"),
    ],
)
def test_what_is_no_expression_over_the_row_is_named(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as error:
        read_expression(text, "people", COLUMNS)
    assert str(error.value).startswith(said)
