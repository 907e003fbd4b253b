"""`migrate ids`: from a legacy id to the new one, and back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option, work_option

if TYPE_CHECKING:
    from migrate.runtime.config import Config


@click.command("ids")
@click.argument("words", nargs=-1, metavar="[ENTITY LEGACY_ID | export ENTITY]")
@click.option("--reverse", "new_id", metavar="CUID", help="Find the legacy id of this new id.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "sql"]),
    default="csv",
    show_default=True,
    help="Format of `ids export`: a table, one JSON object per line, or statements that make a table.",
)
@config_option
@work_option
@json_option
def command(
    words: tuple[str, ...], new_id: str | None, form: str, config: Path | None, work: Path, as_json: bool
) -> None:
    """Show the new id of a legacy id, or with --reverse the legacy id of a new one.

    `ids export ENTITY` prints all of them, those of merged rows included, as the id map has them.

    ENTITY is a kind of row whose ids are made anew: with [mappers] mapping a
    target table. An unknown one is answered with those that there are.

    \b
    migrate ids users 42
    migrate ids --reverse c0123456789abcdefghijklmn
    migrate ids export users --format csv > users.csv
    """
    from migrate.pipeline.id_lookup import Found, open_lookup
    from migrate.runtime.errors import MigrateError, UsageError

    if len(words) == 2 and words[0] == "export" and new_id is None:
        _export(load_settings(config, work), work, words[1], form)
        return
    if (new_id is None) == (len(words) != 2):
        raise UsageError(
            "ids needs an entity and a legacy id, or --reverse with a new id",
            hint="for example: `migrate ids users 42`",
        )
    with open_lookup(load_settings(config, work), work) as lookup:
        found: list[Found] = lookup.reverse(new_id) if new_id is not None else [lookup.forward(*words)]
    if not found:
        raise MigrateError(f"no row of this migration has the id {new_id}")
    if as_json:
        click.echo(json.dumps({"version": 1, "ids": [item.__dict__ for item in found]}))
        return
    for item in found:
        note = "" if item.via in (None, item.entity) else f"  ({item.via})"
        click.echo(item.new_id if new_id is None else f"{item.entity} {item.legacy_id}{note}")


def _export(settings: Config, work: Path, entity: str, form: str) -> None:
    """Print the id map of an entity as it is read, never all of it in memory."""
    from migrate.pipeline.id_export import export_ids, write_ids
    from migrate.pipeline.live_target import open_target

    with open_target(settings, work) as target:
        write_ids(export_ids(settings, target.address, entity), entity, form, sys.stdout)
