"""The way back needs the ledger and a backup; neither the state file, the source nor the mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_run import SETTINGS
from tests.tools.commands import embedded_content, migrate

KILLED = {"MIGRATE_KILL_AT": "messages:batch"}


def run(work: Path, *words: str, code: int | None = 0, **extra: str) -> None:
    migrate("run", "--work", str(work), "--yes", *words, code=code, **SETTINGS, **extra)


def roll_back(work: Path, *words: str, **extra: str) -> str:
    done = migrate("rollback", "--work", str(work), "--yes", *words, **{**SETTINGS, **extra})
    return done.out + done.err


def outcome(work: Path) -> str:
    return str(migrate("status", "--work", str(work), "--json").json()["outcome"])


@pytest.mark.parametrize("left", [pytest.param(b"[1, 2]", marks=pytest.mark.slow), None])
def test_without_the_state_file_the_ledger_leads_back(work: Path, left: bytes | None) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    after = embedded_content(work)
    if left is None:
        (work / "state.json").unlink()
    else:
        (work / "state.json").write_bytes(left)
    assert migrate("verify", "--published", "--work", str(work), code=None, **SETTINGS).code in (1, 2)
    roll_back(work)
    assert embedded_content(work) == before
    assert outcome(work) == "rolled_back"
    roll_back(work, "--undo")
    assert embedded_content(work) == after
    assert outcome(work) == "published"


@pytest.mark.slow
def test_the_mapping_and_the_secret_may_have_changed_since(work: Path) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    text = roll_back(
        work, MIGRATE__MAPPERS__REVIEWS__RATING="4", MIGRATE__IDS__SECRET="", MIGRATE__SAMPLE__SEED="9"
    )
    assert "rows are back" in text
    assert embedded_content(work) == before


@pytest.mark.slow
def test_a_later_run_that_was_given_up_does_not_confuse_it(work: Path) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    after = embedded_content(work)
    run(work, "--fresh", code=None, **KILLED)
    (work / "state.json").write_bytes(b"damaged")
    assert "Nothing had been published" in roll_back(work)
    assert embedded_content(work) == after
    assert outcome(work) == "rolled_back"
    assert "already discarded" in roll_back(work)
    assert embedded_content(work) == after
    assert "rows are back" in roll_back(work, "--published")
    assert embedded_content(work) == before
    assert outcome(work) == "rolled_back"
    run(work)
    assert embedded_content(work) == after
    assert outcome(work) == "published"


@pytest.mark.slow
def test_only_a_rollback_can_be_undone(work: Path) -> None:
    run(work)
    after = embedded_content(work)
    words = ("rollback", "--yes", "--work", str(work), "--undo")
    assert "no rollback to undo" in migrate(*words, code=2, **SETTINGS).err
    assert "give only one" in migrate(*words, "--published", code=2, **SETTINGS).err
    assert embedded_content(work) == after


def test_where_nothing_was_begun_nothing_is_made(work: Path) -> None:
    for words in (("rollback", "--yes"), ("verify", "--published")):
        done = migrate(*words, "--work", str(work), code=2, **SETTINGS)
        assert "there is no run in" in done.err
    assert not (work / "state.json").exists()


def test_a_snapshot_that_was_altered_checks_nothing(work: Path) -> None:
    run(work)
    snapshot = work / "snapshot.db"
    snapshot.chmod(0o600)
    with snapshot.open("ab") as file:
        file.write(b"x")
    done = migrate("verify", "--published", "--work", str(work), code=1, **SETTINGS)
    assert "snapshot.db is not the file" in done.err
