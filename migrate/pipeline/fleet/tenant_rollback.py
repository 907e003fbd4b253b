"""Takes tenants back: their earlier rows are live again, and every other tenant's stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.pipeline.fleet.ledger import Line, State
from migrate.pipeline.fleet.open_fleet import Fleet
from migrate.pipeline.fleet.tenant_rows import exchange_rows
from migrate.pipeline.rollback import RollbackMode, RolledBack, roll_back
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import translate_errors
from migrate.runtime.errors import UsageError
from migrate.runtime.failpoints import hit


@dataclass(frozen=True)
class Undone:
    """The tenants and the rows that are live of them now; `whole` if all went at once."""

    tenants: dict[str, int]
    whole: RolledBack | None = None


def roll_back_tenants(fleet: Fleet, names: Sequence[str] | None, *, undo: bool = False) -> Undone:
    """Roll back some tenants, or all: each in one transaction, or all by the backup if they went live so.

    With `undo` a rollback is undone. A tenant in the wanted state is left as it is. Raises UsageError if a
    tenant has nothing to take back.
    """
    if fleet.run.config.fleet.publish == "together":
        return _all_together(fleet, names, undo=undo)
    done: dict[str, int] = {}
    fits: State = "rolled_back" if undo else "published"
    lines = [fleet.ledger.line(name) for name in names] if names else fleet.ledger.lines()
    for line in lines:
        if names and line.state not in ("published", "rolled_back"):
            raise UsageError(
                f"the tenant {line.tenant} is {line.state}: there is nothing to take back",
                hint="`migrate fleet status` lists the tenants",
            )
        if line.state == fits:
            done[line.tenant] = _exchange(fleet, line, "published" if undo else "rolled_back")
            hit("rollback:tenant")
    return Undone(done)


def _exchange(fleet: Fleet, line: Line, state: State) -> int:
    run, layout = fleet.run, fleet.layout
    live = introspect(run.connection, layout.schema_of(line.tenant))
    places = list(layout.places(line.tenant, live, run.filled, ""))
    with translate_errors(f"rolling back the tenant {line.tenant}"), run.connection.transaction():
        run.ledger.guard(run.connection)
        locked = fleet.ledger.line(line.tenant, lock=True)
        if locked.state != line.state:
            return sum(locked.rows.values())
        rows = exchange_rows(run.connection, run.ledger, line.tenant, places)
        fleet.ledger.finish(line.tenant, state, rows=rows)
    return sum(rows.values())


def _all_together(fleet: Fleet, names: Sequence[str] | None, *, undo: bool) -> Undone:
    if names:
        raise UsageError(
            "the tenants of this run went live together, so they are taken back together",
            hint="leave --tenant away; or publish each tenant: --each",
        )
    whole = roll_back(fleet.run, RollbackMode.UNDO if undo else RollbackMode.BACK)
    before: State = "rolled_back" if undo else "published"
    now: State = "published" if undo else "rolled_back"
    lines = [line for line in fleet.ledger.lines() if line.state in (before, "staged")]
    with translate_errors("recording the rollback"), fleet.run.connection.transaction():
        fleet.run.ledger.guard(fleet.run.connection)
        for line in lines:
            fleet.ledger.finish(line.tenant, "waiting" if line.state == "staged" else now)
    return Undone({line.tenant: sum(line.rows.values()) for line in lines}, whole)
