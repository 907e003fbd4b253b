"""What a run would do with a draft: its own mappers go over all rows of the snapshot, and are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs

from mappers.base import Ids, Mapper
from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_columns import Kind
from mappers.declarative.mapping_file import MappingFile, read_mapping
from mappers.declarative.target_columns import TargetColumn
from mappers.declarative.validate import find_misfits
from mappers.sqlite_sql import quoted
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.model import Draft, Line, Model, Outcome
from migrate.postgres.catalog import Column, LiveSchema
from migrate.snapshot.workspace import Workspace

#: Kinds whose different cells may become the same value.
MERGING: Final[frozenset[Kind]] = frozenset({"timestamp", "date", "decimal", "real", "boolean", "integer"})


def may_merge(line: Line) -> bool:
    """Return whether different cells of a column may become the same value.

    Texts do if some are changed (a NUL is removed, a number or bytes become text), and references if the key
    is compared without case.
    """
    kind = line.options.get("as")
    values = line.options.get("values")
    if kind == "enum" and isinstance(values, Mapping):
        return len(set(values.values())) < len(values)
    return kind in MERGING or kind == "reference" or (kind == "text" and bool(line.counts))


#: PostgreSQL's spelling of types that a draft spells as Prisma's engine does.
_SPELLED: Final = {"TIMESTAMP(3)": "timestamp(3) without time zone", "DECIMAL": "numeric"}


#: An expression of an index that compares without case, as pg_get_indexdef writes it.
_LOWER: Final = re.compile(r'lower\(\(?("(?:[^"]|"")+"|\w+)\)?(?:::text)?(?: COLLATE "[^"]+")?\)')


@dataclass(frozen=True)
class Collision:
    """A unique key of the target under which `rows` rows of a source table have `groups` values.

    `key` is its name if the target is there.
    """

    table: str
    columns: tuple[str, ...]
    primary: bool
    groups: int
    rows: int
    key: str = ""


@dataclass(frozen=True)
class _UniqueKey:
    """A unique key of the target whose columns may be the same in different rows.

    Those in `folded` are compared without case. Rows with a NULL in it differ, if `nulls_differ`.
    """

    columns: tuple[str, ...]
    primary: bool = False
    name: str = ""
    folded: frozenset[str] = frozenset()
    nulls_differ: bool = True


@dataclass(frozen=True)
class Forecast:
    """What a run of a draft would say; `mistakes` are those for which it would not begin."""

    outcomes: tuple[Outcome, ...] = ()
    collisions: tuple[Collision, ...] = ()
    mistakes: tuple[str, ...] = ()


def make_forecast(
    draft: Draft,
    snapshot: Path,
    crosswalk: Path,
    live: LiveSchema | None = None,
    mapping: MappingFile | None = None,
) -> Forecast:
    """Return what a run of the draft would do with the rows of a snapshot.

    `crosswalk` is a file to be made, `live` a target that is there; without it the target is that of
    the draft. `mapping` is what a person made of the draft's mapping, None for nothing.
    """
    target: Mapping[str, Sequence[TargetColumn]] = drafted_columns(draft)
    if live is not None:
        target = {name: table.columns for name, table in live.tables.items()}
    mapping = mapping or read_mapping(write_mapping(draft))
    with Workspace(snapshot, crosswalk) as workspace:
        tables = workspace.tables()
        mistakes = find_misfits(mapping, tables, target)
        if mistakes:
            return Forecast(mistakes=tuple(mistakes))
        project = DeclarativeMapping(mapping, tables, target=target)
        return _Run(draft, project, workspace, live).forecast()


def drafted_columns(draft: Draft) -> dict[str, tuple[Column, ...]]:
    """Return the columns of the tables that the draft's DDL makes, as PostgreSQL describes them."""
    found = {model.table: tuple(_columns(model)) for model in draft.models}
    for pairing in draft.pairings:
        ends = ((draft.model(pairing.first), "A"), (draft.model(pairing.second), "B"))
        keys = {name: _column(model, model.key[0]) for model, name in ends}
        found[pairing.table] = tuple(
            Column(name, key.type, not_null=True, enum=key.enum) for name, key in keys.items()
        )
    return found


def _columns(model: Model) -> Iterator[Column]:
    for field in model.fields:
        yield _column(model, field.column)


def _column(model: Model, name: str) -> Column:
    field = model.field(name)
    type_, enum = field.type, field.type.enum
    return Column(
        name,
        f"numeric({type_.digits},{type_.scale})"
        if type_.scale is not None
        else _SPELLED.get(type_.sql, type_.sql.lower()),
        not_null=field.required,
        default="given" if field.default is not None and field.default.kind != "cuid" else None,
        enum=tuple(value for _, value in enum.members) if enum else None,
        precision=type_.digits if type_.scale is not None else None,
        scale=type_.scale,
    )


class _SomeIds:
    """Implements `mappers.base.Ids` for ids that are never shown: which they are changes no count."""

    def derive(self, entity: str, legacy_id: int | str) -> str:
        return f"{entity}:{legacy_id}"

    def expr(self, entity: str, *keys: pl.Expr) -> pl.Expr:
        # As the real one: no id if a part of the key is missing.
        return pl.concat_str([pl.lit(entity), *(key.cast(pl.String) for key in keys)], separator=":")


class _Run:
    """The mappers on their way over the snapshot."""

    def __init__(
        self, draft: Draft, project: DeclarativeMapping, workspace: Workspace, live: LiveSchema | None
    ) -> None:
        self._draft, self._project, self._workspace, self._live = draft, project, workspace, live
        self._found: Counter[tuple[str, str, str | None, str]] = Counter()
        self._models = {model.table: model for model in draft.models}

    def forecast(self) -> Forecast:
        self._project.prepare(self._workspace)
        collisions: list[Collision] = []
        for stage in self._project.stages:
            for mapper in stage.mappers:
                collisions += self._map(mapper)
        for table, column, rule, rows in self._project.counted(self._workspace):
            self._found[table, column, None, rule] += rows
        outcomes = (Outcome(*place, rows) for place, rows in self._found.items())
        return Forecast(
            tuple(sorted(outcomes, key=lambda one: (one.table, one.column, one.fate or "", one.rule))),
            tuple(collisions),
        )

    def _map(self, mapper: Mapper) -> Iterator[Collision]:
        """Map a table, count what becomes of its rows, and yield the unique keys that they break."""
        ids: Ids = _SomeIds()
        (target,) = mapper.writes
        keys = self._doubtful(mapper.name, target)
        written = [f"u{n}" for n in range(len(keys))]
        for name in written:
            self._workspace.execute(f"DROP TABLE IF EXISTS x.{name}")
        filled = set()
        for rows in self._workspace.read(mapper.reads):
            mapped = mapper.map(rows, ids)
            self._count(mapped.fates, ("source_table", "detail", "fate", "reason"))
            changed = mapped.warnings.with_columns(pl.lit(None, pl.String).alias("fate"))
            self._count(changed, ("source_table", "column", "fate", "rule"))
            for name, key in zip(written, keys, strict=True):
                values = _values(mapped.tables[target], key)
                if values.height:
                    self._workspace.write(name, values)
                    filled.add(name)
        for name, key in zip(written, keys, strict=True):
            if name in filled:
                yield from self._broken(mapper.name, name, key)

    def _count(self, rows: pl.DataFrame, place: tuple[str, ...]) -> None:
        for *named, number in rows.group_by(place).len().rows():
            table, column, fate, rule = named
            self._found[table, column or "", fate, rule] += number

    def _doubtful(self, source: str, target: str) -> list[_UniqueKey]:
        """Return the unique keys of a target's table under which different rows may become the same."""
        section = self._project.mapping.tables.get(source)
        if section is None:
            return []
        if self._live is not None:
            filled = {line.to for line in section.columns.values() if line.to and line.kind != "id"}
            return [key for key in _live_keys(self._live, target) if filled >= set(key.columns)]
        model = self._models.get(target)
        if model is None:
            return []
        (drafted,) = (one for one in self._draft.sections if one.source == source)
        merging = {line.options.get("to") for line in drafted.lines if may_merge(line)}
        keys = [_UniqueKey(index.columns) for index in model.indexes if index.unique]
        return [key for key in (*keys, _UniqueKey(model.key, primary=True)) if merging & set(key.columns)]

    def _broken(self, source: str, table: str, key: _UniqueKey) -> Iterator[Collision]:
        group = (
            f"SELECT count(*) AS n FROM x.{table} GROUP BY {', '.join(map(quoted, key.columns))}"  # noqa: S608
            " HAVING count(*) > 1"
        )
        groups = self._workspace.scalar(f"SELECT count(*) FROM ({group})")  # noqa: S608
        if groups:
            rows = self._workspace.scalar(f"SELECT sum(n) FROM ({group})")  # noqa: S608
            assert isinstance(groups, int)
            assert isinstance(rows, int)
            yield Collision(source, key.columns, key.primary, groups, rows, key.name)


def _values(rows: pl.DataFrame, key: _UniqueKey) -> pl.DataFrame:
    """Return the values of a key as texts that are equal if the key takes them for equal."""
    out = rows.select(key.columns).with_columns(cs.binary().bin.encode("hex")).cast(pl.String)
    out = out.with_columns(pl.col(name).str.to_lowercase() for name in key.folded)
    return out.drop_nulls() if key.nulls_differ else out


def _live_keys(live: LiveSchema, target: str) -> Iterator[_UniqueKey]:
    """Yield the unique keys of a table over whole rows: of columns, and of `lower()` of them."""
    table = live.tables[target]
    for key in table.keys:
        lowered = [_LOWER.fullmatch(text) for text in key.expressions]
        if not key.valid or key.predicate is not None or not all(lowered):
            continue
        folded = [one[1].strip('"').replace('""', '"') for one in lowered if one]
        columns = (*key.columns, *folded)
        without_case = {*folded, *(one.name for one in table.columns if one.type == "citext")}
        if all(table.column(name) for name in columns):
            yield _UniqueKey(
                columns, key.primary, key.name, frozenset(without_case & set(columns)), key.nulls_distinct
            )
