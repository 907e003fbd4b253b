"""`migrate psql`: psql on the target; the embedded one is started for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click

from migrate.cli.configuration import load_settings
from migrate.cli.options import config_option, work_option

#: What a session at a terminal needs; psql and its children must not get our tokens and secrets.
_PASSED_ON = (
    "TERM",
    "COLORTERM",
    "LANG",
    "LC_",
    "PAGER",
    "LESS",
    "EDITOR",
    "VISUAL",
    "PSQL",
    "USER",
    "SHELL",
)


@click.command("psql", context_settings={"ignore_unknown_options": True})
@config_option
@work_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(config: Path | None, work: Path, words: tuple[str, ...]) -> int:
    """Open psql on the target; WORDS are psql's own.

    \b
    migrate psql
    migrate psql -- -c 'select count(*) from users'
    """
    from backups.programs import environment, lend_tls
    from migrate.pipeline.live_target import open_target
    from migrate.postgres.embedded import binary
    from migrate.publish.backup_store import translate_errors

    with open_target(load_settings(config, work), work) as target:
        kept = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        with translate_errors():
            variables = lend_tls(binary("psql"), kept | environment(target.address.conninfo))
        return subprocess.run([binary("psql"), *words], env=variables, check=False).returncode
