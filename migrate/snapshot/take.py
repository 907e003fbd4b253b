"""Takes the snapshot: every table of the source in a local SQLite file, frozen when it is complete."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.amount import amount
from migrate.runtime.errors import SourceError, StateMismatch, Stopped
from migrate.runtime.failpoints import hit
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.manifest import (
    FACTS_NAME,
    PARTIAL_NAME,
    SNAPSHOT_NAME,
    SnapshotFacts,
    finished_snapshot,
    read_facts,
    write_facts,
)
from migrate.snapshot.partial import PartialSnapshot
from migrate.snapshot.stripped import is_stripped
from migrate.source import server_errors
from migrate.source.column_stats import differing, scan_columns
from migrate.source.model import Catalogue, Page, Progress, Source, Table, TableFacts, TableForecast, Usage
from migrate.source.paged_reader import TransportSource

_FROZEN = 0o400


OnProgress = Callable[[Progress], None]


class _SourceChanged(Exception):
    """The source changed while a table was read."""


def forecast(source: Source) -> list[TableForecast]:
    """Return for each table its rows and what reading it will cost, by counting in the source."""
    tables = source.inspect().tables
    counted = [(table.name, source.count(table)) for table in tables]
    return [TableForecast(name, rows, source.forecast(rows)) for name, rows in counted]


def take_snapshot(
    source: Source,
    folder: Path,
    settings: SourceSettings,
    on_progress: OnProgress = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SnapshotFacts:
    """Copy the source into `folder/snapshot.db` (mode 0400) and return the facts about it.

    Resumes what an earlier call left in `folder/snapshot.partial.db`; if the snapshot is already finished,
    returns its facts and reads nothing. Raises Stopped after the current page if `should_stop` returns true.
    Raises StateMismatch if the folder holds data of another source. Raises SourceError at a cap, if the
    source keeps changing, or if the copy differs from it.
    """
    files.make_folder(folder)
    finished = finished_snapshot(folder, source.identity) or _finish_renaming(folder, source.identity)
    if finished is not None:
        return finished
    with PartialSnapshot.open(folder, source.identity) as partial:
        snapshot_run = _SnapshotRun(source, partial, settings, on_progress, should_stop)
        facts = None
        while facts is None:
            catalogue, passes = snapshot_run.until_unchanged()
            facts = snapshot_run.compare(catalogue)
        unsealed = snapshot_run.facts(folder, catalogue, facts, passes)
        write_facts(folder, unsealed)
        hit("snapshot:compared")
        partial.strip()
    hit("snapshot:stripped")
    return _freeze(folder, unsealed)


class _SnapshotRun:
    """One call of `take_snapshot`."""

    def __init__(
        self,
        source: Source,
        partial: PartialSnapshot,
        settings: SourceSettings,
        on_progress: OnProgress,
        should_stop: Callable[[], bool],
    ) -> None:
        self._source = source
        self._partial = partial
        self._settings = settings
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._before = partial.usage()

    def until_unchanged(self) -> tuple[Catalogue, int]:
        """Read all tables, and those again that changed, until none did; return catalogue and passes."""
        moved: list[str] = []
        for number in range(1, self._settings.passes + 1):
            catalogue = self._source.inspect()
            self._partial.adopt(catalogue)
            for table in catalogue.tables:
                self._copy(table)
            moved = self._changed_tables(catalogue)
            if not moved:
                return catalogue, number
        raise SourceError(
            f"{self._source.label} changes while it is read: {', '.join(moved[:10])}",
            hint="stop the application that writes to it, then run the same command again",
        )

    def _copy(self, table: Table) -> None:
        """Copy the rest of one table, unless the source changes."""
        record = self._partial.record(table)
        if record.done:
            return
        mark = self._source.mark()
        if self._copy_at_once(table, mark):
            return
        if record.started and (record.mark != mark or not table.order):
            self._partial.reset(table)
            record = self._partial.record(table)
        stats = record.stats
        if not record.started:
            stats = self._source.stats(table)
            self._partial.start(table, mark, stats, self._usage())
        self._check_caps()
        expected = stats.rows if stats else self._source.count(table)
        pages = self._source.pages(table, stats, self._partial.last_key(table))
        rows = record.rows
        try:
            for page in pages:
                rows += len(page.rows)
                self._add_page(table, page, mark, rows, expected)
        except _SourceChanged:
            self._partial.reset(table)

    def _copy_at_once(self, table: Table, mark: str | None) -> bool:
        """Copy a complete table at once if the source is a file of ours; return whether that was done."""
        if self._source.copy is None:
            return False
        self._check_caps()
        usage = self._usage()
        before = usage.bytes
        rows = self._partial.copy_table(table, self._source.copy, mark, usage, self._should_stop)
        if rows is not None:
            self._source.usage.bytes += usage.bytes - before
            self._on_progress(Progress(table.name, rows, rows, usage.bytes, usage.rows_read))
        self._stop_if_asked(table)
        return rows is not None

    def _stop_if_asked(self, table: Table) -> None:
        if self._should_stop():
            raise Stopped(
                f"Stopped while reading table {table.name}; nothing is lost",
                hint="run the same command again: the snapshot continues from here",
            )

    def _add_page(self, table: Table, page: Page, mark: str | None, rows: int, expected: int) -> None:
        if page.mark != mark:
            raise _SourceChanged
        if rows > expected:
            if mark is None:  # the source may have grown since it counted
                raise _SourceChanged
            how = f"it counted {amount(expected, 'row')} and gave more, its state being the same"
            raise server_errors.wrong_answer(self._source.label, f"table {table.name}: ", how)
        self._partial.append(table, page, usage := self._usage())
        self._on_progress(Progress(table.name, rows, max(rows, expected), usage.bytes, usage.rows_read))
        self._stop_if_asked(table)
        if page.more:
            self._check_caps()

    def _changed_tables(self, catalogue: Catalogue) -> list[str]:
        """Return the tables whose copy differs from the source now, emptied so that they are read again."""
        mark = self._source.mark()
        if mark is not None:
            moved = [t for t in catalogue.tables if not self._is_current(t, mark)]
        else:
            moved = [t for t in catalogue.tables if not self._same_content(t)]
        for table in moved:
            self._partial.reset(table)
        names = [table.name for table in moved]
        if not names and mark is None and self._source.inspect() != catalogue:
            return ["the schema"]
        return names

    def _is_current(self, table: Table, mark: str) -> bool:
        record = self._partial.record(table)
        return record.done and record.mark == mark

    def _same_content(self, table: Table) -> bool:
        """Read a table a second time and return whether it is equal to the copy.

        Every table was read once before any is read again. If all are equal, the copy is the source's content
        at the time between the two readings.
        """
        record = self._partial.record(table)
        if not record.done:
            return False
        self._check_caps()
        with closing(self._partial.transport(self._settings.page_bytes)) as copy:
            mine = TransportSource(copy, self._settings).fingerprint(table, None)
        return self._source.fingerprint(table, record.stats) == mine

    def compare(self, catalogue: Catalogue) -> tuple[TableFacts, ...] | None:
        """Compare the copy with the source, rows and storage classes; return the tables' rows.

        A table in which a column's type changed the class of a value is emptied, to be read again without
        the types of such columns; then None is returned.
        """
        facts, reset = [], False
        with closing(self._partial.transport(self._settings.page_bytes)) as copy:
            for table in catalogue.tables:
                here = TransportSource(copy, self._settings).count(table)
                there = self._source.count(table)
                if here != there:
                    raise self._differs(
                        table, f"{amount(here, 'row was', 'rows were')} copied, the source has {there}"
                    )
                stats = self._partial.record(table).stats
                if stats is not None:
                    wrong = differing(stats, scan_columns(copy.run, table))
                    if wrong and self._partial.keep_classes(table, wrong):
                        reset = True
                    elif wrong:
                        raise self._differs(table, f"storage classes differ in {', '.join(wrong[:10])}")
                facts.append(TableFacts(table.name, here, table.key))
        return None if reset else tuple(facts)

    def _differs(self, table: Table, how: str) -> SourceError:
        return SourceError(
            f"the copy of table {table.name} is not what {self._source.label} holds: {how}",
            hint=f"delete {self._partial.path} and run the same command again; "
            "if it happens twice, make a dump and use it as the source",
        )

    def _usage(self) -> Usage:
        now = self._source.usage
        return Usage(
            self._before.rows_read + now.rows_read,
            self._before.bytes + now.bytes,
            self._before.requests + now.requests,
        )

    def _check_caps(self) -> None:
        """Raise SourceError if the reading has reached a cap."""
        used = self._usage()
        for what, cost, cap, key in (
            ("rows read", used.rows_read, self._settings.max_rows_read, "max_rows_read"),
            ("bytes", used.bytes, self._settings.max_bytes, "max_bytes"),
        ):
            if cap is not None and cost >= cap:
                raise SourceError(
                    f"the snapshot stopped at its limit: {cost:,} {what}, {cap:,} allowed",
                    hint=f"raise [source] {key} and run the same command again: it continues",
                )

    def facts(
        self, folder: Path, catalogue: Catalogue, tables: tuple[TableFacts, ...], passes: int
    ) -> SnapshotFacts:
        """Return the facts about the copy; its digest is still empty."""
        used = self._usage()
        return SnapshotFacts(
            path=folder / SNAPSHOT_NAME,
            sha256="",
            source=self._source.label,
            identity=self._source.identity,
            mark=self._source.mark(),
            version=catalogue.version,
            tables=tables,
            left_out=catalogue.left_out,
            rows=sum(table.rows for table in tables),
            bytes=used.bytes,
            rows_read=used.rows_read,
            passes=passes,
        )


def _finish_renaming(folder: Path, identity: str) -> SnapshotFacts | None:
    """Finish a snapshot that was complete when its process ended; None if there is none."""
    partial = folder / PARTIAL_NAME
    facts = read_facts(folder)
    if facts is None:
        return None
    if not partial.exists() or not is_stripped(partial, {one.name: one.rows for one in facts.tables}):
        (folder / FACTS_NAME).unlink()  # of a snapshot that was deleted, or of an unfinished one
        return None
    if facts.identity != identity:
        raise StateMismatch(
            f"the snapshot {partial} was taken from {facts.identity}, not from {identity}",
            hint=f"delete {partial} and run the same command again: the snapshot starts again",
        )
    return _freeze(folder, facts)


def _freeze(folder: Path, unsealed: SnapshotFacts) -> SnapshotFacts:
    """Flush the complete copy, make it read-only and give it its name; facts first, then the name."""
    partial = folder / PARTIAL_NAME
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.chmod(_FROZEN)
    facts = replace(unsealed, sha256=files.digest_file(partial))
    write_facts(folder, facts)
    hit("snapshot:frozen")
    partial.rename(folder / SNAPSHOT_NAME)
    hit("snapshot:renamed")
    files.sync_folder(folder)
    return facts
