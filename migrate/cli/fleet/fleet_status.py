"""`migrate fleet status`: how many tenants are done, and which are not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from migrate.cli.configuration import load_settings
from migrate.cli.fleet.fleet_options import tenant_option
from migrate.cli.options import config_option, json_option, say, work_option
from migrate.runtime.amount import amount

if TYPE_CHECKING:
    from rich.console import RenderableType

    from migrate.pipeline.fleet.progress_query import FleetProgress

_EVERY_SECONDS: Final = 1.0


@click.command("status")
@config_option
@work_option
@tenant_option
@json_option
@click.option("--watch", is_flag=True, help="Refresh every second, until the run stops.")
def command(config: Path | None, work: Path, names: tuple[str, ...], as_json: bool, watch: bool) -> None:
    """Show how many tenants are done, waiting or in quarantine. Reads only the target's ledger.

    \b
    migrate fleet status
    migrate fleet status --watch
    migrate fleet status --tenant acme
    """
    from migrate.pipeline.fleet.progress_query import open_ledger, read_lines, read_progress
    from migrate.runtime.console import make_console

    settings = load_settings(config, work)
    with open_ledger(settings, work) as fleet:
        if names:
            _show_lines(read_lines(fleet, names), as_json=as_json)
            return
        facts = read_progress(fleet)
        if as_json:
            click.echo(json.dumps(facts.to_json()))
            while watch and facts.holder:
                time.sleep(_EVERY_SECONDS)
                facts = read_progress(fleet)
                click.echo(json.dumps(facts.to_json()))
            return
        console = make_console()
        if watch and console.is_terminal:
            from rich.live import Live

            with Live(_show(facts), console=console, refresh_per_second=4) as live:
                while facts.holder:
                    time.sleep(_EVERY_SECONDS)
                    facts = read_progress(fleet)
                    live.update(_show(facts))
            return
        console.print(_show(facts), soft_wrap=True)
        while watch and facts.holder:  # no animation if the output is piped: a line when something is new
            time.sleep(_EVERY_SECONDS)
            before, facts = facts, read_progress(fleet)
            if facts.states != before.states or not facts.holder:
                console.print(_bar(facts), markup=False, soft_wrap=True)


def _show_lines(lines: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(lines))
        return
    for line in lines:
        say(f"{line['tenant']}: {line['state']}, attempt {line['attempt']}, {line['at']} UTC")
        say(
            f"  source {line['source']}: {amount(line['source_rows'], 'row')}, SHA-256 "
            f"{line['digest'] or '-'}"
        )
        for table, rows in line["rows"].items():
            say(f"  {table}: {amount(rows, 'row')}")
        for fate, rows in line["fates"].items():
            say(f"  {fate}: {amount(rows, 'row')}")
        if line["reason"]:
            say(f"  {line['kind']}: {line['reason']}")


def _show(facts: FleetProgress) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from migrate.runtime.next_command import complete
    from migrate.runtime.redaction import terminal_safe

    lines = [_bar(facts)]
    lines += [f"{state:<12} {count:>8,}" for state, count in facts.states.items()]
    lines += [f"  {kind}: {count:,} in quarantine" for kind, count in facts.kinds.items()]
    if facts.holder:
        lines.append(f"Running: {facts.holder}; {amount(facts.workers, 'worker')}.")
    elif facts.states.get("quarantined"):
        lines.append("Next: `migrate fleet report` says why tenants are in quarantine, `migrate fleet retry` "
                     "takes them again.")  # fmt: skip
    elif facts.waiting:
        lines.append("Next: `migrate fleet run` goes on.")
    return Group(*(Text(terminal_safe(complete(line))) for line in lines))


def _bar(facts: FleetProgress) -> str:
    width, total = 30, max(facts.total, 1)
    full = width * facts.over // total
    left = "" if facts.seconds_left is None else f", about {_time(facts.seconds_left)} left"
    return (
        f"[{'#' * full}{'.' * (width - full)}] {facts.over:,} of {amount(facts.total, 'tenant')}, "
        f"{amount(facts.rows, 'row')}{left}"
    )


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
