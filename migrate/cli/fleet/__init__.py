"""`migrate fleet`: many tenant databases become one PostgreSQL. Each of its commands is a file here."""

from __future__ import annotations

import importlib
from typing import Final

import click

#: Command and the one line that `--help` shows; the module is imported when the command is used.
COMMANDS: Final = {
    "plan": "Show the tenants, their schemas, and what a run would do. Changes nothing.",
    "run": "Migrate every tenant that is not done. Resumes if it was stopped.",
    "status": "Show how many tenants are done, waiting or in quarantine.",
    "report": "Write the report of the fleet: one HTML file and one CSV.",
    "retry": "Migrate the tenants in quarantine again, and no others.",
    "rollback": "Restore the earlier rows of tenants; every other tenant stays as it is.",
}


class _Commands(click.Group):
    """Imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"migrate.cli.fleet.fleet_{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("fleet", cls=_Commands)
def command() -> None:
    """Migrate many tenant databases into one PostgreSQL.

    A tenant that is done is never touched again by `run`; one that cannot be
    migrated is put in quarantine with its reason, and the others go on.

    \b
    migrate fleet plan --config fleet/config.toml --tenants tenants.csv
    migrate fleet run --config fleet/config.toml --tenants tenants.csv
    migrate fleet status --watch
    migrate fleet retry --tenants tenants.csv
    migrate fleet rollback --tenant acme

    docs/fleet.md: from three files on a laptop to ten thousand on a cluster.
    """
