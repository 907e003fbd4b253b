"""What the ledger says of a fleet, also while it runs: read only, without its lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from migrate.pipeline.fleet.ledger import TENANT, FleetLedger
from migrate.pipeline.live_target import open_target
from migrate.postgres.connection import connect, translate_errors
from migrate.runtime.config import Config
from migrate.runtime.errors import UsageError
from migrate.staging.ledger import Ledger

#: The name of a worker's session in pg_stat_activity.
WORKER: Final = "migrate: fleet worker"
_COUNT: Final = """
SELECT state, kind, count(*),
    coalesce(sum((SELECT sum(r.value::bigint) FROM jsonb_each_text(rows) AS r)), 0)::bigint,
    coalesce(sum(seconds), 0)::float8, coalesce(sum(rows_read), 0)::bigint
FROM {} GROUP BY 1, 2 ORDER BY 1, 2"""
_WORKERS: Final = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


@dataclass(frozen=True)
class FleetProgress:
    """How far a fleet is: tenants by state, those in quarantine by kind, and what is left."""

    states: dict[str, int]
    kinds: dict[str, int]
    rows: int
    rows_read: int
    workers: int
    holder: str | None
    seconds_left: float | None

    @property
    def total(self) -> int:
        """Return the number of tenants."""
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Return the number of tenants that are not at an end."""
        return self.states.get("waiting", 0) + self.states.get("running", 0)

    @property
    def over(self) -> int:
        """Return the number of tenants that are at an end, whichever."""
        return self.total - self.waiting

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {"version": 1, "total": self.total, "waiting": self.waiting, **asdict(self)}


@contextlib.contextmanager
def open_ledger(config: Config, work: Path) -> Iterator[FleetLedger]:
    """Yield the ledger of the fleet, for reading. Raises UsageError if the target has none."""
    with open_target(config, work) as target, connect(target.address, read_only=True) as connection:
        fleet = FleetLedger(Ledger(connection, config.target.ledger_schema))
        if not fleet.exists():
            raise UsageError(
                f"{target.address.label} knows no fleet", hint="`migrate fleet run` migrates one"
            )
        yield fleet


def read_lines(fleet: FleetLedger, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the lines of these tenants. Raises StateMismatch for one that the ledger does not know."""
    return [asdict(fleet.line(name)) for name in names]


def read_progress(fleet: FleetLedger) -> FleetProgress:
    """Return how far the fleet is."""
    states: dict[str, int] = {}
    kinds: dict[str, int] = {}
    rows = rows_read = done = 0
    seconds = 0.0
    with translate_errors("reading the fleet's ledger"):
        for state, kind, count, its_rows, its_seconds, its_read in fleet.conn.execute(
            sql.SQL(_COUNT).format(fleet.ledger.name(TENANT))
        ).fetchall():
            states[state] = states.get(state, 0) + count
            if state == "quarantined":
                kinds[kind] = kinds.get(kind, 0) + count
            if state in ("published", "staged"):
                rows, done, seconds = rows + its_rows, done + count, seconds + its_seconds
            rows_read += its_read
        row = fleet.conn.execute(_WORKERS, (WORKER,)).fetchone()
    holder = fleet.ledger.holder()
    workers = int(row[0]) if row else 0
    waiting = states.get("waiting", 0) + states.get("running", 0)
    left = seconds / done * waiting / max(workers, 1) if done and waiting and holder else None
    return FleetProgress(states, kinds, rows, rows_read, workers, holder, left)
