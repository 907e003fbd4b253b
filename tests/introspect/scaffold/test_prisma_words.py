"""A draft as a person who knows Prisma writes it: enums, names of relations, indexes, comments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import make_draft
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.choices.wishes import read_wishes
from migrate.introspect.scaffold.prisma_schema import write_schema
from tests.introspect.profile.sources import inspect_script
from tests.introspect.scaffold.sources import line
from tests.tools.commands import ROOT

SOURCE = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL, earnings INTEGER, job_kind TEXT NOT NULL);
CREATE TABLE job_logs (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES jobs, old_status TEXT,
  new_status TEXT);
CREATE TABLE earnings (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES jobs, payment_method TEXT);
CREATE TABLE refunds (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES jobs, payment_method TEXT);
CREATE INDEX of_job ON refunds (job_id, payment_method);
CREATE TABLE user_stats (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES jobs);
"""


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    jobs = [
        (n, ("open", "done", "late", "Done" if n == 3 else "open")[n % 4], n, ("big", "small")[n % 2])
        for n in range(1, 61)
    ]
    logs = [(n, n, ("open", "done", "late")[n % 3], ("done", "late", "open")[n % 3]) for n in range(1, 61)]
    paid = [(n, n, ("card", "cash")[n % 2]) for n in range(1, 61)]
    return inspect_script(
        tmp_path_factory.mktemp("words"),
        SOURCE,
        ("INSERT INTO jobs VALUES (?, ?, ?, ?)", jobs),
        ("INSERT INTO job_logs VALUES (?, ?, ?, ?)", logs),
        ("INSERT INTO earnings VALUES (?, ?, ?)", paid),
        ("INSERT INTO refunds VALUES (?, ?, ?)", paid),
        ("INSERT INTO user_stats VALUES (?, ?)", [(n, n) for n in range(1, 61)]),
    )


def test_columns_of_one_set_share_an_enum_and_words_of_another_case_are_one(inspection: Inspection) -> None:
    draft = make_draft(inspection, enums=True)
    assert sorted(enum.name for enum in draft.enums) == ["JobKind", "JobStatus", "PaymentMethod"]
    assert line(draft, "jobs", "status").options["values"] == {
        "Done": "done", "done": "done", "late": "late", "open": "open",
    }  # fmt: skip
    assert line(draft, "jobs", "status").marked
    assert write_schema(draft).count(" JobStatus") == 4


def test_relations_have_names_without_numbers(inspection: Inspection) -> None:
    schema = write_schema(make_draft(inspection))
    assert "earningsAsJob Earning[]" in " ".join(schema.split())
    assert "userStats UserStats[]" in " ".join(schema.split())


def test_foreign_keys_have_an_index_unless_one_begins_with_them(inspection: Inspection) -> None:
    models = {model.name: model for model in make_draft(inspection).models}
    assert [index.columns for index in models["JobLog"].indexes] == [("job_id",)]
    assert [index.columns for index in models["Refund"].indexes] == [("job_id", "payment_method")]


def test_a_comment_says_where_what_has_another_name_comes_from(inspection: Inspection) -> None:
    wishes = read_wishes(inspection, renames=("jobs=tasks", "jobs.job_kind=kind"))
    schema = write_schema(make_draft(inspection, choices=Choices(wishes=wishes)))
    assert "// from jobs\nmodel Task {" in schema
    assert "kind String // from job_kind" in " ".join(schema.split())
    assert schema.count("// from") == 2


@pytest.mark.slow
def test_the_draft_is_as_the_page_about_db_pull_shows_it(inspected: Callable[[str], Inspection]) -> None:
    page = (ROOT / "docs" / "db-pull.md").read_text()
    shown = [row.split(" | ")[1] for row in page.splitlines() if row.startswith("| ")][1:]
    schema = " ".join(write_schema(make_draft(inspected("marketplace"), enums=True)).split())
    assert len(shown) > 20
    wanted = [one.strip("`") for one in shown if one.startswith("`")]
    assert [one for one in wanted if one not in schema] == []
