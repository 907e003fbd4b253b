"""`migrate config`: the effective configuration, or the reference of every key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option


@click.command("config")
@config_option
@json_option
@click.option("--reference", is_flag=True, help="Print every key with its meaning, in Markdown.")
@click.option(
    "--json-schema",
    type=click.Choice(["config", "mapping"]),
    help="Print the JSON schema of config.toml or of mapping.toml, for an editor.",
)
def command(config: Path | None, as_json: bool, reference: bool, json_schema: str | None) -> None:
    """Show the configuration in force: the file, overridden by the environment; secrets are hidden.

    \b
    migrate config
    migrate config --reference
    migrate config --json-schema mapping > mapping.schema.json
    """
    from migrate.runtime.config_reference import keys, write_reference

    if reference:
        click.echo(write_reference(), nl=False)
        return
    if json_schema is not None:
        click.echo(json.dumps(schema_of(json_schema), indent=1))
        return
    settings = load_settings(config).model_dump(mode="json", by_alias=True)
    if as_json:
        click.echo(json.dumps({"version": 1, "file": str(config) if config else None, **settings}))
        return
    click.echo(f"# {config or 'no file: built-in values'}, overridden by the environment")
    section = None
    for key in keys():
        if key.section != section:
            section = key.section
            click.echo(f"\n[{section}]")
        value = settings
        for part in (*key.section.split("."), key.name):
            value = value[part]
        click.echo(f"#{key.name} =" if value is None else f"{key.name} = {_toml(value)}")


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON schema of `config.toml` or `mapping.toml`, with the keys as they are written there."""
    from mappers.declarative.mapping_file import MappingFile
    from migrate.runtime.config import Config

    schema = (Config if name == "config" else MappingFile).model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _toml(value: object) -> str:
    """Return a value of a configuration on one line:

    JSON, except for tables, which are TOML without nulls.
    """
    if isinstance(value, dict):
        inside = [f"{json.dumps(name)} = {_toml(part)}" for name, part in value.items() if part is not None]
        return f"{{ {', '.join(inside)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return json.dumps(value, ensure_ascii=False)
