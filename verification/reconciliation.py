"""Reconciliation: every source row has one outcome, and every migrated row is proven by a target row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verification.accounted_rows import AccountedRows, account_rows, key_columns
from verification.context import CheckContext, RowAccounting
from verification.queries import count_rows, source_count, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import FATES, among, fated_tables, first_of_each, judge
from verification.row_proof import prove


def _run(context: CheckContext) -> Outcome:
    outcome = Outcome()
    held = set(source_tables(context))
    accounts = [account for account in context.accounts if account.source in held]
    sources: dict[str, list[RowAccounting]] = {}
    targets: dict[tuple[str, tuple[str, ...]], list[RowAccounting]] = {}
    for account in accounts:
        sources.setdefault(account.source, []).append(account)
        targets.setdefault((account.target, key_columns(account)), []).append(account)
    for (target, columns), proving in targets.items():
        _compare_with(context, target, columns, proving, sources, outcome)
    for table, counts in fated_tables(context).items():
        if table not in sources:
            outcome.found_many(
                table,
                [None],
                "has outcomes, but the mapping does not account for it",
                total=sum(counts.values()),
            )
    _unexplained(context, outcome)
    return outcome


def _compare_with(
    context: CheckContext,
    target: str,
    columns: Sequence[str],
    proving: Sequence[RowAccounting],
    sources: Mapping[str, Sequence[RowAccounting]],
    outcome: Outcome,
) -> None:
    """Compare a target's rows with the accounts that they prove; no rows are kept in memory."""
    accounted_rows = [AccountedRows(context, account) for account in proving]
    prove(context, target, columns, accounted_rows, outcome)
    for accounted in accounted_rows:
        first, *others = sources[accounted.account.source]
        if accounted.account is first:
            _add_up(context, accounted, others, outcome)


def _add_up(
    context: CheckContext, accounted: AccountedRows, others: list[RowAccounting], outcome: Outcome
) -> None:
    """Compare a source table's rows with what its first account lists and what the ledger says."""
    source = accounted.account.source
    marked = accounted.fates.marks()
    apart = judge(source, accounted.fates, marked, outcome)
    rows = source_count(context, source)
    outcome.looked_at += rows
    if accounted.listed != rows:
        outcome.found(source, None, f"has {rows} rows, but the mapping accounts for {accounted.listed}")
    there = among(marked["mark"], accounted.met)
    if not there.all():
        absent = accounted.fates.rows().filter(~there)["source_id"].unique().sort()
        outcome.found_many(source, absent.to_list(), "has an outcome, but there is no such row")
    unproven = accounted.unproven
    for account in others if unproven.height else ():
        for frame in account_rows(context, account):
            unproven = unproven.join(frame.drop_nulls("key"), on="source_id", how="anti")
    keys = unproven["source_id"].sort().to_list()
    outcome.found_many(source, keys, "has neither an outcome nor a row in the target")
    met = marked.filter(there)
    kinds = met["fate"] if apart else first_of_each(met, "mark")["fate"]
    counts = {kind: int((kinds == kind).sum()) for kind in FATES}
    outcome.numbers[source] = {"rows": rows, "migrated": accounted.unfated - unproven.height, **counts}


def _unexplained(context: CheckContext, outcome: Outcome) -> None:
    """Report rows of a table that nothing in the source accounts for and no rule allows."""
    explained = {account.target for account in context.accounts} | context.derived
    for table in sorted(context.tables.keys() - explained):
        if rows := count_rows(context, table):
            outcome.found_many(table, [None], "no source row belongs to the rows of this table", total=rows)


RECONCILIATION = Check(
    "reconciliation", "Has every source row one outcome, and every migrated row its target row?", _run
)
