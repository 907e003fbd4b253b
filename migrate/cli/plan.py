"""`migrate plan`: what a run would do."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option, say, verbose_option, waiting, work_option


@click.command("plan")
@config_option
@work_option
@json_option
@verbose_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan in this file, for `migrate run --plan FILE`.",
)
def command(config: Path | None, work: Path, as_json: bool, verbose: bool, out: Path | None) -> int:
    """Show what `migrate run` would do. Writes to neither source nor target.

    You can save the plan and run it later: `migrate run --plan FILE` stops if
    source, target, configuration or program have changed since.

    \b
    migrate plan
    migrate plan --out plan.json
    """
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.order import describe_stages
    from migrate.pipeline.plan.plan import make_plan
    from migrate.pipeline.plan.plan_file import save_plan
    from migrate.postgres.connection import connect
    from migrate.report.plan_table import show_errors, show_plan
    from migrate.runtime.console import make_console
    from migrate.source.configured import configured_source

    settings = load_settings(config, work)
    origin = configured_source(settings, work)
    reading = waiting("reading the source and the target")
    with (
        reading,
        open_target(settings, work) as target,
        connect(target.address, read_only=True) as connection,
    ):
        plan = make_plan(
            settings, work, origin, target.address, connection, target.named_by, describe_stages(settings)
        )
    if out is not None:
        save_plan(plan.facts(), out)
    if as_json:
        click.echo(json.dumps(plan.facts()))
    else:
        console = make_console()
        show_plan(plan, console, verbose=verbose)
        show_errors(plan, console)
        if out is not None:
            say(f"Plan saved in {out}. Next: `migrate run --plan {shlex.quote(str(out))}`.")
    return 1 if plan.errors else 0
