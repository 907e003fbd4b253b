"""`migrate rollback`: the way back."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.commands.options import (
    accept_option,
    config_option,
    confirm,
    json_option,
    work_option,
    yes_option,
)


@click.command("rollback")
@config_option
@work_option
@yes_option
@json_option
@accept_option
@click.option(
    "--discard-changes",
    is_flag=True,
    help="Roll back although the application has written since; kept in a backup.",
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
    backup: Path | None,
) -> None:
    """Give up a run that is not published, or put the rows of its backup back.

    What is there now is backed up first, so a rollback can itself be rolled
    back by typing the command again. Rows that the application has written
    since the publication are counted and shown, and stop it.

    \b
    migrate rollback
    migrate rollback --discard-changes --yes
    """
    from migrate import receipt
    from migrate.backup_folder import FOLDER
    from migrate.config import load_config
    from migrate.console import ConsoleReporter
    from migrate.errors import UsageError
    from migrate.opening import open_run, open_target
    from migrate.rollback import roll_back
    from migrate.state import NAME

    settings = load_config(config)
    if not any((work / name).exists() for name in (NAME, FOLDER)) and backup is None:
        raise UsageError(f"no run is recorded in {work}", hint="name the run's folder with --work")
    with open_target(settings, work) as target:
        if not target.embedded:
            confirm(
                f"Put the earlier rows of {target.address.label}, schema {target.address.schema}, back?",
                yes,
                name=target.address.database,
            )
    with ConsoleReporter() as report, open_run(settings, work, report, back=True) as run:
        run.accept_unproven = accept_unproven
        done = roll_back(run, discard=discard_changes, backup=backup)
        outcome = run.state.document.outcome
        receipt.add_publications(run)
    if as_json:
        kept = str(done.backup) if done.backup else None
        click.echo(json.dumps({"version": 1, "outcome": outcome, "rows": done.rows, "backup": kept}))
    elif done.rows is None:
        click.echo("Nothing had been published: the staging is dropped, the live tables are as they were.")
    elif done.again:
        click.echo("The rollback had been committed already; nothing more was done.")
    else:
        click.echo(f"{done.rows:,} rows are back as they were. What was there is kept in {done.backup}.")
        click.echo("Next: `migrate rollback` undoes this rollback, `migrate run` migrates again.")
