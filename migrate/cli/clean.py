"""`migrate clean`: removes our schemas and personal data when the migration is finished."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, confirm, json_option, work_option, yes_option

if TYPE_CHECKING:
    from migrate.pipeline.clean import KeepOption

_KEEP_OPTIONS = ("report", "receipt", "map", "log")


@click.command("clean")
@config_option
@work_option
@yes_option
@json_option
@click.option(
    "--keep",
    multiple=True,
    type=click.Choice(_KEEP_OPTIONS),
    help="Keep this: report, receipt, log, or the id map in the target. May be repeated.",
)
@click.option(
    "--embedded", is_flag=True, help="Also remove the embedded PostgreSQL (the target, with all its rows)."
)
def command(
    config: Path | None, work: Path, yes: bool, as_json: bool, keep: tuple[KeepOption, ...], embedded: bool
) -> None:
    """Remove what is no longer needed: afterwards there is no way back.

    Drops the schemas of staging and ledger from the target, and removes
    snapshot, backups, rehearsal and state from the work folder. The live
    tables stay as they are. A run that is not finished is refused.

    \b
    migrate clean --keep report --keep receipt --keep map
    migrate clean --yes
    """
    from migrate.pipeline.clean import clear_folder, clear_target, require_finished
    from migrate.pipeline.live_target import open_target
    from migrate.postgres.connection import connect
    from migrate.runtime.config import EMBEDDED, target_url
    from migrate.runtime.errors import UsageError
    from migrate.runtime.lockfile import lock_folder
    from migrate.staging.ledger import Ledger

    settings = load_settings(config, work)
    if not work.is_dir():
        raise UsageError(f"there is no folder {work}", hint="give the folder of the run with --work")
    removed: list[str] = []
    with lock_folder(work):
        require_finished(work)
        if target_url(settings)[0] != EMBEDDED or (work / "postgres.json").exists():
            with open_target(settings, work) as target:
                confirm(
                    f"Delete the backups and the ledger of {target.address.label}? No rollback afterwards.",
                    yes,
                    name=target.address.database,
                )
                with connect(target.address) as connection:
                    ledger = Ledger(connection, settings.target.ledger_schema)
                    removed = clear_target(connection, ledger, settings.target.staging_schema, keep)
        done = replace(clear_folder(work, keep, embedded=embedded), removed_from_target=removed)
    if as_json:
        click.echo(json.dumps({"version": 1, **asdict(done)}))
        return
    click.echo(f"Deleted from the target: {', '.join(removed) or 'nothing'}.")
    click.echo(
        f"Deleted from {work}: {', '.join(done.removed_files) or 'nothing'} ({done.removed_bytes:,} bytes)."
    )
    click.echo(f"Kept in it: {', '.join(done.kept) or 'nothing'}.")
