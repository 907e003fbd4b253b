"""`migrate status`: the progress of a run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from migrate.cli.options import json_option, named_config_option, work_option
from migrate.runtime.amount import amount
from migrate.runtime.next_command import complete

if TYPE_CHECKING:
    from rich.console import RenderableType

    from migrate.pipeline.state import ConfigRecord

_NEXT: Final = {
    None: "`migrate plan` shows what would be done, `migrate verify` rehearses it, `migrate run` does it.",
    "open": "`migrate run` continues, `migrate rollback` discards the run.",
    "published": "`migrate verify --published` checks the live rows, `migrate rollback` restores "
    "the earlier rows, `migrate run --refresh` catches up with the source.",
    "given_up": "`migrate run --refresh` catches up again, `migrate rollback --published` restores the rows "
    "from before the run whose rows are live.",
    "rolled_back": "`migrate run` migrates again, `migrate rollback --undo` undoes the rollback.",
}
_EVERY_SECONDS: Final = 1.0


@click.command("status")
@named_config_option
@work_option
@json_option
@click.option("--watch", is_flag=True, help="Refresh every second, until the run stops.")
def command(work: Path, as_json: bool, watch: bool) -> None:
    """Show the progress of the run in the work folder. Reads only that folder.

    \b
    migrate status
    migrate status --watch
    """
    from migrate.runtime.console import make_console

    facts = read_status(work)
    if as_json:
        click.echo(json.dumps(facts))
        while watch and facts["process"]:
            time.sleep(_EVERY_SECONDS)
            facts = read_status(work)
            click.echo(json.dumps(facts))
        return
    console = make_console()
    if watch and console.is_terminal:
        from rich.live import Live

        with Live(show(facts), console=console, refresh_per_second=4) as live:
            while facts["process"]:
                time.sleep(_EVERY_SECONDS)
                facts = read_status(work)
                live.update(show(facts))
        return
    console.print(show(facts), soft_wrap=True)
    while watch and facts["process"]:  # no animation if the output is piped: a line when something is new
        time.sleep(_EVERY_SECONDS)
        before, facts = facts, read_status(work)
        if facts != before:
            console.print(_progress(facts) or _next(facts), markup=False, soft_wrap=True)


def read_status(work: Path) -> dict[str, Any]:
    """Return the state of the run as a JSON document."""
    from migrate.pipeline.state import State
    from migrate.runtime.progress_file import folder_holder, read_progress

    state = State.load(work)
    process = folder_holder(work)
    facts: dict[str, Any] = {
        "version": 1, "work": str(work), "run": None, "outcome": None, "stages": {}, "not_migrated": [],
        "process": process, "progress": read_progress(work) if process else None,
    }  # fmt: skip
    if state is not None:
        document = state.document
        facts |= {
            "run": document.run_id,
            "code": document.code,
            "created": document.created,
            "source": document.binding.get("source"),
            "target": document.binding.get("target"),
            "config": document.config.file if document.config else None,
            "config_changed": _is_changed(document.config),
            "outcome": document.outcome,
            "refreshes": document.refreshes,
            "published": document.publication is not None,
            "stages": {name: stage.model_dump() for name, stage in document.stages.items()},
            "not_migrated": _not_migrated(work),
        }
    return facts


def _is_changed(config: ConfigRecord | None) -> bool:
    """Return whether the configuration is another one, or gone, since the run began."""
    from migrate.runtime.files import digest_file

    if config is None or config.file is None:
        return False
    path = Path(config.file)
    return not path.is_file() or digest_file(path) != config.sha256


def _not_migrated(work: Path) -> list[dict[str, Any]]:
    """Return table, fate, reason and rows of what the summary of a finished run counts."""
    from migrate.pipeline.summary.summary import FILE

    try:
        flows = json.loads((work / FILE).read_bytes())["flows"]
    except (FileNotFoundError, ValueError, KeyError):
        return []
    return [
        {"table": flow["table"], "fate": fate, "reason": reason, "rows": rows}
        for flow in flows
        for fate in ("merged", "rejected", "excluded")
        for reason, rows in sorted(flow[fate].items())
    ]


def show(facts: dict[str, Any]) -> RenderableType:
    """Return the document for a person: title, stages, what is being done, what to type next."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from mappers.reasons import describe
    from migrate.runtime.redaction import terminal_safe

    if facts["run"] is None:
        return Text(terminal_safe(f"No run in {facts['work']}. {_next(facts)}"))
    table = Table(box=None, pad_edge=False)
    for name in ("stage", "status", "seconds", "finished"):
        table.add_column(name, justify="right" if name == "seconds" else "left")
    for name, stage in facts["stages"].items():
        status = stage["status"]
        if status == "running" and not facts["process"]:
            status = "stopped"  # its process ended without a word: killed, or its terminal was closed
        table.add_row(Text(terminal_safe(name)), status, f"{stage['seconds']:.2f}", stage["finished"] or "")
    lines = [
        f"run {facts['run']}, started {facts['created']}: {facts['outcome']}",
        f"{facts['source']} -> {facts['target']}",
    ]
    if facts["config"]:
        changed = ", which has been changed since the run began" if facts["config_changed"] else ""
        lines.append(f"configuration {facts['config']}{changed}")
    parts: list[RenderableType] = [*(Text(terminal_safe(line)) for line in lines), table]
    for one in facts["not_migrated"]:
        line = f"{one['table']}: {amount(one['rows'], 'row')} {one['fate']}, {one['reason']}. "
        parts.append(Text(terminal_safe(line + describe(one["reason"]))))
    if progress := _progress(facts):
        parts.append(Text(terminal_safe(progress)))
    return Group(*parts, Text(_next(facts)))


def _progress(facts: dict[str, Any]) -> str:
    progress = facts["progress"]
    if progress is None:
        return ""
    of = f" of {progress['total']:,}" if progress["total"] else ""
    return f"{progress['stage']}: {progress['rows']:,}{of} rows, {progress['rows_per_second']:,}/s"


def _next(facts: dict[str, Any]) -> str:
    from migrate.pipeline.resume import FLEET

    if facts["process"]:
        return f"Running: {facts['process']}."
    outcome = facts["outcome"]
    if outcome is not None and facts["source"] == FLEET:
        return complete("Next: `migrate fleet status` shows the tenants.")
    if outcome == "rolled_back" and facts["refreshes"] and not facts["published"]:
        outcome = "given_up"
    return complete(f"Next: {_NEXT[outcome]}")
