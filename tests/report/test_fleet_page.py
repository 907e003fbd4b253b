"""The report of a fleet of ten thousand tenants: a short page, and a line for each tenant in the CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from migrate.pipeline.fleet.ledger import Line
from migrate.report.fleet_page import _csv, facts_of, render

LINE = Line("t", "published", 1, "host/t", "0" * 64, "abc", 10, 10, {"Note": 4, "Person": 4},
            {"rejected: dangling": 2}, 13, None, None, 0.5, "2026-01-01 00:00:00")  # fmt: skip


def lines() -> list[Line]:
    """Ten thousand tenants, every hundredth in quarantine, each with a reason of its own."""
    found = []
    for number in range(10_000):
        line = replace(LINE, tenant=f"t{number:05d}", seconds=number / 1000, shape=f"s{number % 60}")
        if number % 100 == 0:
            reason = f"no answer of <t{number}>"
            line = replace(line, state="quarantined", rows={}, kind="source", reason=reason)
        found.append(line)
    return found


def test_the_page_stays_short_and_names_the_groups() -> None:
    page = render(lines())
    assert len(page) < 40_000
    assert "9,900 of 10,000 tenants are live" in page
    assert "no answer of &lt;t100&gt;" in page
    assert "40 more are in fleet.csv" in page
    assert "t09999" in page


def test_the_totals_are_those_of_the_lines() -> None:
    facts = facts_of(lines())
    assert facts["tenants"] == {"published": 9_900, "quarantined": 100}
    assert facts["rows"] == 79_200
    assert facts["source_rows"] == facts["rows"] + sum(facts["not_migrated"].values())
    assert facts["quarantined"] == [{"kind": "source", "tenants": 100, "first": "t00000"}]


def test_the_csv_has_a_line_for_each_tenant_and_no_formula() -> None:
    text = _csv([*lines(), replace(LINE, tenant="=cmd()")])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 10_001
    assert rows[-1]["tenant"] == "'=cmd()"
