"""What a page does with the text that it is given."""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from pathlib import Path

import pytest

from migrate.pipeline.state import Document as State
from migrate.report import page
from migrate.report.attention import of_run
from migrate.report.report_facts import (
    Changed,
    ColumnLine,
    Document,
    Entity,
    Fact,
    Flow,
    Reason,
    Verdict,
)
from migrate.report.sankey import MOST, NARROW, WIDE, draw
from migrate.report.verdict import judge
from migrate.report.write import render
from tests.e2e.hostile.content import NASTY, TABLES
from tests.tools.browser import browse, require_browser

TEXTS = (
    *NASTY,
    *TABLES,
    '"><svg/onload=alert(1)>',
    "</style></title></script><script>alert(1)</script>",
    "\ud800",
)


def document(*texts: str) -> Document:
    """A report in which every name is one of the texts."""
    return Document(
        made="2026-01-31T17:05:09+00:00", run_id="r", code="0", dry=False, outcome="published",
        begun="2026-01-31T17:05:09+00:00", finished=None,
        verdict=Verdict("good", texts[0], texts),
        source=tuple(Fact(text, text) for text in texts),
        target=tuple(Fact(text, text, exact=True) for text in texts),
        ids=(), counted=True, samples=False,
        flows=tuple(Flow(text, text, "migrated", 5) for text in texts),
        left_out=tuple((text, text, 1) for text in texts),
    )  # fmt: skip


def test_no_text_becomes_markup_or_a_control_character() -> None:
    made = render(document(*TEXTS))
    plain = render(document("nothing"))
    assert set(re.findall(r"<[a-z/!][^\s>]*", made)) == set(re.findall(r"<[a-z/!][^\s>]*", plain))
    assert not {char for char in made if unicodedata.category(char) in ("Cc", "Cf", "Cs")} - {"\n"}


def test_what_is_hidden_is_made_visible() -> None:
    assert page.visible("a\x1b[31m\u202e\x7f\n") == "a␛[31m⟨U+202E⟩␡\n"


def test_a_browser_shows_every_text_and_obeys_none(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    page.write(path, render(document(*TEXTS)))
    with browse(require_browser()) as browser:
        opened = browser.open(path)
        shown = opened.texts("dd")
        assert not opened.complaints
    assert set(shown) >= {
        page.visible(text).strip() for text in TEXTS if "\r" not in text and "\n" not in text
    }


@pytest.mark.parametrize(("value", "shown"), [(0.314, "0.31 s"), (12.44, "12.4 s"), (200, "3 min 20 s")])
def test_seconds_are_said_as_a_person_says_them(value: float, shown: str) -> None:
    assert page.seconds(value) == shown


def test_a_share_is_none_only_of_nothing_and_all_only_of_all() -> None:
    assert [page.share(part, 10_000) for part in (0, 1, 9_999, 10_000)] == ["0%", "<0.1%", "99.9%", "100%"]


def test_a_target_table_has_its_own_rows_in_the_flow_picture() -> None:
    picture = draw(
        [Flow("a", "people", "migrated", 9), Flow("a", "merged", "merged", 2)], WIDE, {"people": 7}
    )
    assert picture is not None
    assert [(node.name, node.says) for node in picture.nodes] == [("a", 11), ("people", 7), ("merged", 2)]
    assert picture.nodes[1].title == "people: 7 rows, from 9 source rows"


@pytest.mark.parametrize("shape", [WIDE, NARROW])
def test_the_flow_picture_is_to_scale_and_within_its_frame(shape: object) -> None:
    flows = [Flow(f"t{n}", f"to{n % 7}", "migrated", 10 * (n + 1)) for n in range(20)]
    flows += [Flow(f"t{n}", "rejected", "rejected", n) for n in range(20)]
    picture = draw(flows, shape)  # type: ignore[arg-type]
    assert picture is not None
    left = [node for node in picture.nodes if node.left]
    right = [node for node in picture.nodes if not node.left]
    assert sum(node.rows for node in left) == sum(node.rows for node in right) == sum(f.rows for f in flows)
    scales = [node.height / node.rows for node in picture.nodes if node.height > 2]
    assert max(scales) == pytest.approx(min(scales), rel=0.05)
    assert all(node.y >= 0 and node.y + node.height <= picture.height for node in picture.nodes)
    for one, next_one in itertools.pairwise(left):
        assert one.y + one.height < next_one.y


def test_more_tables_than_can_be_drawn_are_drawn_as_one() -> None:
    flows = [Flow(f"t{n}", "kept", "migrated", n + 1) for n in range(MOST + 30)]
    picture = draw(flows, WIDE)
    assert picture is not None
    left = [node for node in picture.nodes if node.left]
    assert len(left) == MOST + 1
    assert sum(node.rows for node in left) == sum(flow.rows for flow in flows)
    assert left[-1].name == "30 smaller tables"


def test_without_rows_nothing_is_drawn() -> None:
    assert draw([Flow("a", "b", "migrated", 0)], WIDE) is None


def test_the_verdict_counts_the_values_that_did_not_arrive() -> None:
    state = State(format=1, run_id="r", code="0", created="", binding={}, id_secret="", outcome="published")
    changed = [{"rows": 2, "lost": True}, {"rows": 5, "lost": False}, {"rows": 1, "lost": True}]
    lines = judge(state, {"filled": {"t": 7}, "contents": {}, "changed": changed}, {}, dry=False).lines
    assert lines == ("7 rows in 1 table.", "NOT migrated: 3 values that did not fit the column.")


def test_what_is_lost_comes_before_what_is_to_be_decided() -> None:
    lines = [
        ColumnLine("nick", None, "not used", True, 40),
        ColumnLine("old", None, "not used", True, 0),
        ColumnLine("name", None, "people.name", False, 50),
    ]
    rejected = Reason("people", "rejected", "invalid_email", 2, ())
    shown = {
        "entities": (Entity(("people",), (), (rejected,)),),
        "changed": (Changed("people", "at", "dangling_left_out", 3, True), Changed("p", "b", "c", 9, False)),
        "left_out": (("logs", "not needed", 70), ("empty", "not needed", 0)),
        "columns": {"people": tuple(lines), "logs": (ColumnLine("a", None, "not needed", True, 70),)},
    }
    checks = {"checks": [{"name": "sums", "passed": False, "total": 1}]}
    found = of_run(shown, checks, (), proven=False, ledger="journal")
    assert [(one.severity, one.rows, one.table, one.column) for one in found] == [
        ("loss", 3, "people", "at"), ("loss", 2, "people", ""), ("loss", 1, "", ""), ("loss", 0, "", ""),
        ("decision", 70, "logs", ""), ("decision", 40, "people", "nick"),
    ]  # fmt: skip
    assert "journal.warning" in found[0].todo


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "cache_from_source", lambda _: str(tmp_path / "page.pyc"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    shown = render(document("a"))
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name.partition(".")[2] for name in kept} == {"template"}
    assert render(document("a")) == shown
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    assert render(document("a")) == shown
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_a_page_needs_no_folder_for_compiled_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "cache_from_source", lambda _: str(tmp_path / "missing" / "page.pyc"))
    assert "<html" in render(document("a"))
    assert not (tmp_path / "missing").exists()
