"""`migrate run`: the migration, begun or resumed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.commands.options import (
    accept_option,
    config_option,
    confirm,
    json_option,
    verbose_option,
    work_option,
    yes_option,
)


@click.command("run")
@config_option
@work_option
@yes_option
@json_option
@verbose_option
@accept_option
@click.option(
    "--fresh", is_flag=True, help="Give up what the work folder holds of an earlier run and begin anew."
)
def command(
    config: Path | None,
    work: Path,
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    fresh: bool,
) -> None:
    """Migrate: snapshot, backup, staging, mapping, checks, publish.

    Stopped or killed at any moment, the same command goes on where it
    stopped. Finished, it says so and changes nothing.

    \b
    migrate run
    migrate run --config config.toml --work work --yes
    """
    from migrate.config import load_config
    from migrate.console import ConsoleReporter, make_console
    from migrate.errors import MigrateError
    from migrate.opening import open_run, open_target
    from migrate.origin import find_origin
    from migrate.pipeline import describe_stages, run_stages
    from migrate.plan import make_plan, show_plan
    from migrate.state import State
    from migrate.summary import keep, show, summarise
    from migrate.target.connection import connect

    settings = load_config(config)
    console = make_console(stderr=as_json)
    state = None if fresh else State.load(work)
    if state is None or state.document.outcome != "published":
        with open_target(settings, work) as target:  # once for both: an embedded one is started for it
            if state is None or not state.done("snapshot"):
                origin, stages = find_origin(settings, work), describe_stages(settings)
                with connect(target.address, read_only=True) as connection:
                    plan = make_plan(
                        settings, work, origin, target.address, connection, target.named_by, stages
                    )
                show_plan(plan, console)
                plan.require()
            if not target.embedded:
                confirm(
                    f"Replace the rows of {target.address.label}, schema {target.address.schema}?",
                    yes,
                    name=target.address.database,
                )
    with ConsoleReporter(verbose=verbose) as report, open_run(settings, work, report, fresh=fresh) as run:
        run.accept_unproven = accept_unproven
        already = run.state.document.outcome == "published"
        if already:
            report.note("this run is published already; nothing is done")
        else:
            run_stages(run)
        try:
            summary = summarise(run)
            keep(summary, run.work)
        except MigrateError as error:
            told = MigrateError(
                f"the rows are published, but their summary could not be made: {error}",
                hint="mend this (is there room on the disk?), then type the same command again: "
                "it changes no row and makes the summary",
            )
            told.exit_code = error.exit_code
            raise told from error
    if as_json:
        click.echo(json.dumps(summary.facts()))
        return
    show(summary, console)
    console.print(
        "Next: `migrate verify --published` checks the live rows, `migrate rollback` takes them back."
    )
