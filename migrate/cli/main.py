"""The command line: `migrate`. Each command is a file of `migrate/cli`."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from typing import Final

import click

from migrate import __version__
from migrate.runtime.errors import MigrateError, OutputLost, Stopped
from migrate.runtime.memory import configure_allocators
from migrate.runtime.streams import guard_streams

#: Command and the one line that `--help` shows; the module is imported when the command is used.
COMMANDS: Final = {
    "run": "Migrate: snapshot, backup, mapping, checks, publish. Resumes if it was stopped.",
    "verify": "Dry run into an embedded PostgreSQL; your target is only read.",
    "rehearse": "Dry run that is killed and resumed at every checkpoint; checks that the rows "
    "come out the same.",
    "rollback": "Restore the rows from before the run, or discard an unfinished run.",
    "status": "Show the progress of the run in the work folder.",
    "report": "Write the report of the run as one HTML file.",
    "plan": "Show what a run would do. Changes nothing.",
    "init": "Write a mapping, a Prisma schema and a configuration for any Turso database.",
    "fleet": "Migrate many tenant databases into one PostgreSQL: plan, run, status, retry, rollback.",
    "inspect": "Show what is in a Turso database: tables, types, references, unused tables.",
    "ids": "Show the new id of a legacy id, or the legacy id of a new one.",
    "sample": "Write a legacy database of synthetic people.",
    "receipt": "Check that the receipt of a run is complete and unchanged. Works offline.",
    "psql": "Open psql on the target.",
    "clean": "Delete the tool's schemas, the snapshot and the backups. No rollback afterwards.",
    "doctor": "Check installation, connections, permissions and disk space.",
    "config": "Show the configuration in use, or every key with its meaning.",
    "completion": "Print a shell completion script.",
}
INTERRUPTED: Final = 130


class _Commands(click.Group):
    """Imports a command when it is used, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"migrate.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed check or failed run, 2 wrong usage or configuration, "
    "3 stopped but resumable, 130 interrupted.",
)
@click.version_option(__version__, prog_name="migrate")
def cli() -> None:
    """Migrate a Turso (libSQL) or SQLite database to the PostgreSQL of a Prisma schema.

    \b
    A Turso, libSQL or SQLite database of your own (Drizzle, Prisma or plain SQL):
        migrate inspect legacy.db
        migrate init --source legacy.db --out mapping
        migrate verify --config mapping/config.toml    rehearses; your target is only read
        migrate run --config mapping/config.toml
    A target that has the tables of your Prisma schema already:
        migrate init --source legacy.db --out mapping --target env:DATABASE_URL
    To try it with synthetic people and a PostgreSQL of its own:
        MIGRATE__SOURCE__URL=sample migrate run

    \b
    It stopped:       migrate status, then the same command again
    Take it back:     migrate rollback
    Every question:   docs/index.md
    """


def main() -> None:
    """Run the command line and exit with the exit code of the result."""
    configure_allocators()
    guard_streams()
    try:
        code = cli.main(standalone_mode=False)
    except OutputLost as error:
        if error.hint or not error.reader_gone:  # `migrate inspect | head` is no error
            _say(error.message, error.hint)
        sys.exit(error.exit_code)
    except MigrateError as error:
        _say(error.message, error.hint, asked=isinstance(error, Stopped))
        sys.exit(error.exit_code)
    except click.exceptions.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            _say("interrupted", "run the same command again to continue")
        else:
            _say("not confirmed; nothing was changed", None)
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        _say("interrupted", "run the same command again to continue")
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        _show(error)
        sys.exit(2)
    except Exception as error:
        _defect(error)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _defect(error: Exception) -> None:
    """Report an unexpected error: its place and its class, but not its text, which may hold personal data."""
    from migrate.runtime.log import log

    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    with contextlib.suppress(ValueError):  # if the log is closed, the stage has logged it
        log().error("defect", kind=type(error).__name__, frames=frames)
    _say(
        f"unexpected {type(error).__name__} at {frames[-1]}: this is a bug in migrate",
        "report this line and the last line of log.jsonl in the work folder; `migrate status` shows the "
        "progress, and the same command continues from there",
    )


def _show(error: click.ClickException) -> None:
    from migrate.runtime.json_lines import wants_json_lines

    if wants_json_lines():
        _say(error.format_message(), None)
    else:
        error.show()


def _say(message: str, hint: str | None, *, asked: bool = False) -> None:
    """Print how the command ended; `asked` if the operator stopped it, which is no error."""
    from migrate.runtime.json_lines import wants_json_lines, write_line
    from migrate.runtime.next_command import complete
    from migrate.runtime.redaction import redact, terminal_safe

    message, hint = complete(message), complete(hint or "")
    if wants_json_lines():
        write_line("error", message=message, next=hint or None)
        return
    colour = None if os.environ.get("NO_COLOR", "") == "" else False  # click does not ask itself
    text = terminal_safe(redact(message))
    if asked:
        click.secho(f"{text}.", fg="yellow", err=True, color=colour)
    else:
        click.secho(f"error: {text}", fg="red", err=True, color=colour)
    if hint:
        click.secho(f"next:  {terminal_safe(redact(hint))}", err=True)
