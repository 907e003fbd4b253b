"""`migrate status`: how far a run is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from migrate.commands.options import json_option, work_option


@click.command("status")
@work_option
@json_option
def command(work: Path, as_json: bool) -> None:
    """Show how far the run in the work folder is; reads the state file alone."""
    from rich.table import Table

    from migrate.console import make_console, terminal_safe
    from migrate.state import State

    state = State.load(work)
    facts: dict[str, Any] = {"version": 1, "work": str(work), "run": None, "outcome": None, "stages": {}}
    if state is not None:
        document = state.document
        facts |= {
            "run": document.run_id,
            "code": document.code,
            "created": document.created,
            "source": document.binding.get("source"),
            "target": document.binding.get("target"),
            "outcome": document.outcome,
            "stages": {name: stage.model_dump() for name, stage in document.stages.items()},
        }
    if as_json:
        click.echo(json.dumps(facts))
        return
    console = make_console()
    if state is None:
        console.print(
            f"No run in {work}. Next: `migrate plan`, `migrate verify`, `migrate run`.", markup=False
        )
        return
    console.print(f"run {facts['run']}, begun {facts['created']}: {facts['outcome']}")
    console.print(terminal_safe(f"{facts['source']} -> {facts['target']}"), markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("stage", "status", "seconds", "finished"):
        table.add_column(name, justify="right" if name == "seconds" else "left")
    for name, stage in state.document.stages.items():
        table.add_row(name, stage.status, f"{stage.seconds:.2f}", stage.finished or "")
    console.print(table)
    following = {
        "open": "`migrate run` goes on, `migrate rollback` gives it up.",
        "published": "`migrate verify --published` checks the live rows, `migrate rollback` takes them back.",
        "rolled_back": "`migrate run` migrates again, `migrate rollback --undo` undoes a rollback.",
    }
    console.print(f"Next: {following[state.document.outcome]}")
