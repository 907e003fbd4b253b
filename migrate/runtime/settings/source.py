"""How the legacy database is read: page size, caps, retries, time-outs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_MB = 1024 * 1024


class SourceSettings(BaseModel):
    """The settings of the snapshot; the defaults suit Turso's hosting and a self-hosted server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    page_bytes: int = Field(default=4 * _MB, ge=64 * 1024, le=64 * _MB)
    """Target size of a response in bytes; servers refuse more than 10 MB."""

    first_page_rows: int = Field(default=1000, ge=1, le=100_000)
    """Rows in the first page of a table."""

    piece_bytes: int = Field(default=_MB, ge=1024, le=4 * _MB)
    """A cell of more bytes is read in pieces of this size."""

    max_rows_read: int | None = Field(default=None, ge=1)
    """Stop after this many billed rows; none: no limit."""

    max_bytes: int | None = Field(default=None, ge=1)
    """Stop after this many bytes of responses; none: no limit."""

    attempts: int = Field(default=8, ge=1, le=100)
    """Attempts of one request; then the run stops and can be resumed."""

    longest_wait: float = Field(default=30.0, ge=0.0, le=600.0)
    """Longest wait between two attempts, in seconds; also limits the server's Retry-After."""

    connect_timeout: float = Field(default=10.0, gt=0, le=300)
    """Longest wait for a connection, in seconds."""

    read_timeout: float = Field(default=60.0, gt=0, le=3600)
    """Longest wait for a response, in seconds."""

    request_timeout: float = Field(default=180.0, gt=0, le=86_400)
    """Seconds that one request may take in all; never less than connect_timeout and read_timeout."""

    passes: int = Field(default=4, ge=1, le=100)
    """How often a table is read again if it changed during the reading."""

    ca_file: Path | None = None
    """File of trusted certificate authorities (PEM) for https; none: the system's."""

    gzip: bool | None = None
    """Ask for compressed responses; none: yes, except from this machine."""

    @property
    def longest_response(self) -> int:
        """Bytes of response, decompressed, after which reading stops: four times what pages grow to."""
        return max(16 * _MB, 4 * self.page_bytes)

    @property
    def longest_request(self) -> float:
        """Seconds that one request may take in all."""
        return max(self.request_timeout, self.connect_timeout + self.read_timeout)
