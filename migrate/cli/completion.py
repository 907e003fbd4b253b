"""`migrate completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

from typing import Final

import click

SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of a shell, to be read by it at its start.

    \b
    migrate completion bash > ~/.local/share/bash-completion/completions/migrate
    migrate completion zsh  > ~/.zfunc/_migrate
    migrate completion fish > ~/.config/fish/completions/migrate.fish
    """
    from click.shell_completion import get_completion_class

    from migrate.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # one of SHELLS
    click.echo(kind(cli, {}, "migrate", "_MIGRATE_COMPLETE").source())
