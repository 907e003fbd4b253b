"""The manifest: the content of a dump and what was proven about it, stored next to it as JSON.

The file holds a digest of itself and one of the dump, so that damage to either is detected before it is used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from backups.content import Content, same
from backups.dependencies import Surroundings
from backups.errors import BackupDamaged
from backups.files import digest_file, write_atomically

_AGAIN: Final = "make a new backup, or restore the files from a copy"
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class TableContent(_Part):
    """The number of a table's rows and their order-independent checksum."""

    rows: int = Field(ge=0)
    checksum: str


class Difference(_Part):
    """A table that was restored with other content; `found` is None if it was not restored."""

    table: str
    expected: TableContent
    found: TableContent | None

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.table}: missing"
        if self.found.rows != self.expected.rows:
            return f"{self.table}: {self.found.rows} rows instead of {self.expected.rows}"
        return f"{self.table}: {self.found.rows} rows as expected, but with other values"


class DrillResult(_Part):
    """The result of restoring the dump into a throwaway server.

    `differences` decide; `problems` are errors of pg_restore that the comparison does not disprove, such as a
    foreign key to a table outside the schema.
    """

    passed: bool
    at: AwareDatetime
    seconds: float = Field(ge=0)
    server_version: int
    tables: int = Field(ge=0)
    rows: int = Field(ge=0)
    differences: tuple[Difference, ...] = ()
    problems: tuple[str, ...] = ()
    missing_extensions: tuple[str, ...] = ()

    def explain(self) -> str:
        """Return in one line why the drill failed; '' if it passed."""
        if self.passed:
            return ""
        parts = [str(difference) for difference in self.differences]
        if self.missing_extensions:
            names = ", ".join(self.missing_extensions)
            parts.append(f"extensions that the throwaway server does not have: {names}")
        return "; ".join([*parts, *self.problems])


class Manifest(_Part):
    """The facts about one dump.

    `server_version` is `server_version_num`, such as 160004. `rendering` are the session settings of the
    checksums; `extensions` maps the database's extensions to their schemas.
    """

    format: Literal[1] = 1
    made_at: AwareDatetime
    server_version: int
    database: str
    schema_name: str = Field(alias="schema")
    encoding: str
    file: str
    bytes: int = Field(ge=1)
    sha256: Digest
    tables: dict[str, TableContent]
    rendering: dict[str, str]
    extensions: dict[str, str]
    collations: tuple[str, ...]
    drill: DrillResult | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows in all tables."""
        return sum(content.rows for content in self.tables.values())

    @property
    def surroundings(self) -> Surroundings:
        """Return what the dump needs from the database that it is restored into."""
        return Surroundings(self.encoding, self.extensions, self.collations)

    @property
    def proven(self) -> bool:
        """Return whether a restore drill passed."""
        return self.drill is not None and self.drill.passed

    def with_drill(self, result: DrillResult) -> Self:
        """Return the manifest with the drill's result in it."""
        return self.model_copy(update={"drill": result})

    def compare(self, found: Mapping[str, Content]) -> tuple[Difference, ...]:
        """Return the tables that differ from `found`, a measure of all existing tables."""
        differences = []
        for table, expected in self.tables.items():
            now = found.get(table)
            if now is None:
                differences.append(Difference(table=table, expected=expected, found=None))
            elif not same(expected, now):
                other = TableContent(rows=now.rows, checksum=now.checksum)
                differences.append(Difference(table=table, expected=expected, found=other))
        return tuple(differences)

    def check_dump(self, folder: Path) -> Path:
        """Return the path of the dump in `folder`. Raises BackupDamaged if it is missing or changed."""
        path = folder / self.file
        try:
            size, digest = path.stat().st_size, digest_file(path)
        except OSError as error:
            raise BackupDamaged(f"cannot read the dump {path}: {error.strerror}", hint=_AGAIN) from error
        if size != self.bytes:
            raise BackupDamaged(
                f"the dump {path} has {size} bytes; its manifest says {self.bytes}", hint=_AGAIN
            )
        if digest != self.sha256:
            raise BackupDamaged(f"the dump {path} was changed: its SHA-256 differs", hint=_AGAIN)
        return path


def save(manifest: Manifest, path: Path) -> None:
    """Write the manifest to `path`, completely or not at all."""
    body = manifest.model_dump(mode="json", by_alias=True)
    with write_atomically(path) as file:
        file.write(json.dumps({"digest": _digest(body), **body}, indent=2).encode() + b"\n")


def load(path: Path) -> tuple[Manifest, Path]:
    """Return the manifest in `path` and the path of its dump, after checking that both are unchanged.

    Raises BackupDamaged if either is missing or differs from what was written.
    """
    try:
        body: dict[str, Any] = json.loads(path.read_bytes())
        recorded = body.pop("digest")
    except OSError as error:
        raise BackupDamaged(f"cannot read the manifest {path}: {error.strerror}", hint=_AGAIN) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamaged(f"{path} is not the manifest of a backup", hint=_AGAIN) from error
    if body.get("format") != 1:
        raise BackupDamaged(
            f"the manifest {path} is of format {body.get('format')!r}, not 1",
            hint="use the version of migrate that wrote it",
        )
    if recorded != _digest(body):
        raise BackupDamaged(f"the manifest {path} was changed: its digest differs", hint=_AGAIN)
    try:
        manifest = Manifest.model_validate(body)
    except ValidationError as error:
        raise BackupDamaged(f"{path} is not the manifest of a backup", hint=_AGAIN) from error
    return manifest, manifest.check_dump(path.parent)


def _digest(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
