"""Runs checks over a subject, in one read-only transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from verification.correspondence import LIVE_ENDS, MESSAGE_COUNTS
from verification.coverage import LEFT_OUT, REJECTS
from verification.deep import DEEP
from verification.directory import CONNECTIONS, IMAGE_ORDER, PROFILE_CATEGORIES, STUDIOS
from verification.domains import DOMAINS
from verification.identity import IDS_MAPPED, IDS_SHAPED
from verification.links import URLS_ANSWER, URLS_PARSE
from verification.reconciliation import RECONCILIATION
from verification.relations import DANGLING
from verification.report import Check, CheckResult, Report
from verification.subject import Subject
from verification.uniqueness import UNIQUENESS

#: what every run checks, in order
GENERAL: tuple[Check, ...] = (
    RECONCILIATION,
    LEFT_OUT,
    REJECTS,
    DANGLING,
    UNIQUENESS,
    DOMAINS,
    IDS_SHAPED,
)
#: what is asked of a studio directory, too
DIRECTORY: tuple[Check, ...] = (
    IDS_MAPPED,
    PROFILE_CATEGORIES,
    STUDIOS,
    URLS_PARSE,
    IMAGE_ORDER,
    LIVE_ENDS,
    MESSAGE_COUNTS,
    CONNECTIONS,
)
#: what is checked where no names are given
STANDARD: tuple[Check, ...] = (*GENERAL, *DIRECTORY)
#: what is checked when asked for by name
ON_REQUEST: tuple[Check, ...] = (DEEP, URLS_ANSWER)


def check_names() -> list[str]:
    """Return the names of all checks, those on request last."""
    return [check.name for check in (*STANDARD, *ON_REQUEST)]


def run_checks(
    subject: Subject,
    checks: Sequence[str] | None = None,
    *,
    deep: bool = False,
    urls: bool = False,
    on_check: Callable[[Check], None] | None = None,
) -> Report:
    """Run checks and return their report.

    `checks` are names (None: the standard ones); `deep` adds the comparison of every cell with
    what the mappers give, `urls` asks for every image over HTTP. `on_check` hears of each check
    before it runs. Raises ValueError for an unknown name; errors of the connections pass through.
    """
    known = {check.name: check for check in (*STANDARD, *ON_REQUEST)}
    wanted = [check.name for check in STANDARD] if checks is None else list(checks)
    wanted += [
        name for name, asked in ((DEEP.name, deep), (URLS_ANSWER.name, urls)) if asked and name not in wanted
    ]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no check is named {', '.join(unknown)}; there are {', '.join(known)}")
    results: list[CheckResult] = []
    with _one_view(subject):
        for name in wanted:
            if on_check is not None:
                on_check(known[name])
            start = time.monotonic()
            outcome = known[name].run(subject)
            results.append(outcome.result(known[name], time.monotonic() - start))
    return Report(tuple(results))


@contextmanager
def _one_view(subject: Subject) -> Iterator[None]:
    """Give all checks the same view of the target, and settings that suit whole-table questions."""
    connection = subject.target
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Compiling takes longer than any of the queries gains by it.
        connection.execute("SET LOCAL jit = off")
        connection.execute("SET LOCAL work_mem = '64MB'")
        connection.execute("SET LOCAL cursor_tuple_fraction = 1")
        # The server waits while the snapshot is read, and some end a transaction that waits.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
