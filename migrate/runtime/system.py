"""What Linux and macOS do each in their way, and Windows not at all; no other module asks the system for it.

A lock (`flock`) ends with the process that holds it and with the programs that inherited it. Windows has
nothing that does: there each command that needs a lock says what to do instead.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from migrate.runtime.errors import UsageError

try:
    import fcntl
    import pwd
    import resource
except ImportError:  # Windows
    fcntl = pwd = resource = None  # type: ignore[assignment]

#: Ends a process, or stops it, without asking it; None if the system has no such signal.
KILL: Final[Any] = getattr(signal, "SIGKILL", None)
FREEZE: Final[Any] = getattr(signal, "SIGSTOP", None)
#: What a terminal sends that is closed.
HANG_UP: Final[Any] = getattr(signal, "SIGHUP", None)
#: Linux alone has it.
PROCESSES: Final = Path("/proc")

# ---- locks ---------------------------------------------------------------------------


def lock(file: int | IO[Any], *, shared: bool = False, wait: bool = False) -> None:
    """Lock an open file or folder until it is closed; shared locks exclude an exclusive one only.

    Raises BlockingIOError if another process holds it, unless it is to `wait`; UsageError on Windows.
    """
    if fcntl is None:
        raise UsageError(
            "migrate runs on Linux and macOS: this system has no locks that end with their process",
            hint="on Windows use WSL (`wsl --install`, then install migrate there), or the container image",
        )
    fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))


# ---- users ---------------------------------------------------------------------------


def user_id() -> int:
    """Return the id of the user that this process runs as; 0 is root, -1 if the system has no such ids."""
    return os.geteuid() if hasattr(os, "geteuid") else -1


def account_of(name: str) -> tuple[int, int]:
    """Return the ids of a user and of its group. Raises KeyError if there is none."""
    if pwd is None:
        raise KeyError(name)
    account = pwd.getpwnam(name)
    return account.pw_uid, account.pw_gid


# ---- processes and memory ------------------------------------------------------------


def is_dead(process: int) -> bool:
    """Return whether a process has ended and only its exit status was not read; False if nothing is known."""
    try:
        state = (PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state == "Z"


def forget_peak() -> None:
    """Reset the peak that `peak_megabytes` returns, if the system can do that."""
    with suppress(OSError):
        (PROCESSES / "self" / "clear_refs").write_text("5")


def peak_megabytes() -> int:
    """Return the largest resident memory in MB since `forget_peak`, or since the start of the process.

    0 if the system does not say.
    """
    with suppress(OSError):
        status = (PROCESSES / "self" / "status").read_text()
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            return int(found[1]) >> 10
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)
