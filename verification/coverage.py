"""Source tables: each is accounted for or left out by a named rule, and few rows are rejected."""

from __future__ import annotations

from verification.context import Subject
from verification.queries import source_count, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import fated_tables


def _known(subject: Subject) -> Outcome:
    outcome = Outcome()
    accounted = {account.source for account in subject.accounts}
    for table in source_tables(subject):
        outcome.looked_at += 1
        if table in accounted:
            continue
        rows = source_count(subject, table)
        if table in subject.left_out or not rows:
            outcome.numbers[table] = {"rows": rows, "left out": rows}
        else:
            outcome.found(table, None, f"no mapper reads it and no rule leaves it out ({rows} rows)")
    return outcome


def _rejects(subject: Subject) -> Outcome:
    outcome = Outcome()
    fates = fated_tables(subject)
    held = set(source_tables(subject))
    for table in sorted({account.source for account in subject.accounts} & held):
        rows = source_count(subject, table)
        rejected = fates.get(table, {}).get("rejected", 0)
        limit = subject.limits.by_table.get(table, subject.limits.max_reject_share)
        outcome.looked_at += rows
        if rejected > limit * rows:
            outcome.found(table, None, f"{rejected} of {rows} rows are rejected, more than {limit:.1%}")
    return outcome


LEFT_OUT = Check("left_out", "Is every source table either migrated or left out by a named rule?", _known)
REJECTS = Check("reject_share", "Are the rejected rows of each table within the limit?", _rejects)
