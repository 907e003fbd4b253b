"""`migrate fleet run`: migrates every tenant that is not done."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.fleet.fleet_options import load_fleet_settings, tenants_option, workers_options
from migrate.cli.options import (
    accept_option,
    config_option,
    confirm,
    json_option,
    log_format_option,
    make_reporter,
    say,
    say_begun,
    verbose_option,
    waiting,
    work_option,
    yes_option,
)
from migrate.runtime.amount import amount
from migrate.runtime.notify import notified, notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrate.pipeline.fleet.open_fleet import Fleet
    from migrate.runtime.config import Config


@click.command("run")
@config_option
@work_option
@tenants_option
@click.option("--each", "publish", flag_value="each", help="A tenant's rows go live once they are checked.")
@click.option("--together", "publish", flag_value="together", help="All rows go live in the end, at once.")
@workers_options
@click.option("--canary", type=click.IntRange(min=0), help="So many tenants first, alone.")
@click.option("--fresh", is_flag=True, help="Discard the earlier run and migrate every tenant again.")
@yes_option
@json_option
@verbose_option
@log_format_option
@accept_option
def command(
    config: Path | None,
    work: Path,
    publish: str | None,
    fresh: bool,
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    **typed: Any,
) -> None:
    """Migrate every tenant that is not done, then check all of them together.

    If it is stopped or killed, run the same command again: tenants that are
    done stay as they are. A tenant that cannot be migrated is put in quarantine
    with its reason; more of them than --max-quarantined stop the run.

    \b
    migrate fleet run --tenants tenants.csv
    migrate fleet run --tenants turso:acme/eu --together --workers 8
    migrate fleet run --tenants tenants.csv --scheduler tcp://10.0.0.1:8786
    """
    say_begun(work)
    settings = load_fleet_settings(config, work, **typed)
    migrate_fleet(settings, work, publish, yes, as_json, verbose, accept_unproven, fresh=fresh)


def migrate_fleet(
    settings: Config,
    work: Path,
    publish: str | None,
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    *,
    fresh: bool = False,
    again: Sequence[str] | None = None,
) -> None:
    """Run a fleet; with `again` only these tenants, anew; all in quarantine if it is empty."""
    from migrate.pipeline.early_server import early_server
    from migrate.pipeline.fleet.coordinator import retry, run_fleet
    from migrate.pipeline.fleet.open_fleet import make_fleet, open_fleet
    from migrate.pipeline.fleet.tenants import read_tenants
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.run_mode import RunMode

    with waiting("reading the list of tenants"):
        tenants = read_tenants(settings)
    mode = RunMode.FRESH if fresh else RunMode.START if again is None else RunMode.RECORDED
    with notified(settings, "fleet", "the tenants are live"), early_server(settings, work):
        with waiting("connecting to the target"), open_target(settings, work) as target:
            pass
        if not target.embedded:
            confirm(
                f"Put the rows of {amount(len(tenants), 'tenant')} into {target.address.label}, "
                f"schema {target.address.schema}?",
                yes,
                name=target.address.database,
                on_ask=partial(notify, settings, "fleet", "waiting", "it asks before it replaces rows"),
            )
        with make_reporter(verbose=verbose) as report, open_fleet(settings, work, report, mode) as run:
            run.accept_unproven = accept_unproven
            fleet = make_fleet(run, tenants, publish)
            if again is not None:
                report.note(f"{amount(retry(fleet, again), 'tenant starts', 'tenants start')} again")
            try:
                run_fleet(fleet)
            finally:
                facts = _write_report(fleet)
    if as_json:
        click.echo(json.dumps(facts))
        return
    _say_result(facts, work)


def _write_report(fleet: Fleet) -> dict[str, Any]:
    """Write the report, also of a run that failed, and return its facts; its own failure is only noted."""
    from migrate.report.fleet_page import write_fleet_report
    from migrate.runtime.errors import MigrateError

    try:
        return write_fleet_report(fleet.ledger, fleet.run.work)
    except MigrateError as error:
        fleet.run.report.note(f"the report could not be written: {error}")
        return {}


def _say_result(facts: dict[str, Any], work: Path) -> None:
    from migrate.report.fleet_page import HTML

    counts = facts["tenants"]
    say(f"Published: {amount(counts.get('published', 0), 'tenant')}, {amount(facts['rows'], 'row')}.")
    for one in facts["quarantined"]:
        say(
            f"In quarantine ({one['kind']}): {amount(one['tenants'], 'tenant')}, the first is {one['first']}."
        )
    say(f"Report: {work / HTML}")
    if counts.get("quarantined"):
        say("Next: `migrate fleet retry` takes those in quarantine again, after their sources are fixed.")
    say("Next: `migrate fleet rollback` restores the earlier rows, --tenant NAME those of one tenant.")
