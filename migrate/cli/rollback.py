"""`migrate rollback`: the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import (
    accept_option,
    config_option,
    confirm,
    json_option,
    log_format_option,
    make_reporter,
    work_option,
    yes_option,
)

if TYPE_CHECKING:
    from migrate.pipeline.rollback import Aim, RolledBack


@click.command("rollback")
@config_option
@work_option
@yes_option
@json_option
@accept_option
@log_format_option
@click.option(
    "--discard-changes",
    is_flag=True,
    help="Roll back although the application has written since; kept in a backup.",
)
@click.option("--undo", is_flag=True, help="Take the last rollback back: the migrated rows are live again.")
@click.option(
    "--published", is_flag=True, help="Take the live publication back although this run is given up."
)
@click.option(
    "--backup",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the backup, where the work folder does not hold it.",
)
def command(
    config: Path | None,
    work: Path,
    yes: bool,
    as_json: bool,
    accept_unproven: bool,
    discard_changes: bool,
    undo: bool,
    published: bool,
    backup: Path | None,
) -> None:
    """Give up a run that is not published, or put the rows of its backup back.

    Typed again, after a kill or out of doubt, it does what is left to be done
    and no more. What is there now is backed up first, so a rollback can
    itself be taken back, with --undo. Rows that the application has written
    since the publication are counted and shown, and stop it.

    \b
    migrate rollback
    migrate rollback --discard-changes --yes
    migrate rollback --undo
    """
    from migrate.pipeline.live_target import open_target
    from migrate.pipeline.open_run import open_run
    from migrate.pipeline.rollback import roll_back
    from migrate.pipeline.state import NAME
    from migrate.publish.backup_store import FOLDER
    from migrate.report import receipt
    from migrate.report.on_failure import refresh
    from migrate.runtime.config import load_config
    from migrate.runtime.errors import UsageError

    if undo and published:
        raise UsageError("--undo brings migrated rows back, --published takes them away", hint="give one")
    aim: Aim = "undo" if undo else "published" if published else "back"
    settings = load_config(config)
    if not any((work / name).exists() for name in (NAME, FOLDER)) and backup is None:
        raise UsageError(f"no run is recorded in {work}", hint="name the run's folder with --work")
    with open_target(settings, work) as target:
        if not target.embedded:
            rows = "migrated" if undo else "earlier"
            confirm(
                f"Put the {rows} rows of {target.address.label}, schema {target.address.schema}, back?",
                yes,
                name=target.address.database,
            )
    with make_reporter() as report, open_run(settings, work, report, back=True) as run:
        run.accept_unproven = accept_unproven
        done = roll_back(run, aim=aim, discard=discard_changes, backup=backup)
        outcome = run.state.document.outcome
        receipt.add_publications(run)
        if trouble := refresh(run.work):
            report.note(trouble)
    if as_json:
        kept = str(done.backup) if done.backup else None
        facts = {"version": 1, "outcome": outcome, "rows": done.rows, "backup": kept, "already": done.already}
        click.echo(json.dumps(facts))
    else:
        for line in _told(done, aim):
            click.echo(line)


def _told(done: RolledBack, aim: Aim) -> list[str]:
    if done.already:
        return [done.already, "Nothing more was done."]
    if done.rows is None:
        return ["Nothing had been published: the staging is dropped, the live tables are as they were."]
    rows = (
        f"{done.rows:,} {'migrated rows are live again' if aim == 'undo' else 'rows are back as they were'}."
    )
    following = (
        "`migrate verify --published` checks them, `migrate rollback` takes them back."
        if aim == "undo"
        else "`migrate rollback --undo` undoes this rollback, `migrate run` migrates again."
    )
    return [f"{rows} What was there is kept in {done.backup}.", f"Next: {following}"]
