"""The sums of the batches: what differs is found, and named down to the row."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import psycopg
import pytest

from migrate.pipeline.ids import Ids
from migrate.postgres.catalog import Column
from tests.verification.mapped_rows import frame_of, keep_sums
from tests.verification.planted import MESSAGE
from tests.verification.world import ANA, BOSS, GUS, World, new
from verification import run_checks
from verification.sums.cell_sums import CellSum, sum_frame, sum_query, summable

SECOND = new("messages", 2)

#: a statement that changes the target, and the finding that names it: table, key, column
FAULTS = {
    "a changed character": (
        f"UPDATE staging.messages SET content = overlay(content placing 'q' from 1) WHERE id = '{MESSAGE}'",
        ("messages", MESSAGE, "content"),
    ),
    "swapped sender and receiver": (
        "UPDATE staging.messages SET sender_id = receiver_id, receiver_id = sender_id"
        f" WHERE id = '{MESSAGE}'",
        ("messages", MESSAGE, "sender_id, receiver_id"),
    ),
    "another time": (
        "UPDATE staging.messages SET created_at = created_at - interval '1 millisecond'"
        f" WHERE id = '{MESSAGE}'",
        ("messages", MESSAGE, "created_at"),
    ),
    "a lost message": (f"DELETE FROM staging.messages WHERE id = '{MESSAGE}'", ("messages", MESSAGE, None)),
    "a message twice": (
        f"INSERT INTO staging.messages SELECT * FROM staging.messages WHERE id = '{MESSAGE}'",
        ("messages", MESSAGE, None),
    ),
    "another person": (
        f"UPDATE staging.user_connections SET user_id = '{GUS}' WHERE id = '{new('shows_contacts', 1)}'",
        ("user_connections", new("shows_contacts", 1), "user_id"),
    ),
    "empty instead of nothing": (
        f"UPDATE staging.users SET nickname = '' WHERE id = '{ANA}'", ("users", ANA, "nickname"),
    ),
    "an outcome without its row": (
        "INSERT INTO ledger.fate VALUES ('run1', 'shows_users', '99', 'rejected', 'x', NULL)",
        ("shows_users", "99", None),
    ),
    "a lost outcome": ("DELETE FROM ledger.fate WHERE source_id = '15'", ("shows_users", "15", None)),
    "another reason": (
        "UPDATE ledger.fate SET reason = 'x' WHERE source_id = '15'", ("shows_users", "15", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_its_row(world: World, name: str) -> None:
    statement, wanted = FAULTS[name]
    assert world.check("staged_rows").passed
    world.plant(statement)
    found = {(finding.table, finding.key, finding.column) for finding in world.check("staged_rows").findings}
    assert wanted in found


def test_values_that_changed_places_are_named(world: World) -> None:
    swapped = (
        "UPDATE staging.messages AS a SET content = b.content FROM (SELECT * FROM staging.messages) AS b"
        " WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))"
    )
    world.target.execute("UPDATE staging.messages SET content = 'other' WHERE id = %s", (SECOND,))
    frame = frame_of("messages")
    other = pl.when(pl.col("id") == SECOND).then(pl.lit("other")).otherwise("content").alias("content")
    keep_sums(world, {"messages": frame.with_columns(other)})
    assert world.check("staged_rows").passed
    assert world.target.execute(swapped, (MESSAGE, SECOND, SECOND, MESSAGE)).rowcount == 2
    assert MESSAGE in {finding.key for finding in world.check("staged_rows").findings}


def test_sums_and_counts_prove_rows_without_deriving_an_id(world: World) -> None:
    class NoIds(Ids):
        def expr(self, entity: str, *_keys: pl.Expr) -> pl.Expr:
            assert entity not in ("messages", "community_messages"), "an id was derived again"
            return super().expr(entity, *_keys)

    world.changes["ids"] = NoIds("a secret of the tests")
    result = world.check("reconciliation")
    assert result.passed
    assert result.numbers["shows_messages"] == {
        "rows": 5, "migrated": 3, "merged": 0, "rejected": 1, "excluded": 1,
    }  # fmt: skip
    with pytest.raises(AssertionError, match="derived again"):
        run_checks(world.context, ["reconciliation"], deep=True)


def test_a_mapper_that_loses_a_row_is_noticed_although_the_sums_agree(world: World) -> None:
    keep_sums(world, {"messages": frame_of("messages").filter(pl.col("id") != MESSAGE)})
    world.plant("DELETE FROM staging.messages WHERE id = %s", MESSAGE)
    assert world.check("staged_rows").passed
    (finding,) = world.check("reconciliation").findings
    assert (finding.table, finding.key) == ("shows_messages", "1")


def test_a_mapper_that_derives_a_wrong_id_is_noticed_although_the_sums_agree(world: World) -> None:
    wrong = new("messages", "1 ")
    renamed = pl.when(pl.col("id") == MESSAGE).then(pl.lit(wrong)).otherwise("id").alias("id")
    keep_sums(world, {"messages": frame_of("messages").with_columns(renamed)})
    world.plant("UPDATE staging.messages SET id = %s WHERE id = %s", wrong, MESSAGE)
    assert world.check("staged_rows").passed
    assert world.check("reconciliation").passed
    (finding,) = world.check("ids_derived").findings
    assert (finding.table, finding.key, finding.column) == ("shows_messages", "1", "id")
    # The second derivation of all ids finds it, too.
    deep = run_checks(world.context, ["reconciliation"], deep=True).results[0]
    assert ("shows_messages", "1") in {(finding.table, finding.key) for finding in deep.findings}


def test_rows_without_sums_are_derived_and_compared(world: World) -> None:
    world.target.execute("UPDATE ledger.batch SET sums = NULL WHERE ctid = '(0,1)'")
    assert not world.check("staged_rows").applies
    world.plant("UPDATE staging.messages SET id = %s WHERE id = %s", BOSS, MESSAGE)
    assert not world.check("reconciliation").passed


TYPES = {
    "t": "text", "v": "character varying(9)", "b": "boolean", "s": "smallint", "i": "bigint",
    "m": "timestamp(3) without time zone", "u": "timestamp with time zone",
}  # fmt: skip


@pytest.mark.parametrize("hash_", ["crc32c", "md5"])
def test_server_and_frame_have_the_same_sum(database: str, hash_: str) -> None:
    at = dt.datetime
    rows = [
        ("ä ✓", "", True, -3, 2**62, at(2020, 1, 1, 1, 1, 1, 1000), at(1950, 1, 1, 0, 0, 0, 1)),
        ("", "x", False, 7, -(2**62), at(1900, 1, 1), at(9999, 12, 31, 23, 59, 59, 999999)),
        (None, None, None, None, None, None, None),
    ]
    columns = [Column(name, type_) for name, type_ in TYPES.items()]
    kinds = [pl.String(), pl.String(), pl.Boolean(), pl.Int64(), pl.Int64(),
             pl.Datetime("ms"), pl.Datetime("us")]  # fmt: skip
    frame = pl.DataFrame(rows, schema=dict(zip(TYPES, kinds, strict=True)), orient="row")
    assert all(summable(column, kind) for column, kind in zip(columns, kinds, strict=True))
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        if hash_ == "crc32c" and connection.info.server_version < 180_000:
            pytest.skip("this server has no crc32c()")
        made = ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
        connection.execute(f"CREATE TEMP TABLE made ({made})".encode())
        connection.cursor().executemany("INSERT INTO made VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
        row = connection.execute(sum_query(psycopg.sql.Identifier("made"), columns, hash_)).fetchone()
    assert row is not None
    assert CellSum(*map(int, row)) == sum_frame(frame, columns, hash_)


def test_what_postgresql_may_print_in_another_form_is_not_summed() -> None:
    text = Column("c", "text")
    for type_ in ("jsonb", "numeric(9,2)", "double precision", "numeric[]", "date", "uuid", "character(3)"):
        assert not summable(replace(text, type=type_), pl.String())
    assert not summable(Column("c", "timestamp(3) without time zone"), pl.Datetime("us"))
    assert not summable(Column("c", "timestamp(0) without time zone"), pl.Datetime("ms"))
    assert summable(Column("c", "mood", enum=("a",)), pl.String())
