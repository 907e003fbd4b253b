"""`migrate init --regenerate`: schema and init.sql written anew from an edited mapping.toml."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.options import waiting

if TYPE_CHECKING:
    from migrate.introspect.scaffold import Draft
    from migrate.runtime.config import Config


def regenerate(source: str | None, out: Path, yes: bool, as_json: bool) -> int:
    """Write the files of the target that mapping.toml in `out` describes; return the exit code.

    mapping.toml and config.toml stay as they are, every comment and edit in them. Raises UsageError if one of
    them cannot be used, or if the target has tables of its own.
    """
    from migrate.cli.draft_files import inspect_for, write_draft
    from migrate.introspect.scaffold.choices.regenerate import draft_from
    from migrate.introspect.scaffold.print import regenerated_facts, show_regenerated
    from migrate.introspect.scaffold.write_files import SCHEMA_FILES, models_of
    from migrate.pipeline.mapping import described_mapping, with_places
    from migrate.runtime.console import make_console
    from migrate.snapshot.manifest import SNAPSHOT_NAME

    config = _configuration(out)
    mapping = described_mapping(config)
    assert mapping is not None
    with tempfile.TemporaryDirectory(prefix="migrate-init-") as name:
        folder = Path(name)
        _, inspection = inspect_for(config, source, folder)
        with waiting("counting what the mapping does"):
            draft = draft_from(inspection, mapping, folder / SNAPSHOT_NAME, folder / "crosswalk.db")
    orm = "drizzle" if (out / SCHEMA_FILES["drizzle"][0]).exists() else "prisma"
    texts = {} if _is_mistaken(draft) else models_of(draft, mapping, orm)
    draft = replace(draft, problems=tuple(with_places(config, draft.problems)))
    write_draft(out, texts, yes)
    if as_json:
        click.echo(json.dumps(regenerated_facts(draft, out, list(texts)), ensure_ascii=False))
    else:
        show_regenerated(draft, out, list(texts), make_console())
    return 1 if draft.problems else 0


def _is_mistaken(draft: Draft) -> bool:
    """Return whether lines of the mapping cannot be used, so that nothing is known of its rows."""
    return any(problem.startswith("tables.") for problem in draft.problems)


def _configuration(out: Path) -> Config:
    """Return the configuration in `out`. Raises UsageError if there is no target to write."""
    from migrate.runtime.config import load_config
    from migrate.runtime.errors import UsageError

    config = load_config(out / "config.toml")
    if config.mappers.mapping is None:
        raise UsageError(
            f"{out / 'config.toml'} names no mapping", hint='add [mappers] mapping = "mapping.toml"'
        )
    if config.target.schema_file is None:
        raise UsageError(
            f"{out / 'config.toml'} has no [target] schema: the target has tables of its own, which stay",
            hint='to make the tables of an empty target: schema = "init.sql"',
        )
    return config
