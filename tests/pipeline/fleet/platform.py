"""A stand-in for Turso's Platform API: it pages, asks to wait, and fails, as a test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

TOKEN = "platform-token"


@dataclass
class Platform:
    """`databases` are (name, group) in the order of the list; `answers` come first, a status each."""

    databases: Sequence[tuple[str, str]]
    page: int = 2
    answers: list[int] = field(default_factory=list)
    body: bytes | None = None
    next_page: str | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def platform(state: Platform) -> Iterator[Platform]:
    """Serve the API on a port of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            status = state.answers.pop(0) if state.answers else 200
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status = 401
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            group, start = query.get("group", [""])[0], int(query.get("from", ["0"])[0])
            listed = [one for one in state.databases if group in ("", one[1])]
            body = (
                state.body
                or json.dumps(
                    {
                        "databases": [
                            {"Name": name, "Hostname": f"{name}-org.turso.io", "is_schema": of == "schema"}
                            for name, of in listed[start : start + state.page]
                        ]
                    }
                ).encode()
            )
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "0")
            if start + state.page < len(listed):
                following = state.next_page or f"{parts.path}?group={group}&from={start + state.page}"
                self.send_header("Link", f'<{following}>; rel="next"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
