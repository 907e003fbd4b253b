"""CPU seconds and resident memory of processes, read from Linux's /proc."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_BETWEEN: Final = 0.02
_BECOME_SUBREAPER: Final = 36  # prctl: a server that a measured program starts becomes our child, not init's


@dataclass(frozen=True)
class Sample:
    """CPU seconds so far: of the measured program with all its child processes, and of the server."""

    at: float
    ours: float
    server: float


@dataclass
class Measured:
    """A program that ran to its end.

    `seconds` of wall time; `cpu` of it and of all processes that it started, servers too; `server_cpu` of the
    PostgreSQL it wrote to; `peak_mb`: the largest resident set of any one of its processes.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    server_cpu: float = 0.0
    peak_mb: int = 0
    samples: list[Sample] = field(default_factory=list, repr=False)

    def between(self, start: float, end: float) -> tuple[float, float]:
        """Return the CPU seconds (ours, the server's) between two times (time.monotonic)."""
        first, last = self._at(start), self._at(end)
        return last.ours - first.ours, last.server - first.server

    def _at(self, moment: float) -> Sample:
        return min(self.samples, key=lambda sample: abs(sample.at - moment))


class Failed(Exception):
    """A measured program ended with an exit code other than 0."""


def adopt_orphans() -> None:
    """Make the servers that measured programs start and leave running our children."""
    ctypes.CDLL(None).prctl(_BECOME_SUBREAPER, 1, 0, 0, 0)


def measure(
    command: Sequence[str],
    server: int,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
) -> Measured:
    """Run a program and return what it took; `server` is the process id of PostgreSQL's first process.

    Its output is appended to `log`. Raises Failed with the last lines of it.
    """
    ours_before, server_before = _cpu_of_children(server), cpu_of(server)
    output = log.open("ab") if log else subprocess.DEVNULL
    began = time.monotonic()
    process = subprocess.Popen(
        command, env=dict(env or os.environ), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )
    watch = _Watch(process.pid, server, ours_before, server_before)
    watch.start()
    code = process.wait()
    seconds = time.monotonic() - began
    watch.finish()
    if log is not None and not isinstance(output, int):
        output.close()
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log else ""
        raise Failed(
            f"{Path(command[0]).name} {command[1] if len(command) > 1 else ''}: exit code {code}\n{tail}"
        )
    _reap(server)
    usage = watch.last
    return Measured(seconds, usage.ours, usage.server, watch.peak_kb >> 10, watch.samples)


class _Watch(threading.Thread):
    """Samples a process and the server while the process lives."""

    def __init__(self, pid: int, server: int, ours_before: float, server_before: float) -> None:
        super().__init__(daemon=True)
        self._pid, self._server = pid, server
        self._before = ours_before, server_before
        self._done = threading.Event()
        self.samples: list[Sample] = []
        self.peak_kb = 0

    @property
    def last(self) -> Sample:
        return self.samples[-1]

    def run(self) -> None:
        while not self._done.wait(_BETWEEN):
            self._look()

    def finish(self) -> None:
        self._done.set()
        self.join()
        self._look()

    def _look(self) -> None:
        ours = _cpu_of_children(self._server) - self._before[0]
        self.samples.append(Sample(time.monotonic(), ours, cpu_of(self._server) - self._before[1]))
        self.peak_kb = max(self.peak_kb, *(_peak_kb(pid) for pid in (self._pid, *_below(self._pid))))


def _cpu_of_children(but: int) -> float:
    """Return the CPU seconds of everything we ever started, except one process and its children."""
    waited = os.times()
    alive = sum(cpu_of(pid) for pid in _children(os.getpid()) if pid != but)
    return waited.children_user + waited.children_system + alive


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, of all its children, and of those it has waited for."""
    with suppress(OSError, IndexError):
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = sum(map(int, parts[11:15])) / _TICKS
        return own + sum(cpu_of(child) for child in _children(pid))
    return 0.0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _below(pid: int) -> list[int]:
    return [one for child in _children(pid) for one in (child, *_below(child))]


def _peak_kb(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def _reap(but: int) -> None:
    """Wait for the servers that became our children and have ended."""
    for pid in _children(os.getpid()):
        if pid != but:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
