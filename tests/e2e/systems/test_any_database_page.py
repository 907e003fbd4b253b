"""Every command of docs/any-database.md, typed in its order against the marketplace."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrate.postgres.embedded import binary
from tests.tools.commands import ROOT, environment, query

PAGE = ROOT / "docs" / "any-database.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\s*# exit code (\d+)$")
#: Commands that ask, and no terminal is here to answer.
_ASKING = re.compile(r"migrate (run|rollback)\b")


def commands() -> list[str]:
    return [line for block in _BLOCK.findall(PAGE.read_text()) for line in block.splitlines() if line.strip()]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_commands_do_what_the_page_says(
    systems: Mapping[str, Path], database: str, tmp_path: Path
) -> None:
    shutil.copyfile(systems["marketplace"], tmp_path / "legacy.db")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "migrate").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m migrate "$@"\n')
    (folder / "migrate").chmod(0o755)
    variables = environment(PYTHONPATH=str(ROOT), DATABASE_URL=database)
    variables["PATH"] = f"{folder}:{binary('psql').parent}:{variables['PATH']}"
    for line in commands():
        type_it(line, tmp_path, variables)
        if line.startswith("migrate verify --config"):
            assert query(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert query(database, "SELECT count(*) FROM users") == [(29,)]


def type_it(line: str, folder: Path, variables: Mapping[str, str]) -> None:
    wanted = _EXIT.search(line)
    line = _EXIT.sub("", line)
    if _ASKING.match(line):
        line += " --yes"
    done = subprocess.run(
        line, shell=True, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == (int(wanted[1]) if wanted else 0), f"{line}\n{done.stdout}\n{done.stderr}"
