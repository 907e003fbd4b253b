"""The ledger: the record of who may write, which batches are committed, and what was published.

One run owns the target at a time. Ownership is a session-level advisory lock and an epoch. The lock keeps a
second run out while the session of the first one lives. The epoch keeps out a first run that lost its session
without noticing and wakes up later. Every commit of ours reads the epoch row `FOR SHARE`: a new owner waits
for it, and after the new owner no older run can commit.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import AlreadyRunning, StateMismatch, TargetError, UsageError
from migrate.staging import ledger_schema

#: The advisory lock of the ledger with the default name; the letters of `migraton`. Other ledgers of the
#: database have other locks, so that runs into other schemas do not wait for each other.
LOCK: Final = 0x6D69_6772_6174_6F6E
DEFAULT: Final = "migrate_ledger"
_HOLDER_WIDTH: Final = 50


@dataclass(frozen=True)
class Progress:
    """How far a mapper is: the number of its last committed batch (0 for none) and the last key in it."""

    batch: int
    after: int | None
    done: bool


class Ledger:
    """The ledger in one schema, and the ownership of the target.

    `conn` is the session that holds the lock; it must be in autocommit mode.
    """

    def __init__(self, conn: Connection, schema: str = DEFAULT) -> None:
        self.conn = conn
        self.schema = schema
        self.epoch: int | None = None
        self.lock = LOCK if schema == DEFAULT else LOCK ^ zlib.crc32(schema.encode())

    def name(self, table: str) -> sql.Identifier:
        """Return the quoted, schema-qualified name of one of the ledger's tables."""
        return sql.Identifier(self.schema, table)

    def exists(self) -> bool:
        """Return whether a ledger exists, without creating one."""
        name = sql.Identifier(self.schema, "setting").as_string(self.conn)
        with translate_errors(f"looking for the ledger in {self.schema}"):
            row = self.conn.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
        return row is not None and bool(row[0])

    def create(self) -> None:
        """Create the ledger if it is missing; safe to repeat."""
        ledger_schema.create(self.conn, self.schema)

    # ---- the live schema -------------------------------------------------------

    def live_schema(self) -> str | None:
        """Return the live schema that the ledger belongs to, None if no run has said it yet."""
        return self._setting("live_schema")

    def claim(self, live_schema: str) -> None:
        """Bind the ledger to a live schema. Raises UsageError if it belongs to another one."""
        self._keep("live_schema", live_schema)
        if (owner := self.live_schema()) != live_schema:
            raise UsageError(
                f"the ledger {self.schema} belongs to the schema {owner}, not to {live_schema}",
                hint=another_ledger(live_schema),
            )

    def _setting(self, key: str) -> str | None:
        query = sql.SQL("SELECT value FROM {} WHERE key = %s").format(self.name("setting"))
        with translate_errors(f"reading {key} from the ledger"):
            row = self.conn.execute(query, (key,)).fetchone()
        return None if row is None else str(row[0])

    def _keep(self, key: str, value: str) -> None:
        query = sql.SQL("INSERT INTO {} VALUES (%s, %s) ON CONFLICT DO NOTHING").format(self.name("setting"))
        with translate_errors(f"keeping {key} in the ledger"):
            self.conn.execute(query, (key, value))

    # ---- the id secret ---------------------------------------------------------

    def secret(self) -> str | None:
        """Return the id secret, None if none is kept."""
        return self._setting("id_secret")

    def keep_secret(self, value: str) -> None:
        """Keep the id secret. Raises StateMismatch if another one is kept."""
        self._keep("id_secret", value)
        if self.secret() != value:
            raise StateMismatch(
                "the ledger has another id secret than the one given",
                hint="remove the secret from the environment and from [ids], so that the "
                "ledger's secret is used",
            )

    def id_rule(self) -> str | None:
        """Return how ids are written, as `migrate.pipeline.ids` names it; None before the first run.

        Version 0.1 kept no rule: a ledger that has its runs keeps the rule of that version.
        """
        query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(self.name("run"))
        kept = self._setting("id_rule")
        if kept is None:
            with translate_errors("looking for runs in the ledger"):
                row = self.conn.execute(query).fetchone()
            kept = "base36" if row is not None and row[0] else None
        return kept

    def keep_id_rule(self, value: str) -> None:
        """Keep how ids are written, if the ledger keeps no rule yet."""
        self._keep("id_rule", value)

    # ---- ownership -------------------------------------------------------------

    def take(self, run_id: str, holder: str) -> int:
        """Take the target for this run and return the new epoch.

        `holder` says who runs, such as `host, process 42`. The lock lasts as long as the session. Raises
        AlreadyRunning, with the holder, if another session has it.
        """
        with translate_errors("locking the target"):
            # What the loser sees at once, even before the winner's row is written.
            self.conn.execute(
                "SELECT set_config('application_name', %s, false)", (f"migrate: {holder}"[:_HOLDER_WIDTH],)
            )
            row = self.conn.execute("SELECT pg_try_advisory_lock(%s)", (self.lock,)).fetchone()
            if row is None or not row[0]:
                raise self._occupied()
            taken = self.conn.execute(
                sql.SQL(
                    "UPDATE {} SET epoch = epoch + 1, run_id = %s, holder = %s, pid = pg_backend_pid(),"
                    " since = clock_timestamp() RETURNING epoch"
                ).format(self.name("owner")),
                (run_id, holder),
            ).fetchall()
        if len(taken) != 1:
            raise TargetError(
                f"the ledger {self.schema} has {amount(len(taken), 'row')} of ownership instead of one"
            )
        self.epoch = int(taken[0][0])
        return self.epoch

    def release(self) -> None:
        """Release the target; what this run still has open cannot commit any more."""
        if self.epoch is None:
            return
        with translate_errors("unlocking the target"):
            self.conn.execute(
                sql.SQL("UPDATE {} SET epoch = epoch + 1, holder = NULL, pid = NULL WHERE epoch = %s").format(
                    self.name("owner")
                ),
                (self.epoch,),
            )
            self.conn.execute("SELECT pg_advisory_unlock_all()")  # it may have been taken twice
        self.epoch = None

    def guard(self, conn: Connection) -> None:
        """Keep the ownership until the end of the transaction that `conn` is in.

        Raises AlreadyRunning if this run never took the target or another run owns it now.
        """
        if conn.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
            raise TargetError("the ledger is guarded inside transactions only")
        with translate_errors("checking who owns the target"):
            row = conn.execute(
                sql.SQL("SELECT 1 FROM {} WHERE epoch = %s FOR SHARE").format(self.name("owner")),
                (self.epoch,),
            ).fetchone()
        if row is None:
            raise self._occupied(conn)

    def holder(self, conn: Connection | None = None) -> str | None:
        """Return who holds the target now and since when, None if no session does.

        Uses `conn` if it is given: the ledger's own session may be the lost one.
        """
        with translate_errors("reading who holds the target"):
            row = (
                (conn or self.conn)
                .execute(
                    sql.SQL(
                        "SELECT o.holder, o.since, a.application_name, l.pid"
                        " FROM pg_locks l LEFT JOIN {} o ON o.pid = l.pid"
                        " LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
                        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
                        " AND (l.classid::bigint << 32 | l.objid::bigint) = %s"
                        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    ).format(self.name("owner")),
                    (self.lock,),
                )
                .fetchone()
            )
        if row is None:
            return None
        holder, since, application, pid = row
        name = holder or str(application or "").removeprefix("migrate: ") or "another session"
        return f"{name} (PostgreSQL session {pid}{_since(since)})"

    def _occupied(self, conn: Connection | None = None) -> AlreadyRunning:
        holder = self.holder(conn) or "another run that has finished since"
        return AlreadyRunning(
            f"the target is held by {holder}",
            hint="wait until it ends, or stop it; then run the same command again",
        )

    # ---- runs and batches ------------------------------------------------------

    def begin(self, run_id: str, facts: Mapping[str, Any]) -> None:
        """Record a run and its settings; a repetition changes nothing."""
        with translate_errors(f"recording the run {run_id}"), self.conn.transaction():
            self.guard(self.conn)
            self.conn.execute(
                sql.SQL("INSERT INTO {} (run_id, facts) VALUES (%s, %s) ON CONFLICT DO NOTHING").format(
                    self.name("run")
                ),
                (run_id, json.dumps(facts)),
            )

    def facts(self, run_id: str) -> dict[str, Any] | None:
        """Return the settings of a run, None if the ledger does not know it."""
        with translate_errors(f"reading the run {run_id}"):
            row = self.conn.execute(
                sql.SQL("SELECT facts FROM {} WHERE run_id = %s").format(self.name("run")), (run_id,)
            ).fetchone()
        return None if row is None else dict(row[0])

    def latest_run(self) -> str | None:
        """Return the run that was started last, None if there was none."""
        with translate_errors("looking for the latest run"):
            row = self.conn.execute(
                sql.SQL("SELECT run_id FROM {} ORDER BY started_at DESC LIMIT 1").format(self.name("run"))
            ).fetchone()
        return None if row is None else str(row[0])

    def reset(self, run_id: str) -> None:
        """Delete the run's batches, outcomes and warnings: its staging is created again."""
        with translate_errors(f"forgetting the batches of {run_id}"), self.conn.transaction():
            self.forget_staged()
            for table in ("batch", "finished", "fate", "warning"):
                self.conn.execute(
                    sql.SQL("DELETE FROM {} WHERE run_id = %s").format(self.name(table)), (run_id,)
                )

    def forget_staged(self) -> None:
        """Delete the batches of every run that has not published: their staging is dropped.

        Called in the transaction that drops it. Otherwise another run that resumes would take the new staged
        rows for its own.
        """
        with translate_errors("forgetting the batches of unfinished runs"), self.conn.transaction():
            self.guard(self.conn)
            for table in ("batch", "finished"):
                self.conn.execute(
                    sql.SQL(
                        "DELETE FROM {} WHERE run_id NOT IN (SELECT run_id FROM {} WHERE kind = 'publish')"
                    ).format(self.name(table), self.name("publication"))
                )

    def cursor(self, run_id: str, mapper: str) -> Progress:
        """Return the progress of the mapper's committed batches."""
        query = sql.SQL(
            "SELECT coalesce(max(number), 0), max(last),"
            " EXISTS (SELECT 1 FROM {} WHERE run_id = %(run)s AND mapper = %(mapper)s)"
            " FROM {} WHERE run_id = %(run)s AND mapper = %(mapper)s"
        ).format(self.name("finished"), self.name("batch"))
        with translate_errors(f"reading how far {mapper} is"):
            row = self.conn.execute(query, {"run": run_id, "mapper": mapper}).fetchone()
        assert row is not None
        return Progress(batch=row[0], after=row[1], done=row[2])

    def finish(self, run_id: str, stage: str, mapper: str) -> None:
        """Record that the mapper has no more rows; a repetition changes nothing."""
        with translate_errors(f"recording the end of {mapper}"), self.conn.transaction():
            self.guard(self.conn)
            self.conn.execute(
                sql.SQL(
                    "INSERT INTO {} (run_id, stage, mapper) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
                ).format(self.name("finished")),
                (run_id, stage, mapper),
            )
            # The index of the outcomes does not follow new rows by itself.
            index = sql.Identifier(self.schema, "fate_table_idx").as_string(self.conn)
            self.conn.execute("SELECT brin_summarize_new_values(%s::regclass)", (index,))


def _since(at: datetime | None) -> str:
    return f", since {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def another_ledger(live_schema: str) -> str:
    """Return the advice that gives a live schema a ledger and a staging schema of its own."""
    return (
        f"give {live_schema} its own: set MIGRATE__TARGET__LEDGER_SCHEMA=migrate_ledger_{live_schema} and "
        f"MIGRATE__TARGET__STAGING_SCHEMA=migrate_staging_{live_schema}, or the same keys in [target]"
    )
