"""`migrate run`: starts or resumes the migration."""

from __future__ import annotations

import contextlib
import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import (
    accept_option,
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
    yes_option,
)
from migrate.runtime.next_command import complete
from migrate.runtime.notify import notified, notify
from migrate.runtime.streams import showing

if TYPE_CHECKING:
    from rich.console import Console

    from migrate.pipeline.context import RunContext
    from migrate.pipeline.live_target import LiveTarget
    from migrate.pipeline.plan.plan import Plan
    from migrate.pipeline.run_mode import RunMode
    from migrate.pipeline.state import State
    from migrate.pipeline.summary.summary import Summary
    from migrate.runtime.config import Config

#: Source and target are inspected again if the question was answered later than this.
_STILL_TRUE_SECONDS = 60.0


@click.command("run")
@config_option
@work_option
@yes_option
@json_option
@verbose_option
@log_format_option
@quiet_option
@accept_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run only if this saved plan is still true; see `migrate plan --out FILE`.",
)
@click.option(
    "--replace-source",
    metavar="NAME",
    help="Replace live rows that were migrated from this other source.",
)
@click.option("--fresh", is_flag=True, help="Discard the earlier run in the work folder and start a new one.")
@click.option(
    "--refresh",
    is_flag=True,
    help="Replace the published rows by those that the source has now; the ids stay the same.",
)
@click.option(
    "--discard-changes",
    is_flag=True,
    help="With --refresh: even if the application has written since; its rows stay in a backup.",
)
def command(
    config: Path | None,
    work: Path,
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    plan_file: Path | None,
    replace_source: str | None,
    fresh: bool,
    refresh: bool,
    discard_changes: bool,
) -> None:
    """Migrate: snapshot, backup, staging, mapping, checks, publish.

    If it is stopped or killed, run the same command again: it continues where it
    stopped. If the run is finished, it says so and changes nothing; with --refresh it
    catches up with a source that has been written to since.

    \b
    migrate run
    migrate run --config config.toml --work work --yes
    migrate run --plan plan.json
    migrate run --refresh
    """
    from migrate.pipeline.early_server import early_server
    from migrate.pipeline.run_mode import RunMode
    from migrate.runtime.errors import UsageError

    if fresh and refresh:
        raise UsageError("--fresh and --refresh exclude each other", hint="give only one of them")
    if discard_changes and not refresh:
        raise UsageError("--discard-changes belongs to --refresh", hint="give both, or none of them")
    mode = RunMode.FRESH if fresh else RunMode.REFRESH if refresh else RunMode.START
    say_begun(work)
    settings = load_settings(config, work)
    with early_server(settings, work):
        _migrate(
            settings, work, yes, as_json, verbose, accept_unproven, plan_file, replace_source, mode,
            discard_changes=discard_changes,
        )  # fmt: skip


def _migrate(
    settings: Config,
    work: Path,
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    plan_file: Path | None,
    replace_source: str | None,
    mode: RunMode,
    *,
    discard_changes: bool,
) -> None:
    """Run what the command asks for; the modules of it take a second to load."""
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.open_run import open_run
    from migrate.pipeline.order import run_stages
    from migrate.pipeline.plan.plan_file import FILE, read_plan, save_plan
    from migrate.pipeline.refresh import find_open
    from migrate.pipeline.run_mode import RunMode
    from migrate.pipeline.state import State
    from migrate.report.on_failure import reported_on_failure
    from migrate.report.summary_table import show
    from migrate.report.write import FILE as REPORT

    console = make_result_console(as_json=as_json)
    expected = read_plan(plan_file) if plan_file else None
    state = None if mode is RunMode.FRESH else State.load(work)
    if mode is RunMode.REFRESH:
        state = find_open(state, work)
    plan = None
    looked = time.monotonic()
    with contextlib.ExitStack() as opened:
        opened.enter_context(notified(settings, "run", "the rows are live"))
        if state is None or state.document.outcome != "published":
            # Held to the end: an embedded one is not stopped between plan and run.
            with waiting("connecting to the target"):
                target = opened.enter_context(open_target(settings, work))
            plan = _show_plan_and_ask(settings, work, target, state, console, yes, expected, replace_source)
        with (
            make_reporter(verbose=verbose) as report,
            open_run(settings, work, report, mode, discard_changes=discard_changes) as run,
        ):
            run.accept_unproven, run.replace_source = accept_unproven, replace_source
            if plan is not None:
                save_plan(plan.facts(), work / FILE)
                if not plan.made and time.monotonic() - looked < _STILL_TRUE_SECONDS:
                    run.planned = plan.source_rows
            if run.state.document.outcome == "published":
                report.note("this run is already published; nothing to do")
            else:
                with reported_on_failure(run):
                    run_stages(run)
            report.doing("writing summary, receipt and report")
            summary, seal = _write_results(run)
    with showing(f"the rows are live; `migrate status` and {work / REPORT} show the result"):
        if as_json:
            click.echo(json.dumps({**summary.facts(), "seal": seal}))
        else:
            show(summary, console, verbose=verbose)
            _show_next(work, console, seal)


def _show_next(work: Path, console: Console, seal: str) -> None:
    """Print which files a published run left, and what may be typed next."""
    from migrate.report.write import FILE as REPORT

    console.print(f"Report: {work / REPORT}", markup=False, soft_wrap=True)
    console.print(f"Receipt: {work / 'receipt.json'}, sealed {seal}", markup=False, soft_wrap=True)
    console.print(
        complete(
            "Next: `migrate verify --published` checks the live rows, `migrate rollback` restores "
            "the earlier rows."
        ),
        markup=False,
        soft_wrap=True,
    )


def _show_plan_and_ask(
    settings: Config,
    work: Path,
    target: LiveTarget,
    state: State | None,
    console: Console,
    yes: bool,
    expected: dict[str, Any] | None,
    replace_source: str | None,
) -> Plan | None:
    """Show the plan if the source is to be read, compare it with the saved one, and ask.

    Returns the plan, None if the run goes on and has its snapshot.
    """
    from migrate.cli.options import confirm
    from migrate.pipeline.order import describe_stages
    from migrate.pipeline.plan.plan import make_plan
    from migrate.pipeline.plan.plan_file import FILE, read_plan, require_current
    from migrate.postgres.connection import connect
    from migrate.report.plan_table import show_plan
    from migrate.source.configured import configured_source

    plan = None
    if state is None or state.document.outcome == "rolled_back" or not state.done("snapshot"):
        origin, stages = configured_source(settings, work), describe_stages(settings)
        reading = waiting("reading the source and the target")
        with reading, connect(target.address, read_only=True) as connection:
            plan = make_plan(
                settings, work, origin, target.address, connection, target.named_by, stages,
                replace_source=replace_source,
            )  # fmt: skip
        with showing(
            "nothing was changed; write the output to another place, then run the same command again"
        ):
            show_plan(plan, console)
        plan.require()
    if expected is not None:
        current = plan.facts() if plan else read_plan(work / FILE)
        require_current(expected, current, "given with --plan")
    if not target.embedded:
        made = plan is not None and plan.made
        what = "Make the tables and put the rows into" if made else "Replace the rows of"
        confirm(
            f"{what} {target.address.label}, schema {target.address.schema}?",
            yes,
            name=target.address.database,
            on_ask=partial(notify, settings, "run", "waiting", "it asks before it replaces the rows"),
        )
    return plan


def _write_results(run: RunContext) -> tuple[Summary, str]:
    """Write summary, receipt and report of a published run; return the summary and the receipt's seal."""
    from migrate.pipeline.summary.summary import keep, summarise
    from migrate.report import receipt
    from migrate.report.write import write_report
    from migrate.runtime.errors import MigrateError

    try:
        summary = summarise(run)
        keep(summary, run.work)
        made = receipt.make_receipt(run, summary)
        receipt.keep(made, run.work)
        write_report(run.work)
    except MigrateError as error:
        failure = MigrateError(
            f"the rows are published, but the summary and report could not be written: {error}",
            hint="fix this (is the disk full?), then run the same command again: "
            "it changes no row and writes them",
        )
        failure.exit_code = error.exit_code
        raise failure from error
    return summary, made.seal
