"""Reading a table from a real libSQL server over HTTP: bare requests, and the snapshot."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import orjson

from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from tests.servers.libsql import LibsqlServer

_TABLE: Final = "shows_messages"
#: About as many rows as our snapshot asks for at once, when its pages have grown to full size.
_PAGE_ROWS: Final = 20_000
_TIMES: Final = 3


def measure_http(legacy: Path, folder: Path) -> tuple[float, float]:
    """Return rows per second of the messages of `legacy`: by bare requests, and by our snapshot.

    Bare: the pages of one SELECT as pipeline requests, parsed with orjson and discarded. Ours: the file that
    a run continues with, proven to be equal to the server's content. Alternating; medians.
    """
    with tempfile.TemporaryDirectory(prefix="http-", dir=folder) as name:
        place = Path(name)
        content = place / "messages.db"
        rows = _messages_alone(legacy, content)
        with LibsqlServer(place / "server", content=content) as server:
            bare, ours = [], []
            for turn in range(_TIMES):
                began = time.perf_counter()
                assert _read_bare(server.url) == rows
                bare.append(rows / (time.perf_counter() - began))
                began = time.perf_counter()
                assert _take(server.url, place / f"work-{turn}") == rows
                ours.append(rows / (time.perf_counter() - began))
                shutil.rmtree(place / f"work-{turn}")
    return median(bare), median(ours)


def _messages_alone(legacy: Path, path: Path) -> int:
    """Write a database with the one table of messages; return how many rows it has."""
    with closing(sqlite3.connect(path)) as target:
        target.execute("ATTACH DATABASE ? AS legacy", (f"file:{legacy}?mode=ro",))
        (ddl,) = target.execute("SELECT sql FROM legacy.sqlite_schema WHERE name = ?", (_TABLE,)).fetchone()
        target.execute(ddl)
        target.execute(f"INSERT INTO main.{_TABLE} SELECT * FROM legacy.{_TABLE}")  # noqa: S608  a constant
        target.commit()
        (rows,) = target.execute(f"SELECT count(*) FROM {_TABLE}").fetchone()  # noqa: S608  a constant
    return int(rows)


def _read_bare(url: str) -> int:
    select = f"SELECT * FROM {_TABLE} WHERE id > ? ORDER BY id LIMIT {_PAGE_ROWS}"  # noqa: S608  constants
    total, after = 0, "0"
    with httpx.Client(base_url=url, headers={"Accept-Encoding": "identity"}, timeout=60) as client:
        while True:
            statement = {"sql": select, "args": [{"type": "integer", "value": after}]}
            body = {"requests": [{"type": "execute", "stmt": statement}, {"type": "close"}]}
            answer = orjson.loads(client.post("/v3/pipeline", content=orjson.dumps(body)).content)
            rows = answer["results"][0]["response"]["result"]["rows"]
            if not rows:
                return total
            total += len(rows)
            after = rows[-1][0]["value"]


def _take(url: str, work: Path) -> int:
    settings = SourceSettings()
    source = open_source(url, settings=settings)
    try:
        return take_snapshot(source, work, settings).rows
    finally:
        source.close()
