"""A webhook hears how a command ended, and cannot harm it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from migrate.runtime.config import Config, load_config
from migrate.runtime.errors import CheckError, Stopped
from migrate.runtime.notify import notified


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server on this machine, and what it was heard."""
    heard: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


def settings(url: str) -> Config:
    return load_config(None, {}).model_copy(update={"notify": Config(notify={"url": url}).notify})  # type: ignore[arg-type]


def test_every_end_is_sent_without_a_secret(hook: tuple[str, list[dict[str, Any]]]) -> None:
    url, heard = hook
    with notified(settings(f"{url}/good"), "run", "the rows are live"):
        pass
    with pytest.raises(CheckError), notified(settings(f"{url}/good"), "run", ""):
        raise CheckError("postgresql://me:hunter22@db.example/x does not pass", hint="`migrate run --fresh`")
    with pytest.raises(Stopped), notified(settings(f"{url}/good"), "rollback", ""):
        raise Stopped("Stopped; nothing is lost")
    assert [(one["command"], one["event"]) for one in heard] == [
        ("run", "done"), ("run", "failed"), ("rollback", "stopped"),
    ]  # fmt: skip
    assert heard[0]["text"] == "migrate run: done. the rows are live"
    assert heard[1]["next"] == "`migrate run --fresh`"
    assert "hunter22" not in json.dumps(heard)


def test_a_webhook_that_fails_is_a_note(
    hook: tuple[str, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, _ = hook
    for broken in (f"{url}/bad", "http://127.0.0.1:9/a-secret", "no address"):
        with notified(settings(broken), "run", "the rows are live"):
            pass
    said = capsys.readouterr().err
    assert said.count("the command is not affected") == 3
    assert "answered 500" in said
    assert "a-secret" not in said
