"""A source over any transport: statistics, pages that grow and shrink, long cells in chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.runtime.memory import collector_paused
from migrate.runtime.settings.source import SourceSettings
from migrate.source import answers, catalog, server_errors
from migrate.source import sql as statements
from migrate.source.column_stats import as_number, scan_columns
from migrate.source.json_pages import Unpackable, is_exact, may_pack, unpack
from migrate.source.model import Catalogue, Page, Row, Table, TableStats, Usage, Value
from migrate.source.select_list import Shape
from migrate.source.server_errors import CellTooLong
from migrate.source.transport import InvalidText, Kind, QueryResult, TooLarge, Transport, WrongAnswer

_MOST_ROWS = 200_000
_SMALLEST_CHUNK = 1024
_LONGEST_CELL = 2**31 - 1  # SQLite's own limit


class TransportSource:
    """A legacy database behind a transport; see `Source`."""

    def __init__(self, transport: Transport, settings: SourceSettings) -> None:
        self.label = transport.label
        self.identity = transport.identity
        self.usage = Usage()
        self.copy = transport.copy
        self._transport = transport
        self._settings = settings
        self._exact_packed: bool | None = None

    def close(self) -> None:
        """Close connections and remove temporary files."""
        self._transport.close()

    def inspect(self) -> Catalogue:
        """Return the tables and other objects of the database."""
        with self._named():
            return catalog.inspect(self._ask)

    def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        with self._named(table):
            number = as_number(answers.single(self._run(statements.count(table)).rows, [answers.NUMBER])[0])
            if number < 0:
                raise WrongAnswer("its number of rows is below zero")
            return number

    def forecast(self, rows: int) -> int:
        """Return the rows billed: the first scan, the pages, the last count; a second reading without
        versions.
        """
        if not self._transport.bills:
            return 0
        return rows * (3 if self.mark() is not None else 4)

    def mark(self) -> str | None:
        """Return the current version.

        Equal versions mean equal content. None if the source has no version.
        """
        with self._named():
            return self._run("SELECT 1").mark

    def stats(self, table: Table) -> TableStats | None:
        """Return the storage classes in use, None if values are exact without them."""
        if self._transport.exact:
            return None
        with self._named(table):
            return scan_columns(self._run, table)

    def pages(self, table: Table, stats: TableStats | None, after: Row | None = None) -> Iterator[Page]:
        """Yield the rows with keys beyond `after`; the next page is fetched while one is used."""
        reading = _Reading(self, table, stats, after)
        with ThreadPoolExecutor(1, thread_name_prefix="source") as worker:
            page = worker.submit(reading.next_page).result()
            while page.more:
                following = worker.submit(reading.next_page)
                yield page
                page = following.result()
            yield page

    def fingerprint(self, table: Table, stats: TableStats | None) -> str:
        """Read the whole table and return a digest of its rows, which does not depend on the page size."""
        return fingerprint(self.pages(table, stats))

    def _ask(self, sql: str, args: Sequence[Value] = (), *, types: Sequence[answers.Types]) -> Sequence[Row]:
        return answers.check_types(self._run(sql, tuple(args)).rows, types)

    @contextmanager
    def _named(self, table: Table | None = None, page: int | None = None) -> Iterator[None]:
        """Turn what is wrong with an answer into an error that names server, table and page."""
        place = (
            "" if table is None else f"table {table.name}, page {page}: " if page else f"table {table.name}: "
        )
        try:
            yield
        except WrongAnswer as error:
            raise server_errors.wrong_answer(self.label, place, str(error)) from error
        except TooLarge as error:
            raise named(server_errors.too_long(self.label, str(error)), place) from error
        except InvalidText as error:
            raise named(server_errors.unreadable_text(self.label), place) from error
        except SourceError as error:
            raise named(error, place) from error

    def _run(
        self, sql: str, args: tuple[Value, ...] | list[Value] = (), kinds: list[Kind] | None = None
    ) -> QueryResult:
        answer = self._transport.run(sql, args, kinds or ())
        self.usage.requests += 1
        self.usage.bytes += answer.bytes
        self.usage.rows_read += answer.rows_read
        return answer

    def _packs(self) -> bool:
        """Return whether the server's JSON is exact; the server is asked only once."""
        if self._exact_packed is None:
            self._exact_packed = is_exact(self._run, blobs=self._transport.text_as_blobs)
        return self._exact_packed


def fingerprint(pages: Iterator[Page]) -> str:
    """Return a digest of the rows in `pages`, independent of where pages end."""
    digest = hashlib.blake2b(digest_size=32)
    for page in pages:
        if page.rows:
            digest.update((repr(list(page.rows))[1:-1] + ", ").encode())
    return digest.hexdigest()


def named(error: SourceError, place: str) -> SourceError:
    """Return the same error with the place that was read at the start of its message."""
    return type(error)(f"{place}{error.message}", hint=error.hint) if place else error


class _Reading:
    """The state of reading one table: the last key, the rows to ask for, how columns are read."""

    def __init__(
        self, source: TransportSource, table: Table, stats: TableStats | None, after: Row | None
    ) -> None:
        self._source = source
        self._transport = source._transport
        self._settings = source._settings
        self._table = table
        self._after = after
        self._limit = self._settings.first_page_rows
        self._page_bytes = min(self._settings.page_bytes, self._transport.most_bytes)
        self._chunk_bytes = min(self._settings.piece_bytes, self._transport.most_bytes)
        self._shape = Shape(table, stats, self._chunk_bytes, blobs=self._transport.text_as_blobs)
        self._packed = may_pack(table, stats, self._chunk_bytes)
        self._number = 0

    def next_page(self) -> Page:
        """Fetch the page after the last one; an error names the table and the number of the page."""
        self._number += 1
        with self._source._named(self._table, self._number):
            return self._fetch()

    def _fetch(self) -> Page:
        while True:
            packed = self._packs()
            try:
                return self._packed_page() if packed else self._plain_page()
            except TooLarge as error:
                self._shrink(error)
            except InvalidText as error:
                if not packed and not self._shape.distrust_text():
                    raise SourceError(
                        f"{self._transport.label} holds text that is not UTF-8",
                        hint="use the database file, or a dump of it, as the source",
                    ) from error
                self._packed = False
            except SourceUnavailable:
                raise
            except (SourceError, WrongAnswer, Unpackable):
                if not packed:
                    raise
                self._packed = False

    def _packs(self) -> bool:
        """Return whether the next page is read as packed JSON."""
        self._packed = self._packed and self._source._packs()
        return self._packed

    def _packed_page(self) -> Page:
        columns, blobs = self._shape.selected, self._transport.text_as_blobs
        sql, args = statements.packed_page(self._table, columns, self._after, self._limit, blobs=blobs)
        kinds: list[Kind] = [None if blobs else "text"] * len(columns)
        try:
            answer = self._source._run(sql, args, kinds)
        except CellTooLong as error:
            raise TooLarge(error.message) from error
        answers.check_width(answer.rows, len(columns))
        with collector_paused():
            rows = unpack(answer.rows)
        return self._page(answer, rows, frozenset(), more=len(rows) >= self._limit)

    def _plain_page(self) -> Page:
        sql, args = statements.page(self._table, self._shape.outputs, self._after, self._limit)
        answer = self._source._run(sql, args, self._shape.kinds)
        answers.check_width(answer.rows, len(self._shape.outputs))
        if answer.cut and not self._table.order:
            raise TooLarge("a table without a key that is longer than a page")
        rows, raw = self._shape.rows(answer, self._chunk)
        more = bool(self._table.order) and (answer.cut or len(rows) >= self._limit)
        return self._page(answer, rows, raw, more=more)

    def _page(self, answer: QueryResult, rows: Sequence[Row], raw: frozenset[int], *, more: bool) -> Page:
        if rows:
            if self._table.order and not self._transport.exact:
                answers.check_order(self._table, self._shape.first_keys(rows), self._after)
            self._after = self._shape.key(rows[-1])
        self._grow(answer.bytes)
        return Page(rows, self._after or (), more, answer.mark, raw)

    def _grow(self, size: int) -> None:
        factor = self._page_bytes / max(size, 1)
        grown = int(self._limit * min(4.0, max(0.5, factor)))
        self._limit = max(1, min(_MOST_ROWS, grown))

    def _shrink(self, error: TooLarge) -> None:
        if self._limit > 1 and self._table.order:
            self._limit //= 2
        elif self._packed:
            self._packed = False
        elif not self._table.order or not self._shape.cut_smaller(_SMALLEST_CHUNK):
            raise SourceError(
                f"{self._transport.label} has a row, or a table without a key, that does not fit into "
                f"a response: {error}",
                hint="use the database file, or a dump of it, as the source",
            ) from error

    def _chunk(self, column: str, key: Row, size: int) -> bytes:
        """Fetch one cell of `size` bytes in chunks."""
        step = self._chunk_bytes
        if size > _LONGEST_CELL:
            raise WrongAnswer(f"a cell of {size:,} bytes, more than SQLite holds")
        parts: list[bytes] = []
        for start in range(1, size + 1, step):
            sql, args = statements.chunk(self._table, column, key, start, step)
            found = self._source._run(sql, args).rows
            wanted = min(step, size - start + 1)
            if len(found) != 1 or not isinstance(found[0][0], bytes) or len(found[0][0]) != wanted:
                raise SourceError(
                    "a row vanished or changed while a long cell of it was read",
                    hint="stop the application that writes to the database, then run the same command again",
                )
            parts.append(found[0][0])
        return b"".join(parts)
