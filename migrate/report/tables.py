"""Turns the summary of a run into the tables and flows of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from migrate.pipeline.state import Document
from migrate.report.report_facts import (
    Changed,
    ColumnLine,
    Count,
    Entity,
    Flow,
    Named,
    Reason,
    SourceRows,
    TargetTable,
)

_FATES: Final = ("merged", "rejected", "excluded")
MIGRATED: Final = "migrated"
_DROPPED: Final = "dropped:"
#: Returns the cells of a source row by table and id.
ReadRow = Callable[[str, str], tuple[tuple[str, str], ...]]


def figures(counted: Mapping[str, Any], document: Document, read_row: ReadRow | None) -> dict[str, Any]:
    """Return the fields of a report that come from the summary; empty if there is none."""
    if not counted:
        return {}
    rejects: Counter[str] = Counter()
    for flow in counted["flows"]:
        rejects.update(flow["rejected"])
    return {
        "entities": _entities(counted, read_row),
        "flows": tuple(_flows(counted)),
        "left_out": tuple((name, rule, rows) for name, (rule, rows) in sorted(counted["left_out"].items())),
        "targets": tuple(_targets(counted, document)),
        # Summaries of version 0.1 have no title.
        "breakdown": (counted.get("breakdown") or {}).get("title", ""),
        "categories": _counts(counted["categories"]),
        "rejects": _counts(rejects),
        "warnings": _counts(counted["warnings"]),
        "changed": tuple(Changed(**one) for one in counted["changed"]),
        "columns": _columns(counted["columns"]),
    }


def _counts(counts: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(
        Count(name, rows) for name, rows in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def _entities(counted: Mapping[str, Any], read_row: ReadRow | None) -> tuple[Entity, ...]:
    """Group the source tables by the first target table of their rows."""
    routes: dict[str, list[str]] = {}
    for route in counted["routes"]:
        routes.setdefault(route["source"], []).append(route["target"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for flow in counted["flows"]:
        groups.setdefault(routes[flow["table"]][0], []).append(flow)
    first = _first_rows(counted, read_row)
    return tuple(
        Entity(
            tuple(dict.fromkeys(target for flow in flows for target in routes[flow["table"]])),
            tuple(_source_rows(flow) for flow in flows),
            tuple(reason for flow in flows for reason in _reasons(flow, counted["routes"], first)),
        )
        for flows in groups.values()
    )


def _source_rows(flow: Mapping[str, Any]) -> SourceRows:
    gone = (sum(flow[fate].values()) for fate in _FATES)
    return SourceRows(flow["table"], flow["rows"], flow["migrated"], *gone)


def _first_rows(
    counted: Mapping[str, Any], read_row: ReadRow | None
) -> dict[tuple[str, str, str], list[Named]]:
    found: dict[tuple[str, str, str], list[Named]] = {}
    for row in counted["first_rows"]:
        values = read_row(row["table"], row["source_id"]) if read_row else ()
        named = Named(row["source_id"], row["became"], values)
        found.setdefault((row["table"], row["fate"], row["reason"]), []).append(named)
    return found


def _reasons(
    flow: Mapping[str, Any],
    routes: Iterable[Mapping[str, Any]],
    first: Mapping[tuple[str, str, str], list[Named]],
) -> Iterable[Reason]:
    table = flow["table"]
    for route in routes:
        if route["source"] == table:
            proof = f"{route['target']}.{route['column']}"
            yield Reason(
                table, MIGRATED, proof, route["rows"], tuple(first.get((table, MIGRATED, proof), ()))
            )
    for fate in _FATES:
        for reason, rows in sorted(flow[fate].items()):
            yield Reason(table, fate, reason, rows, tuple(first.get((table, fate, reason), ())))


def _flows(counted: Mapping[str, Any]) -> Iterable[Flow]:
    """Yield the flows in the order of the row flows; rows that were not migrated go to their outcome."""
    gone = {flow["table"]: flow for flow in counted["flows"]}
    for route in counted["routes"]:
        yield Flow(route["source"], route["target"], MIGRATED, route["rows"])
        flow = gone.pop(route["source"], None)
        if flow is not None:
            for fate in _FATES:
                yield Flow(route["source"], fate, fate, sum(flow[fate].values()))
    for name, (_rule, rows) in sorted(counted["left_out"].items()):
        yield Flow(name, "left out", "left out", rows)


def _targets(counted: Mapping[str, Any], document: Document) -> Iterable[TargetTable]:
    cleanup = document.stages.get("cleanup")
    before = cleanup.facts.get("replaced", {}) if cleanup else {}
    contents, filled = counted["contents"], counted["filled"]
    emptied = [name for name in before if name not in filled]
    for table in (*filled, *emptied):
        sources = tuple(
            dict.fromkeys(route["source"] for route in counted["routes"] if route["target"] == table)
        )
        yield TargetTable(
            table=table,
            before=before.get(table),
            rows=filled.get(table, 0),
            fate="replaced" if table in filled else "emptied",
            made_from=sources or _from_columns(counted["columns"], table),
            by_row=bool(sources),
            checksum=contents[table]["checksum"] if table in contents else None,
        )


def _from_columns(columns: Iterable[Mapping[str, Any]], table: str) -> tuple[str, ...]:
    """Return the source tables with a filled column that is migrated to a target table."""
    found = (
        row["source_table"]
        for row in columns
        if row["filled"]
        and any(target.split(".")[0].strip() == table for target in row["went_to"].split(","))
    )
    return tuple(dict.fromkeys(found))


def _columns(columns: Iterable[Mapping[str, Any]]) -> dict[str, tuple[ColumnLine, ...]]:
    found: dict[str, list[ColumnLine]] = {}
    for row in columns:
        went = str(row["went_to"])
        dropped = went.startswith(_DROPPED)
        line = ColumnLine(row["column"], row["key"], went.removeprefix(_DROPPED), dropped, row["filled"])
        found.setdefault(row["source_table"], []).append(line)
    return {table: tuple(lines) for table, lines in found.items()}
