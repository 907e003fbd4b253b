from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from migrate.runtime import files
from migrate.runtime.errors import AlreadyRunning
from migrate.runtime.lockfile import lock_folder
from migrate.runtime.log import NAME, log, open_log
from migrate.runtime.redaction import redact, terminal_safe


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("cannot reach postgresql://ana:s3cret@db/x", "s3cret"),
        ("libsql://h?authToken=abc.def", "abc.def"),
        ("Authorization: Bearer abc123", "abc123"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln here", "eyJ"),
        ("password=hunter2 host=x", "hunter2"),
        ("no such user ana@example.com", "ana@"),
    ],
)
def test_secrets_and_addresses_are_taken_out_of_text(text: str, hidden: str) -> None:
    assert hidden in text
    assert hidden not in redact(text)


def test_the_log_is_json_lines_for_the_owner_alone_without_secrets(work: Path) -> None:
    files.make_folder(work)
    try:
        with closing(open_log(work, "run-1")):
            log().info("hello", url="postgresql://u:p4ss@h/d", id_secret="s3cret", rows=3)
        line = json.loads((work / NAME).read_text())
    finally:
        structlog.reset_defaults()
    assert line["run"] == "run-1"
    assert line["rows"] == 3
    assert "p4ss" not in json.dumps(line)
    assert "s3cret" not in json.dumps(line)
    assert (work / NAME).stat().st_mode & 0o777 == 0o600


def test_a_terminal_never_gets_control_characters() -> None:
    assert terminal_safe("a\x1b[31mred\x07\u202e\nb") == "a?[31mred??\nb"


def test_a_work_folder_has_one_run_at_a_time(work: Path) -> None:
    with lock_folder(work):
        with pytest.raises(AlreadyRunning, match="process") as caught, lock_folder(work):
            pass
        assert str(work) in caught.value.message
    with lock_folder(work):
        assert work.stat().st_mode & 0o777 == 0o700
