"""The verdict of a report: one title, and the sentences that explain it."""

from __future__ import annotations

from typing import Any

from migrate.pipeline.state import Document
from migrate.report.report_facts import Verdict


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
            f"Not published: {len(failed)} of {_applied(checks)} checks failed",
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
        *([f"{left:,} source rows of left-out tables are NOT migrated."] if left else ()),
        *([f"{lost:,} values did not fit their column and are NOT migrated."] if lost else ()),
    ]
    line = f"{sum(filled.values()):,} rows in {_tables(len(filled))}"
    if emptied:
        line += f"; {_tables(emptied)} that only the application fills emptied"
    return (f"{line}.", *gone)


def _tables(number: int) -> str:
    return f"{number:,} table{'' if number == 1 else 's'}"


def _applied(checks: dict[str, Any]) -> int:
    return sum(check["applies"] for check in checks["checks"])


def _checked(checks: dict[str, Any], failed: list[str]) -> tuple[str, ...]:
    if not checks:
        return ()
    ran = [check for check in checks["checks"] if check["applies"]]
    if failed:
        return (f"{len(failed)} of {_applied(checks)} checks failed: {', '.join(failed)}.",)
    looked = sum(check["looked_at"] for check in ran)
    return (f"{len(ran)} checks passed, {looked:,} rows checked.",)
