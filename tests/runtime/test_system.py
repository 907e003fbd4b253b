"""What macOS or Windows lack is asked for in one module, and named if it is needed."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.commands import ROOT, environment

_PACKAGES = ("migrate", "mappers", "verification", "backups")
_BOUND = re.compile(
    r"import (fcntl|pwd|resource|grp|termios|msvcrt)\b|flock\(|getrusage|os\.get(e?)[ug]id\("
    r"|signal\.SIG(KILL|STOP|HUP)|Path\(f?.?/proc"
)
#: The command line on a system without these: `import` finds no such module, and there is no such folder.
_WITHOUT = """
import os, signal, sys
from pathlib import Path
for name in {modules}:
    sys.modules[name] = None
for name in {signals}:
    delattr(signal, name)
if {users}:
    del os.geteuid, os.getuid
from migrate.runtime import system
system.PROCESSES = Path("/nowhere")
from migrate.cli.main import main
sys.argv = ["migrate", *sys.argv[1:]]
main()
"""
_MAC = {"modules": (), "signals": (), "users": False}
_WINDOWS = {
    "modules": ("fcntl", "pwd", "resource"), "signals": ("SIGKILL", "SIGSTOP", "SIGHUP"), "users": True,
}  # fmt: skip


def test_one_module_asks_the_system() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in _PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if _BOUND.search(path.read_text())
    }
    assert found == {"migrate/runtime/system.py"}


def on(system: dict[str, object], folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(**system), *words], cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_without_procfs_a_database_is_migrated(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "legacy.db") as connection:
        connection.executescript(
            "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)"
        )
    assert on(_MAC, tmp_path, "init", "--source", "legacy.db", "--out", "m")[0] == 0
    code, said = on(_MAC, tmp_path, "run", "--config", "m/config.toml", "--yes")
    assert code == 0, said
    code, said = on(_MAC, tmp_path, "rollback", "--config", "m/config.toml", "--yes")
    assert code == 0, said


def test_without_locks_it_says_where_it_runs(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "legacy.db") as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY)")
    assert on(_WINDOWS, tmp_path, "--help")[0] == 0
    code, said = on(_WINDOWS, tmp_path, "inspect", "legacy.db")
    assert (code, "WSL" in said, "Traceback" in said) == (2, True, False), said
