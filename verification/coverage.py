"""Source tables: each is accounted for or left out by a named rule, and few rows are rejected."""

from __future__ import annotations

from verification.context import CheckContext
from verification.queries import source_count, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import reject_reasons


def _known(context: CheckContext) -> Outcome:
    outcome = Outcome()
    accounted = {account.source for account in context.accounts}
    for table in source_tables(context):
        outcome.looked_at += 1
        if table in accounted:
            continue
        rows = source_count(context, table)
        if table in context.left_out or not rows:
            outcome.numbers[table] = {"rows": rows, "left out": rows}
        else:
            outcome.found(table, None, f"no mapper reads it and it is not left out ({rows} rows)")
    return outcome


def _rejects(context: CheckContext) -> Outcome:
    outcome = Outcome()
    found, limits = reject_reasons(context), context.limits
    held = set(source_tables(context))
    for table in sorted({account.source for account in context.accounts} & held):
        rows = source_count(context, table)
        reasons = {why: count for why, count in found.get(table, {}).items() if why not in limits.by_rule}
        rejected = sum(reasons.values())
        limit = limits.by_table.get(table, limits.max_reject_share)
        outcome.looked_at += rows
        if rejected > max(limit * rows, limits.max_reject_rows):
            named = ", ".join(f"{why} {count:,}" for why, count in reasons.items())
            outcome.found(
                table, None, f"{rejected:,} of {rows:,} rows are rejected, more than {limit:.1%}: {named}"
            )
    return outcome


LEFT_OUT = Check("left_out", "Is every source table either migrated or left out with a reason?", _known)
REJECTS = Check("reject_share", "Are the rejected rows of each table within the limit?", _rejects)
