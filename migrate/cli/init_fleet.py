"""`migrate init --fleet`: a first mapping of many tenant databases, drafted from one of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from migrate.cli.options import waiting
from migrate.runtime.amount import amount

if TYPE_CHECKING:
    from migrate.introspect.scaffold import Draft
    from migrate.pipeline.fleet.survey import Survey
    from migrate.pipeline.fleet.tenant import Tenant

#: Tenants whose schema is compared.
_LOOKED_AT: Final = 1000
_NAMED: Final = 5


def draft_of_fleet(
    tenants: str, out: Path, layout: str, yes: bool, as_json: bool, make: Callable[[str, Path], Draft],
    *, embedded: bool, variable: str,
) -> int:  # fmt: skip
    """Write the files for the tenants, drafted from the first one of the largest group; return the exit code.

    `make` returns the draft of a source, and leaves its snapshot in a folder.
    """
    from migrate.cli.draft_files import write_draft
    from migrate.introspect.scaffold.choices.fleet_columns import draft_fleet
    from migrate.introspect.scaffold.config_toml import fleet_configuration, to_set
    from migrate.introspect.scaffold.print import facts, show
    from migrate.introspect.scaffold.write_files import texts_of
    from migrate.pipeline.fleet.survey import look_at_schemas
    from migrate.pipeline.fleet.tenants import read_tenants
    from migrate.runtime.config import load_config
    from migrate.runtime.console import make_console
    from migrate.runtime.errors import SourceError

    config = load_config(None)
    with tempfile.TemporaryDirectory(prefix="migrate-init-") as name:
        with waiting("reading the schemas of the tenants"):
            found = read_tenants(config, tenants)
            survey = look_at_schemas(config, found, None, None, Path(name), _LOOKED_AT)
        if not survey.shapes:
            raise SourceError(
                f"no tenant of {tenants} can be read; {survey.unreadable[0][0]}: {survey.unreadable[0][1]}",
                hint="is TURSO_AUTH_TOKEN set, or the variable of the column token_env?",
            )
        typical = next(one for one in found if one.name == survey.shapes[0].tenants[0])
        draft = make(_url(typical), Path(name))
    draft = draft_fleet(draft, per_tenant=layout == "per-tenant")
    draft = replace(draft, source=f"{amount(len(found), 'tenant')}, drafted from {typical.name}")
    texts = texts_of(draft, typical.url, embedded=embedded, variable=variable)
    described = tenants if tenants.startswith("turso:") else str(Path(tenants).absolute())
    texts["config.toml"] = fleet_configuration(texts["config.toml"], described)
    write_draft(out, texts, yes)
    notes = to_set("", embedded=embedded, variable=variable)
    schemas = _schemas(survey)
    if as_json:
        document = facts(draft, out, list(texts), notes)
        click.echo(json.dumps({**document, "schemas": schemas}, ensure_ascii=False))
    else:
        show(draft, out, list(texts), [*notes, *_sentences(survey)], make_console())
    return 1 if draft.problems else 0


def _url(tenant: Tenant) -> str:
    """Return the URL of a tenant; a token that its own variable holds is used for it."""
    import os

    from migrate.source.url import parse_address

    if tenant.token_env and parse_address(tenant.url).way not in ("file", "dump"):
        return f"{tenant.url}?authToken={os.environ.get(tenant.token_env, '')}"
    return tenant.url


def _schemas(survey: Survey) -> list[dict[str, object]]:
    return [
        {
            "shape": one.digest,
            "tables": one.tables,
            "tenants": len(one.tenants),
            "named": one.tenants[:_NAMED],
        }
        for one in survey.shapes
    ]


def _sentences(survey: Survey) -> list[str]:
    """Return what a person should know of the tenants that are not like the one of the draft."""
    said = [
        f"tenants whose tables or columns are not those of the draft: {len(one.tenants):,} "
        f"({', '.join(one.tenants[:_NAMED])}); `migrate fleet plan` says what does not fit"
        for one in survey.shapes[1:]
    ]
    said += [f"{name} cannot be read: {reason}" for name, reason in survey.unreadable[:_NAMED]]
    return said
