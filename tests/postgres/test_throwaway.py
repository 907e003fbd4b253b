"""A throwaway server is empty, answers, and is gone afterwards, also one that a killed process left."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.postgres import throwaway


def test_a_throwaway_server_is_gone_afterwards(tmp_path: Path) -> None:
    left = throwaway.start(tmp_path)  # as a process leaves it that is killed
    with psycopg.connect(left.url()) as connection:
        connection.execute("CREATE TABLE left_over (id int)")
    left.__exit__(None, None, None)
    assert left.exists
    with throwaway.running(tmp_path) as url, psycopg.connect(url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (0,)
    assert not left.exists
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_server_that_was_started_already_is_used_and_stopped(tmp_path: Path) -> None:
    started = throwaway.start(tmp_path)
    with throwaway.running(tmp_path, lambda: started) as url:
        assert url == started.url()
    assert not started.exists
