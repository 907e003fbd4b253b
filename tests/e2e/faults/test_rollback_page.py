"""Every command of docs/rollback.md, typed in the situation that its heading names."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import binary
from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.tools.commands import ROOT, content, environment

PAGE = ROOT / "docs" / "rollback.md"
_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\s*# exit code (\d+)$")
_SAYS = re.compile(r"\s*# (\w+)$")


def nothing_published(scene: Scene) -> None:
    assert scene.kill_at("messages:batch")


def published(scene: Scene) -> None:
    scene.run()


def written_since(scene: Scene) -> None:
    scene.run()
    scene.execute("DELETE FROM reviews")


def lost_in_the_middle(scene: Scene) -> None:
    scene.run()
    assert scene.kill_at("rollback:committed", "rollback")


def given_up_later(scene: Scene) -> None:
    scene.run()
    scene.do("run", "--yes", "--fresh", code=None, MIGRATE_KILL_AT="users:batch")


def rolled_back(scene: Scene) -> None:
    scene.run()
    scene.rollback()


def lost_folder(scene: Scene) -> None:
    scene.run()
    [backup] = (scene.work / "backups").iterdir()
    backup.rename(scene.work.parent / "copy")
    shutil.rmtree(scene.work)


#: Heading, how to get there, and whether the live rows are the old ones afterwards.
SITUATIONS: dict[str, tuple[Callable[[Scene], None], bool]] = {
    "See the state": (published, False),
    "Nothing was published": (nothing_published, True),
    "Published": (published, True),
    "The application has written since": (written_since, True),
    "The terminal was lost in the middle": (lost_in_the_middle, True),
    "The rollback was a mistake": (rolled_back, False),
    "A later run was discarded": (given_up_later, True),
    "The work folder is lost": (lost_folder, True),
    "Without this program": (lost_folder, False),
}


def commands_of(section: str) -> list[str]:
    return [line for block in _BLOCK.findall(section) for line in block.splitlines() if line.strip()]


def sections() -> dict[str, list[str]]:
    found = {title: commands_of(text) for title, text in _SECTION.findall(PAGE.read_text())}
    return {title: commands for title, commands in found.items() if commands}


def test_every_part_of_the_page_has_its_situation() -> None:
    assert list(sections()) == list(SITUATIONS)


@pytest.mark.fault("every command of docs/rollback.md")
@pytest.mark.slow
@pytest.mark.parametrize("title", SITUATIONS)
def test_the_commands_do_what_the_page_says(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score, tmp_path: Path, title: str
) -> None:
    prepare, back = SITUATIONS[title]
    prepare(scene)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "migrate").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m migrate "$@"\n')
    (folder / "migrate").chmod(0o755)
    for command in sections()[title]:
        type_it(scene, command, folder)
    score.tried()
    score.compare(scene.live(), untouched if back else {name: undisturbed[name] for name in scene.live()})
    if title == "Without this program":
        restored = psycopg.conninfo.make_conninfo(scene.behind, dbname="restored")
        score.compare(content(restored), {k: v for k, v in untouched.items() if k != "(schema)"})
        scene_admin(scene, "DROP DATABASE restored WITH (FORCE)")


def type_it(scene: Scene, line: str, folder: Path) -> None:
    wanted = _EXIT.search(line)
    line = _EXIT.sub("", line)
    says = _SAYS.search(line)
    line = _SAYS.sub("", line)
    if line.startswith("migrate rollback"):
        line += " --yes"  # no terminal is here to ask
    where = psycopg.conninfo.conninfo_to_dict(scene.behind)
    variables = environment(
        **scene.settings,
        PYTHONPATH=str(ROOT),
        PGHOST=str(where["host"]), PGPORT=str(where["port"]), PGUSER=str(where["user"]),
        PGPASSWORD=str(where["password"]), PGDATABASE=str(where["dbname"]),
    )  # fmt: skip
    variables["PATH"] = f"{folder}:{binary('pg_restore').parent}:{variables['PATH']}"
    done = subprocess.run(
        line, shell=True, cwd=scene.work.parent, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == (int(wanted[1]) if wanted else 0), f"{line}\n{done.stdout}\n{done.stderr}"
    assert says is None or says[1] in done.stdout


def scene_admin(scene: Scene, statement: str) -> None:
    with psycopg.connect(scene.behind, autocommit=True) as connection:
        connection.execute(statement.encode())
