"""Detects a server that has stopped answering while a connection waits for it.

The kernel detects a peer whose machine is gone. It does not detect a frozen server, or a proxy or load
balancer that keeps the connection but forwards nothing: a statement would wait forever, and a time limit on
statements cannot distinguish this from a long index build. So a thread opens its own connection to the same
address from time to time and asks the question that every PostgreSQL answers at once and without a login:
whether it supports TLS. Any answer is a sign of life.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
import weakref
from typing import Any, Final

import psycopg

#: Seconds without a sign of life after which a connection is given up.
VARIABLE: Final = "MIGRATE_SILENCE_S"
_SILENCE: Final = 120.0
_DO_YOU_SPEAK_TLS: Final = struct.pack("!ii", 8, 80877103)
_lost: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()


def watch(conn: psycopg.Connection[Any]) -> None:
    """Watch a new connection until it is closed; if its server stops answering, the connection is shut down.

    The thread that waits on the connection then gets an error.
    """
    try:
        with socket.socket(fileno=os.dup(conn.fileno())) as mine:
            peer = mine.getpeername()
            family = mine.family
    except OSError:
        return  # already reset; the next statement reports it
    silence = float(os.environ.get(VARIABLE) or _SILENCE)
    watcher = threading.Thread(
        target=_watch, args=(weakref.ref(conn), family, peer, silence), name="target-watch", daemon=True
    )
    watcher.start()


def is_lost(conn: psycopg.Connection[Any]) -> bool:
    """Return whether the connection was shut down because its server had stopped answering."""
    return conn in _lost


def _watch(of: weakref.ref[psycopg.Connection[Any]], family: int, peer: Any, silence: float) -> None:
    heard = time.monotonic()
    while True:
        time.sleep(min(silence / 4, 15.0))
        conn = of()
        if conn is None or conn.closed:
            return
        if time.monotonic() - heard > 2 * silence:
            heard = time.monotonic()  # this process itself was stopped
        if _answers(family, peer, silence / 4):
            heard = time.monotonic()
        elif time.monotonic() - heard >= silence:
            _lost.add(conn)
            with (
                contextlib.suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(conn.fileno())) as mine,
            ):
                mine.shutdown(socket.SHUT_RDWR)
            return
        del conn


def _answers(family: int, peer: Any, patience: float) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(patience)
        try:
            probe.connect(peer)
            probe.sendall(_DO_YOU_SPEAK_TLS)
            probe.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return (
                True  # refused or reset: the kernel there is alive and the connection will get the error too
            )
    return True
