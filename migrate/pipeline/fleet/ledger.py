"""The fleet's part of the ledger: a line for each tenant, its ids, and the rows that all tenants share.

The scheduler's memory is never needed: what is done is what a line says. A line becomes `published` or
`staged` in the same transaction as the tenant's rows, under the epoch of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from psycopg import sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch
from migrate.staging.ledger import Ledger

State = Literal["waiting", "running", "staged", "published", "quarantined", "rolled_back"]
#: States after which a tenant's task writes nothing.
DONE: Final[tuple[State, ...]] = ("staged", "published", "rolled_back")
#: The lines, the map of ids, the shared rows as each tenant has them, and the rows that a publish replaced.
TENANT, IDS, SHARED, KEPT = "fleet_tenant", "fleet_id_map", "fleet_shared", "fleet_kept"
PACE: Final = "fleet_pace"
#: Characters of a reason that are kept.
_LONGEST: Final = 2000
_MAKING: Final = 0x6D69_6772_666C_6565

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS {}.fleet_tenant (
        tenant text PRIMARY KEY,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN
            ('waiting', 'running', 'staged', 'published', 'quarantined', 'rolled_back')),
        attempt integer NOT NULL DEFAULT 0,
        source text NOT NULL,
        digest text,
        shape text,
        source_rows bigint NOT NULL DEFAULT 0,
        rows_read bigint NOT NULL DEFAULT 0,
        rows jsonb NOT NULL DEFAULT '{{}}',
        fates jsonb NOT NULL DEFAULT '{{}}',
        checks integer NOT NULL DEFAULT 0,
        kind text,
        reason text,
        seconds real NOT NULL DEFAULT 0,
        at timestamptz NOT NULL DEFAULT clock_timestamp())""",
    """CREATE TABLE IF NOT EXISTS {}.fleet_id_map (
        tenant text NOT NULL,
        entity text NOT NULL,
        legacy_id text NOT NULL,
        new_id text NOT NULL,
        via text NOT NULL,
        PRIMARY KEY (tenant, entity, legacy_id))""",
    """CREATE TABLE IF NOT EXISTS {}.fleet_shared (
        target text NOT NULL,
        key text NOT NULL,
        tenant text NOT NULL,
        row text NOT NULL,
        PRIMARY KEY (target, key, tenant))""",
    "CREATE INDEX IF NOT EXISTS fleet_shared_tenant_idx ON {}.fleet_shared (tenant)",
    """CREATE TABLE IF NOT EXISTS {}.fleet_kept (
        tenant text NOT NULL,
        target text NOT NULL,
        goes_back boolean NOT NULL,
        row text NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS fleet_kept_idx ON {}.fleet_kept (tenant, target)",
    # When the next request to a host may be sent. A crash of the server forgets it, which harms nothing.
    "CREATE UNLOGGED TABLE IF NOT EXISTS {}.fleet_pace (host text PRIMARY KEY, free_at timestamptz NOT NULL)",
)


@dataclass(frozen=True)
class Line:
    """What the ledger says of one tenant; `rows` are the migrated ones by target table."""

    tenant: str
    state: State
    attempt: int
    source: str
    digest: str | None
    shape: str | None
    source_rows: int
    rows_read: int
    rows: dict[str, int]
    fates: dict[str, int]
    checks: int
    kind: str | None
    reason: str | None
    seconds: float
    at: str


def run_id(fleet_run: str, tenant: str, attempt: int) -> str:
    """Return the name in the ledger of one attempt: two that run at once do not mix their rows."""
    return f"{fleet_run}/{tenant}/{attempt}"


_COLUMNS: Final = (
    "tenant, state, attempt, source, digest, shape, source_rows, rows_read, rows, fates, checks, kind,"
    " reason, seconds, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
)


class FleetLedger:
    """The lines of a fleet in the ledger; `ledger` says under which epoch they are written."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @property
    def conn(self) -> Connection:
        """Return the session of the ledger."""
        return self.ledger.conn

    def create(self) -> None:
        """Create the fleet's tables if they are missing; safe to repeat."""
        schema = sql.Identifier(self.ledger.schema)
        with translate_errors("creating the ledger of the fleet"), self.conn.transaction():
            self.conn.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            for statement in _TABLES:
                self.conn.execute(sql.SQL(statement).format(schema))

    def exists(self) -> bool:
        """Return whether the target's ledger knows a fleet."""
        name = self.ledger.name(TENANT).as_string(self.conn)
        with translate_errors("looking for a fleet"):
            row = self.conn.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
        return row is not None and bool(row[0])

    def own(self, run_id: str) -> None:
        """Give the lines to a run: if they are of another one, every tenant begins anew."""
        setting = self.ledger.name("setting")
        with translate_errors("taking the tenants"), self.conn.transaction():
            self.ledger.guard(self.conn)
            changed = self.conn.execute(
                sql.SQL(
                    "INSERT INTO {} AS s VALUES ('fleet_run', %s) ON CONFLICT (key) DO UPDATE"
                    " SET value = EXCLUDED.value WHERE s.value <> EXCLUDED.value"
                ).format(setting),
                (run_id,),
            )
            if changed.rowcount:
                self.set_waiting(("running", "staged", "published", "quarantined", "rolled_back"))

    def keep_way(self, publish: str) -> None:
        """Record how the tenants of the run go live: each, or together."""
        with translate_errors("recording how the fleet is published"), self.conn.transaction():
            self.ledger.guard(self.conn)
            self.conn.execute(
                sql.SQL(
                    "INSERT INTO {} VALUES ('fleet_publish', %s) ON CONFLICT (key) DO UPDATE"
                    " SET value = EXCLUDED.value"
                ).format(self.ledger.name("setting")),
                (publish,),
            )

    def way(self, run_id: str) -> str | None:
        """Return how the tenants of a run go live, None if the lines are not its own."""
        query = sql.SQL(
            "SELECT value FROM {0} WHERE key = 'fleet_publish'"
            " AND EXISTS (SELECT 1 FROM {0} WHERE key = 'fleet_run' AND value = %s)"
        ).format(self.ledger.name("setting"))
        with translate_errors("reading how the fleet is published"):
            row = self.conn.execute(query, (run_id,)).fetchone()
        return None if row is None else str(row[0])

    def add(self, tenants: Iterable[tuple[str, str]]) -> None:
        """Add a line for each tenant (name, label of its source) that has none."""
        names, sources = zip(*tenants, strict=True)
        with translate_errors("recording the tenants"), self.conn.transaction():
            self.ledger.guard(self.conn)
            self.conn.execute(
                sql.SQL(
                    "INSERT INTO {} (tenant, source) SELECT * FROM unnest(%s::text[], %s::text[])"
                    " ON CONFLICT DO NOTHING"
                ).format(self.ledger.name(TENANT)),
                (list(names), list(sources)),
            )

    def set_waiting(self, states: Sequence[State], tenants: Sequence[str] | None = None) -> int:
        """Let tenants in one of `states` (of `tenants`, if given) begin anew; return how many."""
        with translate_errors("preparing the tenants"), self.conn.transaction():
            self.ledger.guard(self.conn)
            return self.conn.execute(
                sql.SQL(
                    "UPDATE {} SET state = 'waiting', kind = NULL, reason = NULL"
                    " WHERE state = ANY (%s) AND (%s::text[] IS NULL OR tenant = ANY (%s))"
                ).format(self.ledger.name(TENANT)),
                (list(states), tenants, tenants),
            ).rowcount

    def lines(self, tenants: Sequence[str] | None = None) -> list[Line]:
        """Return the lines of these tenants, without them of all, by name."""
        query = sql.SQL(
            'SELECT {} FROM {} WHERE %s::text[] IS NULL OR tenant = ANY (%s) ORDER BY tenant COLLATE "C"'
        ).format(sql.SQL(_COLUMNS), self.ledger.name(TENANT))
        with translate_errors("reading the tenants"):
            return [Line(*row) for row in self.conn.execute(query, (tenants, tenants)).fetchall()]

    def line(self, tenant: str, *, lock: bool = False) -> Line:
        """Return the line of one tenant, locked until the transaction ends if `lock`."""
        query = sql.SQL("SELECT {} FROM {} WHERE tenant = %s {}").format(
            sql.SQL(_COLUMNS), self.ledger.name(TENANT), sql.SQL("FOR UPDATE" if lock else "")
        )
        with translate_errors(f"reading the tenant {tenant}"):
            row = self.conn.execute(query, (tenant,)).fetchone()
        if row is None:
            raise StateMismatch(
                f"the ledger knows no tenant {tenant}", hint="`migrate fleet status` lists the tenants"
            )
        return Line(*row)

    def counts(self, tenants: Sequence[str] | None = None) -> dict[str, int]:
        """Return the number of tenants (of these, if given) by state."""
        query = sql.SQL(
            "SELECT state, count(*) FROM {} WHERE %s::text[] IS NULL OR tenant = ANY (%s) GROUP BY 1"
        ).format(self.ledger.name(TENANT))
        with translate_errors("counting the tenants"):
            return dict(self.conn.execute(query, (tenants, tenants)).fetchall())

    def begin(self, tenant: str, fleet_run: str) -> int | None:
        """Record an attempt, and delete what earlier ones left in the ledger; return its number.

        None if the tenant is done: then nothing is written.
        """
        with translate_errors(f"beginning the tenant {tenant}"), self.conn.transaction():
            self.ledger.guard(self.conn)
            line = self.line(tenant, lock=True)
            if line.state in DONE:
                return None
            earlier = [run_id(fleet_run, tenant, number) for number in range(1, line.attempt + 1)]
            self._forget(earlier, ("batch", "finished", "fate", "warning"))
            self._set(tenant, state="running", kind=None, reason=None, attempt=line.attempt + 1)
            return line.attempt + 1

    def forget(self, run: str) -> None:
        """Delete the batches of one attempt; its fates stay. Called inside a transaction."""
        self._forget([run], ("batch", "finished"))

    def _forget(self, runs: Sequence[str], tables: Sequence[str]) -> None:
        if not runs:
            return
        for table in tables:
            self.conn.execute(
                sql.SQL("DELETE FROM {} WHERE run_id = ANY (%s)").format(self.ledger.name(table)),
                (list(runs),),
            )

    def finish(self, tenant: str, state: State, **facts: Any) -> None:
        """Set the line of a tenant; called inside the transaction of its rows, which guards the epoch."""
        self._set(tenant, state=state, **facts)

    def quarantine(
        self, tenant: str, kind: str, reason: str, seconds: float, attempt: int | None = None
    ) -> Line:
        """Record that a tenant was left out, and why; return its line.

        Nothing is written if the tenant is done meanwhile, or if another `attempt` has begun.
        """
        with translate_errors(f"recording the tenant {tenant}"), self.conn.transaction():
            self.ledger.guard(self.conn)
            line = self.line(tenant, lock=True)
            if line.state in DONE or (attempt is not None and line.attempt != attempt):
                return line
            self._set(
                tenant, state="quarantined", kind=kind, reason=reason[:_LONGEST], seconds=seconds, rows={}
            )
        return self.line(tenant)

    def wait_for_turn(self, host: str, per_second: float) -> float:
        """Return in how many seconds a request may be sent to a host: its next place among all workers'."""
        query = sql.SQL(
            "INSERT INTO {} AS p VALUES (%(host)s, clock_timestamp() + %(step)s) ON CONFLICT (host) DO UPDATE"
            " SET free_at = greatest(p.free_at, clock_timestamp()) + %(step)s"
            " RETURNING extract(epoch FROM free_at - %(step)s - clock_timestamp())::float8"
        ).format(self.ledger.name(PACE))
        with translate_errors(f"waiting for {host}"):
            row = self.conn.execute(
                query, {"host": host, "step": timedelta(seconds=1 / per_second)}
            ).fetchone()
        assert row is not None
        return max(0.0, float(row[0]))

    def publish_staged(self) -> int:
        """Set the lines of all staged tenants to published, after the exchange of the tables."""
        with translate_errors("recording the publication"), self.conn.transaction():
            self.ledger.guard(self.conn)
            return self.conn.execute(
                sql.SQL("UPDATE {} SET state = 'published' WHERE state = 'staged'").format(
                    self.ledger.name(TENANT)
                )
            ).rowcount

    def _set(self, tenant: str, **values: Any) -> None:
        pairs = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
        changed = self.conn.execute(
            sql.SQL("UPDATE {} SET {}, at = clock_timestamp() WHERE tenant = %(tenant)s").format(
                self.ledger.name(TENANT), sql.SQL(", ").join(pairs)
            ),
            {
                "tenant": tenant,
                **{
                    name: json.dumps(value) if isinstance(value, dict) else value
                    for name, value in values.items()
                },
            },
        )
        if changed.rowcount != 1:
            raise StateMismatch(
                f"the ledger has {amount(changed.rowcount, 'line')} of the tenant {tenant} instead of one",
                hint="run `migrate fleet run` again; it adds missing lines",
            )
