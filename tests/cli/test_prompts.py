"""The shell's side: questions that are answered, refused or never asked."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from tests.tools.commands import ROOT, environment, migrate, query

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.02"}


@pytest.fixture
def target(database: str) -> dict[str, str]:
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    return {**SMALL, "MIGRATE__TARGET__URL": database}


def published(settings: dict[str, str]) -> bool:
    url = settings["MIGRATE__TARGET__URL"]
    return bool(query(url, "SELECT 1 WHERE to_regclass('migrate_ledger.publication') IS NOT NULL"))


def typed(answer: str, *words: str, settings: dict[str, str]) -> tuple[int, str]:
    """Run `migrate` at a terminal, type `answer`, and return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "migrate", *words], cwd=ROOT, env=environment(**settings),
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    return process.returncode, out


def test_what_replaces_rows_asks_for_the_databases_name(work: Path, target: dict[str, str]) -> None:
    name = target["MIGRATE__TARGET__URL"].rpartition("/")[2].partition("?")[0]
    code, shown = typed("yes", "run", "--work", str(work), settings=target)
    assert code == 2
    assert "this is not the name of the database; nothing was changed" in shown
    assert f"Type {name}" in shown
    assert not published(target)
    code, shown = typed(name, "run", "--work", str(work), settings=target)
    assert code == 0, shown
    assert published(target)


def test_a_script_names_the_database_and_meets_no_other(work: Path, target: dict[str, str]) -> None:
    name = target["MIGRATE__TARGET__URL"].rpartition("/")[2].partition("?")[0]
    wrong = migrate("run", "--work", str(work), "--confirm", "other", code=2, **target)
    assert name in wrong.err
    assert not published(target)
    migrate("run", "--work", str(work), "--confirm", name, "--no-input", **target)
    assert published(target)
    for step in ("rollback", "clean"):
        code, shown = typed("", step, "--work", str(work), "--no-input", settings=target)
        assert code == 2
        assert "--confirm" in shown
    assert published(target)


def test_without_input_a_missing_answer_ends_the_command(work: Path, target: dict[str, str]) -> None:
    code, shown = typed("", "run", "--work", str(work), "--no-input", settings=target)
    assert code == 2
    assert "--confirm" in shown
    assert not published(target)


@pytest.mark.slow
def test_progress_and_errors_are_json_lines_where_asked_for(work: Path) -> None:
    small = {"MIGRATE__SAMPLE__SCALE": "0.02"}
    done = migrate("run", "--work", str(work), "--yes", "--json", "--log-format", "json", **small)
    said = [json.loads(line) for line in done.err.splitlines()]
    assert {line["version"] for line in said} == {1}
    ended = [line["stage"] for line in said if line["event"] == "end"]
    assert ended == list(json.loads(done.out)["seconds"])
    assert [line["stage"] for line in said if line["event"] == "begin" and line["stage"] in ended]
    wrong = migrate("rollback", "--work", str(work / "none"), code=2, MIGRATE_LOG_FORMAT="json")
    [line] = [json.loads(line) for line in wrong.err.splitlines()]
    assert line["event"] == "error"
    assert "--work" in line["next"]
    unknown = migrate("run", "--wok", "x", code=2, MIGRATE_LOG_FORMAT="json")
    assert json.loads(unknown.err)["event"] == "error"


@pytest.mark.slow
def test_off_a_terminal_nothing_moves_and_nothing_is_coloured(work: Path) -> None:
    done = migrate("run", "--work", str(work), "--yes", MIGRATE__SAMPLE__SCALE="0.02")
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err
    assert "done snapshot" in done.err


@pytest.mark.parametrize("variable", [None, pytest.param("NO_COLOR", marks=pytest.mark.slow)])
def test_on_a_terminal_there_is_colour_unless_it_is_forbidden(work: Path, variable: str | None) -> None:
    kept = {name: value for name, value in environment().items() if name not in ("NO_COLOR", "COLUMNS")}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "migrate", "rollback", "--work", str(work)],
        cwd=ROOT, env={**kept, "TERM": "xterm-256color", **({variable: "1"} if variable else {})},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal's other end is gone
        while part := os.read(ours, 65536):
            said += part
    os.close(ours)
    assert process.wait(60) == 2, said
    assert (b"\x1b[3" in said) is (variable is None), said
