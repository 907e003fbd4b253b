"""Standard output and standard error of a command that goes on, or ends with a sentence, if one is lost.

A pipe is closed, a terminal is gone, a disk is full: no progress line may stop a migration for that, and a
result that could not be printed is an error of its own.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from migrate.runtime.errors import OutputLost


class _Progress(io.FileIO):
    """Standard error: what it does not take is gone, and the command goes on."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


class _Result(io.FileIO):
    """Standard output: the first write that fails raises OutputLost, later ones are discarded."""

    lost = False

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.lost or not size:  # click tries a stream with nothing, which a full device refuses too
            return size
        try:
            return super().write(data)
        except OSError as error:
            self.lost = True  # Python writes again at its end what is still in the buffer
            gone = isinstance(error, BrokenPipeError)
            raise OutputLost(error.strerror or str(error), reader_gone=gone) from error


def guard_streams() -> None:
    """Replace standard output and error of this process, unless something else has replaced them."""
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(sys.stdout, _Result)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(sys.stderr, _Progress)


def _guarded(stream: Any, kind: type[io.FileIO]) -> Any:
    """Return the same stream with another lowest layer; a console of Windows stays as it is."""
    below = getattr(stream, "buffer", None)
    unbuffered = isinstance(below, io.FileIO)  # PYTHONUNBUFFERED
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(getattr(below, "raw", below), io.FileIO):
        return stream
    raw = kind(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),  # as Python does
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


@contextmanager
def showing(what_is_done: str) -> Iterator[None]:
    """Let an OutputLost in the block say what the command has done, and where the operator sees it."""
    try:
        yield
    except OutputLost as error:
        error.hint = what_is_done
        raise
