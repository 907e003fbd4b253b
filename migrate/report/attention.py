"""What of a run needs a person: lost rows and values, what was left out, what is to be done by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mappers.reasons import describe
from migrate.introspect.profile.attention import Attention, sort_attention
from migrate.report.report_facts import Changed, ColumnLine, Entity, ManualWork

_FIX_ROWS: Final = (
    "correct these rows in the source, or the lines of their table in the mapping, and migrate again"
)
_FIX_VALUES: Final = "{}.warning has the row of each value: correct it in the target, or map it otherwise"


def of_run(
    shown: Mapping[str, Any],
    checks: Mapping[str, Any],
    by_hand: Sequence[ManualWork],
    *,
    proven: bool,
    ledger: str,
) -> tuple[Attention, ...]:
    """Return what needs a person, losses first; `shown` are the figures of the report.

    `proven` says whether the test restore of the backup gave the same rows, `ledger` is its schema.
    """
    found = [*_checks(checks), *_by_hand(by_hand)]
    if not proven:
        found.append(
            Attention(
                "loss",
                0,
                "",
                "",
                "the test restore of the backup did not give the same rows",
                "keep another backup of the target before you rely on a rollback",
            )
        )
    if shown:
        left_out = {name for name, _, _ in shown["left_out"]}
        found += [*_rejected(shown["entities"]), *_lost(shown["changed"], ledger)]
        found += _left_out(shown["left_out"])
        found += [
            one for table in shown["columns"] if table not in left_out
            for one in _dropped(table, shown["columns"][table])
        ]  # fmt: skip
    return tuple(sort_attention(found))


def _checks(checks: Mapping[str, Any]) -> Iterator[Attention]:
    for check in checks.get("checks", ()):
        if not check["passed"]:
            yield Attention("loss", check["total"], "", "", f"the check {check['name']} failed",
                            "read its findings under Checks")  # fmt: skip


def _rejected(entities: Sequence[Entity]) -> Iterator[Attention]:
    for reason in (reason for entity in entities for reason in entity.reasons):
        if reason.fate == "rejected" and reason.rows:
            yield Attention(
                "loss", reason.rows, reason.table, "", _said("rejected", reason.reason), _FIX_ROWS
            )


def _lost(changed: Sequence[Changed], ledger: str) -> Iterator[Attention]:
    for one in changed:
        if one.lost:
            yield Attention("loss", one.rows, one.table, one.column, _said("", one.rule),
                            _FIX_VALUES.format(ledger))  # fmt: skip


def _left_out(tables: Sequence[tuple[str, str, int]]) -> Iterator[Attention]:
    for name, rule, rows in tables:
        if rows:
            yield Attention("decision", rows, name, "", _said("the whole table is left out", rule),
                            "if the application needs it, give it a target in the mapping")  # fmt: skip


def _dropped(table: str, lines: Sequence[ColumnLine]) -> Iterator[Attention]:
    """Yield the dropped columns that held values, one line for each rule of a table."""
    rules: dict[str, list[ColumnLine]] = {}
    for line in lines:
        if line.dropped and line.filled:
            rules.setdefault(line.went_to, []).append(line)
    for rule, dropped in rules.items():
        names = ", ".join(line.column if line.key is None else line.key for line in dropped)
        yield Attention("decision", max(line.filled for line in dropped), table, names,
                        _said("dropped, although it held values", rule),
                        "if they are needed, map them to a column")  # fmt: skip


def _by_hand(work: Sequence[ManualWork]) -> Iterator[Attention]:
    for one in work:
        todo = "write it again; its SQL is under To be done by hand"
        yield Attention("loss" if one.lost else "decision", 0, one.name, "", f"a {one.kind}",
                        "save its text by hand" if one.lost else todo)  # fmt: skip


def _said(what: str, code: str) -> str:
    """Return the sentence of a code, which may be the operator's own words."""
    sentence = describe(code)
    said = f"{code}: {sentence}" if sentence else code
    return f"{what}: {said}" if what else said
