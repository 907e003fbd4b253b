"""A libSQL server that speaks TLS: a relay on loopback that ends TLS before one that does not."""

from __future__ import annotations

import contextlib
import socket

from tests.servers.tls import TlsFront


class TlsRelay(TlsFront):
    """Takes TLS at once, without the greeting that PostgreSQL's clients send."""

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _serve(self, client: socket.socket) -> None:
        host, port = self._url.hostname, self._url.port
        assert host and port
        with (
            client,
            contextlib.suppress(OSError),
            self._context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection((host, port)) as server,
        ):
            self.accepted += 1
            self._pass(secure, server)
