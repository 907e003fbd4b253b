"""`migrate fleet report`: one HTML file and one CSV."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option, say, work_option
from migrate.runtime.amount import amount


@click.command("report")
@config_option
@work_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for fleet.html and fleet.csv. [default: the work folder]",
)
@json_option
def command(config: Path | None, work: Path, out: Path | None, as_json: bool) -> None:
    """Write the report: totals, quarantined tenants by reason, slowest tenants, schemas that differ.

    The CSV has one line for each tenant. Both hold names of tenants, and no
    value of a row. Every run writes them into the work folder.

    \b
    migrate fleet report
    migrate fleet report --out papers
    """
    from migrate.pipeline.fleet.progress_query import open_ledger
    from migrate.report.fleet_page import CSV, HTML, write_fleet_report

    settings = load_settings(config, work)
    with open_ledger(settings, work) as fleet:
        facts = write_fleet_report(fleet, out or work)
    if as_json:
        click.echo(json.dumps(facts))
        return
    folder = out or work
    say(f"{amount(facts['total'], 'tenant')}: {folder / HTML}, {folder / CSV}")
