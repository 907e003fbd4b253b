"""A PostgreSQL that speaks TLS: a front on loopback that ends TLS before one that does not."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_WANT_TLS = struct.pack("!ii", 8, 80877103)
_WANT_GSS = struct.pack("!ii", 8, 80877104)


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1, signed by itself, and its key; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.crt", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


class TlsFront:
    """Takes TLS connections only, and passes what is in them to the server of `url`.

    `accepted` counts the connections that came with TLS, `refused` those that
    came without and were closed.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = urlsplit(url)
        self.certificate, key = write_certificate(folder)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.accepted = self.refused = 0

    def address(self, sslmode: str) -> str:
        """Return the URL by which a client reaches the server through the front."""
        user = self._url.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{self._listener.getsockname()[1]}"
        query = f"sslmode={sslmode}&sslrootcert={self.certificate}"
        return urlunsplit(self._url._replace(netloc=netloc, query=query))

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while (greeting := client.recv(8, socket.MSG_WAITALL)) == _WANT_GSS:
                client.sendall(b"N")
            if greeting != _WANT_TLS:
                self.refused += 1
                return
            client.sendall(b"S")
            host, port = self._url.hostname, self._url.port
            assert host and port
            with (
                self._context.wrap_socket(client, server_side=True) as secure,
                socket.create_connection((host, port)) as server,
            ):
                self.accepted += 1
                self._pass(secure, server)

    def _pass(self, secure: ssl.SSLSocket, server: socket.socket) -> None:
        # One thread for both ways: a TLS connection is not for two at once.
        while not self._closed.is_set():
            ready = [secure] if secure.pending() else select.select([secure, server], [], [], 0.1)[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (server if source is secure else secure).sendall(data)
