"""How the columns of one table are selected, and how the result becomes values again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate.source import sql
from migrate.source.local_transport import tolerant_text
from migrate.source.model import RawText, Row, Table, TableStats, Value
from migrate.source.transport import Kind, QueryResult

#: fetches one cell: its column, the key of its row, its size in bytes
Fetch = Callable[[str, Row, int], bytes]


class Shape:
    """The SELECT list of one table.

    A column is selected as it is, or *witnessed*: with its storage class, as a blob, and a hint about a value
    that cannot be sent (see `sql.witnessed`). Witnessed are columns with infinities or cells longer
    than `longest`, and those with text that turned out not to be UTF-8; with `blobs`, all text.
    """

    def __init__(self, table: Table, stats: TableStats | None, longest: int, *, blobs: bool) -> None:
        self._table = table
        self._stats = stats
        self._longest = longest
        self._names = [column.name for column in table.stored]
        self._lead = [table.key[0]] if table.bare_rowid else []
        self._witnessed = {name for name in self._names if self._needs_witness(name, blobs)}

    def _needs_witness(self, name: str, blobs: bool) -> bool:
        if self._stats is None:
            return False
        found = self._stats.columns[name]
        return found.infinite or found.longest > self._longest or (blobs and found.texts > 0)

    @property
    def selected(self) -> list[str]:
        """Return the columns of a row: the bare rowid first, if the table is paged by one."""
        return [*self._lead, *self._names]

    @property
    def outputs(self) -> list[str]:
        """Return the expressions to select."""
        terms = [sql.quote(name) for name in self._lead]
        for name in self._names:
            if name in self._witnessed:
                terms += sql.witnessed(name, self._longest)
            else:
                terms.append(sql.quote(name))
        return terms

    @property
    def kinds(self) -> list[Kind]:
        """Return what each of `outputs` is known to hold."""
        kinds: list[Kind] = ["integer" for _ in self._lead]
        for name in self._names:
            kinds += ["text", None, None] if name in self._witnessed else [self._kind(name)]
        return kinds

    def _kind(self, name: str) -> Kind:
        if self._stats is None:
            return None
        found = self._stats.columns[name]
        numbers = (found.integers, found.reals, found.texts, found.blobs)
        used: list[Kind] = ["integer", "real", "text", None]
        classes = [kind for kind, number in zip(used, numbers, strict=True) if number]
        return classes[0] if len(classes) == 1 else None

    def distrust_text(self) -> bool:
        """Witness every column that may hold text. Returns False if that is so already."""
        if self._stats is None:
            return False
        more = {name for name in self._names if self._stats.columns[name].texts} - self._witnessed
        self._witnessed |= more
        return bool(more)

    def cut_smaller(self, smallest: int) -> bool:
        """Read shorter cells in chunks from now on. Returns False if the limit cannot get smaller."""
        if self._stats is None or self._longest <= smallest:
            return False
        self._longest = max(smallest, self._longest // 4)
        self._witnessed |= {n for n in self._names if self._stats.columns[n].longest > self._longest}
        return True

    def key(self, row: Row) -> Row:
        """Return the key of a row of `rows`."""
        if self._lead:
            return row[:1]
        return tuple(row[self._names.index(name)] for name in self._table.key)

    def first_keys(self, rows: Sequence[Row]) -> list[Value]:
        """Return the first key column of rows of `rows`."""
        at = 0 if self._lead else self._names.index(self._table.key[0])
        return [row[at] for row in rows]

    def rows(self, answer: QueryResult, fetch: Fetch) -> tuple[Sequence[Row], frozenset[int]]:
        """Return the values of an answer, and the positions where `RawText` occurs."""
        if not self._witnessed or not answer.rows:
            return answer.rows, answer.raw
        source = iter(zip(*answer.rows, strict=True))
        columns: list[list[Value]] = [list(next(source)) for _ in self._lead]
        missing: list[tuple[int, int, int]] = []
        raw: set[int] = set()
        for name in self._names:
            at = len(columns)
            if name not in self._witnessed:
                columns.append(list(next(source)))
                continue
            classes, values, clues = next(source), next(source), next(source)
            columns.append(list(map(_value, classes, values, clues)))
            missing += [(at, row, size) for row, size in self._long_cells(classes, clues)]
        self._fill(columns, missing, fetch)
        for at, column in enumerate(columns):
            if RawText in set(map(type, column)):
                raw.add(at)
        return list(zip(*columns, strict=True)), frozenset(raw)

    def _long_cells(self, classes: Sequence[Value], clues: Sequence[Value]) -> list[tuple[int, int]]:
        return [
            (row, clue)
            for row, (kind, clue) in enumerate(zip(classes, clues, strict=True))
            if kind in ("text", "blob") and isinstance(clue, int) and clue > self._longest
        ]

    def _fill(
        self, columns: list[list[Value]], missing: Sequence[tuple[int, int, int]], fetch: Fetch
    ) -> None:
        """Fetch the long cells, given as (column, row, bytes); a `b''` placeholder shows the class by its
        type.
        """
        for at, row, size in missing:
            is_text = isinstance(columns[at][row], str)
            key = self.key(tuple(column[row] for column in columns))
            cell = fetch(self._names[at - len(self._lead)], key, size)
            columns[at][row] = tolerant_text(cell) if is_text else cell


def _value(kind: Value, value: Value, clue: Value) -> Value:
    """Return the value of a witnessed triple; for a long cell an empty value of its class."""
    if kind == "text":
        return tolerant_text(value) if isinstance(value, bytes) else ""
    if kind == "blob":
        return value if isinstance(value, bytes) else b""
    if kind == "real":
        return float(clue) if isinstance(clue, str) else float(str(value))
    return value
