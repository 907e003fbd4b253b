"""One column in the mapping file: the keys of its entry, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mappers.cleaning.dates import is_format, is_zone
from mappers.declarative.json_path import steps

Name = Annotated[str, Field(min_length=1)]
#: How a value is read and what it becomes. `id`: the key that gets a new id. `reference`: the key of
#: another table's row. `references`: several such keys in one text, between `separator`s.
Kind = Literal[
    "id", "reference", "references", "text", "integer", "boolean", "real", "decimal",
    "timestamp", "date", "json", "bytes", "enum", "vector", "list",
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
#: What a number of a timestamp counts.
Unit = Literal["s", "ms", "us", "ns"]
#: What the parts of a list are.
Items = Literal["text", "integer", "real", "boolean"]
#: What a person's text becomes: an address, a name, 24 hexadecimal digits, or nothing.
Mask = Literal["email", "name", "hash", "null"]
Scalar = str | int | float | bool


class Section(BaseModel):
    """A part of the file: a key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HiddenIds(Section):
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


class ColumnMapping(Section):
    """One entry of the file: the target of a source column, or why it has none."""

    to: Name | None = Field(default=None, description="the target column")
    drop: Name | None = Field(default=None, description="why the column is not migrated")
    kind: Kind = Field(default="text", alias="as", description="how its values are read")
    otherwise: Otherwise = Field(default="reject", description="for a value that does not fit")
    default: Scalar | None = Field(
        default=None, description="replaces NULL, and values that do not fit if `otherwise` says so"
    )
    sql: Name | None = Field(
        default=None,
        description="one SQLite expression over the row, in the place of the column: first || ' ' || last",
    )
    first_of: tuple[Name, ...] = Field(
        default=(), alias="from", description="source columns; the first that holds something gives the value"
    )
    constant: Scalar | None = Field(default=None, description="the value of every row")
    divide: int | None = Field(
        default=None, ge=2, le=10**12, description="for decimal and real: cents / 100, exactly"
    )
    mask: Mask | None = Field(
        default=None,
        description="for a copy that leaves production: the same text always becomes the same other one",
    )
    empty: Literal["keep", "null"] = Field(default="keep", description="what becomes of ''")
    #: for `reference` and `references`
    of: Name | Mapping[str, Name] | None = Field(
        default=None,
        description="the source table that it refers to; with `by`, a table for each value of that column",
    )
    by: Name | None = Field(default=None, description="source column with the table of the reference")
    dangling: Dangling = "reject"
    to_table: Name | None = Field(
        default=None, description="for references: the target table that gets a row for each part of the list"
    )
    row: Name | None = Field(
        default=None, description="with `to_table`: its column for the row; `to` is that for the part"
    )
    separator: str = Field(
        default=",", min_length=1, description="between the parts of a list that is no JSON array"
    )
    items: Items = Field(default="text", description="what the parts of a list are, in a fresh target")
    #: for `decimal`
    scale: int | None = Field(default=None, ge=0, le=30, description="digits behind the point")
    #: for `decimal`: a number with more digits is rounded to `scale`, halves away from zero
    round: bool = False
    #: for `json`
    invalid: Invalid = "wrap"
    ids: tuple[HiddenIds, ...] = ()
    #: for `timestamp`: numbers are read as this
    unit: Unit | None = Field(default=None, description="what numbers since 1970 count")
    #: for `timestamp`: text without a zone is the time of day there, such as Europe/Berlin
    zone: Name | None = None
    format: Name | None = Field(
        default=None, description="for timestamp and date: how text is written, such as %d.%m.%Y %H:%M"
    )
    #: for `timestamp`: replaces the literal text CURRENT_TIMESTAMP and similar words
    now: Literal["reject", "null", "default"] = "reject"
    #: for `enum` and `boolean`: source value -> target value; a value that is not here does not fit
    values: Mapping[str, bool | Name] = Field(default_factory=dict)

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

    @field_validator("first_of")
    @classmethod
    def _names_a_column(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("name a column at least, or leave `from` out")
        return names

    @model_validator(mode="after")
    def _is_made_once(self) -> Self:
        made = {
            "sql": self.sql,
            "from": self.first_of or None,
            "constant": self.constant,
            "divide": self.divide,
        }
        used = [name for name, value in made.items() if value is not None]
        if used and (self.drop is not None or self.kind == "id"):
            what = f"`{used[0]}` gives a column its values"
            raise ValueError(f"{what}; it needs `to`, and cannot be the key (`id`)")
        if self.sql is not None and self.first_of:
            raise ValueError("give either `sql` or `from`; in an expression it is coalesce(a, b)")
        if self.constant is not None and len(used) > 1:
            raise ValueError(f"give either `constant` or `{used[0] if used[0] != 'constant' else used[1]}`")
        if self.divide is not None and self.kind not in ("decimal", "real"):
            raise ValueError('`divide` gives a number with a fraction: as = "decimal", or "real"')
        return self

    @model_validator(mode="after")
    def _goes_with_its_kind(self) -> Self:
        if self.mask is not None and (self.drop is not None or self.kind != "text"):
            raise ValueError('`mask` is for text that is migrated: as = "text"')
        if self.format is not None:
            if self.kind not in ("timestamp", "date"):
                raise ValueError('`format` is for text that is an instant: as = "timestamp", or "date"')
            if not is_format(self.format):
                raise ValueError(f"{self.format} does not describe a date; %d.%m.%Y %H:%M does")
        if self.to_table is not None or self.row is not None:
            self._check_rows()
        if self.kind not in ("enum", "boolean") and self.values:
            raise ValueError('`values` are those of an enum or a boolean: as = "enum", or "boolean"')
        if self.kind != "list" and self.items != "text":
            raise ValueError('`items` are the parts of a list: as = "list"')
        if self.kind == "list" and self.default is not None:
            raise ValueError("a list has no `default`: Prisma reads NULL as the empty list")
        if self.kind == "enum" and not all(isinstance(value, str) for value in self.values.values()):
            raise ValueError('`values` of an enum are its labels in quotes: { yes = "YES" }')
        if self.kind == "boolean" and not all(isinstance(value, bool) for value in self.values.values()):
            raise ValueError("`values` of a boolean are true or false: { yes = true, no = false }")
        return self

    def _check_rows(self) -> None:
        """Raise ValueError if an entry cannot give a table its rows."""
        if self.to_table is None or self.row is None or self.kind != "references":
            raise ValueError('a list becomes rows with as = "references", `to_table`, `row` and `to`')
        if self.sql is not None or self.first_of:
            raise ValueError("`to_table` takes the list of one column: it goes without `sql` and `from`")
        if self.row == self.to or not isinstance(self.of, str):
            raise ValueError("`row` and `to` are two columns, and `of` is one table")
        if self.dangling != "null":
            raise ValueError('a part that names no row gives none: dangling = "null"')

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels of an enum by the source's values."""
        return {word: value for word, value in self.values.items() if isinstance(value, str)}

    @property
    def truths(self) -> Mapping[str, bool]:
        """Return the booleans by the source's words."""
        return {word: value for word, value in self.values.items() if isinstance(value, bool)}
