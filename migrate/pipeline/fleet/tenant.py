"""One tenant of a fleet: its name, and where its database is."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.source.url import parse_address


@dataclass(frozen=True, order=True)
class Tenant:
    """One tenant: `url` holds no token, `token_env` names the variable that does ('': those of [source])."""

    name: str
    url: str
    token_env: str = ""

    @property
    def host(self) -> str:
        """Return the host that is asked for its rows, '' for a file."""
        address = parse_address(self.url)
        return "" if address.way in ("file", "dump") else address.label.partition("/")[0]
