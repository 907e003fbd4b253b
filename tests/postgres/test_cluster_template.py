"""A new cluster is a copy of one that initdb made before, with a password of its own."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.postgres import cluster_template, new_cluster, throwaway
from migrate.postgres.new_cluster import Done, run_program
from migrate.runtime.errors import TargetError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that keeps clusters, empty."""
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(cluster_template, "shared_home", lambda: kept)
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
    return kept


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that make a cluster, by name, as they are run."""
    names: list[str] = []

    def note(*command: str, inherited: tuple[int, ...] = (), text: bytes = b"") -> Done:
        names.append(Path(command[0]).name)
        return run_program(*command, inherited=inherited, text=text)

    monkeypatch.setattr(new_cluster, "run_program", note)
    return names


def test_initdb_runs_once_and_every_copy_has_its_own_password(
    work: Path, home: Path, programs: list[str]
) -> None:
    with throwaway.running(work / "a") as first:
        assert programs == ["initdb", "postgres"]
        left = next(path for path in home.rglob("cluster-*") if path.is_dir())
        left.rename(left.with_suffix(".part"))  # as if the process had been killed while it kept it
    with throwaway.running(work / "b"):
        assert programs == ["initdb", "postgres"] * 2
    with throwaway.running(work / "c") as third:
        assert programs == [*["initdb", "postgres"] * 2, "postgres"]
        with psycopg.connect(third) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        password = psycopg.conninfo.conninfo_to_dict(first)["password"]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(third, password=password)
    assert sorted(path.suffix for path in home.rglob("cluster-*")) == ["", ".lock"]


def test_without_a_folder_for_it_initdb_makes_every_cluster(
    work: Path, monkeypatch: pytest.MonkeyPatch, programs: list[str]
) -> None:
    def refuse() -> Path:
        raise TargetError("no folder", hint="")

    monkeypatch.setattr(cluster_template, "shared_home", refuse)
    monkeypatch.setattr(cluster_template, "_cache_folder", refuse)
    for _ in range(2):
        with throwaway.running(work) as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert programs == ["initdb", "postgres"] * 2
