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
    hurry: Callable[[], None]
    spare: Callable[[Any], None]


class Beside:
    """The pieces of work that were begun, by name, until somebody takes what they gave.

    A piece leaves nothing that a process which is killed may not leave half done.
    """

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._pieces: dict[str, _Piece] = {}

    def begin(
        self,
        name: str,
        work: Callable[[], Result],
        *,
        hurry: Callable[[], None] = lambda: None,
        spare: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        """Begin `work`, once. Where nobody takes it, `hurry` ends it early and `spare` gets its result."""
        if name not in self._begun:
            self._begun.add(name)
            pool = ThreadPoolExecutor(1, thread_name_prefix=name)
            self._pieces[name] = _Piece(pool.submit(work), pool, hurry, spare)

    def take(self, name: str, work: Callable[[], Result]) -> Result:
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
                piece.hurry()
                while wait([piece.future], _AGAIN_S).not_done:  # between two statements nothing is cancelled
                    piece.hurry()
                piece.spare(piece.future.result())
