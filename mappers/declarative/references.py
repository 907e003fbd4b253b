"""References: how the row that a cell refers to is found, and what its key has become."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from mappers.base import Ids
from mappers.cleaning.text import without_nul
from mappers.declarative.casts.text_casts import as_uuid
from mappers.declarative.json_path import last_step
from mappers.declarative.source_table import MappedColumn, SourceTable, constant, key_text
from mappers.declarative.target_columns import TargetColumn, family, integer_range
from mappers.sqlite_sql import literal, quoted

#: The letters of an id in a text.
ID_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
#: One part of a list of keys, in the table that `list_parts` returns.
LIST_PART: Final = "trim(part.value)"


@dataclass(frozen=True)
class Root:
    """The table that the keys of a table come from: itself, or the one that its key refers to.

    `entity` is what their new ids are derived for, None if they stay unchanged.
    """

    table: SourceTable
    entity: str | None


class References:
    """Finds rows by the keys that references hold; `tables` are the migrated ones, by name."""

    def __init__(self, tables: Mapping[str, SourceTable]) -> None:
        self.tables = tables
        #: tables to which rows are added for references to missing rows
        self.made_up = frozenset(
            parent.name
            for table in tables.values()
            for line in table.lines
            if line.mapping.dangling == "placeholder" and line.mapping.kind == "reference"
            for _, parent in self.parents(line)
            if self.root(parent).table is parent
        )

    def table(self, name: str) -> SourceTable | None:
        """Return the migrated table of that name, None if its rows have no key of one column."""
        found = self.tables.get(name)
        return None if found is None or found.key_line is None else found

    def parents(self, line: MappedColumn) -> Iterator[tuple[str | None, SourceTable]]:
        """Yield the tables that a column refers to, each with the value of `by` that selects it."""
        if line.mapping.kind in ("reference", "references"):
            yield from self.named(line)

    def named(self, line: MappedColumn) -> Iterator[tuple[str | None, SourceTable]]:
        """Yield what `parents` yields, and the tables whose ids a document holds."""
        of = line.mapping.of
        if of is None:
            of = {}
        for value, name in of.items() if isinstance(of, Mapping) else [(None, of)]:
            if (parent := self.table(name)) is not None:
                yield value, parent
        for hidden in line.mapping.ids:
            if (parent := self.table(hidden.of)) is not None:
                yield None, parent

    def root(self, table: SourceTable) -> Root:
        """Return the table that a table's keys come from."""
        seen: set[str] = set()
        while table.name not in seen:
            seen.add(table.name)
            line = table.key_line
            if line is None or line.mapping.kind != "reference" or line.mapping.by is not None:
                break
            parent = next(self.parents(line), None)
            if parent is None:
                break
            table = parent[1]
        line = table.new_id or table.key_line
        derived = line is not None and line.mapping.kind == "id" and table.mapping.ids == "cuid"
        return Root(table, table.target if derived else None)

    def found(self, line: MappedColumn, alias: str) -> str:
        """Return SQL for the old key of the row that a cell refers to, as text; NULL if there is none.

        For a list of keys it is the key of the current part; see `list_parts`.

        It is the key of the table that the keys come from, so that the new id can be derived.
        """
        cell = cell_named(line, alias)
        choices = [(value, self._lookup(parent, cell, line.at)) for value, parent in self.parents(line)]
        if not choices:
            return "NULL"
        if line.mapping.by is None:
            return choices[0][1]
        by = f"CAST({alias}.{quoted(line.mapping.by)} AS TEXT)"
        whens = " ".join(f"WHEN {constant(str(value))} THEN {sql}" for value, sql in choices)
        return f"CASE {by} {whens} END"

    def found_in_list(self, line: MappedColumn, alias: str) -> str:
        """Return SQL for a JSON array of the results of `found`, one for each part of a list of keys."""
        choices = [parent for _, parent in self.parents(line)]
        if not choices:
            return "NULL"
        lookup = self._lookup(choices[0], LIST_PART, line.at)
        return _of_parts(line, lookup, alias)

    def parts_of_list(self, line: MappedColumn, alias: str) -> str:
        """Return SQL for a JSON array of the parts of a list of keys, in the order of `found_in_list`."""
        return _of_parts(line, f"CAST({LIST_PART} AS TEXT)", alias)

    def found_in_document(self, line: MappedColumn, path: str, parent: SourceTable, alias: str) -> str:
        """Return SQL for a JSON array of pairs: a value that the path may end at, and its old key or null."""
        cell = line.cell(alias)
        pair = f"json_array(CAST(part.atom AS TEXT), {self._lookup(parent, 'part.atom', line.at)})"
        return (
            f"CASE WHEN typeof({cell}) = 'text' AND json_valid({cell}) THEN"  # noqa: S608
            f" (SELECT json_group_array({pair}) FROM json_tree({cell}) AS part"
            f" WHERE part.type IN ('integer', 'text') AND {last_step(path, 'part')}) END"
        )

    def found_in_text(self, line: MappedColumn, pattern: str, parent: SourceTable, alias: str) -> str:
        """Return SQL for a JSON array of pairs: what may be an id in a text, and its old key or null."""
        before, _, behind = pattern.partition("{id}")
        cell = line.cell(alias)
        escaped = literal(json.dumps(before, ensure_ascii=False)[1:-1])
        parts = f"'[' || replace(json_quote(CAST({cell} AS TEXT)), {escaped}, '\",\"') || ']'"
        rest = f"ltrim(part.value, '{ID_LETTERS}')"
        word = f"substr(part.value, 1, length(part.value) - length({rest}))"
        return (
            f"CASE WHEN instr({cell}, {literal(before)}) > 0 THEN"  # noqa: S608
            f" (SELECT json_group_array(json_array({word}, {self._lookup(parent, word, line.at)}))"
            f" FROM json_each({parts}) AS part WHERE part.key > 0 AND {word} <> ''"
            f" AND substr({rest}, 1, {len(behind)}) = {literal(behind)}) END"
        )

    def _lookup(self, parent: SourceTable, cell: str, depth: int) -> str:
        """Return SQL for the root key of the row of `parent` whose key a cell holds."""
        row = f"p{depth}"
        table, key = parent.by_key(row)
        real = (
            f"(SELECT {self._root_key(parent, row, depth)} FROM {table}"  # noqa: S608
            f" WHERE {same_key(key, cell)} AND {self.is_migrated(parent, row)} LIMIT 1)"
        )
        if parent.name not in self.made_up:
            return real
        return (
            f"coalesce({real}, (SELECT made.key FROM x.placeholder AS made"  # noqa: S608
            f" WHERE made.source = {parent.number} AND made.key = {key_text(cell)}))"
        )

    def _root_key(self, table: SourceTable, row: str, depth: int) -> str:
        line = table.key_line
        assert line is not None
        key = line.cell(row)
        if self.root(table).table is table:
            return table.identity(row)
        _, parent = next(self.parents(line))
        return self._lookup(parent, key, 1000 + depth + 1)

    def own_key(self, table: SourceTable, alias: str) -> str:
        """Return SQL for what the key of a row of the target is made from."""
        return self._root_key(table, alias, 0)

    def own_new_key(self, table: SourceTable, to: TargetColumn, ids: Ids, key: pl.Expr) -> pl.Expr:
        """Return the key of the rows of a table in the target, for what `own_key` returns."""
        return self._migrated(table, to, ids, key)

    def makes_up(self, line: MappedColumn) -> bool:
        """Return whether a column may refer to a row that is added for it."""
        return any(parent.name in self.made_up for _, parent in self.parents(line))

    def made(self, line: MappedColumn, alias: str) -> str:
        """Return SQL that is 1 if a cell refers to a row that is added for it; '' if none is ever added."""
        cell = line.cell(alias)
        tests = [self._made(parent, cell, line, alias, value) for value, parent in self.parents(line)]
        return " OR ".join(test for test in tests if test)

    def _made(self, parent: SourceTable, cell: str, line: MappedColumn, alias: str, value: str | None) -> str:
        if parent.name not in self.made_up:
            return ""
        exists = (
            f"EXISTS (SELECT 1 FROM x.placeholder AS made WHERE made.source = {parent.number}"  # noqa: S608
            f" AND made.key = {key_text(cell)})"
        )
        if value is None:
            return exists
        return f"(CAST({alias}.{quoted(str(line.mapping.by))} AS TEXT) = {constant(value)} AND {exists})"

    def is_migrated(self, table: SourceTable, row: str) -> str:
        """Return SQL that says whether a row is neither rejected nor merged into another."""
        return (
            f"NOT EXISTS (SELECT 1 FROM x.settled AS gone WHERE gone.source = {table.number}"  # noqa: S608
            f" AND gone.number = {table.row_number(row)})"
        )

    def new_key(self, line: MappedColumn, ids: Ids, found: pl.Expr, by: pl.Expr | None) -> pl.Expr:
        """Return the new key for the old one that `found` returns, as text;

        `by` says which table it belongs to.
        """
        parents = list(self.parents(line))
        if not parents:
            return pl.lit(None, pl.String)
        if by is None:
            return self._migrated(parents[0][1], line.to, ids, found)
        return pl.coalesce(
            self._migrated(parent, line.to, ids, pl.when(by == value).then(found))
            for value, parent in parents
        )

    def _migrated(self, parent: SourceTable, to: TargetColumn, ids: Ids, key: pl.Expr) -> pl.Expr:
        entity = self.root(parent).entity
        return kept_key(key, to) if entity is None else ids.expr(entity, key)


def same_key(key: str, cell: str) -> str:
    """Return SQL that compares as a foreign key does: by the parent's affinity and collation.

    The plus removes the child's own affinity, so that the parent's index can always be used.
    """
    return f"{key} = +{cell}"


def cell_named(line: MappedColumn, alias: str) -> str:
    """Return SQL for what refers to a row: the cell, or the current part of a list."""
    return LIST_PART if line.mapping.kind == "references" else line.cell(alias)


def _of_parts(line: MappedColumn, what: str, alias: str) -> str:
    parts = f"SELECT json_group_array({what}) FROM {list_parts(line, alias)}"  # noqa: S608  our own SQL
    return f"CASE WHEN {line.cell(alias)} IS NOT NULL THEN ({parts}) END"


def list_parts(line: MappedColumn, alias: str) -> str:
    """Return SQL of a table whose `LIST_PART` are the parts of a list of keys, in their order."""
    cell = line.cell(alias)
    between = literal(json.dumps(line.mapping.separator, ensure_ascii=False)[1:-1])
    written = f"json_quote(CAST({cell} AS TEXT))"
    parted = f"'[' || replace({written}, {between}, '\",\"') || ']'"
    if (
        family(line.to) == "texts" or line.mapping.to_table
    ):  # a text goes to a text as it is, with its separators
        array = f"typeof({cell}) = 'text' AND json_valid({cell}) AND json_type({cell}) = 'array'"
        return f"json_each(CASE WHEN {array} THEN {cell} ELSE {parted} END) AS part"
    return f"json_each({parted}) AS part"


def kept_key(key: pl.Expr, to: TargetColumn) -> pl.Expr:
    """Return unchanged keys, given as text, as their column holds them; null if it cannot."""
    if family(to) == "integer":
        number = key.cast(pl.Int64, strict=False)
        return pl.when(number.is_between(*integer_range(to))).then(number)
    if family(to) == "uuid":
        return as_uuid(key)
    if family(to) == "bytes":  # `key_text` writes those of a blob in hex
        digits = key.str.extract("^x'([0-9A-F]*)'$")
        return pl.coalesce(digits.str.decode("hex", strict=False), key.cast(pl.Binary))
    return without_nul(key)
