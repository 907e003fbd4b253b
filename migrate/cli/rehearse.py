"""`migrate rehearse`: the dry run that kills itself at every named point and resumes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.options import config_option, json_option, log_format_option, make_reporter, work_option


@click.command("rehearse")
@config_option
@work_option
@json_option
@log_format_option
def command(config: Path | None, work: Path, as_json: bool) -> None:
    """Dry run that is killed at every point between two durable writes, and resumed.

    First an undisturbed dry run as `migrate verify` makes it; then another one
    that is killed (SIGKILL) at every named point the first one came to, each
    time resumed by the same command. Both must leave the same content. Source
    and live target are only read. The receipt is WORK/rehearsal.json; it is part of the report.

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
            report.note(f"{number}/{total}: killed at {doing}" if number else "an undisturbed dry run")

        receipt = run(work, words, show)
        if trouble := refresh(work / REHEARSAL):
            report.note(trouble)
    if as_json:
        click.echo(json.dumps(receipt.facts()))
        return
    rows = sum(content.rows for content in receipt.disturbed.values())
    click.echo(
        f"Killed {len(receipt.killed)} times and resumed: {rows:,} rows in {len(receipt.disturbed)} tables, "
        f"identical to those of an undisturbed dry run. The receipt is {work / RECEIPT}, "
        f"the report {work / REHEARSAL / FILE}."
    )
    click.echo("The live target was only read. Next: `migrate run`.")
