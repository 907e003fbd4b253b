"""`migrate init`: a first mapping of any source."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.draft_files import inspect_for, write_draft
from migrate.cli.options import json_option, waiting, yes_option

if TYPE_CHECKING:
    from migrate.introspect.profile import Inspection
    from migrate.introspect.scaffold import Draft
    from migrate.introspect.scaffold.choices.wishes import Wishes
    from migrate.postgres.catalog import LiveSchema


@click.command("init")
@click.option(
    "--source",
    metavar="URL",
    help="The legacy database: a URL without a token, a file, a dump, or env:NAME for the URL in an "
    "environment variable. [default: the source that `migrate run` would read]",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the new files; created if missing.",
)
@click.option(
    "--target",
    metavar="URL",
    help="A PostgreSQL database: env:NAME for the URL in an environment variable, or a URL without a "
    "password. If it has tables, the mapping is written for them. [default: MIGRATE__TARGET__URL, or "
    "a PostgreSQL in the work folder]",
)
@click.option(
    "--orm",
    type=click.Choice(["prisma", "drizzle"]),
    help="What describes a fresh target to the application: schema.prisma, or a schema.ts of Drizzle. "
    "[default: prisma]",
)
@click.option(
    "--fleet",
    type=click.Choice(["column", "per-tenant"]),
    is_flag=False,
    flag_value="column",
    help="--source names many tenants (a CSV, a folder, turso:ORG): each table gets a column with the "
    "tenant's name, or each tenant a schema of its own.",
)
@click.option("--enums", is_flag=True, help="Make enums of columns that hold only a few different words.")
@click.option(
    "--ids",
    multiple=True,
    metavar="keep|TABLE=keep",
    help="Integer keys of a fresh target stay and count on, of all tables or of one. [default: cuid]",
)
@click.option(
    "--rename",
    multiple=True,
    metavar="OLD=NEW",
    help="Name of a table in the target, or of a column: users.mail=email. More than one is possible.",
)
@click.option("--leave-out", multiple=True, metavar="TABLE", help="A table that is not migrated.")
@click.option("--only", multiple=True, metavar="TABLE", help="A table that is migrated; no other one is.")
@click.option(
    "--regenerate",
    is_flag=True,
    help="Write the schema and init.sql anew from the edited mapping.toml in --out; it stays as it is.",
)
@yes_option
@json_option
def command(
    source: str | None,
    out: Path,
    target: str | None,
    orm: str | None,
    fleet: str | None,
    enums: bool,
    ids: tuple[str, ...],
    rename: tuple[str, ...],
    leave_out: tuple[str, ...],
    only: tuple[str, ...],
    regenerate: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Write a mapping, a Prisma schema and a configuration for any Turso database.

    Source and target are only read. Review mapping.toml, then run. Set TURSO_AUTH_TOKEN for the source.

    \b
    migrate init --source legacy.db --out mapping
    migrate init --source legacy.db --out mapping --orm drizzle
    migrate init --regenerate --out mapping
    migrate init --fleet --source tenants.csv --out fleet
    migrate run --config mapping/config.toml
    """
    if regenerate:
        from migrate.cli.regenerate import regenerate as write_anew

        if target is not None or orm or fleet is not None or enums or ids or rename or leave_out or only:
            raise click.UsageError("--regenerate takes all decisions from mapping.toml in --out: edit that")
        return write_anew(source, out, yes, as_json)
    wishes = {"ids": ids, "renames": rename, "left_out": leave_out, "only": only}
    if fleet is not None:
        if orm == "drizzle":
            raise click.UsageError("--orm drizzle is for one source, not for --fleet")
        return _fleet(source, out, target, fleet, enums, wishes, yes, as_json)
    return _first(source, out, target, orm or "prisma", enums, wishes, yes, as_json)


def _fleet(
    tenants: str | None,
    out: Path,
    target: str | None,
    layout: str,
    enums: bool,
    wishes: Mapping[str, tuple[str, ...]],
    yes: bool,
    as_json: bool,
) -> int:
    from migrate.cli.init_fleet import draft_of_fleet
    from migrate.introspect.scaffold.choices.wishes import read_wishes
    from migrate.introspect.scaffold.config_toml import VARIABLE
    from migrate.runtime.config import load_config

    if tenants is None:
        raise click.UsageError("--fleet needs --source: a CSV, a folder of files, or turso:ORG[/GROUP]")
    target_url, variable = _target(target)
    live = None if target_url is None else _tables_of(target_url)

    def make(url: str, folder: Path) -> Draft:
        _, inspection = inspect_for(load_config(None), url, folder)
        draft = _draft(inspection, live, read_wishes(inspection, **wishes), enums=enums)
        return _foresee(draft, folder, live)

    return draft_of_fleet(
        tenants, out, layout, yes, as_json, make,
        embedded=target_url is None, variable=variable or VARIABLE,
    )  # fmt: skip


def _first(
    source: str | None,
    out: Path,
    target: str | None,
    orm: str,
    enums: bool,
    wishes: Mapping[str, tuple[str, ...]],
    yes: bool,
    as_json: bool,
) -> int:
    from migrate.introspect.scaffold.choices.wishes import read_wishes
    from migrate.introspect.scaffold.config_toml import VARIABLE, to_set
    from migrate.introspect.scaffold.print import facts, show
    from migrate.introspect.scaffold.write_files import texts_of
    from migrate.runtime.config import load_config
    from migrate.runtime.console import make_console
    from migrate.runtime.errors import UsageError

    target_url, variable = _target(target)
    live = None if target_url is None else _tables_of(target_url)
    if live is not None and orm == "drizzle":
        raise UsageError(
            "--orm drizzle is for a fresh target; this one has tables",
            hint="leave it out: the mapping is for these tables, and `drizzle-kit pull` describes them",
        )
    with tempfile.TemporaryDirectory(prefix="migrate-init-") as name:
        source_url, inspection = inspect_for(load_config(None), source, Path(name))
        draft = _draft(inspection, live, read_wishes(inspection, **wishes), enums=enums)
        if not any(section.migrated for section in draft.sections):
            typed = ["migrate", "inspect", *([source] if source else [])]
            raise UsageError(
                f"{inspection.source} has no table to migrate",
                hint=f"`{shlex.join(typed)}` shows what is in it; check that the URLs are right",
            )
        draft = _foresee(draft, Path(name), live)
    embedded, variable = target_url is None, variable or VARIABLE
    texts = texts_of(draft, source_url, embedded=embedded, variable=variable, orm=orm)
    write_draft(out, texts, yes)
    notes = to_set(source_url, embedded=embedded, variable=variable)
    if as_json:
        click.echo(json.dumps(facts(draft, out, list(texts), notes), ensure_ascii=False))
    else:
        show(draft, out, list(texts), notes, make_console())
    return 1 if draft.problems else 0


def _draft(inspection: Inspection, live: LiveSchema | None, wishes: Wishes, *, enums: bool) -> Draft:
    from migrate.introspect.scaffold import draft_onto, make_draft
    from migrate.introspect.scaffold.choices.choices import Choices
    from migrate.runtime.errors import UsageError

    if live is None:
        return make_draft(inspection, enums=enums, choices=Choices(wishes=wishes))
    if wishes.ids or enums:
        raise UsageError("--ids and --enums are for a fresh target: here the target's keys and enums decide")
    return draft_onto(inspection, live, wishes)


def _foresee(draft: Draft, folder: Path, live: LiveSchema | None) -> Draft:
    """Return a draft that says what a run of it does with the rows of the snapshot in `folder`."""
    from migrate.introspect.scaffold import foresee
    from migrate.snapshot.manifest import SNAPSHOT_NAME

    with waiting("counting what the draft does"):
        return foresee(draft, folder / SNAPSHOT_NAME, folder / "crosswalk.db", live)


def _target(given: str | None) -> tuple[str | None, str | None]:
    """Return the target's URL, None for an embedded one, and the variable that `--target` names."""
    from migrate.cli.url_argument import read_url
    from migrate.runtime.config import EMBEDDED, load_config, target_url

    if given is not None:
        return read_url(given, "--target")
    url, _ = target_url(load_config(None))
    return (None if url == EMBEDDED else url), None


def _tables_of(target: str) -> LiveSchema | None:
    """Return the schema of a target, None if it has no table yet."""
    from migrate.introspect.scaffold.existing.match_existing import PRISMA
    from migrate.postgres.catalog import introspect
    from migrate.postgres.connection import connect, parse_url

    address = parse_url(target)
    with connect(address, read_only=True) as connection:
        live = introspect(connection, address.schema)
    return live if set(live.tables) - {PRISMA} else None
