"""An Arrow stream is read chunk by chunk, and keeps no other thread from working."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from adbc_driver_sqlite import dbapi

from migrate.snapshot.arrow_stream import StreamError, chunks

#: Two chunks of a row each; the driver works for a while before it gives the second.
SLOW = """
SELECT 0 AS n UNION ALL SELECT count(*) FROM (
    WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 1000000) SELECT i FROM x)
"""
#: The sixth row overflows.
BROKEN = """
WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 9)
SELECT CASE WHEN i > 5 THEN abs(-9223372036854775807 - 1) ELSE i END AS n FROM x
"""


@contextmanager
def read(sql: str, rows: int) -> Iterator[Iterator[list[int]]]:
    """Yield the values of the column n, a list for each chunk of `rows` rows."""
    with dbapi.connect(autocommit=True) as connection, closing(connection.cursor()) as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        cursor.execute(sql)
        handle = cursor.fetch_arrow()
        try:
            yield (frame["n"].to_list() for frame in chunks(handle))
        finally:
            handle.release()


def test_other_threads_work_while_the_driver_does() -> None:
    turns, done = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            time.sleep(0.001)

    with read(SLOW, 1) as values:
        assert next(values) == [0]
        other = threading.Thread(target=count)
        other.start()
        assert next(values) == [1_000_000]
        done.set()
        other.join()
    assert turns > 20


def test_a_stream_that_breaks_off_gives_its_chunks_and_the_drivers_words() -> None:
    with read(BROKEN, 2) as values:
        assert [next(values), next(values)] == [[1, 2], [3, 4]]
        with pytest.raises(StreamError, match="integer overflow"):
            next(values)


def test_a_reader_may_stop_early() -> None:
    with read(SLOW, 1) as values:
        assert next(values) == [0]
