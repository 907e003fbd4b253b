"""Checks the staged rows against the snapshot; rows that fail are never published."""

from __future__ import annotations

import json

from migrate.pipeline.check_context import open_check_context
from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import Stage, StageResult
from migrate.runtime import files
from migrate.runtime.amount import amount
from migrate.runtime.errors import CheckError
from migrate.runtime.memory import return_memory
from verification.coverage import REJECTS
from verification.result import Check, Report
from verification.runner import GENERAL, run_checks

REPORT = "checks.json"
#: Findings of a failed check that its message names; the report names more, and counts all.
NAMED = 5


def check_rows(run: RunContext, *, schema: str) -> Report:
    """Run the checks over the tables in `schema`, write the report, and return it."""
    settings = run.config.verification
    with open_check_context(run, schema=schema) as context:
        report = run_checks(
            context,
            [*(check.name for check in GENERAL), *run.spec.checks],
            deep=settings.deep,
            urls=settings.check_urls,
            on_check=lambda check: _between_checks(run, check),
        )
    for line in report.lines():
        run.report.detail(line)
    with files.write_atomically(run.work / REPORT) as file:
        file.write(json.dumps({"version": 1, "schema": schema, **report.to_json()}, indent=1).encode())
    return report


def _between_checks(run: RunContext, check: Check) -> None:
    run.report.doing(f"check {check.name}")
    run.stop_if_asked()
    return_memory()


def require(report: Report, hint: str) -> None:
    """Raise CheckError with the first findings of a report that has failures."""
    if report.passed:
        return
    lines = []
    for result in report.failed:
        lines.append(
            f"  {result.name}: {result.question} {amount(result.total, 'finding')} in "
            f"{amount(result.looked_at, 'row')}"
        )
        lines += [f"    {finding}" for finding in result.findings[:NAMED]]
        if result.total > NAMED:
            lines.append(f"    and {result.total - NAMED:,} more")
    raise CheckError(
        f"{len(report.failed)} of {amount(len(report.results), 'check')} failed:\n" + "\n".join(lines),
        hint=hint,
    )


def _check(_run: RunContext) -> None:
    """Nothing to check: publish makes the same rows live that were checked."""


def _run(run: RunContext) -> StageResult:
    report = check_rows(run, schema=run.staging)
    require(report, _way_on(report, run))
    looked = sum(result.looked_at for result in report.results)
    return StageResult(
        f"{amount(report.applied, 'check')} passed, {amount(looked, 'row')} checked",
        {"checks": {result.name: result.looked_at for result in report.results}},
    )


def _way_on(report: Report, run: RunContext) -> str:
    """Return what the operator can type: a limit is raised in the middle of a run, what is wrong is not."""
    seen = f"the live tables are unchanged; see {run.work / REPORT}, then "
    again = "fix the source or the mapping and run `migrate run --fresh`"
    if [result.name for result in report.failed] != [REJECTS.name]:
        return seen + again.replace("the mapping", "the configuration")
    tables = ", ".join(f"{json.dumps(finding.table)} = 1.0" for finding in report.failed[0].findings)
    return (
        f"{seen}either accept these rows ([verification] max_reject_shares = {{ {tables} }}) and run"
        f" `migrate run` again, it goes on from here; or {again}"
    )


def _undo(run: RunContext) -> None:
    (run.work / REPORT).unlink(missing_ok=True)


STAGE = Stage("verify", "check the staged rows against the snapshot", _check, _run, _undo)
