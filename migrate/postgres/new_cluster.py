"""Makes the cluster of an embedded server: a copy of the kept one, or else by initdb."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from migrate.postgres.binaries import UNPRIVILEGED, as_root, binary
from migrate.postgres.cluster_template import copy_cluster, find_template, keep_template
from migrate.runtime.system import account_of

USER: Final = "postgres"
#: Every cluster is made with these; its files are flushed when it is complete.
_OPTIONS: Final = (
    "-U", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--no-sync",
)  # fmt: skip
#: The server keeps running, maybe as another user: it must not get the secrets in our variables.
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")

#: A program that has ended, with its output.
Done = subprocess.CompletedProcess[bytes]


def make_cluster(data: Path, password: str, lock: int, *, durable: bool) -> Done:
    """Make a cluster in the new folder `data`, with the superuser's `password`; return what ended it.

    The programs that it starts inherit the file `lock`. A `durable` cluster is flushed to the disk.
    """
    done = _make_data(data, lock)
    if done.returncode == 0:
        done = _set_password(data, password, lock)
    if done.returncode == 0 and durable:
        done = run_program(str(binary("initdb")), "--sync-only", "-D", str(data), inherited=(lock,))
    return done


def _make_data(data: Path, lock: int) -> Done:
    template = find_template(_OPTIONS)
    if template is None:
        done = _initdb(data, lock)
        if done.returncode == 0:
            keep_template(data, _OPTIONS)
        return done
    try:
        copy_cluster(template, data, unprivileged() if as_root() else None)
    except (OSError, shutil.Error) as error:
        return Done("copy", 1, str(error).encode())
    return Done("copy", 0, b"")


def _initdb(data: Path, lock: int) -> Done:
    """Make a cluster with a password that is discarded."""
    handle, name = tempfile.mkstemp(prefix="pw-", dir=data.parent)
    try:
        os.write(handle, secrets.token_urlsafe(24).encode())
        if as_root():
            os.fchown(handle, *unprivileged())
        os.close(handle)
        words = ("-D", str(data), f"--pwfile={name}", *_OPTIONS)
        return run_program(str(binary("initdb")), *words, inherited=(lock,))
    finally:
        Path(name).unlink(missing_ok=True)


def _set_password(data: Path, password: str, lock: int) -> Done:
    # By standard input: other users can read the arguments of a process.
    words = (str(binary("postgres")), "--single", "-D", str(data), USER)
    statement = f"ALTER ROLE {USER} PASSWORD '{password}'\n"
    done = run_program(*words, inherited=(lock,), text=statement.encode())
    refused = [line for line in done.stdout.splitlines() if b"ERROR:" in line or b"FATAL:" in line]
    # Not the whole output: it may repeat the statement.
    return Done("postgres", done.returncode or len(refused), refused[0] if refused else b"")


def run_program(*command: str, inherited: tuple[int, ...] = (), text: bytes = b"") -> Done:
    """Run a program of PostgreSQL with `text` as its input, as the unprivileged user if we are root."""
    # The server outlives pg_ctl and would hold a pipe open: its output goes to files.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(text)
        given.seek(0)
        done = subprocess.run(
            command,
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name in _PASSED_ON},
            user=UNPRIVILEGED if as_root() else None,
            group=unprivileged()[1] if as_root() else None,
            extra_groups=[] if as_root() else None,
            cwd="/",
            pass_fds=inherited,
            start_new_session=True,  # a Ctrl-C is for us, not for the server
            check=False,
        )
        output.seek(0)
        done.stdout = output.read()
    return done


def unprivileged() -> tuple[int, int]:
    """Return the user and the group that root runs PostgreSQL as."""
    return account_of(UNPRIVILEGED)


def last_line(output: bytes) -> str:
    """Return the last line that a program printed."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
