"""Builds indexes and foreign keys of the staged tables before publish, while other stages work.

A table gets what takes the server long as soon as all its rows are staged: while the mappers fill other
tables, and while the checks read. Everything uses its own session, never the run's. Publish builds what is
not built here; this is everything if the server has no second session to give.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Final

import psycopg

from migrate.postgres.connection import Address, Connection, connect
from migrate.publish.build_objects import OnProven
from migrate.publish.missing_objects import ProvenKey
from migrate.publish.swap import NOTHING_BUILT, BuiltAhead, build_concurrently
from migrate.runtime.background import Cancellation, Work
from migrate.runtime.failpoints import hit
from migrate.staging.ledger import Ledger

#: Seconds to wait for the server to notice that a statement was cancelled.
_CANCEL_S: Final = 5.0
#: Seconds between two checks whether the run must stop.
_ASKED_AGAIN_S: Final = 0.2
#: The run's lock belongs to another session: if our process dies or is stopped, the server ends this session
#: soon, so that it keeps no lock from the run that resumes.
_SESSION: Final = {"idle_in_transaction_session_timeout": "60s", "client_connection_check_interval": "5s"}


class EarlyBuild:
    """The part of a run's publish that is built early; `made` is what is built by now.

    `ledger` is that of the run; every commit checks its epoch.
    """

    def __init__(self, address: Address, ledger: Ledger, staging: str) -> None:
        self._address, self._ledger, self._staging = address, ledger, staging
        self.made = NOTHING_BUILT
        self._planned: frozenset[str] = frozenset()
        self._proven: Future[frozenset[ProvenKey]] | None = None

    def plan(
        self, complete: Sequence[str], filled: Sequence[str], emptied: Sequence[str]
    ) -> Work[BuiltAhead] | None:
        """Return the work that builds what the `complete` tables need, None if it is planned already.

        These are the tables that have all their rows. Once they are all of the
        `filled` ones, the work builds for all that publish replaces: them, the
        `emptied` tables and the id map.
        """
        if self._proven is not None or not self._planned.symmetric_difference(complete):
            return None
        self._planned = frozenset(complete)
        if self._planned < set(filled):
            return lambda cancellation: self._build(cancellation, filled, emptied, complete)
        proven: Future[frozenset[ProvenKey]] = Future()
        self._proven = proven

        def build_all(cancellation: Cancellation) -> BuiltAhead:
            try:
                return self._build(cancellation, filled, emptied, None, proven.set_result)
            finally:
                if not proven.done():
                    proven.set_result(frozenset())

        return build_all

    def proven(self, should_stop: Callable[[], bool]) -> frozenset[ProvenKey]:
        """Return the keys that the server has proven, once all are built; none if the run stops.

        Each was checked against all rows, after the last of them was written.
        """
        if self._proven is None:
            return frozenset()
        while not should_stop():
            with contextlib.suppress(TimeoutError):
                return self._proven.result(_ASKED_AGAIN_S)
        return frozenset()

    def _build(
        self,
        cancellation: Cancellation,
        filled: Sequence[str],
        emptied: Sequence[str],
        only: Sequence[str] | None,
        on_proven: OnProven = lambda _keys: None,
    ) -> BuiltAhead:
        with contextlib.closing(connect(self._address)) as session, _interruptible(session, cancellation):
            self.made = build_concurrently(
                session, self._ledger, self._address.schema, self._staging, filled, emptied,
                on_progress=lambda doing, _what: hit(f"ahead:{doing}"),
                should_stop=cancellation.requested, only=only, before=self.made, on_proven=on_proven,
            )  # fmt: skip
        return self.made


@contextlib.contextmanager
def _interruptible(session: Connection, cancellation: Cancellation) -> Iterator[None]:
    for name, value in _SESSION.items():
        with contextlib.suppress(psycopg.Error):  # older servers and some platforms do not know it
            session.execute("SELECT set_config(%s, %s, false)", (name, value))
    with cancellation.interrupting(lambda: session.cancel_safe(timeout=_CANCEL_S)):
        yield
