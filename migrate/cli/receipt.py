"""`migrate receipt`: checks a run's receipt, offline."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.options import json_option
from migrate.runtime.amount import amount


@click.command("receipt")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("work/receipt.json"))
@click.option(
    "--seal",
    metavar="DIGEST",
    help="The seal that the run printed; the check fails if the file has another one.",
)
@json_option
def command(file: Path, seal: str | None, as_json: bool) -> None:
    """Check that a receipt is complete and unchanged: digests, seal, and that the figures agree.

    Needs no database and no work folder. Only the seal shows whether somebody
    replaced the whole file. The run prints the seal at its end: store it
    elsewhere and give it with --seal.

    \b
    migrate receipt work/receipt.json
    """
    from migrate.report.receipt import check_receipt, read_receipt
    from migrate.runtime.errors import CheckError
    from migrate.runtime.redaction import terminal_safe

    receipt = read_receipt(file)
    confirmed = check_receipt(receipt)
    if seal is not None and seal != receipt.seal:
        raise CheckError(
            f"the seal of {file} is {receipt.seal}, not the given one",
            hint="this is the receipt of another run, or somebody replaced it",
        )
    if as_json:
        click.echo(json.dumps({"version": 1, "run": receipt.run, "seal": receipt.seal, "found": confirmed}))
        return
    click.echo(f"The receipt of run {terminal_safe(receipt.run)} is whole: {'; '.join(confirmed)}.")
    for one in receipt.of("publications"):
        rows = sum(content[0] for content in one["tables"].values())
        click.echo(
            terminal_safe(
                f"{one['kind']} at {one['at']}: {amount(rows, 'row')} in "
                f"{amount(len(one['tables']), 'table')}"
            )
        )
    click.echo(f"Seal: {receipt.seal}")
