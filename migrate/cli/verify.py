"""`migrate verify`: the dry run, and the checks of what was published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import (
    config_option,
    json_option,
    log_format_option,
    make_reporter,
    make_result_console,
    quiet_option,
    say_begun,
    verbose_option,
    waiting,
    work_option,
)
from migrate.runtime.amount import amount
from migrate.runtime.next_command import complete

if TYPE_CHECKING:
    from rich.console import Console

    from migrate.runtime.config import Config
    from migrate.runtime.console import ConsoleReporter
    from migrate.runtime.progress import LineReporter


@click.command("verify")
@config_option
@work_option
@json_option
@verbose_option
@log_format_option
@quiet_option
@click.option(
    "--published", is_flag=True, help="Check the live rows that a run has published, instead of a dry run."
)
@click.option("--deep", is_flag=True, help="Map every row a second time and compare each cell.")
@click.option(
    "--check-urls", is_flag=True, help="Request every image URL over HTTP and check that it answers."
)
def command(
    config: Path | None,
    work: Path,
    as_json: bool,
    verbose: bool,
    published: bool,
    deep: bool,
    check_urls: bool,
) -> None:
    """Dry run: every stage, publish included, into an embedded PostgreSQL with the target's schema.

    Source and target are only read. With --published: check the live rows that
    a run has published instead.

    \b
    migrate verify
    migrate verify --published --deep
    """

    say_begun(work)
    settings = load_settings(config, work)
    asked = {"deep": deep, "check_urls": check_urls}
    checks = settings.verification.model_copy(update={key: True for key, flag in asked.items() if flag})
    settings = settings.model_copy(update={"verification": checks})
    console = make_result_console(as_json=as_json)
    check = _check_published if published else _rehearse
    facts = check(settings, work, console, make_reporter(verbose=verbose))
    if as_json:
        click.echo(json.dumps(facts))


def _check_published(
    settings: Config, work: Path, console: Console, reporter: ConsoleReporter | LineReporter
) -> dict[str, Any]:
    from migrate.pipeline.open_run import open_run
    from migrate.pipeline.run_mode import RunMode
    from migrate.pipeline.stages.verify import check_rows, require
    from migrate.report.on_failure import refresh
    from migrate.runtime.errors import UsageError
    from migrate.staging import ledger_queries

    with reporter as report, open_run(settings, work, report, RunMode.RECORDED) as run:
        if ledger_queries.publication_of(run.connection, run.ledger, run.id) is None:
            raise UsageError("this run has published nothing yet", hint="finish it with `migrate run`")
        if run.state.document.outcome == "rolled_back":
            raise UsageError("this run was rolled back", hint="`migrate run` migrates again")
        run.state.prove_file("snapshot", "snapshot")
        result = check_rows(run, schema=run.address.schema)
        if trouble := refresh(run.work):
            report.note(trouble)
    require(result, f"read {work / 'checks.json'}; `migrate rollback` restores the earlier rows")
    console.print(f"{amount(result.applied, 'check')} of the live rows passed.")
    return {"version": 1, **result.to_json()}


def _rehearse(
    settings: Config, work: Path, console: Console, reporter: ConsoleReporter | LineReporter
) -> dict[str, Any]:
    from migrate.pipeline.dry_run import open_rehearsal
    from migrate.pipeline.early_server import early_server
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.order import describe_stages, run_stages
    from migrate.pipeline.plan.plan import make_plan
    from migrate.pipeline.plan.plan_file import FILE, save_plan
    from migrate.pipeline.summary.summary import keep, summarise
    from migrate.postgres.connection import connect
    from migrate.report.on_failure import reported_on_failure
    from migrate.report.plan_table import show_plan
    from migrate.report.summary_table import show
    from migrate.report.write import write_report
    from migrate.source.configured import configured_source

    origin = configured_source(settings, work)
    with early_server(settings, work):
        reading = waiting("reading the source and the target")
        with open_target(settings, work) as target:
            with reading, connect(target.address, read_only=True) as connection:
                plan = make_plan(
                    settings,
                    work,
                    origin,
                    target.address,
                    connection,
                    target.named_by,
                    describe_stages(settings),
                )
            show_plan(plan, console, rehearsal=True)
            plan.require()
        with reporter as report, open_rehearsal(settings, work, origin, report) as run:
            save_plan(plan.facts(), run.work / FILE)
            with reported_on_failure(run):
                run_stages(run)
            report.doing("writing summary and report")
            summary = summarise(run)
            keep(summary, run.work)
            page = write_report(run.work)
    show(summary, console)
    console.print(f"Report: {page}", markup=False, soft_wrap=True)
    console.print(
        complete("The dry run succeeded. Your target was only read. Next: `migrate run`."),
        markup=False,
        soft_wrap=True,
    )
    return summary.facts()
