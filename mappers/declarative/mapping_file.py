"""The mapping file: what happens to every table and every column of a source.

`migrate init` writes it, an operator edits it, `mappers.declarative` applies it. One section per source
table, one entry per column; every column of a migrated table has its entry, so that none is dropped silently.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mappers.cleaning.dates import is_zone
from mappers.declarative.json_path import steps

VERSION: Final = 1

Name = Annotated[str, Field(min_length=1)]
#: How a value is read and what it becomes. `id`: the key that gets a new id. `reference`: the key of
#: another table's row. `references`: several such keys in one text, between `separator`s.
Kind = Literal[
    "id", "reference", "references", "text", "integer", "boolean", "real", "decimal",
    "timestamp", "date", "json", "bytes", "enum",
]  # fmt: skip
#: What happens to a row whose value does not fit: the row is rejected, the value is left out, or replaced by
#: `default`.
Otherwise = Literal["reject", "null", "default"]
#: What happens to a row whose reference refers to no migrated row: the row is rejected, the reference is left
#: out, the missing row is made from `placeholder`, or the old value stays unchanged.
Dangling = Literal["reject", "null", "placeholder", "keep"]
#: What happens to a value that PostgreSQL does not accept as JSON; `wrap` makes it a JSON string.
Invalid = Literal["reject", "null", "wrap"]
IdStrategy = Literal["cuid", "keep"]
Scalar = str | int | float | bool


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HiddenIds(_Section):
    """Ids inside a JSON document, by their path, or inside a text such as a URL, by a pattern."""

    path: str = Field(
        default="",
        description="place of the ids: $.items[*].userId; [*] is every element, .* the value of every key",
    )
    pattern: str = Field(
        default="", description="what stands around an id in a text, with {id} in its place: /projects/{id}"
    )
    of: Name = Field(description="the source table whose keys they are")
    dangling: Literal["keep", "null"] = Field(
        default="keep", description="what becomes of an id that names no migrated row"
    )

    @field_validator("path")
    @classmethod
    def _is_path(cls, path: str) -> str:
        steps(path)
        return path

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        before, _, behind = pattern.partition("{id}")
        if not before or "{id}" in behind or pattern == before:
            raise ValueError("a pattern has {id} once, and something before it, such as /projects/{id}")
        return pattern

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.path) == bool(self.pattern):
            raise ValueError("give either `path` (in JSON) or `pattern` (in text)")
        if self.pattern and self.dangling != "keep":
            raise ValueError("an id in a text that names no row is kept; `dangling` is for JSON")
        return self


class ColumnMapping(_Section):
    """One entry of the file: the target of a source column, or why it has none."""

    to: Name | None = Field(default=None, description="the target column")
    drop: Name | None = Field(default=None, description="why the column is not migrated")
    kind: Kind = Field(default="text", alias="as", description="how its values are read")
    otherwise: Otherwise = Field(default="reject", description="for a value that does not fit")
    default: Scalar | None = Field(
        default=None, description="replaces NULL, and values that do not fit if `otherwise` says so"
    )
    empty: Literal["keep", "null"] = Field(default="keep", description="what becomes of ''")
    #: for `reference` and `references`
    of: Name | Mapping[str, Name] | None = Field(
        default=None,
        description="the source table that it refers to; with `by`, a table for each value of that column",
    )
    by: Name | None = Field(default=None, description="source column with the table of the reference")
    dangling: Dangling = "reject"
    separator: str = Field(default=",", min_length=1)
    #: for `decimal`
    scale: int | None = Field(default=None, ge=0, le=30, description="digits behind the point")
    #: for `decimal`: a number with more digits is rounded to `scale`, halves away from zero
    round: bool = False
    #: for `json`
    invalid: Invalid = "wrap"
    ids: tuple[HiddenIds, ...] = ()
    #: for `timestamp`: numbers are read as this
    unit: Literal["s", "ms"] | None = None
    #: for `timestamp`: text without a zone is the time of day there, such as Europe/Berlin
    zone: Name | None = None
    #: for `timestamp`: replaces the literal text CURRENT_TIMESTAMP and similar words
    now: Literal["reject", "null", "default"] = "reject"
    #: for `enum`: source value -> target value; a value that is not here does not fit
    values: Mapping[str, Name] = Field(default_factory=dict)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.to is None) == (self.drop is None):
            raise ValueError("give either `to` (the target column) or `drop` (why it is not migrated)")
        if self.drop is None and self.kind in ("reference", "references") and self.of is None:
            raise ValueError("a reference needs `of` (the source table that it refers to)")
        for hidden in self.ids:
            if self.kind != ("text" if hidden.pattern else "json"):
                raise ValueError("`ids` need a `path` with json, or a `pattern` with text")
        if self.zone is not None and not is_zone(self.zone):
            raise ValueError(f"{self.zone} is no time zone; Europe/Berlin is one")
        if isinstance(self.of, Mapping) != (self.by is not None):
            raise ValueError("`by` needs a table in `of` with a table name for each value, and the reverse")
        if "default" in (self.otherwise, self.now) and self.default is None:
            raise ValueError("`default` is missing")
        return self


class KeyReference(_Section):
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


class TableMapping(_Section):
    """One section of the file: the target of a source table, or why it has none."""

    target: Name | None = Field(default=None, description="the target table")
    left_out: Name | None = Field(default=None, description="why the table is not migrated")
    key: tuple[Name, ...] = Field(default=(), description="source columns that name a row; none: its rowid")
    ids: IdStrategy = Field(default="keep", description="cuid: the key gets a new id; keep: it stays")
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
        for reference in self.references:
            for column in reference.columns:
                if column not in self.columns or self.columns[column].to is None:
                    raise ValueError(f"a reference uses the column {column}, which is not migrated")
        if self.by and self.scope != "shared":
            raise ValueError('`by` needs `scope = "shared"`')
        if self.scope == "shared" and self.ids == "cuid" and not self.by:
            raise ValueError("a shared table with new ids needs `by` (what its rows have in common)")
        return self


class FleetMapping(_Section):
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


class MappingFile(_Section):
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
        raise MappingError(
            [_mistake(one["type"], one["loc"], one["msg"]) for one in error.errors()]
        ) from None
    if mistakes := [*_missing_parents(mapping), *_of_fleet(mapping)]:
        raise MappingError(mistakes)
    return mapping


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
            near = difflib.get_close_matches(of, migrated, n=1)
            why = f"the table {of} is left out" if of in mapping.tables else f"there is no table {of}"
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f'{place}: `of = "{of}"`: {why}{hint}'


def _mistake(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    """Return one mistake as a sentence; values of the file are not repeated."""
    place = ".".join(str(part) for part in loc) or "the file"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), _keys(loc), n=1)
        return f"{place}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return f"{place} is missing"
    return f"{place}: {message.removeprefix('Value error, ')}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed at the place `loc`."""
    model: Any = FleetMapping if loc[:1] == ("fleet",) and len(loc) > 1 else MappingFile
    if loc[:1] == ("tables",) and len(loc) > 2:
        model = KeyReference if len(loc) > 4 and loc[2] == "references" else TableMapping
        if len(loc) > 4 and loc[2] == "columns":
            model = HiddenIds if len(loc) > 5 else ColumnMapping
    return [field.alias or name for name, field in model.model_fields.items()]
