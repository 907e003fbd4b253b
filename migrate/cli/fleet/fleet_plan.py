"""`migrate fleet plan`: the tenants, their schemas, and what a run would do."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from migrate.cli.fleet.fleet_options import load_fleet_settings, tenants_option
from migrate.cli.options import config_option, json_option, say, waiting, work_option
from migrate.runtime.amount import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrate.pipeline.fleet.survey import Survey
    from migrate.pipeline.fleet.tenant import Tenant
    from migrate.runtime.config import Config

#: Tenants whose schema is read unless all are asked for.
_LOOKED_AT: Final = 100
#: Names and sentences that a line shows.
_NAMED: Final = 5


@click.command("plan")
@config_option
@work_option
@tenants_option
@click.option(
    "--all", "every", is_flag=True, help=f"Read the schema of every tenant, not of {_LOOKED_AT} of them."
)
@json_option
def command(config: Path | None, work: Path, every: bool, as_json: bool, **typed: Any) -> int:
    """Show the tenants, their schemas, and what `migrate fleet run` would do. Changes nothing.

    The tenants are grouped by their tables and columns; groups that the mapping
    does not fit are named with the reason: a run puts them in quarantine.

    \b
    migrate fleet plan --tenants tenants.csv
    migrate fleet plan --tenants turso:acme --all
    """
    from migrate.pipeline.fleet.layout import fleet_mapping, layout_of
    from migrate.pipeline.fleet.survey import look_at_schemas
    from migrate.pipeline.fleet.tenants import read_tenants
    from migrate.pipeline.live_target import open_target
    from migrate.postgres.catalog import introspect
    from migrate.postgres.connection import connect
    from migrate.runtime.files import make_folder

    settings = load_fleet_settings(config, work, **typed)
    mapping = fleet_mapping(settings)
    with waiting("reading the tenants and the target"), contextlib.ExitStack() as opened:
        tenants = read_tenants(settings)
        target = opened.enter_context(open_target(settings, work))
        connection = opened.enter_context(connect(target.address, read_only=True))
        layout = layout_of(settings, target.address.schema)
        live = None if layout.per_tenant else introspect(connection, target.address.schema)
        live = live if live is not None and live.tables else None
        states = _states(settings, connection, tenants)
        survey = look_at_schemas(
            settings, tenants, mapping, live, make_folder(work), None if every else _LOOKED_AT
        )
    facts = {
        "version": 1,
        "tenants": len(tenants),
        "hosts": dict(Counter(tenant.host or "files" for tenant in tenants).most_common()),
        "target": target.address.label,
        "layout": "a schema per tenant" if layout.per_tenant else f"the column {layout.fleet.column}",
        "shared": sorted(layout.shared),
        "publish": settings.fleet.publish,
        "states": states,
        "looked_at": survey.looked_at,
        "shapes": [
            {"shape": one.digest, "tables": one.tables, "tenants": len(one.tenants),
             "named": one.tenants[:_NAMED], "misfits": one.misfits}
            for one in survey.shapes
        ],
        "unreadable": [{"tenant": name, "reason": reason} for name, reason in survey.unreadable],
    }  # fmt: skip
    wrong = len(survey.unreadable) + sum(len(one.tenants) for one in survey.shapes if one.misfits)
    limit = settings.fleet.max_quarantined
    stops = wrong > limit * survey.looked_at
    if as_json:
        click.echo(json.dumps(facts))
    else:
        _show(facts, survey)
        say(
            "Next: fix the mapping, the target's tables or these sources, then `migrate fleet plan`. A run "
            f"would stop: more than {limit:.1%} of the tenants would go into quarantine (--max-quarantined)."
            if stops
            else "Next: `migrate fleet run`. Tenants that cannot be read or that the mapping does not fit go "
            "into quarantine."
        )
    return 1 if stops else 0


def _states(settings: Config, connection: Any, tenants: Sequence[Tenant]) -> dict[str, int]:
    """Return the tenants by their state in the ledger; the new ones are `waiting`."""
    from migrate.pipeline.fleet.ledger import FleetLedger
    from migrate.staging.ledger import Ledger

    fleet = FleetLedger(Ledger(connection, settings.target.ledger_schema))
    counts = fleet.counts([tenant.name for tenant in tenants]) if fleet.exists() else {}
    if new := len(tenants) - sum(counts.values()):
        counts["waiting"] = counts.get("waiting", 0) + new
    return dict(sorted(counts.items()))


def _show(facts: dict[str, Any], survey: Survey) -> None:
    states = ", ".join(f"{count:,} {state}" for state, count in facts["states"].items())
    say(f"Tenants: {facts['tenants']:,} ({states})")
    hosts = list(facts["hosts"].items())
    more = f" and {len(hosts) - _NAMED:,} more hosts" if len(hosts) > _NAMED else ""
    say("Sources: " + ", ".join(f"{count:,} on {host}" for host, count in hosts[:_NAMED]) + more)
    say(f"Target: {facts['target']}, tenants are kept apart by {facts['layout']}")
    if facts["shared"]:
        say(f"Shared by all tenants: {', '.join(facts['shared'])}")
    say(f"Rows go live: {facts['publish']}")
    say(f"Schemas of {amount(survey.looked_at, 'tenant')}:")
    for shape in survey.shapes:
        fit = "the mapping does NOT fit" if shape.misfits else "the mapping fits"
        named = f"{amount(len(shape.tenants), 'tenant')} ({', '.join(shape.tenants[:3])})"
        say(f"  {shape.digest}: {named}, {amount(shape.tables, 'table')}; {fit}")
        for misfit in shape.misfits[:_NAMED]:
            say(f"    {misfit}")
    for name, reason in survey.unreadable[:_NAMED]:
        say(f"  {name} cannot be read: {reason}")
    if len(survey.unreadable) > _NAMED:
        say(f"  and {len(survey.unreadable) - _NAMED:,} more cannot be read")
