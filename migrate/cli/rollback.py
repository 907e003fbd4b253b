"""`migrate rollback`: restores the rows from before the migration."""

from __future__ import annotations

import contextlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.configuration import load_for_rollback
from migrate.cli.options import (
    accept_option,
    config_option,
    confirm,
    json_option,
    log_format_option,
    make_reporter,
    quiet_option,
    say,
    say_begun,
    waiting,
    work_option,
    yes_option,
)
from migrate.runtime.amount import amount
from migrate.runtime.notify import notified, notify
from migrate.runtime.streams import showing

if TYPE_CHECKING:
    from migrate.pipeline.rollback import RollbackMode, RolledBack
    from migrate.runtime.config import Config


@click.command("rollback")
@config_option
@work_option
@yes_option
@json_option
@accept_option
@log_format_option
@quiet_option
@click.option(
    "--discard-changes",
    is_flag=True,
    help="Roll back even if the application has written since; its rows stay in a backup.",
)
@click.option("--undo", is_flag=True, help="Undo the last rollback: the migrated rows are live again.")
@click.option(
    "--first",
    is_flag=True,
    help="Restore the rows from before the first run, although `run --refresh` followed it.",
)
@click.option(
    "--published",
    is_flag=True,
    help="Roll back the live publication even if the run in the work folder was discarded.",
)
@click.option(
    "--backup",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the backup, if it is not in the work folder.",
)
def command(
    config: Path | None,
    work: Path,
    yes: bool,
    as_json: bool,
    accept_unproven: bool,
    discard_changes: bool,
    undo: bool,
    first: bool,
    published: bool,
    backup: Path | None,
) -> None:
    """Restore the rows from before the run. A run that is not published is discarded.

    It is safe to run it twice: it does only what is left to do. The rows of
    now are backed up first, so you can undo a rollback with --undo. If the
    application has written since the publication, the rollback stops and
    lists these tables.

    \b
    migrate rollback
    migrate rollback --discard-changes --yes
    migrate rollback --undo
    """
    from migrate.pipeline.early_server import early_server
    from migrate.pipeline.rollback import RollbackMode
    from migrate.pipeline.state import NAME
    from migrate.runtime.errors import UsageError

    modes = {RollbackMode.UNDO: undo, RollbackMode.FIRST: first, RollbackMode.PUBLISHED: published}
    asked = [mode for mode, flag in modes.items() if flag]
    if len(asked) > 1:
        raise UsageError(
            " and ".join(f"--{mode.value}" for mode in asked)
            + " exclude each other: each restores other rows",
            hint="give only one of them",
        )
    mode = asked[0] if asked else RollbackMode.BACK
    say_begun(work)
    settings = load_for_rollback(config, work)
    if not any((work / name).exists() for name in (NAME, "backups")) and backup is None:
        from migrate.pipeline.resume import WITHOUT_FOLDER

        raise UsageError(f"there is no run in {work}", hint=WITHOUT_FOLDER)
    with notified(settings, "rollback", "the rollback is done"), early_server(settings, work):
        _roll_back(settings, work, yes, as_json, accept_unproven, discard_changes, mode, backup)


def _roll_back(
    settings: Config,
    work: Path,
    yes: bool,
    as_json: bool,
    accept_unproven: bool,
    discard_changes: bool,
    mode: RollbackMode,
    backup: Path | None,
) -> None:
    """Do what the command asks for; the modules of it take a second to load."""
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.open_run import open_run
    from migrate.pipeline.rollback import RollbackMode, roll_back
    from migrate.pipeline.run_mode import RunMode
    from migrate.report import receipt
    from migrate.report.on_failure import refresh

    undo = mode is RollbackMode.UNDO
    with contextlib.ExitStack() as opened:
        with waiting("connecting to the target"):
            target = opened.enter_context(open_target(settings, work))
        if not target.embedded:
            rows = "migrated" if undo else "earlier"
            confirm(
                f"Restore the {rows} rows of {target.address.label}, schema {target.address.schema}?",
                yes,
                name=target.address.database,
                on_ask=partial(
                    notify, settings, "rollback", "waiting", "it asks before it restores the rows"
                ),
            )
    with make_reporter() as report, open_run(settings, work, report, RunMode.ROLLBACK) as run:
        run.accept_unproven = accept_unproven
        done = roll_back(run, mode, discard=discard_changes, backup=backup)
        outcome = run.state.document.outcome
        receipt.add_publications(run)
        if trouble := refresh(run.work):
            report.note(trouble)
    with showing(f"the rollback is done: {outcome}; `migrate status` shows it"):
        _show_result(done, outcome, mode, as_json=as_json)


def _show_result(done: RolledBack, outcome: str, mode: RollbackMode, *, as_json: bool) -> None:
    """Print what the rollback did, for a program or for a person."""
    if as_json:
        kept = str(done.backup) if done.backup else None
        facts = {"version": 1, "outcome": outcome, "rows": done.rows, "backup": kept, "already": done.already}
        click.echo(json.dumps(facts))
    else:
        for line in _result_lines(done, mode.value):
            say(line)


def _result_lines(done: RolledBack, mode: str) -> list[str]:
    if done.already:
        return [done.already, "Nothing was changed."]
    if done.rows is None:
        lines = ["Nothing had been published: the staging is dropped, the live tables are unchanged."]
        if done.refreshed:
            lines += [
                f"The rows of the run {done.refreshed} are live.",
                "Next: `migrate run --refresh` catches up again, `migrate rollback --published` restores the "
                "rows from before.",
            ]
        return lines
    if mode == "undo":
        return [
            f"Rollback undone: {amount(done.tables, 'table holds', 'tables hold')} the "
            f"{amount(done.rows, 'migrated row')} again.",
            f"Saved in {done.backup}: {amount(done.saved, 'row')} that the tables held until now.",
            "Next: `migrate verify --published` checks them, `migrate rollback` rolls back again.",
        ]
    before = "first run" if mode == "first" else "run"
    return [
        f"Rolled back: {amount(done.tables, 'table holds', 'tables hold')} what they held before "
        f"the {before} ({amount(done.rows, 'row')}).",
        f"Saved in {done.backup}: {amount(done.saved, 'row')} that the tables held until now.",
        "Next: `migrate rollback --undo` undoes this rollback, `migrate run` migrates again.",
    ]
