"""How the legacy database is read: page size, caps, retries, time-outs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_MB = 1024 * 1024


class SourceSettings(BaseModel):
    """The settings of the snapshot; the defaults suit Turso's hosting and a self-hosted server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    page_bytes: int = Field(default=4 * _MB, ge=64 * 1024, le=64 * _MB)
    """Size of response that pages grow towards; servers refuse more than 10 MB."""

    first_page_rows: int = Field(default=1000, ge=1, le=100_000)
    """Rows asked for in a table's first page."""

    piece_bytes: int = Field(default=_MB, ge=1024, le=4 * _MB)
    """A cell longer than this is read in pieces of this size."""

    max_rows_read: int | None = Field(default=None, ge=1)
    """Stop when the server has billed this many rows; none: no cap."""

    max_bytes: int | None = Field(default=None, ge=1)
    """Stop when this many bytes of responses have come in; none: no cap."""

    attempts: int = Field(default=8, ge=1, le=100)
    """How often one request is tried before the run stops, resumable."""

    longest_wait: float = Field(default=30.0, ge=0.0, le=600.0)
    """Seconds between two tries at most; the server's Retry-After counts up to this."""

    connect_timeout: float = Field(default=10.0, gt=0, le=300)
    """Seconds to wait for a connection."""

    read_timeout: float = Field(default=60.0, gt=0, le=3600)
    """Seconds to wait for a response."""

    request_timeout: float = Field(default=180.0, gt=0, le=86_400)
    """Seconds that one request may take in all; never less than connect_timeout and read_timeout."""

    passes: int = Field(default=4, ge=1, le=100)
    """How often tables that changed while they were read are read again."""

    ca_file: Path | None = None
    """File of the authorities (PEM) whose certificates are trusted over https; none: the usual ones."""

    gzip: bool | None = None
    """Ask for compressed responses; none: yes, except from this very machine."""

    @property
    def longest_response(self) -> int:
        """Bytes of response, decompressed, after which reading stops: four times what pages grow to."""
        return max(16 * _MB, 4 * self.page_bytes)

    @property
    def longest_request(self) -> float:
        """Seconds that one request may take in all."""
        return max(self.request_timeout, self.connect_timeout + self.read_timeout)
