"""The dry run: the same stages into an embedded PostgreSQL with the schema of the live one, which is only
read.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from psycopg import sql

from backups.clone import clone_schema
from migrate.pipeline.context import RunContext
from migrate.pipeline.id_secret import known_ids
from migrate.pipeline.live_target import LiveTarget, open_target
from migrate.pipeline.open_run import hold_run
from migrate.pipeline.run_mode import RunMode
from migrate.pipeline.state import REHEARSAL, State
from migrate.postgres.connection import connect
from migrate.postgres.embedded import THROWAWAY, EmbeddedServer, binary
from migrate.postgres.url import parse_url
from migrate.publish import backup_store
from migrate.runtime import announce, files
from migrate.runtime.config import Config
from migrate.runtime.lockfile import lock_folder
from migrate.runtime.progress import Reporter
from migrate.source.configured import ConfiguredSource

DATABASE = "rehearsal"


@contextlib.contextmanager
def open_rehearsal(
    config: Config, work: Path, source: ConfiguredSource, report: Reporter
) -> Iterator[RunContext]:
    """Yield a dry run in `<work>/rehearsal`: the one that was interrupted, or else a new one."""
    folder = files.make_folder(work) / REHEARSAL
    with lock_folder(folder), open_target(config, work) as target:
        server = EmbeddedServer(folder, "postgres", THROWAWAY)
        state = State.load(folder)
        start_fresh = state is None or state.document.outcome != "open" or not server.exists
        known = known_ids(config, target, work)  # also of the rehearsal that is about to be removed
        if start_fresh:
            server.destroy()
        announce.doing("starting a PostgreSQL for the dry run")
        with server:
            url = server.url(DATABASE)
            if start_fresh:
                _clone(target, server)
            address = dataclasses.replace(
                parse_url(url), schema=target.address.schema, label=f"rehearsal of {target.address.label}"
            )
            mode = RunMode.FRESH if start_fresh else RunMode.START
            with hold_run(config, folder, source, address, report, mode, known=known, embedded=True) as run:
                run.dry = True
                yield run


def _clone(target: LiveTarget, server: EmbeddedServer) -> None:
    announce.doing(f"copying the schema of {target.address.label}")
    with connect(parse_url(server.url())) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(DATABASE)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with backup_store.translate_errors():
        clone_schema(
            target.address.conninfo,
            server.url(DATABASE),
            schema=target.address.schema,
            pg_dump=binary("pg_dump"),
            pg_restore=binary("pg_restore"),
        )
