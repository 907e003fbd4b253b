"""The mapping file: what happens to every table and every column of a source.

`migrate init` writes it, an operator edits it, `mappers.declarative` applies it. One section per source
table, one entry per column; every column of a migrated table has its entry, so that none is dropped silently.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from mappers.declarative.derived_value import is_derived, place_of
from mappers.declarative.mapping_columns import ColumnMapping, HiddenIds, IdStrategy, Name, Scalar, Section
from mappers.mistakes import in_words, near

VERSION: Final = 1
#: The line by which a file of the target names the mapping that it was made for.
_STAMP: Final = re.compile(r"^(?:--|//) For the mapping ([0-9a-f]{16})$", re.MULTILINE)


class KeyReference(Section):
    """A reference of several columns, or to a column that is not a key: its values stay unchanged."""

    columns: tuple[Name, ...] = Field(min_length=1, description="source columns that name the row")
    of: Name = Field(description="the source table that it refers to")
    to: tuple[Name, ...] = Field(min_length=1, description="columns there, one for each")
    dangling: Literal["reject", "null", "keep"] = Field(
        default="reject", description="what becomes of a row whose values name no migrated row"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(self.columns) != len(self.to):
            raise ValueError("`columns` and `to` must have the same number of columns")
        return self


class TableMapping(Section):
    """One section of the file: the target of a source table, or why it has none."""

    target: Name | None = Field(default=None, description="the target table")
    left_out: Name | None = Field(default=None, description="why the table is not migrated")
    key: tuple[Name, ...] = Field(default=(), description="source columns that name a row; none: its rowid")
    ids: IdStrategy = Field(default="keep", description="cuid: the key gets a new id; keep: it stays")
    where: Name | None = Field(
        default=None,
        description="SQLite expression; rows for which it is not true are left out: deleted_at IS NULL",
    )
    scope: Literal["tenant", "shared"] = Field(
        default="tenant", description="of a fleet: each tenant's own rows, or the same rows for all tenants"
    )
    by: tuple[Name, ...] = Field(
        default=(), description="source columns by which a shared row is the same in every tenant"
    )
    columns: Mapping[str, ColumnMapping] = Field(default_factory=dict)
    references: tuple[KeyReference, ...] = ()
    constants: Mapping[str, Scalar] = Field(
        default_factory=dict, description="target columns that no source column fills, and their value"
    )
    placeholder: Mapping[str, Scalar] = Field(
        default_factory=dict,
        description="target columns of a row made for a dangling reference; {key} stands for the old key",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.target is None) == (self.left_out is None):
            raise ValueError("give either `target` (the target table) or `left_out` (why it is not migrated)")
        if self.where is not None and self.target is None:
            raise ValueError("`where` chooses rows of a migrated table; this one is left out")
        for reference in self.references:
            for column in reference.columns:
                if column not in self.columns or self.columns[column].to is None:
                    raise ValueError(f"a reference uses the column {column}, which is not migrated")
        named = {*self.key, *self.by, *(one for each in self.references for one in each.columns)}
        for column, line in self.columns.items():
            if column in named and is_derived(line):
                raise ValueError(
                    f"{column} names rows, so it cannot be made by `{place_of(line)}`; give it another entry"
                )
            if column in named and line.mask is not None:
                raise ValueError(f"{column} names rows, so it cannot be masked; new ids have no such text")
        if self.by and self.scope != "shared":
            raise ValueError('`by` needs `scope = "shared"`')
        if self.scope == "shared" and self.ids == "cuid" and not self.by:
            raise ValueError("a shared table with new ids needs `by` (what its rows have in common)")
        return self

    def is_new_id(self, column: str) -> bool:
        """Return whether an entry is the new id of the rows next to their key, whose columns stay as well."""
        line = self.columns[column]
        renewed = self.ids == "cuid" and line.kind == "id" and line.to is not None
        return renewed and bool(self.key) and column not in self.key


class FleetMapping(Section):
    """How the rows of many tenants are kept apart in one target."""

    column: Name = Field(default="tenant_id", description="target column that holds the tenant's name")
    layout: Literal["column", "per-tenant"] = Field(
        default="column", alias="schema", description="one schema with a column, or a schema per tenant"
    )
    differs: Literal["first", "stop"] = Field(
        default="first",
        description="a shared row differs between tenants: the first tenant's counts, or stop",
    )

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MappingFile(Section):
    """The whole file; `tables` by the source's names. Every source table is named."""

    version: Literal[1]
    fleet: FleetMapping | None = None
    tables: Mapping[str, TableMapping]


def _named(line: ColumnMapping) -> list[str]:
    """Return the source tables that a column refers to."""
    of = [line.of] if isinstance(line.of, str) else list((line.of or {}).values())
    return [*of, *(hidden.of for hidden in line.ids)]


class MappingError(ValueError):
    """A mapping file that cannot be used; `mistakes` names each mistake with its place in the file."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(self.mistakes))


def read_mapping(text: str) -> MappingFile:
    """Return the mapping that a file's text describes. Raises MappingError with all its mistakes."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError([f"the file is not valid TOML: {error}"]) from None
    try:
        mapping = MappingFile.model_validate(found)
    except ValidationError as error:
        raise MappingError([_mistake(one["loc"], one) for one in error.errors()]) from None
    if mistakes := [*_missing_parents(mapping), *_of_fleet(mapping)]:
        raise MappingError(mistakes)
    return mapping


def stamp(mapping: MappingFile) -> str:
    """Return the text that names a mapping in the files of its target: the same whatever its comments, and
    whatever it says of what is not migrated.
    """
    tables = {
        name: table.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        | {"columns": _migrated(table)}
        for name, table in mapping.tables.items()
        if table.target is not None
    }
    text = json.dumps(tables, ensure_ascii=False, sort_keys=True)
    return f"For the mapping {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _migrated(table: TableMapping) -> list[object]:
    """Return the entries of the columns that are migrated; their order is that of the expressions."""
    return [
        [name, line.model_dump(mode="json", by_alias=True, exclude_defaults=True)]
        for name, line in table.columns.items()
        if line.to is not None
    ]


def fits(mapping: MappingFile, text: str) -> bool:
    """Return whether a file of the target was made for a mapping; one that names none is its owner's."""
    found = _STAMP.search(text)
    return found is None or stamp(mapping).endswith(found[1])


def for_tenant(mapping: MappingFile, tenant: str) -> MappingFile:
    """Return the mapping of one tenant of a fleet: every row of its own tables holds its name.

    With a schema per tenant, or without `[fleet]`, the mapping itself.
    """
    fleet = mapping.fleet
    if fleet is None or fleet.layout != "column":
        return mapping
    tables = {
        name: table
        if table.target is None or table.scope == "shared"
        else table.model_copy(update={"constants": {**table.constants, fleet.column: tenant}})
        for name, table in mapping.tables.items()
    }
    return mapping.model_copy(update={"tables": tables})


def shared_targets(mapping: MappingFile) -> frozenset[str]:
    """Return the target tables whose rows are the same for all tenants of a fleet."""
    return frozenset(
        table.target for table in mapping.tables.values() if table.target and table.scope == "shared"
    )


def _of_fleet(mapping: MappingFile) -> Iterator[str]:
    """Yield a sentence for each line that a fleet cannot follow."""
    shared = {name for name, table in mapping.tables.items() if table.scope == "shared"}
    if shared and (mapping.fleet is None or mapping.fleet.layout != "column"):
        yield f'tables.{min(shared)}: `scope = "shared"` needs [fleet] with `schema = "column"`'
    for name in sorted(mapping.tables):
        for column, line in mapping.tables[name].columns.items():
            place = f"tables.{name}.columns.{column}"
            parents = set(_named(line)) if line.to is not None else set()
            if line.dangling == "placeholder" and parents & shared:
                yield f"{place}: no row can be made in a shared table; choose another `dangling`"
            if name in shared and parents - shared:
                yield f"{place}: a shared table cannot refer to {min(parents - shared)}, each tenant's own"


def _missing_parents(mapping: MappingFile) -> Iterator[str]:
    """Yield a sentence for each reference to a table that is not migrated, in the order of the tables."""
    migrated = {name for name, table in mapping.tables.items() if table.target is not None}
    for name in sorted(migrated):
        table = mapping.tables[name]
        places = [(f"tables.{name}.references", one.of) for one in table.references]
        places += [
            (f"tables.{name}.columns.{column}", of)
            for column, line in table.columns.items()
            for of in _named(line)
        ]
        for place, of in places:
            if of in migrated:
                continue
            why = f"the table {of} is left out" if of in mapping.tables else f"there is no table {of}"
            yield f'{place}: `of = "{of}"`: {why}{near(of, migrated)}'


def _mistake(loc: tuple[int | str, ...], item: Mapping[str, Any]) -> str:
    """Return one mistake as a sentence; values of the file are not repeated."""
    place = ".".join(str(part) for part in loc) or "the file"
    if item["type"] == "extra_forbidden":
        return f"{place}: unknown key{near(str(loc[-1]), _keys(loc))}"
    if item["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {in_words(item)}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed at the place `loc`."""
    model: Any = FleetMapping if loc[:1] == ("fleet",) and len(loc) > 1 else MappingFile
    if loc[:1] == ("tables",) and len(loc) > 2:
        model = KeyReference if len(loc) > 4 and loc[2] == "references" else TableMapping
        if len(loc) > 4 and loc[2] == "columns":
            model = HiddenIds if len(loc) > 5 else ColumnMapping
    return [field.alias or name for name, field in model.model_fields.items()]
