"""What `migrate init` reads a draft from, and the files that it writes it to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from migrate.cli.options import confirm, waiting

if TYPE_CHECKING:
    from migrate.introspect.profile import Inspection
    from migrate.runtime.config import Config


def inspect_for(config: Config, source: str | None, folder: Path) -> tuple[str, Inspection]:
    """Return the URL of a source and what it holds; its snapshot stays in `folder`.

    Without `source` it is the one of the configuration.
    """
    from migrate.cli.url_argument import choose_source
    from migrate.introspect.profile import inspect_source
    from migrate.runtime import announce
    from migrate.source.configured import configured_source

    settings, environ = choose_source(config, source, "--source")
    origin = configured_source(settings, folder, environ)
    with waiting("reading the source"), closing(origin.open()) as opened:
        return origin.url, inspect_source(
            opened, folder, settings.source, lambda table: announce.doing(f"inspecting {table}")
        )


def write_draft(out: Path, texts: Mapping[str, str], yes: bool) -> None:
    """Write the files; a file that a person edited only if he agrees, and a copy of it stays."""
    from migrate.introspect.scaffold.write_files import copy_file, edited_files, write_files
    from migrate.runtime.console import make_console

    edited = edited_files(out, texts)
    if edited:
        console = make_console(stderr=True)
        names = ", ".join(edited)
        console.print(
            f"edited  {', '.join(str(out / name) for name in edited)}", markup=False, soft_wrap=True
        )
        confirm(
            f"Overwrite {names}? A copy of what you edited stays.",
            yes,
            risk=f"{names} has your edits; --yes overwrites them, and a copy stays",
        )
        for name in edited:
            console.print(
                f"copied  {out / name} to {copy_file(out / name).name}", markup=False, soft_wrap=True
            )
    write_files(out, texts)
