"""A scene: a source, a target and a work folder, the command line on them, and what they hold afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from migrate.postgres.schema_fingerprint import fingerprint
from tests.tools.commands import Done, content, migrate, start

#: Small enough to be migrated in seconds; several pages a table, several batches a mapper.
SCALE = 0.05
SETTINGS = {
    "MIGRATE__IDS__SECRET": "an id secret of the fault tests",
    "MIGRATE__LOAD__BATCH_ROWS": "40",
    "MIGRATE__SOURCE__FIRST_PAGE_ROWS": "50",
}
#: Seconds that anything may take on a busy machine; nothing waits for the time itself.
PATIENCE = 270.0
Held = dict[str, Any]

_OF_THE_LEDGER = {
    "ids": "SELECT entity, legacy_id, new_id, via FROM migrate_ledger.id_map",
    "fates": "SELECT source_table, source_id, fate, reason, detail FROM migrate_ledger.fate",
    "warnings": "SELECT source_table, source_id, column_name, rule FROM migrate_ledger.warning",
}


def digests(url: str) -> dict[str, str]:
    """Return the digest of every live table, and that of the schema itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        definitions = repr(sorted(fingerprint(connection, "public").items()))
    return {**content(url), "(schema)": hashlib.sha256(definitions.encode()).hexdigest()}


def held(url: str) -> Held:
    """Return what a finished run left: rows, schema, ids, fates, warnings; and that no staging is left."""
    with psycopg.connect(url, autocommit=True) as connection:
        ledger = {
            name: sorted(map(repr, connection.execute(query.encode()).fetchall()))
            for name, query in _OF_THE_LEDGER.items()
        }
        staging = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'migrate_staging'")
        return {**digests(url), **ledger, "(staging)": staging.fetchall()}


@dataclass(frozen=True)
class Scene:
    """The place of a command; every method is a command as an operator types it."""

    work: Path
    source: str
    target: str
    #: The target, past any proxy: for asking what it holds.
    behind: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of every command."""
        return {
            **SETTINGS,
            "MIGRATE__SOURCE__URL": self.source,
            "MIGRATE__TARGET__URL": self.target,
            **self.extra,
        }

    def but(self, **changes: Any) -> Scene:
        """Return the scene with another work folder, source or target."""
        return replace(self, **changes)

    def do(self, *words: str, code: int | None = 0, **variables: str) -> Done:
        """Run a command to its end."""
        return migrate(*words, "--work", str(self.work), code=code, **{**self.settings, **variables})

    def run(self, code: int | None = 0, **variables: str) -> Done:
        """Type `migrate run --yes`."""
        return self.do("run", "--yes", code=code, **variables)

    def rollback(self, *words: str, code: int | None = 0, **variables: str) -> Done:
        """Type `migrate rollback --yes`."""
        return self.do("rollback", "--yes", *words, code=code, **variables)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command and return its process."""
        return start(*words, "--work", str(self.work), **{**self.settings, **variables})

    def kill_at(self, point: str, command: str = "run", *words: str) -> bool:
        """Let a command kill itself at a point; return whether it came there."""
        done = self.do(command, "--yes", *words, code=None, MIGRATE_KILL_AT=point)
        assert done.code in (0, -signal.SIGKILL), done.err
        return done.code != 0

    @contextlib.contextmanager
    def frozen_at(self, point: str, command: str = "run", **variables: str) -> Iterator[Frozen]:
        """Yield a command that stands still at a point; it is ended with the block if it still lives."""
        process = self.start(command, "--yes", MIGRATE_FREEZE_AT=point, **variables)
        frozen = Frozen(process)
        try:
            wait_until(lambda: state_of(process) in "TZ", f"the process stands at {point}")
            if process.poll() is not None:
                raise AssertionError(f"it ended before {point}: {process.communicate()}")
            yield frozen
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def held(self) -> Held:
        """Return what the target holds after a finished run."""
        return held(self.behind)

    def live(self) -> dict[str, str]:
        """Return the digests of the live tables and of their schema."""
        return digests(self.behind)

    def execute(self, statement: str) -> None:
        """Write to the target as an application does."""
        with psycopg.connect(self.behind) as connection:
            connection.execute(statement.encode())

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Read from the target."""
        with psycopg.connect(self.behind, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()


@dataclass
class Frozen:
    """A process of ours that stands still."""

    process: subprocess.Popen[str]

    def go_on(self) -> Done:
        """Let it go on, to its end."""
        self.wake()
        return self.end()

    def wake(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return Done(self.process.returncode, out, err)


def state_of(process: subprocess.Popen[str]) -> str:
    """Return the letter that the kernel gives a process: T for stopped, Z for ended."""
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def wait_until(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until something holds; AssertionError if it does not in time."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"not in {patience:.0f} s: {what}"
        time.sleep(0.01)
