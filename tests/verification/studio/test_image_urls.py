"""URLs of images parse, and answer."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.servers.hostile import endless_redirect, hostile, slow_headers
from tests.verification.planted import PICTURE
from tests.verification.world import IMAGE, World
from verification import UrlSettings, run_checks
from verification.studio.ask_urls import check_urls


@pytest.mark.parametrize(
    "url",
    [
        "http://img.example.com/a.jpg",
        "https://localhost/a.jpg",
        "https://img.example.com/a b.jpg",
        "https://someone@img.example.com/a.jpg",
        "https://img.example.com:port/a.jpg",
        "https://img!.example.com/a.jpg",
        "https://img.example.com\\a.jpg",
        "https://img..example.com/a.jpg",
        "img.example.com/a.jpg",
        "https://img.example.com/a.jpg\n",
        "",
    ],
)
def test_an_image_whose_url_does_not_parse_is_named(world: World, url: str) -> None:
    world.plant("UPDATE staging.studio_images SET image_url = %s WHERE id = %s", url, PICTURE)
    (finding,) = world.check("urls_parse").findings
    assert (finding.table, finding.key, finding.column) == ("studio_images", PICTURE, "image_url")


@pytest.mark.parametrize(
    "url",
    [
        IMAGE,
        "https://res.cloudinary.com/demo/image/upload/w_100,h_50/v1/a~b_(1).jpg",
        "https://img.example.com:8443/ä.jpg?x=[1]&y=2#top",
        "https://img.example.com",
        "HTTPS://IMG.example.com/a|b.png",
        "https://my_bucket.s3.example.com/{a}\\%2<b>^`.jpg",
        "https://münchen.example.com/a.jpg",
        "https://-img.example.com?a",
    ],
)
def test_an_image_whose_url_parses_passes(world: World, url: str) -> None:
    world.plant("UPDATE staging.studio_images SET image_url = %s WHERE id = %s", url, PICTURE)
    assert world.check("urls_parse").passed


class _Gallery(BaseHTTPRequestHandler):
    """Answers `/ok`, knows no HEAD at `/get-only`, moves on from `/moved`, hangs at `/slow`."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.asked.append((self.command, self.path))
        if self.path == "/slow":
            time.sleep(1)
        status = {"/ok": 200, "/slow": 200, "/moved": 302, "/round": 302}.get(self.path, 404)
        if self.path == "/get-only":
            status = 405 if self.command == "HEAD" else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok" if self.path == "/moved" else "/round")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gallery() -> Iterator[str]:
    """The address of a running web server."""
    _Gallery.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gallery)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_urls_that_answer_are_not_reported(gallery: str) -> None:
    urls = [("a", f"{gallery}/ok"), ("b", f"{gallery}/get-only"), ("c", f"{gallery}/moved")]
    assert check_urls(urls, UrlSettings()) == []
    assert ("GET", "/get-only") in _Gallery.asked
    assert ("GET", "/ok") not in _Gallery.asked


def test_dead_urls_are_reported_by_key_and_cause(gallery: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/ok"
        urls = [
            ("a", f"{gallery}/gone"), ("b", f"{gallery}/slow"), ("c", f"{gallery}/round"),
            ("d", closed), ("e", "https://a:b/"), ("f", f"{gallery}/ok"),
        ]  # fmt: skip
        dead = check_urls(urls, UrlSettings(concurrency=2, timeout=0.3, redirects=3))
    assert dead == [
        ("a", "answers 404"),
        ("b", "does not answer in time"),
        ("c", "redirects without end"),
        ("d", "cannot be asked for (ConnectError)"),
        ("e", "cannot be asked for (InvalidURL)"),
    ]


def test_no_more_requests_at_once_than_allowed() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    class Counting(_Gallery):
        def _answer(self) -> None:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            time.sleep(0.02)
            super()._answer()
            with lock:
                under_way -= 1

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/ok"
    assert check_urls([(str(n), url) for n in range(12)], UrlSettings(concurrency=3)) == []
    server.shutdown()
    thread.join()
    server.server_close()
    assert most <= 3


def test_a_dead_image_fails_the_check_on_request_only(world: World, gallery: str) -> None:
    world.target.execute("UPDATE staging.studio_images SET image_url = %s", (f"{gallery}/ok",))
    world.target.execute("UPDATE staging.users SET avatar_url = NULL")
    world.plant("UPDATE staging.studio_images SET image_url = %s WHERE id = %s", f"{gallery}/gone", PICTURE)
    result = next(r for r in run_checks(world.context, [], urls=True).results if r.name == "urls_answer")
    (finding,) = result.findings
    assert (finding.key, finding.what) == (PICTURE, "answers 404")
    assert result.looked_at == 2


def test_a_server_that_answers_without_end_is_not_waited_for() -> None:
    settings = UrlSettings(timeout=0.4, redirects=1)
    over = threading.Event()
    started = time.monotonic()
    with hostile(slow_headers(over)) as port:
        assert check_urls([("a", f"http://127.0.0.1:{port}/")], settings) == [
            ("a", "does not answer in time")
        ]
        over.set()
    assert time.monotonic() - started < 10


def test_the_body_of_a_redirect_is_not_read() -> None:
    tracemalloc.start()
    try:
        with hostile(endless_redirect) as port:
            assert check_urls([("a", f"http://127.0.0.1:{port}/")], UrlSettings(timeout=5.0)) == []
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
