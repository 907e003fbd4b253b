"""The files of a draft: complete or not at all, and never over a file that an operator has edited.

The first line of each file holds the SHA-256 of the rest: if it does not match, the file was edited.
The TOML files name their JSON schema (`#:schema`), which is in the same folder: an editor checks them by it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from mappers.declarative.mapping_file import MappingFile, read_mapping, stamp
from migrate.introspect.scaffold.config_toml import VARIABLE, write_configuration
from migrate.introspect.scaffold.ddl import write_ddl
from migrate.introspect.scaffold.drizzle_schema import write_drizzle
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.model import Draft
from migrate.introspect.scaffold.prisma_schema import write_schema
from migrate.runtime.errors import UsageError
from migrate.runtime.files import make_folder, write_atomically

_COMMENTS: Final = {".prisma": "//", ".ts": "//", ".sql": "--"}
#: The file that describes the target to the application, and what writes it, by ORM.
SCHEMA_FILES: Final[Mapping[str, tuple[str, Callable[[Draft], str]]]] = {
    "prisma": ("schema.prisma", write_schema),
    "drizzle": ("schema.ts", write_drizzle),
}
#: JSON schema of each TOML file, and the package that has it; `make schemas` writes them.
SCHEMAS: Final = {"mapping.schema.json": "mappers.declarative", "config.schema.json": "migrate.runtime"}
_FIRST: Final = re.compile(rb"(?:#|//|--) Written by migrate init; SHA-256 of what follows: ([0-9a-f]{64})\n")


def texts_of(
    draft: Draft, source: str, *, embedded: bool, variable: str = VARIABLE, orm: str = "prisma"
) -> dict[str, str]:
    """Return the text of each file by its name; without models the target has its schema already.

    `source` is the source's URL as given; `embedded` is true if the target is a PostgreSQL in the work
    folder.
    """
    texts = {"mapping.toml": write_mapping(draft)}
    texts |= models_of(draft, read_mapping(texts["mapping.toml"]), orm)
    texts["config.toml"] = write_configuration(
        source, embedded=embedded, schema=bool(draft.models), variable=variable
    )
    return texts


def models_of(draft: Draft, mapping: MappingFile, orm: str = "prisma") -> dict[str, str]:
    """Return the files that describe the target, by name; none without models.

    They name the mapping that they are made for: a run notices if it is another one by then.
    """
    if not draft.models:
        return {}
    name, write = SCHEMA_FILES[orm]
    texts = {name: write(draft), "init.sql": write_ddl(draft)}
    return {
        name: f"{_COMMENTS[Path(name).suffix]} {stamp(mapping)}\n\n{text}" for name, text in texts.items()
    }


def copy_file(path: Path) -> Path:
    """Copy a file to the first free of `NAME.1`, `NAME.2`, … in its folder, and return that."""
    number = 1
    while (copy := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    with write_atomically(copy) as file:
        file.write(path.read_bytes())
    return copy


def edited_files(folder: Path, names: Iterable[str]) -> list[str]:
    """Return those of the files in `folder` that are not as `migrate init` wrote them."""
    return [name for name in names if _is_edited(folder / name)]


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the files, and the schemas that they name, into `folder`, which is created if it is missing."""
    make_folder(folder)
    contents = {name: (files(package) / name).read_bytes() for name, package in SCHEMAS.items()}
    for name, content in {**contents, **{name: signed(name, text) for name, text in texts.items()}}.items():
        with write_atomically(folder / name) as file:
            file.write(content)


def signed(name: str, text: str) -> bytes:
    """Return the content of a file: its text after the line that proves it unedited."""
    stem, suffix = Path(name).stem, Path(name).suffix
    body = (f"#:schema ./{stem}.schema.json\n" if suffix == ".toml" else "").encode() + text.encode()
    digest = hashlib.sha256(body).hexdigest()
    sign = _COMMENTS.get(suffix, "#")
    return f"{sign} Written by migrate init; SHA-256 of what follows: {digest}\n".encode() + body


def _is_edited(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    match = _FIRST.match(content)
    return match is None or hashlib.sha256(content[match.end() :]).hexdigest().encode() != match[1]
