"""Some checks run parallel to the others, in their own thread, and see the same rows as they do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import psycopg
import pytest

from tests.verification.planted import MESSAGE
from tests.verification.world import World
from verification import Check, run_checks
from verification.context import Read


def test_both_connections_see_the_rows_as_they_were_when_the_checks_began(world: World) -> None:
    def lose_a_message(_check: Check) -> None:
        with psycopg.connect(world.url) as application:
            application.execute("DELETE FROM staging.messages WHERE id = %s", [MESSAGE])
            application.execute("DELETE FROM staging.users")

    assert run_checks(world.context, on_check=lose_a_message).passed
    failed = {result.name for result in run_checks(world.context).failed}
    assert {"reconciliation", "message_counts", "dangling_keys", "live_ends"} <= failed


def test_checks_run_in_two_threads_the_long_ones_of_both_sides_apart_from_each_other(world: World) -> None:
    threads: dict[str, int] = {}

    def note(check: Check) -> None:
        threads[check.name] = threading.get_ident()

    run_checks(world.context, on_check=note)
    assert threads["reconciliation"] == threads["ids_mapped"] == threading.get_ident()
    other = threads["domains"]
    assert threads["dangling_keys"] == threads["message_counts"] == other != threading.get_ident()
    world.changes["again"] = None
    run_checks(world.context, on_check=note)
    assert threads["message_counts"] == threading.get_ident()
    assert threads["dangling_keys"] != threading.get_ident()


def test_each_thread_has_a_snapshot_of_its_own(world: World) -> None:
    used: dict[str, list[int]] = {"opened": [], "closed": []}

    @contextmanager
    def again() -> Iterator[tuple[sqlite3.Connection, Read]]:
        with world.again() as opened:
            used["opened"].append(threading.get_ident())
            yield opened
        used["closed"].append(threading.get_ident())

    world.changes["again"] = again
    assert run_checks(world.context, ["reconciliation", "domains"]).passed
    assert not used["opened"]
    assert run_checks(world.context, ["message_counts"]).passed
    assert used["opened"] == used["closed"] != [threading.get_ident()]


def test_one_connection_does_where_the_server_has_no_second_one(world: World) -> None:
    world.changes["second_connection"] = lambda: nullcontext(None)
    world.plant("UPDATE staging.messages SET sender_id = 'gone' WHERE id = %s", MESSAGE)
    alone = run_checks(world.context)
    del world.changes["second_connection"]
    together = run_checks(world.context)
    assert [(result.name, result.findings, result.looked_at) for result in alone.results] == [
        (result.name, result.findings, result.looked_at) for result in together.results
    ]
    assert not together.passed


@pytest.mark.parametrize("where", ["reconciliation", "domains"])
def test_a_run_that_is_stopped_stops_both(world: World, where: str) -> None:
    class Asked(Exception):
        pass

    heard: list[str] = []

    def stop(check: Check) -> None:
        heard.append(check.name)
        if check.name == where:
            raise Asked

    with pytest.raises(Asked):
        run_checks(world.context, on_check=stop)
    assert "connections" not in heard or "live_ends" not in heard
    assert run_checks(world.context, ["domains"]).passed


def test_a_second_connection_that_is_lost_is_an_error(world: World) -> None:
    def cut(check: Check) -> None:
        if check.name == "uniqueness":
            world.target.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(psycopg.OperationalError):
        run_checks(world.context, ["uniqueness", "dangling_keys"], on_check=cut)


def test_what_the_server_has_proven_is_not_asked_again_and_everything_else_is(world: World) -> None:
    world.plant("UPDATE staging.messages SET sender_id = 'gone', receiver_id = NULL WHERE id = %s", MESSAGE)
    checks = ["dangling_keys", "live_ends"]
    names = [key.name for key in world.context.foreign_keys if key.columns == ("sender_id",)]
    world.changes["proven"] = lambda: {("unique", "messages", name) for name in names}
    assert [result.total for result in run_checks(world.context, checks).results] == [1, 2]
    world.changes["proven"] = lambda: {("foreign", "messages", name) for name in names}
    dangling, ends = run_checks(world.context, checks).results
    assert dangling.passed
    assert [finding.column for finding in ends.findings] == ["receiver_id"]


def test_what_waits_for_proofs_comes_last(world: World) -> None:
    heard: list[str] = []
    checks = ["dangling_keys", "uniqueness", "live_ends", "domains"]
    run_checks(world.context, checks, on_check=lambda check: heard.append(check.name))
    assert heard == ["domains", "dangling_keys", "uniqueness", "live_ends"]
