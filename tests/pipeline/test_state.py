from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.pipeline.state import NAME, State
from migrate.runtime import files
from migrate.runtime.errors import StateMismatch


@pytest.fixture
def state(work: Path) -> State:
    files.make_folder(work)
    return State.begin(work, run_id="r1", code="1", binding={"source": "x"}, id_secret="s" * 20)


def test_every_change_is_on_disk_at_once(state: State) -> None:
    state.start("snapshot")
    (state.folder / "snapshot.db").write_bytes(b"rows")
    state.finish("snapshot", 1.5, {"rows": 3}, {"snapshot": state.record_file(state.folder / "snapshot.db")})
    again = State.load(state.folder)
    assert again is not None
    assert again.document == state.document
    assert again.done("snapshot")
    assert again.prove_file("snapshot", "snapshot").read_bytes() == b"rows"


def test_the_file_is_for_its_owner_alone_and_nothing_else_is_left(state: State) -> None:
    assert (state.folder / NAME).stat().st_mode & 0o777 == 0o600
    assert state.folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in state.folder.iterdir()] == [NAME]


def test_no_state_is_no_error(work: Path) -> None:
    assert State.load(work) is None


def test_a_file_cut_at_any_length_is_refused(state: State) -> None:
    path = state.folder / NAME
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(StateMismatch, match="damaged"):
            State.load(state.folder)


def test_a_flipped_bit_is_refused_or_harmless(state: State) -> None:
    path = state.folder / NAME
    raw = path.read_bytes()
    for position in range(len(raw)):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        path.write_bytes(bytes(flipped))
        try:
            read = State.load(state.folder)
        except StateMismatch:
            continue
        assert read is not None
        assert read.document == state.document, position  # white space between the fields


def test_another_format_names_the_way_out(state: State) -> None:
    path = state.folder / NAME
    body = json.loads(path.read_text())
    body["format"] = 99
    path.write_text(json.dumps(body))
    with pytest.raises(StateMismatch, match="format 99") as caught:
        State.load(state.folder)
    assert caught.value.hint


def test_a_changed_artifact_is_named(state: State) -> None:
    artifact = state.folder / "snapshot.db"
    artifact.write_bytes(b"rows")
    state.start("snapshot")
    state.finish("snapshot", 1, {}, {"snapshot": state.record_file(artifact)})
    artifact.write_bytes(b"Rows")
    with pytest.raises(StateMismatch, match=r"snapshot\.db was changed since"):
        state.prove_file("snapshot", "snapshot")
    artifact.unlink()
    with pytest.raises(StateMismatch, match="is missing"):
        state.prove_file("snapshot", "snapshot")
    with pytest.raises(StateMismatch, match="records no dump"):
        state.prove_file("backup", "dump")


def test_a_stage_that_failed_and_ran_again_keeps_its_first_start_and_all_its_time(state: State) -> None:
    state.start("users")
    started = state.document.stages["users"].started
    state.fail("users", 2.0)
    assert not state.done("users")
    state.start("users")
    state.finish("users", 1.0, {}, {})
    record = state.document.stages["users"]
    assert (record.status, record.started, record.seconds) == ("done", started, 3.0)
    state.forget("users")
    assert state.stage("users") is None


def test_an_interrupted_write_leaves_the_old_file(state: State) -> None:
    before = (state.folder / NAME).read_bytes()
    with pytest.raises(RuntimeError), files.write_atomically(state.folder / NAME) as file:
        file.write(b"half")
        raise RuntimeError
    assert (state.folder / NAME).read_bytes() == before
    (state.folder / f".{NAME}.x.part").write_bytes(b"left by a kill")
    files.sweep_parts(state.folder)
    assert [path.name for path in state.folder.iterdir()] == [NAME]


def test_a_file_that_is_being_written_is_not_swept(state: State) -> None:
    with files.write_atomically(state.folder / "sample.db") as file:
        file.write(b"half")
        files.sweep_parts(state.folder)
    assert (state.folder / "sample.db").read_bytes() == b"half"
