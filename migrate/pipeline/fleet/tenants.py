"""The tenants of a fleet: their names, their databases, and the variables that hold their tokens."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from migrate.pipeline.fleet.tenant import Tenant
from migrate.runtime.config import Config
from migrate.runtime.errors import UsageError
from migrate.source.url import Address, parse_address

#: A folder's files that are databases or dumps.
SUFFIXES: Final = (".db", ".sqlite", ".sqlite3", ".sql")
#: Before the organization, and the group if one is given.
PLATFORM: Final = "turso:"
_COLUMNS: Final = ("tenant", "url", "token_env")
_LONGEST: Final = 200


def read_tenants(config: Config, named: str | None = None, folder: Path | None = None) -> list[Tenant]:
    """Return the tenants by their names: those that `named` describes, else [fleet] tenants.

    Paths are relative to `folder`, that of the configuration file if it names them.
    Raises UsageError if none are named, or a line is wrong; SourceError if
    the Platform API does not list them.
    """
    described = named or config.fleet.tenants
    if not described:
        raise UsageError(
            "no tenants are named", hint="give --tenants FILE.csv, a folder, or turso:ORG; or [fleet] tenants"
        )
    if described.startswith(PLATFORM):
        from migrate.pipeline.fleet.platform_api import list_databases

        found = list_databases(config.fleet, described.removeprefix(PLATFORM))
        return _checked(found, described)
    if folder is None and named is None and config.file is not None:
        folder = config.file.parent
    path = (folder or Path()) / Path(described).expanduser()
    if path.is_dir():
        return _checked(_of_folder(path), str(path))
    return _checked(_of_csv(path), str(path))


def _of_folder(folder: Path) -> Iterator[Tenant]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield Tenant(path.stem, str(path.absolute()))


def _of_csv(path: Path) -> Iterator[Tenant]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            columns = tuple(lines.fieldnames or ())
            if not {"tenant", "url"} <= set(columns) <= set(_COLUMNS):
                raise UsageError(
                    f"{path}: the first line must name the columns {', '.join(_COLUMNS)}, "
                    f"not {', '.join(columns) or 'nothing'}"
                )
            for line in lines:
                yield _of_line(path, lines.line_num, line)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file of tenants {path}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read the tenants in {path}: {error}") from error


def _of_line(path: Path, number: int, line: dict[str | None, str | None]) -> Tenant:
    where = f"{path}, line {number}"
    if None in line or line.get("url") is None:
        raise UsageError(f"{where} has another number of columns than the first line")
    url = str(line["url"]).strip()
    address = _address(where, url)
    if address.token is not None:
        raise UsageError(
            f"{where}: the URL holds a token",
            hint="name the variable that holds it in the column token_env: no token is kept in a file",
        )
    if address.way in ("file", "dump") and "://" not in url and not url.startswith("file:"):
        url = str((path.absolute().parent / Path(url).expanduser()).absolute())
    return Tenant(str(line["tenant"]).strip(), url, (line.get("token_env") or "").strip())


def _address(where: str, url: str) -> Address:
    try:
        return parse_address(url)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", hint=error.hint) from error


def _checked(tenants: Iterable[Tenant], described: str) -> list[Tenant]:
    found = sorted(tenants)
    if not found:
        raise UsageError(f"{described} names no tenant")
    for tenant in found:
        if not tenant.name or len(tenant.name) > _LONGEST or not tenant.name.isprintable():
            raise UsageError(
                f"{described}: {tenant.name[:_LONGEST]!r} cannot be the name of a tenant",
                hint=f"a name has 1 to {_LONGEST} printable characters",
            )
    if twice := [name for name, times in Counter(tenant.name for tenant in found).items() if times > 1]:
        raise UsageError(f"{described} names the same tenant twice: {', '.join(twice[:5])}")
    return found
