"""`migrate rehearse`: the dry run that kills itself at every named point and resumes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.options import (
    config_option,
    json_option,
    log_format_option,
    make_reporter,
    quiet_option,
    say,
    work_option,
)
from migrate.runtime.amount import amount


@click.command("rehearse")
@config_option
@work_option
@json_option
@log_format_option
@quiet_option
def command(config: Path | None, work: Path, as_json: bool) -> None:
    """Dry run that is killed at every checkpoint between two durable writes, and resumed.

    First a dry run without kills, as `migrate verify` does it. Then a second
    dry run that is killed (SIGKILL) at every checkpoint of the first one, and
    resumed each time by the same command. Both must give the same rows.
    Source and target are only read. The result is in WORK/rehearsal.json and
    in the report.

    \b
    migrate rehearse
    """
    from migrate.pipeline.crash_test import RECEIPT, run
    from migrate.pipeline.state import REHEARSAL
    from migrate.report.on_failure import refresh
    from migrate.report.write import FILE

    words = ["--config", str(config.absolute())] if config else []
    with make_reporter() as report:

        def show(doing: str, number: int, total: int) -> None:
            report.note(f"{number}/{total}: killed at {doing}" if number else "dry run without kills")

        receipt = run(work, words, show)
        if trouble := refresh(work / REHEARSAL):
            report.note(trouble)
    if as_json:
        click.echo(json.dumps(receipt.facts()))
        return
    rows = sum(content.rows for content in receipt.disturbed.values())
    say(
        f"Killed {amount(len(receipt.killed), 'time')} and resumed: {amount(rows, 'row')} in "
        f"{amount(len(receipt.disturbed), 'table')}, "
        f"identical to those of a dry run without kills. Receipt: {work / RECEIPT}, "
        f"report: {work / REHEARSAL / FILE}."
    )
    say("Your target was only read. Next: `migrate run`.")
