"""Options that the commands of a fleet share, and the configuration that they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.cli.configuration import load_settings

if TYPE_CHECKING:
    from migrate.runtime.config import Config

_Command = Callable[..., Any]


class Share(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """A share of all tenants: `1%` or `0.01`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share as a number from 0 to 1."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{text} is no share: write 1% or 0.01", param, ctx)
        return share


def tenants_option(command: _Command) -> _Command:
    """Add `--tenants`."""
    return click.option(
        "--tenants",
        metavar="TENANTS",
        help="A CSV (tenant,url[,token_env]), a folder of files, or turso:ORG[/GROUP]. "
        "[default: [fleet] tenants]",
    )(command)


def tenant_option(command: _Command) -> _Command:
    """Add `--tenant NAME`, which may be given again."""
    return click.option("--tenant", "names", metavar="NAME", multiple=True, help="Only this; repeatable.")(
        command
    )


def workers_options(command: _Command) -> _Command:
    """Add what says where the tenants' tasks run, and when to stop."""
    for option in (
        click.option(
            "--max-rows-read", type=click.IntRange(min=1), help="Stop after so many rows billed for all."
        ),
        click.option(
            "--max-quarantined", type=Share(), metavar="SHARE",
            help="Stop if more of the tenants are in quarantine. [default: 1%]",
        ),
        click.option("--scheduler", metavar="URL", help="A Dask scheduler of your own: tcp://HOST:8786."),
        click.option(
            "--workers", type=click.IntRange(0, 1000),
            help="Worker processes on this machine; 0: only this process. [default: 2]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def load_fleet_settings(config: Path | None, work: Path, **typed: Any) -> Config:
    """Return the configuration, with what was typed in the place of its [fleet]; None: not typed."""
    settings = load_settings(config, work)
    changed = {key: value for key, value in typed.items() if value is not None}
    if "workers" in changed and "scheduler" not in changed:
        changed["scheduler"] = None
    if tenants := changed.get("tenants"):
        changed["tenants"] = tenants if tenants.startswith("turso:") else str(Path(tenants).absolute())
    return settings.model_copy(update={"fleet": settings.fleet.model_copy(update=changed)})
