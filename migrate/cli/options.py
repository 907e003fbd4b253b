"""Options that several commands share."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate import __version__
from migrate.runtime.json_lines import VARIABLE, wants_json_lines
from migrate.runtime.next_command import complete, remember
from migrate.runtime.progress import LineReporter

if TYPE_CHECKING:
    from rich.console import Console

    from migrate.runtime.console import ConsoleReporter

_Command = Callable[..., Any]
DEFAULT_WORK = Path("work")
_QUIET = f"{__name__}.quiet"


def _add_config(command: _Command, text: str, *, reads: bool) -> _Command:
    def note(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
        remember("--config", None if value is None else str(value))
        return value

    option: Callable[[_Command], _Command] = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=note,
        expose_value=reads,
        help=text,
    )
    return option(command)


def config_option(command: _Command) -> _Command:
    """Add `--config FILE`; `load_settings` finds the file if none is given."""
    text = "Configuration file. [default: that of the run in the work folder, otherwise config.toml]"
    return _add_config(command, text, reads=True)


def named_config_option(command: _Command) -> _Command:
    """Add `--config FILE` to a command that reads the work folder alone: the file is named in its output."""
    return _add_config(command, "Not needed here; the commands that are suggested name it.", reads=False)


def work_option(command: _Command) -> _Command:
    """Add `--work DIR`, the folder of snapshot, backups, state and log."""

    def note(_context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
        remember("--work", None if value == DEFAULT_WORK else str(value))
        return value.absolute()

    option: Callable[[_Command], _Command] = click.option(
        "--work",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_WORK,
        show_default=True,
        callback=note,
        help="Folder of the snapshot, the backups, the state file and the log.",
    )
    return option(command)


def yes_option(command: _Command) -> _Command:
    """Add `--yes`, which answers every question, `--confirm` and `--no-input`; see `confirm`."""

    def remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
        context.meta[f"{__name__}.{parameter.name}"] = value

    silent = click.option(
        "--no-input",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Never ask. If an answer is needed, stop with exit code 2.",
    )
    named = click.option(
        "--confirm",
        metavar="NAME",
        expose_value=False,
        callback=remember,
        help="Confirm by database name; stops if the target is another database.",
    )
    return click.option("--yes", is_flag=True, help="Answer yes to every question.")(named(silent(command)))


def json_option(command: _Command) -> _Command:
    """Add `--json`, for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def log_format_option(command: _Command) -> _Command:
    """Add `--log-format`, which `make_reporter` uses."""

    def remember(_context: click.Context, _parameter: click.Parameter, value: str) -> None:
        os.environ[VARIABLE] = value  # the error that ends a command is reported after its context has ended

    option: Callable[[_Command], _Command] = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        envvar=VARIABLE,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Format of progress and errors on stderr; json prints one object per line.",
    )
    return option(command)


def quiet_option(command: _Command) -> _Command:
    """Add `-q`, with which only questions, errors and a JSON document are printed."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.meta[_QUIET] = value

    option: Callable[[_Command], _Command] = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Print only questions, warnings and errors.",
    )
    return option(command)


def _is_quiet() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_QUIET))


def say_begun(work: Path) -> None:
    """Say at once that the command has begun, and in which folder: its modules take a second to load."""
    if not wants_json_lines() and not _is_quiet():
        click.echo(f"migrate {__version__}, work folder {click.format_filename(work)}", err=True)


def make_reporter(*, verbose: bool = False) -> ConsoleReporter | LineReporter:
    """Return the reporter that `--log-format` asks for, a context manager; it is silent with `--quiet`."""
    from migrate.runtime.console import ConsoleReporter, make_silent_console

    if _is_quiet():
        return ConsoleReporter(make_silent_console())
    return LineReporter(verbose=verbose) if wants_json_lines() else ConsoleReporter(verbose=verbose)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show what the command waits for until the block ends, when nothing else reports."""
    from migrate.runtime import announce

    with make_reporter():
        announce.doing(what)
        yield


def make_result_console(*, as_json: bool) -> Console:
    """Return the console for the result: standard output, unless `--json` needs it.

    Then it is standard error, and if a program reads that too, nothing is printed; nor with `--quiet`.
    """
    from migrate.runtime.console import make_console, make_silent_console

    if _is_quiet():
        return make_silent_console()
    console = make_console(stderr=as_json)
    console.quiet = as_json and wants_json_lines()
    return console


def verbose_option(command: _Command) -> _Command:
    """Add `-v`, for more lines."""
    option: Callable[[_Command], _Command] = click.option(
        "-v", "--verbose", is_flag=True, help="Print more details."
    )
    return option(command)


def accept_option(command: _Command) -> _Command:
    """Add `--accept-unproven-backup`, for a target whose dump does not restore elsewhere."""
    return click.option(
        "--accept-unproven-backup",
        "accept_unproven",
        is_flag=True,
        help="Continue even if the test restore of the backup gave other rows.",
    )(command)


def say(text: str) -> None:
    """Print a line of the result; the commands that it names get the options that were typed."""
    if not _is_quiet():
        click.echo(complete(text))


def confirm(
    question: str,
    yes: bool,
    *,
    name: str | None = None,
    risk: str | None = None,
    on_ask: Callable[[], None] = lambda: None,
) -> None:
    """Ask before something severe; return if the answer is yes.

    `on_ask` is called if a person is asked. With `name`, yes is said by typing
    it: the name of the database whose rows go. Raises UsageError if the input
    is no terminal (its message is `risk`, if given) or another database is
    named, Abort if the answer is no.
    """
    from migrate.runtime.errors import UsageError

    meta = click.get_current_context().meta
    given = meta.get(f"{__name__}.confirm")
    if given is not None and name is not None and given != name:
        raise UsageError(
            "--confirm names another database than the target URL", hint=f"the target is the database {name}"
        )
    if yes or (given is not None and given == name):
        return
    if meta.get(f"{__name__}.no_input") or sys.stdin is None or not sys.stdin.isatty():
        named = f", or --confirm {name}" if name else ""
        raise UsageError(
            risk or "this needs your confirmation, but the input is no terminal", hint=f"add --yes{named}"
        )
    on_ask()
    if name is None:
        click.confirm(question, abort=True, err=True)
    elif (
        click.prompt(f"{question} Type {name} to continue", err=True, default="", show_default=False) != name
    ):
        raise UsageError(
            "this is not the name of the database; nothing was changed", hint=f"it is {name}; type it again"
        )
