"""Folders and files of a run: who may read them, and that they are complete."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from migrate.runtime import files
from migrate.runtime.errors import MigrateError, UsageError
from migrate.runtime.lockfile import lock_folder
from tests.tools.commands import migrate


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o022])
def test_folders_that_are_made_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        files.make_folder(tmp_path / "a/b")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "a") == _mode(tmp_path / "a/b") == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o700])
def test_a_folder_that_exists_keeps_its_mode_and_who_can_look_into_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    tmp_path.chmod(mode)
    with lock_folder(tmp_path):
        handle = os.open(tmp_path / "of-a-library", os.O_CREAT | os.O_WRONLY, 0o666)
        os.close(handle)
    assert _mode(tmp_path) == mode
    assert _mode(tmp_path / "of-a-library") == 0o600
    assert ("keeps its mode" in capsys.readouterr().err) == (mode != 0o700)


def test_the_umask_is_given_back(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with pytest.raises(KeyError), lock_folder(tmp_path):
            raise KeyError
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o773])
def test_a_folder_that_everyone_writes_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(UsageError, match="every user of this machine may write to it") as caught:
        files.make_folder(tmp_path)
    assert str(tmp_path / "migrate") in (caught.value.hint or "")
    assert _mode(tmp_path) == mode


@pytest.mark.parametrize("command", [("run", "--yes"), ("verify",)])
def test_no_command_works_in_a_shared_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    name, *options = command
    done = migrate(name, "--work", str(shared), *options, MIGRATE__SOURCE__URL="sample", code=2)
    assert f"the folder {shared}: every user" in done.err
    assert _mode(shared) == 0o1777
    assert list(shared.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="it is a file"):
        files.make_folder(tmp_path / "file")


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        kind = (
            "folder"
            if stat.S_ISDIR(os.fstat(handle).st_mode)
            else f"file of {os.fstat(handle).st_size} bytes"
        )
        steps.append(kind)
        fsync(handle)

    def renamed(path: Path, to: Path) -> Path:
        steps.append("rename")
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    with files.write_atomically(tmp_path / "state.json") as file:
        file.write(b"content")
    assert steps == ["file of 7 bytes", "rename", "folder"]
    assert _mode(tmp_path / "state.json") == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    with pytest.raises(MigrateError, match="cannot write"), files.write_atomically(path) as file:
        file.write(b"new")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]
