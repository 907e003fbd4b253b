"""Completion: what is offered, and that each shell reads its script and completes with it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.commands import environment, migrate

MIGRATE = Path(sys.executable).with_name("migrate")
#: How each shell is started without any user's settings, and its first input.
SHELLS = {
    "bash": (("bash", "--norc", "--noprofile", "-i"), "source {script}"),
    "zsh": (("zsh", "-f", "-i"), "autoload -Uz compinit; compinit -D -u; source {script}"),
    "fish": (("fish", "--no-config", "-i"), "source {script}"),
}
PATIENCE = 60.0


def completed(line: str) -> set[str]:
    """Return what is offered to bash after `line`."""
    done = subprocess.run(
        [MIGRATE],
        env=environment(_MIGRATE_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(line.count(" "))),
        capture_output=True,
        text=True,
        check=True,
    )
    return {offer.partition(",")[2] for offer in done.stdout.splitlines()}


def test_commands_and_options_are_completed() -> None:
    assert completed("migrate ro") == {"rollback"}
    assert completed("migrate rollback --disc") == {"--discard-changes"}
    assert completed("migrate completion f") == {"fish"}


def test_a_shell_for_which_there_is_none_is_reported() -> None:
    assert "fish" in migrate("completion", "cmd", code=2).err


class Terminal:
    """A shell at a terminal of its own; what it shows is read, what is typed is written."""

    def __init__(self, words: tuple[str, ...], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        variables = environment(HOME=str(folder), TERM="xterm", PS1="> ", PROMPT="> ")
        variables["PATH"] = f"{MIGRATE.parent}:{variables['PATH']}"
        self._process = subprocess.Popen(
            ("setsid", "--ctty", *words),
            cwd=folder,
            env=variables,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.shown = ""

    def type(self, text: str) -> None:
        """Type a text; a tabulator in it asks for completion."""
        os.write(self._ours, text.encode())

    def await_text(self, text: str) -> None:
        """Read what is shown until `text` is in it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.shown}"
            if select.select([self._ours], [], [], 0.2)[0]:
                self.shown += os.read(self._ours, 65536).decode(errors="replace")
                self._answer()

    def _answer(self) -> None:
        """Say what a terminal says that is asked for its kind: fish waits for it."""
        if "\x1b[0c" in self.shown or "\x1b[c" in self.shown:
            self.shown = self.shown.replace("\x1b[0c", "").replace("\x1b[c", "")
            os.write(self._ours, b"\x1b[?6c")

    def close(self) -> None:
        """Hang up."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.fixture(params=sorted(SHELLS))
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    words, reads = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        assert os.environ.get("CI") != "true", f"{words[0]} must be there where CI runs"
        pytest.skip(f"{words[0]} is not installed")
    script = tmp_path / "script"
    script.write_text(migrate("completion", request.param).out)
    with contextlib.closing(Terminal(words, tmp_path)) as opened:
        opened.type(reads.format(script=script) + "; echo re''ady\r")
        opened.await_text("ready")
        opened.shown = ""
        yield opened


def test_each_shell_completes_with_the_script_that_it_reads(terminal: Terminal) -> None:
    terminal.type("migrate rollb\t")
    terminal.await_text("rollback")
    terminal.type("--disc\t")
    terminal.await_text("--discard-changes")
