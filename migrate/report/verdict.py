"""The verdict of a report: one title, and the sentences that explain it."""

from __future__ import annotations

from typing import Any

from migrate.pipeline.state import Document
from migrate.report.report_facts import Verdict
from migrate.runtime.amount import amount


def judge(document: Document, counted: dict[str, Any], checks: dict[str, Any], *, dry: bool) -> Verdict:
    """Return the result of the run, from its state file, its counts and its checks."""
    failed = [check["name"] for check in checks.get("checks", ()) if not check["passed"]]
    if document.outcome == "rolled_back":
        return Verdict(
            "open",
            "Rolled back",
            ("The rows from before the run are live.", *_checked(checks, failed)),
        )
    if document.outcome == "open":
        return _open(document, checks, failed, dry=dry)
    lines = (*_rows(counted), *_checked(checks, failed))
    if failed:
        return Verdict("bad", "Published, but the live rows do not pass the checks", lines)
    if dry:
        return Verdict("good", "The dry run succeeded", (*lines, "Your target was only read."))
    return Verdict("good", "Published", lines)


def _open(document: Document, checks: dict[str, Any], failed: list[str], *, dry: bool) -> Verdict:
    untouched = "Your target was only read." if dry else "The live tables are unchanged."
    if failed:
        return Verdict(
            "bad",
            f"Not published: {len(failed)} of {amount(_applied(checks), 'check')} failed",
            (f"Failed: {', '.join(failed)}.", untouched),
        )
    stage = next((name for name, record in document.stages.items() if record.status != "done"), None)
    if stage == "publish":
        untouched = "The ledger shows whether it was published; the same command reads it."
    title = f"Not finished: stopped in {stage}" if stage else "Not finished"
    return Verdict("open", title, (untouched, "Run the same command again to continue."))


def _rows(counted: dict[str, Any]) -> tuple[str, ...]:
    if not counted:
        return ()
    filled = counted["filled"]
    emptied = sum(name not in filled for name in counted["contents"])
    lost = sum(one["rows"] for one in counted.get("changed", ()) if one["lost"])
    left = sum(rows for _, rows in counted.get("left_out", {}).values())
    gone = [
        *([f"NOT migrated: {amount(left, 'source row')} of left-out tables."] if left else ()),
        *([f"NOT migrated: {amount(lost, 'value')} that did not fit the column."] if lost else ()),
    ]
    line = f"{amount(sum(filled.values()), 'row')} in {amount(len(filled), 'table')}"
    if emptied:
        line += f"; emptied: {amount(emptied, 'table')} that only the application fills"
    return (f"{line}.", *gone)


def _applied(checks: dict[str, Any]) -> int:
    return sum(check["applies"] for check in checks["checks"])


def _checked(checks: dict[str, Any], failed: list[str]) -> tuple[str, ...]:
    if not checks:
        return ()
    ran = [check for check in checks["checks"] if check["applies"]]
    if failed:
        return (f"{len(failed)} of {amount(_applied(checks), 'check')} failed: {', '.join(failed)}.",)
    looked = sum(check["looked_at"] for check in ran)
    return (f"{amount(len(ran), 'check')} passed, {amount(looked, 'row')} checked.",)
