"""The legacy databases of tests/source, for the tests of their snapshots."""

from tests.source.conftest import file, hard_file, hard_server, hard_url, libsql, way

__all__ = ["file", "hard_file", "hard_server", "hard_url", "libsql", "way"]
