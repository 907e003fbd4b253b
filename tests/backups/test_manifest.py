"""A manifest comes back as it was saved, or says that it was altered."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.errors import BackupDamaged, BackupError
from backups.files import digest_file, write_atomically
from backups.manifest import Manifest, TableContent, load, save


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A manifest in a folder with its dump."""
    (tmp_path / "backup.dump").write_bytes(b"PGDMP and so on")
    manifest = Manifest(
        made_at=datetime(2026, 1, 2, tzinfo=UTC), server_version=160004, database="db.example.com/app",
        schema="public", encoding="UTF8", file="backup.dump", bytes=15,
        sha256=digest_file(tmp_path / "backup.dump"),
        tables={"users": TableContent(rows=3, checksum="-12345678901234567890123")},
        rendering={"TimeZone": "UTC"}, extensions={"citext": "public"}, collations=(),
    )  # fmt: skip
    save(manifest, tmp_path / "manifest.json")
    return tmp_path / "manifest.json"


def test_a_manifest_comes_back_as_it_was_saved(saved: Path) -> None:
    before = saved.read_bytes()
    manifest, dump = load(saved)
    save(manifest, saved)
    assert (saved.read_bytes(), dump.name, manifest.rows) == (before, "backup.dump", 3)


def test_a_manifest_is_readable_by_its_owner_only(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupDamaged, match=r"nowhere\.json: No such file"):
        load(tmp_path / "nowhere.json")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_that_changes_the_meaning_is_noticed(saved: Path, data: st.DataObject) -> None:
    original = saved.read_bytes()
    altered = bytearray(original)
    position = data.draw(st.integers(0, len(original) - 1))
    altered[position] ^= 1 << data.draw(st.integers(0, 7))
    if _same_json(original, bytes(altered)):
        return
    saved.write_bytes(altered)
    try:
        with pytest.raises(BackupDamaged):
            load(saved)
    finally:
        saved.write_bytes(original)


def _same_json(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"digest": 1}', b"\xff\xfe"])
def test_a_file_that_is_no_manifest_is_named(saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(BackupDamaged, match=r"manifest\.json"):
        load(saved)


def test_a_manifest_cut_short_is_damaged(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-20])
    with pytest.raises(BackupDamaged, match="is not the manifest"):
        load(saved)


def test_an_altered_dump_of_it_is_noticed_on_loading(saved: Path) -> None:
    (saved.parent / "backup.dump").write_bytes(b"PGDMP and so oN")
    with pytest.raises(BackupDamaged, match=r"dump .* was changed"):
        load(saved)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(RuntimeError), write_atomically(saved) as file:
        file.write(b"half")
        raise RuntimeError
    assert saved.read_bytes() == before
    assert sorted(p.name for p in saved.parent.iterdir()) == ["backup.dump", "manifest.json"]


def test_a_folder_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot write") as caught, write_atomically(tmp_path / "no" / "x"):
        pass
    assert caught.value.hint
