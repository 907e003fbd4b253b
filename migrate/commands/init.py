"""`migrate init`: a first mapping of any source."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import closing
from pathlib import Path

import click

from migrate.commands.options import confirm, json_option, yes_option


@click.command("init")
@click.option("--source", required=True, metavar="URL", help="The legacy database: a URL, a file or a dump.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files; made where it is missing.",
)
@click.option("--enums", is_flag=True, help="Make enums of columns that hold one of a few words.")
@yes_option
@json_option
def command(source: str, out: Path, enums: bool, yes: bool, as_json: bool) -> int:
    """Write a mapping, a Prisma schema and a configuration for any Turso database.

    The source is only read. Review mapping.toml, then run. The token comes from TURSO_AUTH_TOKEN.

    \b
    migrate init --source legacy.db --out mapping
    migrate run --config mapping/config.toml
    """
    from pydantic import SecretStr
    from rich.markup import escape

    from migrate.config import PREFIX, load_config
    from migrate.console import make_console
    from migrate.drafting import make_draft
    from migrate.drafting.configuration import write_configuration
    from migrate.drafting.ddl import write_ddl
    from migrate.drafting.mapping_file import write_mapping
    from migrate.drafting.prisma import write_schema
    from migrate.drafting.report import facts, show
    from migrate.drafting.written import edited_files, write_files
    from migrate.errors import UsageError
    from migrate.inspection import inspect_source
    from migrate.origin import find_origin

    settings = load_config(None)
    named = settings.source.model_copy(update={"url": SecretStr(source)})
    settings = settings.model_copy(update={"source": named})
    environ = {**os.environ, f"{PREFIX}SOURCE__URL": source}  # wins over the variables of Turso's own tools
    console = make_console(stderr=True)
    status = console.status("reading")
    with tempfile.TemporaryDirectory(prefix="migrate-init-") as name:
        folder = Path(name)
        origin = find_origin(settings, folder, environ)
        with closing(origin.open()) as opened, status:
            inspection = inspect_source(
                opened, folder, settings.source, lambda table: status.update(f"inspecting {escape(table)}")
            )
    draft = make_draft(inspection, enums=enums)
    if not draft.models:
        raise UsageError(
            f"{origin.label} has no table to migrate",
            hint="`migrate inspect` shows what is there; is it the right database?",
        )
    texts = {
        "mapping.toml": write_mapping(draft),
        "schema.prisma": write_schema(draft),
        "init.sql": write_ddl(draft),
        "config.toml": write_configuration(source, embedded=True, schema=True),
    }
    edited = edited_files(out, texts)
    if edited:
        console.print(
            f"edited  {', '.join(str(out / name) for name in edited)}", markup=False, soft_wrap=True
        )
        confirm("Write over what was edited?", yes)
    write_files(out, texts)
    if as_json:
        click.echo(json.dumps(facts(draft, out, list(texts)), ensure_ascii=False))
    else:
        show(draft, out, list(texts), make_console())
    return 0
