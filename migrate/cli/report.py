"""`migrate report`: writes the report of a run again from the files of the run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.options import json_option, named_config_option, work_option


@click.command("report")
@named_config_option
@work_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. [default: report.html in the run's folder]",
)
@click.option(
    "--samples", is_flag=True, help="Add the values of the rows that it names. They are personal data."
)
@json_option
def command(work: Path, out: Path | None, samples: bool, as_json: bool) -> None:
    """Write the report of the run in the work folder, or of the dry run if there is no other.

    One HTML file that needs no network: what became of every row, the checks, both ends, the
    commands to verify and to roll back. Every run and dry run writes one; this makes it again from
    the files of the work folder. People appear as ids alone; with --samples the first rows of each
    kind bring their values, and the file is another one, report-with-samples.html.

    \b
    migrate report
    migrate report --work work/rehearsal
    migrate report --samples --out for-review.html
    migrate report --json > report.json
    """
    from migrate.report.collect import collect, find_folder
    from migrate.report.page import write
    from migrate.report.write import FILE, WITH_SAMPLES, render

    folder = find_folder(work)
    document = collect(folder, with_samples=samples)
    path = out or (None if as_json else folder / (WITH_SAMPLES if samples else FILE))
    if path is not None:
        write(path, render(document))
    if as_json:
        click.echo(json.dumps(document.facts()))
    else:
        click.echo(f"{document.verdict.title}: {path}")
