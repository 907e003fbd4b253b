"""Furnishing begun before publish: what takes the server long is made while others do not need it.

Beside the mappers the tables get their indexes that no later mapper writes to, over a session of
their own; beside the checks all the others get theirs, over the run's own session.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final

import psycopg

from migrate.postgres.connection import Address, Connection, connect
from migrate.publish.build_objects import OnProven
from migrate.publish.missing_objects import ProvenKey
from migrate.publish.swap import NOTHING_BUILT, BuiltAhead, build_concurrently
from migrate.runtime.background import BackgroundTasks
from migrate.runtime.failpoints import hit
from migrate.staging.ledger import Ledger

_LAST: Final = "furnishing"
#: Seconds to wait for the server to take note that a statement is given up.
_CANCEL_S: Final = 5.0
#: Seconds between two looks at whether the run is to stop.
_ASKED_AGAIN_S: Final = 0.2


class EarlyBuild:
    """The pieces of a run's furnishing, each after the one before it.

    `ledger` is that of the run, on the run's own session.
    """

    def __init__(
        self, background: BackgroundTasks, address: Address, ledger: Ledger, staging: str,
        filled: Sequence[str], emptied: Sequence[str],
    ) -> None:  # fmt: skip
        self._background, self._address, self._ledger, self._staging = background, address, ledger, staging
        self._filled, self._emptied = filled, emptied
        self._turn = threading.Lock()
        self._given_up = threading.Event()
        self._session: Connection | None = None
        self._made = NOTHING_BUILT
        self._pieces: list[str] = []
        self._newest = ""
        self._proven: Future[frozenset[ProvenKey]] | None = None

    def begin(self, tables: Sequence[str]) -> None:
        """Begin to furnish these tables, which are whole, beside the mappers of the others."""
        piece = f"{_LAST} of {len(tables)} tables"
        if piece not in self._pieces:
            self._pieces.append(piece)
            self._newest = piece
            self._background.start(
                piece, partial(self._over_another_session, piece, tables), cancel=self._hurry
            )

    def begin_all(self) -> None:
        """Begin to furnish every table; until `settle` nobody else may use the run's session."""
        self._pieces.append(_LAST)
        self._newest = _LAST
        proven: Future[frozenset[ProvenKey]] = Future()
        self._proven = proven
        self._background.start(_LAST, partial(self._over_own_session, proven), cancel=self._hurry)

    def proven(self, should_stop: Callable[[], bool]) -> frozenset[ProvenKey]:
        """Return the keys that the server has proven, once all are made; none where the run stops.

        Each was held against all the rows there are, after the last of them was written.
        """
        if self._proven is None:
            return frozenset()
        while not should_stop():
            with contextlib.suppress(TimeoutError):
                return self._proven.result(_ASKED_AGAIN_S)
        return frozenset()

    def settle(self) -> BuiltAhead:
        """Wait until nobody furnishes, so that the run's session is free; return what is made."""
        while self._pieces:
            self._background.result(self._pieces.pop(0), lambda: None)  # what failed is met again in publish
        return self._made

    def _over_another_session(self, piece: str, tables: Sequence[str]) -> None:
        with self._turn:
            # What is begun later furnishes these tables, too.
            if self._given_up.is_set() or piece != self._newest:
                return
            with contextlib.closing(connect(self._address)) as session:
                self._furnish(session, tables)

    def _over_own_session(self, proven: Future[frozenset[ProvenKey]]) -> None:
        try:
            with self._turn:
                self._furnish(self._ledger.conn, None, proven.set_result)
        finally:
            if not proven.done():
                proven.set_result(frozenset())

    def _furnish(
        self, session: Connection, only: Sequence[str] | None, on_proven: OnProven = lambda _keys: None
    ) -> None:
        self._session = session
        self._made = build_concurrently(
            session, self._ledger, self._address.schema, self._staging, self._filled, self._emptied,
            on_progress=lambda doing, _what: hit(f"ahead:{doing}"),
            should_stop=self._given_up.is_set, only=only, before=self._made, on_proven=on_proven,
        )  # fmt: skip

    def _hurry(self) -> None:
        self._given_up.set()
        if self._session is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                self._session.cancel_safe(timeout=_CANCEL_S)
