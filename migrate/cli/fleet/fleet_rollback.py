"""`migrate fleet rollback`: restores the earlier rows of tenants."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.configuration import load_for_rollback
from migrate.cli.fleet.fleet_options import tenant_option
from migrate.cli.options import (
    config_option,
    confirm,
    json_option,
    log_format_option,
    make_reporter,
    say,
    say_begun,
    waiting,
    work_option,
    yes_option,
)
from migrate.runtime.amount import amount


@click.command("rollback")
@config_option
@work_option
@tenant_option
@click.option("--undo", is_flag=True, help="Undo the last rollback: the migrated rows are live again.")
@yes_option
@json_option
@log_format_option
def command(
    config: Path | None, work: Path, names: tuple[str, ...], undo: bool, yes: bool, as_json: bool
) -> None:
    """Restore the rows that tenants had before; with --tenant of these, otherwise of all.

    Each tenant goes back in one transaction, and the rows of every other tenant
    stay as they are. Tenants that went live together go back together.

    \b
    migrate fleet rollback --tenant acme
    migrate fleet rollback --tenant acme --undo
    migrate fleet rollback
    """
    from migrate.pipeline.early_server import early_server
    from migrate.pipeline.fleet.open_fleet import make_fleet, open_fleet
    from migrate.pipeline.fleet.tenant_rollback import roll_back_tenants
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.run_mode import RunMode

    say_begun(work)
    settings = load_for_rollback(config, work)
    with early_server(settings, work):
        with waiting("connecting to the target"), open_target(settings, work) as target:
            pass
        if not target.embedded:
            rows, whose = ("migrated" if undo else "earlier"), ", ".join(names) or "all tenants"
            confirm(
                f"Restore the {rows} rows of {whose} in {target.address.label}, "
                f"schema {target.address.schema}?",
                yes,
                name=target.address.database,
            )
        with make_reporter() as report, open_fleet(settings, work, report, RunMode.ROLLBACK) as run:
            done = roll_back_tenants(make_fleet(run, []), names, undo=undo)
    rows_now = sum(done.tenants.values())
    if as_json:
        click.echo(json.dumps({"version": 1, "tenants": done.tenants, "rows": rows_now}))
        return
    what = "Rollback undone" if undo else "Rolled back"
    say(f"{what}: {amount(len(done.tenants), 'tenant has', 'tenants have')} {amount(rows_now, 'row')} now.")
    if done.tenants:
        say(
            "Next: `migrate fleet rollback` rolls back again."
            if undo
            else "Next: `migrate fleet rollback --undo` undoes this, `migrate fleet retry --tenant NAME` "
            "migrates a tenant again."
        )
