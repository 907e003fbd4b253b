"""The wheel that pipx, uv and the container install: whole, and working away from the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from migrate import __version__
from tests.commands import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def run(*words: str, cwd: Path, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MIGRATE", "TURSO"))}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env={**kept, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    [made] = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read(f"turso_to_prisma-{__version__}.dist-info/METADATA").decode()
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == files
    assert f"\nVersion: {__version__}\n" in metadata


def test_it_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "site"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(place), str(wheel),
        cwd=tmp_path)  # fmt: skip
    where = {"PYTHONPATH": str(place)}
    assert str(place) in run("-P", "-c", "import migrate; print(migrate.__file__)", cwd=tmp_path, **where)
    assert __version__ in run("-P", "-m", "migrate", "--version", cwd=tmp_path, **where)
    run("-P", "-m", "migrate", "sample", "legacy.db", "--scale", "0.02", cwd=tmp_path, **where)
    run("-P", "-m", "migrate", "inspect", "legacy.db", "--html", "page.html", cwd=tmp_path, **where)
    assert "<style>" in (tmp_path / "page.html").read_text()


def test_the_container_installs_what_the_makefile_does() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*)", text, re.M) for name in line.split()[:-1]}
    assert not [name for name in copied if not (ROOT / name).exists()]
    assert set(PACKAGES) <= copied
    assert "pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock" in text
    assert "install --no-deps --require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()
