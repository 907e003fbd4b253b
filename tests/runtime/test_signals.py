from __future__ import annotations

import os
import signal
import threading
from contextlib import closing

import pytest
from adbc_driver_sqlite import dbapi

from migrate.runtime.signals import stop_on_signals
from migrate.snapshot.arrow_stream import chunks

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread alone"
)
LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)"
    " SELECT count(*) AS n FROM n"
)


def test_the_first_signal_asks_and_the_second_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signals() as stopping:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(5)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_statement_of_the_driver_goes_on_to_its_end() -> None:
    with stop_on_signals() as stopping, dbapi.connect() as connection, closing(connection.cursor()) as cursor:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        cursor.execute(LONG)
        handle = cursor.fetch_arrow()
        try:
            assert [frame["n"].to_list() for frame in chunks(handle)] == [[3_000_000]]
        finally:
            handle.release()
        assert stopping.wait(5)
