"""Watches what others on the machine and in the database can see while a command runs."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

#: Programs that libpq gives its password to in a variable: nothing else is in theirs.
_CLIENTS = ("pg_dump", "pg_restore", "psql")


def spellings(secret: str) -> set[str]:
    """Return the ways in which a secret may be written."""
    return {secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1], secret.replace("'", "''")}


def found_in(text: str | bytes, needles: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the names of the needles that `text` holds in any spelling."""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    return {name for name, words in needles.items() if any(word.encode() in raw for word in words)}


class Watch:
    """Looks at /proc and pg_stat_activity all the time; `seen` is what should not have been there."""

    def __init__(self, admin: str, secrets: Mapping[str, str], people: Iterable[str]) -> None:
        self._admin = admin
        self._secrets = {name: spellings(secret) for name, secret in secrets.items()}
        self._people = {"people": set(people)}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.seen: set[tuple[str, str, str]] = set()
        self.programs: set[str] = set()
        self.sessions: set[str] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            while not self._ending.is_set():
                for process in Path("/proc").glob("[0-9]*"):
                    with contextlib.suppress(OSError):
                        self._look(process)
                rows = connection.execute(
                    "SELECT application_name, query FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                ).fetchall()
                for name, query in rows:
                    self.sessions.add(name or "")
                    for what in found_in(f"{name}\n{query}", {**self._secrets, **self._people}):
                        self.seen.add(("session", name, what))
                self._ending.wait(0.05)

    def _look(self, process: Path) -> None:
        if int(process.name) == os.getpid():
            return
        words = (process / "cmdline").read_bytes()
        variables = (process / "environ").read_bytes()
        if not words or (process / "cmdline").read_bytes() != words:
            return  # of the kernel, or between two programs: it is looked at again
        program = Path(words.split(b"\0")[0].decode(errors="replace")).name
        self.programs.add(program)
        for what in found_in(words, self._secrets):
            self.seen.add(("arguments", program, what))
        if b"\0-m\0migrate\0" in words:
            return  # what the operator set for our own process
        allowed = {"password"} if program in _CLIENTS else set()
        for what in found_in(variables, self._secrets):
            if what not in allowed:
                self.seen.add(("environment", program, what))
