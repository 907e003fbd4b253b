"""The wheel that pipx, uv and the container install: whole, and working away from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from migrate import __version__
from migrate.source.sample.write import write_sample
from tests.tools.commands import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def command(program: Path, *words: str, cwd: Path, **variables: str) -> str:
    """Run a program with the machine's variables, ours excepted, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MIGRATE", "TURSO"))}
    done = subprocess.run(
        [str(program), *words], cwd=cwd, env={**kept, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def run(*words: str, cwd: Path, **variables: str) -> str:
    return command(Path(sys.executable), *words, cwd=cwd, **variables)


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


def test_only_the_sample_asks_for_faker() -> None:
    asks = re.compile(r"^\s*(from|import) faker\b|import_module\(.faker", re.M)
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    asking = [path for path in sources if asks.search(path.read_text())]
    assert [path.name for path in asking] == ["faker_pools.py"]
    assert PROJECT["project"]["optional-dependencies"]["sample"] == PROJECT["dependency-groups"]["sample"]
    assert "faker" not in (ROOT / "requirements.lock").read_text()
    assert "faker==" in (ROOT / "requirements-sample.lock").read_text()


def test_no_lock_file_holds_sphinx() -> None:
    locks = list(ROOT.glob("requirements*.lock"))
    assert len(locks) == 5
    assert not [path.name for path in locks if "sphinx" in path.read_text()]
    assert "libsql-client==" in (ROOT / "requirements.lock").read_text()


def test_the_container_installs_what_the_makefile_does() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--from)(.*)", text, re.M) for name in line.split()[:-1]}
    assert not [name for name in copied if not (ROOT / name).exists()]
    assert set(PACKAGES) <= copied
    assert "pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock" in text
    assert "install --no-deps --require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_release_is_built_checked_and_runs_from_one_file(tmp_path: Path) -> None:
    made = tmp_path / "dist"
    command(Path("/usr/bin/env"), "make", "release", f"VENV={tmp_path / 'venv'}", f"DIST={made}",
            f"PYTHON={sys.executable}", cwd=ROOT)  # fmt: skip
    stem = f"turso_to_prisma-{__version__}"
    files = {"migrate.pyz", "sbom.cdx.json", f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"}
    assert {path.name for path in made.iterdir()} == files
    parts = {part["name"] for part in json.loads((made / "sbom.cdx.json").read_text())["components"]}
    assert parts == set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M))
    write_sample(tmp_path / "legacy.db", scale=0.02)
    own = {"SHIV_ROOT": str(tmp_path / "unpacked"), "PYTHONPATH": ""}
    words = ("init", "--source", "legacy.db", "--out", "m")
    command(Path(sys.executable), str(made / "migrate.pyz"), *words, cwd=tmp_path, **own)
    assert (tmp_path / "m/init.sql").exists()


#: Systems that the README names, by the words of uv.
PLATFORMS = (
    "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_locked_package_has_a_wheel_for(platform: str, tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    command(
        Path(uv), "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--target", str(tmp_path / "site"), "--python-version", "3.12", "--python-platform", platform,
        "-r", str(ROOT / "requirements.lock"), cwd=tmp_path,
    )  # fmt: skip


#: The arguments of each installer, and where it puts things so that nothing of the machine's is touched.
INSTALLERS = {
    "pipx": (("install", ".[sample]"), ("PIPX_HOME", "PIPX_BIN_DIR")),
    "pipx with extras": (("install", ".[ws,metrics,sample]"), ("PIPX_HOME", "PIPX_BIN_DIR")),
    "uv": (("tool", "install", ".[sample]"), ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR")),
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", INSTALLERS)
def test_an_installer_makes_a_command_that_works_anywhere(name: str, tmp_path: Path) -> None:
    program = name.split()[0]
    words, (home, commands) = INSTALLERS[name]
    own = tmp_path / "installer"
    run("-m", "venv", str(own), cwd=tmp_path)
    run("-m", "pip", "--python", str(own / "bin" / "python"), "install", "--quiet", program, cwd=tmp_path)
    places = {home: str(tmp_path / "home"), commands: str(tmp_path / "bin")}
    command(own / "bin" / program, *words, cwd=ROOT, **places)
    assert __version__ in command(tmp_path / "bin" / "migrate", "--version", cwd=tmp_path)
    small = {"MIGRATE__SOURCE__URL": "sample", "MIGRATE__SAMPLE__SCALE": "0.02"}
    command(tmp_path / "bin" / "migrate", "run", "--yes", cwd=tmp_path, **small)
    command(tmp_path / "bin" / "migrate", "clean", "--yes", "--embedded", cwd=tmp_path, **small)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_container_is_built_and_migrates(tmp_path: Path) -> None:
    engine = shutil.which("docker")
    if engine is None or subprocess.run([engine, "info"], capture_output=True).returncode:
        pytest.skip("no Docker answers")
    command(Path(engine), "build", "-f", "Containerfile", "-t", "migrate-of-the-tests", ".", cwd=ROOT)
    legacy = tmp_path / "legacy.db"
    write_sample(legacy, scale=0.02)
    legacy.chmod(0o644)  # the container's user is another one
    mounted = ("-v", f"{legacy}:/legacy.db:ro", "-e", "MIGRATE__SOURCE__URL=file:/legacy.db")
    words = (*mounted, "migrate-of-the-tests", "run", "--yes")
    assert "migrate rollback" in command(Path(engine), "run", "--rm", *words, cwd=ROOT)
