"""`migrate inspect`: what is in a source."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option, waiting


@click.command("inspect")
@click.argument("source", required=False)
@config_option
@json_option
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result as one HTML file.",
)
def command(source: str | None, config: Path | None, as_json: bool, html: Path | None) -> None:
    """Show what is in SOURCE; by default the configured source.

    SOURCE is a URL without a token, a file, a dump, or env:NAME for the URL in an environment variable.

    Tables, keys, what every column holds, references declared and not, duplicates, left-over
    tables. Everything is counted over all rows, on a snapshot that is thrown away afterwards.
    Nothing about people is shown.

    \b
    migrate inspect legacy.db
    migrate inspect libsql://name-org.turso.io
    migrate inspect --json > inspection.json
    migrate inspect legacy.db --html inspection.html
    """
    from migrate.cli.url_argument import choose_source
    from migrate.introspect.profile import inspect_source
    from migrate.introspect.profile.print import show
    from migrate.runtime import announce
    from migrate.runtime.console import make_console
    from migrate.source.configured import configured_source

    settings, environ = choose_source(load_settings(config), source, "SOURCE")
    with tempfile.TemporaryDirectory(prefix="migrate-inspect-") as name:
        folder = Path(name)
        origin = configured_source(settings, folder, environ)
        with waiting("reading the source"), closing(origin.open()) as opened:
            inspection = inspect_source(
                opened, folder, settings.source, lambda table: announce.doing(f"inspecting {table}")
            )
    if html is not None:
        from migrate.report import inspect_page
        from migrate.report.page import write

        write(html, inspect_page.render(inspection))
    if as_json:
        click.echo(json.dumps(inspection.facts(), ensure_ascii=False))
    elif html is not None:
        click.echo(f"Report: {html}")
    else:
        show(inspection, make_console())
