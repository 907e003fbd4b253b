"""The report of a run that fails, and of a run whose outcome changes afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg

from migrate.pipeline.context import RunContext
from migrate.pipeline.summary.summary import keep, summarise
from migrate.report.write import write_report
from migrate.runtime.errors import CheckError, MigrateError


@contextlib.contextmanager
def reported_on_failure(run: RunContext) -> Iterator[None]:
    """Write the report also if the block raises, and re-raise the error."""
    try:
        yield
    except (MigrateError, psycopg.Error) as error:
        with contextlib.suppress(MigrateError, psycopg.Error):
            if isinstance(error, CheckError):  # every row is staged: they can be counted
                keep(summarise(run), run.work)
            write_report(run.work)
        raise


def refresh(folder: Path) -> str | None:
    """Write the report of a folder again; return why that failed, None if it did not."""
    try:
        write_report(folder)
    except MigrateError as error:
        return f"the report could not be written; try again with `migrate report`: {error.message}"
    return None
