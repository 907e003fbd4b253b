"""Work that is begun before its turn, beside what goes on meanwhile: each piece in a thread of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
#: Seconds between two calls of what hurries a piece.
_AGAIN_S: Final = 0.5


@dataclass(frozen=True)
class _Piece:
    future: Future[Any]
    pool: ThreadPoolExecutor
    cancel: Callable[[], None]
    dispose: Callable[[Any], None]


class BackgroundTasks:
    """The pieces of work that were begun, by name, until somebody takes what they gave.

    A piece leaves nothing that a process which is killed may not leave half done.
    """

    def __init__(self) -> None:
        self._started: set[str] = set()
        self._pieces: dict[str, _Piece] = {}

    def start(
        self,
        name: str,
        work: Callable[[], Result],
        *,
        cancel: Callable[[], None] = lambda: None,
        dispose: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        """Begin `work`, once. Where nobody takes it, `cancel` ends it early and `dispose` gets its result."""
        if name not in self._started:
            self._started.add(name)
            pool = ThreadPoolExecutor(1, thread_name_prefix=name)
            self._pieces[name] = _Piece(pool.submit(work), pool, cancel, dispose)

    def result(self, name: str, work: Callable[[], Result]) -> Result:
        """Return what the piece of that name gave; not begun, or failed, it is done here and now."""
        piece = self._pieces.get(name)
        if piece is None:
            return work()
        failed = piece.future.exception() is not None  # interrupted here, it is left to `close`
        del self._pieces[name]
        piece.pool.shutdown()
        if failed:
            return work()
        result: Result = piece.future.result()
        return result

    def close(self) -> None:
        """Wait for what nobody has taken; its errors are nobody's any more."""
        while self._pieces:
            _, piece = self._pieces.popitem()
            with piece.pool, contextlib.suppress(Exception):
                piece.cancel()
                while wait([piece.future], _AGAIN_S).not_done:  # between two statements nothing is cancelled
                    piece.cancel()
                piece.dispose(piece.future.result())
