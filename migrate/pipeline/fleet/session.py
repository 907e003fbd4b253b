"""What a worker process has once, for all its tenants: the target's session, the staging, the mapping.

The staging of a worker is a set of temporary tables of its session. They cost the server no log and no disk
flush; if the session is lost, the tenant that was staged there begins anew.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from psycopg import sql

from mappers.base import MappingSpec
from migrate import __version__
from migrate.pipeline.fleet.layout import Layout, fleet_mapping, layout_of
from migrate.pipeline.fleet.ledger import FleetLedger
from migrate.pipeline.fleet.progress_query import WORKER
from migrate.pipeline.id_secret import rule_of
from migrate.pipeline.ids import HEX, Rule
from migrate.pipeline.live_target import open_target
from migrate.pipeline.mapping import load_spec, target_ddl
from migrate.postgres.catalog import LiveSchema, introspect
from migrate.postgres.connection import Address, Connection, connect, translate_errors
from migrate.postgres.create_tables import is_empty, make_tables
from migrate.runtime.config import Config, load_config
from migrate.runtime.errors import Stopped, UsageError
from migrate.staging import schema
from migrate.staging.ledger import Ledger
from migrate.staging.ledger_schema import make_schema

_MARK: Final = "tables of a tenant of a fleet"


@dataclass(frozen=True)
class Job:
    """What a worker must know of the run. It holds no secret: these come from files and variables.

    `config_file` and `work` are paths on the worker's machine; `stage_only` tenants are published together.
    """

    config_file: str | None
    work: str
    run_id: str
    epoch: int
    stage_only: bool
    #: the workers are processes of the coordinator's own
    local: bool
    code: str = __version__

    def config(self) -> Config:
        """Read the configuration, as the command itself does."""
        return load_config(Path(self.config_file) if self.config_file else None)


class Session:
    """A worker's session. A context manager; after `lose` it is opened again."""

    def __init__(self, job: Job, config: Config | None = None) -> None:
        self.job = job
        self.config = config or job.config()
        self.mapping = fleet_mapping(self.config)
        self.spec: MappingSpec = load_spec(self.config)
        #: the attempt of the tenant that it works on
        self.attempt = 0
        self._opened = contextlib.ExitStack()
        self._is_open = self._is_over = False

    def __enter__(self) -> Self:
        self.ensure_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self.lose()

    def lose(self) -> None:
        """Close what is left of the session, after the server was lost."""
        self._is_open = False
        self._opened.close()

    def ensure_open(self) -> None:
        """Open the session if it is not open. Raises Stopped if the worker has given it up."""
        if self._is_over:
            raise Stopped("the worker's session is closed: the run that it worked for has ended")
        if not self._is_open:
            self._open()
            self._is_open = True

    def _open(self) -> None:
        target = self._opened.enter_context(open_target(self.config, Path(self.job.work)))
        self.address: Address = target.address
        self.conn: Connection = self._opened.enter_context(contextlib.closing(connect(self.address)))
        with translate_errors("setting up the worker's session"):
            self.conn.execute("SELECT set_config('application_name', %s, false)", (WORKER,))
            # A worker that is frozen in a transaction must not keep the locks of the others.
            self.conn.execute("SET idle_in_transaction_session_timeout = '60s'")
            self.conn.execute("CREATE TEMP TABLE migrate_temporary ()")
            row = self.conn.execute(
                "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()"
            ).fetchone()
            self.conn.execute("DROP TABLE pg_temp.migrate_temporary")
        assert row is not None
        self.staging: str = row[0]
        self.ledger = Ledger(self.conn, self.config.target.ledger_schema)
        self.ledger.epoch = self.job.epoch
        self.fleet = FleetLedger(self.ledger)
        self.layout: Layout = layout_of(self.config, self.address.schema)
        secret = self.config.ids.secret
        self.secret = secret.get_secret_value() if secret else self.ledger.secret() or ""
        self.id_rule: Rule = rule_of(self.ledger) or HEX
        self._live: LiveSchema | None = None
        #: the schema that was made for the tenant at work, if it had none
        self._made: str | None = None

    @property
    def filled(self) -> list[str]:
        """Return the tables that the mapping fills."""
        return list(self.spec.tables_filled)

    def stage(self, tenant: str) -> LiveSchema:
        """Make the staging empty for a tenant, and return the shape of its live tables."""
        name = self.layout.schema_of(tenant)
        self._made = None
        if self.layout.per_tenant:
            self._make_schema(name)
        if self._live is None or self._live.schema != name:
            self._live = introspect(self.conn, name)
            schema.create(self.conn, name, self.staging, self.filled)
            return self._live
        tables = [sql.Identifier(self.staging, table) for table in (*self.filled, schema.ID_MAP)]
        with translate_errors("emptying the staging"):
            self.conn.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        return self._live

    def _make_schema(self, name: str) -> None:
        """Create the schema of a tenant with its tables, if it is missing or empty."""
        ddl = target_ddl(self.config)
        with translate_errors(f"creating the schema {name}"), self.conn.transaction():
            self.ledger.guard(self.conn)
            if not is_empty(self.conn, name):
                return
            # Temporary tables come before all others: the DDL's own names must not mean the staged tables.
            schema.drop(self.conn, self.staging)
            if ddl is None:
                raise UsageError(
                    f"the schema {name} has no tables",
                    hint="name the DDL that makes a tenant's tables: [target] schema = FILE",
                )
            make_schema(self.conn, name, _MARK)
            make_tables(self.conn, name, ddl)
        self._made = name

    def discard_schema(self) -> None:
        """Remove the schema that was made for a tenant of which no row went live."""
        name, self._made = self._made, None
        if name is None:
            return
        self._live = None
        with translate_errors(f"removing the schema {name}"), self.conn.transaction():
            self.ledger.guard(self.conn)
            schema.drop(self.conn, self.staging)
            self.conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
