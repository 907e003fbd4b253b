"""`migrate doctor`: what is installed, reachable and allowed, and how much space there is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, json_option, waiting, work_option
from migrate.runtime.amount import amount
from migrate.runtime.next_command import complete


@click.command("doctor")
@config_option
@work_option
@json_option
def command(config: Path | None, work: Path, as_json: bool) -> int:
    """Check installation, work folder, source and target. Changes nothing.

    Exit code 1 if something would stop a run. To see what a run would do, use
    `migrate plan`.

    \b
    migrate doctor
    """
    from migrate.pipeline.doctor import examine
    from migrate.runtime.console import make_console
    from migrate.runtime.redaction import redact, terminal_safe

    settings = load_settings(config, work)
    with waiting("asking the source and the target"):
        points = examine(settings, work)
    code = 1 if any(point.verdict == "error" for point in points) else 0
    if as_json:
        click.echo(
            json.dumps({"version": 1, "well": code == 0, "points": [asdict(point) for point in points]})
        )
        return code
    console = make_console()
    width = max(len(point.name) for point in points)
    colours = {"ok": "green", "note": "yellow", "error": "red"}
    for point in points:
        colour = colours[point.verdict]
        console.print(f"[{colour}]{point.verdict:<5}[/] {point.name:<{width}}  ", end="")
        console.print(terminal_safe(redact(complete(point.says))), markup=False, soft_wrap=True)
        if point.verdict != "ok" and point.hint:
            console.print(
                f"      {'next:':>{width}}  {terminal_safe(redact(complete(point.hint)))}",
                markup=False,
                soft_wrap=True,
            )
    failed = [point.name for point in points if point.verdict == "error"]
    problems = f"{amount(len(failed), 'problem')} would stop a run"
    names = ", ".join(dict.fromkeys(failed))
    console.print(
        f"{problems}: {names}." if code else complete("No problem found. Next: `migrate plan`."),
        markup=False,
        soft_wrap=True,
    )
    return code
