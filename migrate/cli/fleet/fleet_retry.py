"""`migrate fleet retry`: migrates the tenants in quarantine again, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from migrate.cli.fleet.fleet_options import (
    load_fleet_settings,
    tenant_option,
    tenants_option,
    workers_options,
)
from migrate.cli.options import (
    accept_option,
    config_option,
    json_option,
    log_format_option,
    say_begun,
    verbose_option,
    work_option,
    yes_option,
)


@click.command("retry")
@config_option
@work_option
@tenants_option
@tenant_option
@workers_options
@yes_option
@json_option
@verbose_option
@log_format_option
@accept_option
def command(
    config: Path | None,
    work: Path,
    names: tuple[str, ...],
    yes: bool,
    as_json: bool,
    verbose: bool,
    accept_unproven: bool,
    **typed: Any,
) -> None:
    """Migrate the tenants in quarantine again; with --tenant these, also if they are live.

    Every other tenant stays as it is. Without --tenant a tenant that waits, or
    that was rolled back, is not touched.

    \b
    migrate fleet retry
    migrate fleet retry --tenant acme --tenant bolt
    """
    from migrate.cli.fleet.fleet_run import migrate_fleet

    say_begun(work)
    settings = load_fleet_settings(config, work, **typed)
    migrate_fleet(settings, work, None, yes, as_json, verbose, accept_unproven, again=names)
