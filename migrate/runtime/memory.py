"""How much memory the process takes, and what keeps it from taking more."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
#: Read when a library is loaded; what the operator has set is left alone.
_SETTINGS: Final = {
    # Frames are small, and COPY needs a core too. Each thread keeps freed memory of its own.
    "POLARS_MAX_THREADS": "2",
    # Of Polars' allocator: what is as large as this goes back to the system at once, not after a while.
    "_RJEM_MALLOC_CONF": "narenas:1,oversize_threshold:2097152",
    # Arrow's own allocator would keep what it frees beside the system's.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
#: glibc's mallopt: parameter and value, and the variable by which an operator sets it.
_GLIBC: Final = (
    (-8, 1, "MALLOC_ARENA_MAX"),
    (-1, 1 << 20, "MALLOC_TRIM_THRESHOLD_"),
)


def economise() -> None:
    """Set the allocators to give memory back; to be called before the libraries are loaded.

    Mapping a million messages took 367 MB at most without, 264 with it, in the same time.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        for parameter, number, name in _GLIBC:
            if name not in os.environ:
                ctypes.CDLL(None).mallopt(parameter, number)


def give_back() -> None:
    """Return to the system what glibc keeps of freed memory: up to 50 MB between two stages."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> None:
    """Let `peak_megabytes` count from now on, where the system can do that."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_megabytes() -> int:
    """Return the largest resident memory of this process since `forget_peak`, or else so far, in MB."""
    with suppress(OSError):
        if found := re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE):
            return int(found[1]) >> 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cycle collector from walking a page's cells again and again: it doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
