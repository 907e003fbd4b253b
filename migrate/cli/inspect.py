"""`migrate inspect`: what is in a source."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import closing
from pathlib import Path

import click

from migrate.cli.options import config_option, json_option


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
    """Show what is in SOURCE, a URL or a file; by default the configured source.

    Tables, keys, what every column holds, references declared and not, duplicates, left-over
    tables. Everything is counted over all rows, on a snapshot that is thrown away afterwards.
    Nothing about people is shown.

    \b
    migrate inspect legacy.db
    migrate inspect libsql://name-org.turso.io
    migrate inspect --json > inspection.json
    migrate inspect legacy.db --html inspection.html
    """
    from pydantic import SecretStr
    from rich.markup import escape

    from migrate.introspect.profile import inspect_source
    from migrate.introspect.profile.print import show
    from migrate.runtime.config import PREFIX, load_config
    from migrate.runtime.console import make_console
    from migrate.source.configured import configured_source

    settings = load_config(config)
    environ = dict(os.environ)
    if source:
        named = settings.source.model_copy(update={"url": SecretStr(source)})
        settings = settings.model_copy(update={"source": named})
        environ[f"{PREFIX}SOURCE__URL"] = source  # takes precedence over the variables of Turso's own tools
    status = make_console(stderr=True).status("reading")
    with tempfile.TemporaryDirectory(prefix="migrate-inspect-") as name:
        folder = Path(name)
        origin = configured_source(settings, folder, environ)
        with closing(origin.open()) as opened, status:
            inspection = inspect_source(
                opened, folder, settings.source, lambda table: status.update(f"inspecting {escape(table)}")
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
