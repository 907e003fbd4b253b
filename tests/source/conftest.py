"""Legacy databases with every hard value, and the ways to reach them."""

from __future__ import annotations

from tests.servers.libsql import libsql

__all__ = ["libsql"]
