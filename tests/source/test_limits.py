"""A server that means no good: memory and time stay within their limits, and the error names it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source
from tests.servers import hostile

#: Most megabytes that a process may grow by while it is attacked.
_GROWTH = 120
_PROGRAM = """
import resource, sys
from migrate.runtime.errors import SourceError
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source
import httpx, orjson, zlib, libsql_client
settings = SourceSettings(
    gzip=True, attempts=2, longest_wait=0, request_timeout=200, connect_timeout=5, read_timeout=5
)
source = open_source(sys.argv[1], settings=settings)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
try:
    source.inspect()
except SourceError as error:
    print(type(error).__name__, error.message, error.hint)
print(peak() - before)
"""


def attacked(url: str) -> tuple[str, int]:
    """Return what a process of its own says of a server, and the megabytes that it grew by."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, url], check=True, capture_output=True, text=True, timeout=240
    )
    *said, growth = done.stdout.strip().splitlines()
    return "\n".join(said), int(growth)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hostile.endless_body, "too long"),
        (hostile.compressed_bomb, "too long"),
        (hostile.behind_the_gzip, "none of a libSQL server's"),
        (hostile.empty_blocks, "too long"),
        (hostile.endless_error, "refused the request (418)"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_endless_answer_takes_no_memory(answer: hostile.Answer, words: str) -> None:
    with hostile.hostile(answer) as port:
        said, growth = attacked(f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in said
    assert words in said
    assert growth < _GROWTH


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", [hostile.endless_frame, hostile.endless_fragments], ids=lambda value: value.__name__
)
def test_an_endless_websocket_message_takes_no_memory(answer: hostile.Answer) -> None:
    with hostile.hostile(answer) as port:
        said, growth = attacked(f"ws://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in said
    assert "too long" in said
    assert growth < _GROWTH


SHORT = SourceSettings(
    attempts=5, longest_wait=0.01, connect_timeout=0.2, read_timeout=0.3, request_timeout=0.5
)


def _failing(url: str, settings: SourceSettings = SHORT) -> SourceError:
    with closing(open_source(url, settings=settings)) as source, pytest.raises(SourceError) as caught:
        source.inspect()
    return caught.value


@pytest.mark.parametrize("slow", [hostile.slow_body, hostile.slow_headers], ids=lambda slow: slow.__name__)
def test_an_answer_that_comes_byte_by_byte_ends(slow: Callable[[threading.Event], hostile.Answer]) -> None:
    over = threading.Event()
    started = time.monotonic()
    with hostile.hostile(slow(over)) as port:
        error = _failing(f"http://127.0.0.1:{port}")
        over.set()
    assert isinstance(error, SourceUnavailable)
    assert f"127.0.0.1:{port} took longer than 0.5 seconds" in error.message
    assert "request_timeout" in (error.hint or "")
    assert time.monotonic() - started < 10  # two tries, though five are allowed


def test_a_long_websocket_message_is_too_long() -> None:
    with hostile.hostile(hostile.long_message) as port:
        error = _failing(f"ws://127.0.0.1:{port}", SourceSettings())  # time is not what ends it
    assert f"127.0.0.1:{port} gave an answer that is too long" in error.message


def test_a_silent_websocket_ends() -> None:
    with hostile.hostile(hostile.websocket()) as port:
        error = _failing(f"ws://127.0.0.1:{port}")
    assert f"127.0.0.1:{port} took longer than 0.5 seconds" in error.message


@pytest.mark.parametrize(
    "reply",
    [
        b"no json",
        b"[]",
        b'{"type": "response_ok", "request_id": 0, "response": {"type": "open_stream"}}',
        b'{"type": "response_ok", "request_id": 1, "response": {"type": "execute"}}',
        b'{"type": "response_ok", "request_id": 1, "response": {"type": "execute", "result": 1}}',
        b'{"type": "response_ok", "request_id": 1, "response": {"type": "execute", "result": '
        b'{"cols": [{"name": "a"}, {"name": "b"}], "rows": [[{"type": "null"}]], "affected_row_count": 0, '
        b'"last_insert_rowid": null}}}',
    ],
)
def test_a_websocket_answer_that_is_not_hrana_is_the_servers_fault(reply: bytes) -> None:
    with hostile.hostile(hostile.websocket(reply)) as port:
        error = _failing(f"ws://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in error.message
    assert error.hint


def test_a_time_for_the_whole_request_is_never_less_than_for_its_parts() -> None:
    settings = SourceSettings(connect_timeout=10, read_timeout=600, request_timeout=180)
    assert settings.longest_request == 610
