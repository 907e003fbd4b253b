"""The register of codes: nothing outside of it, nothing in it unused, and docs that agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers.reasons import CODES, Reason, describe, explain, left_out, page, replaced
from tests.mappers.studio.runner import EXAMPLE, SCHEMA, legacy_file, run
from verification import cell_counts

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("mappers", "migrate", "verification")
    for path in (ROOT / package).rglob("*.py")
    if path.name != "reasons.py"
)
#: Words of SQL that are no codes: the fates, and what replies are called until their fates are known.
WORDS = {"rejected", "merged", "excluded", "no_review", "another", "later"}


def constants(path: Path) -> Iterator[str]:
    """Yield the text constants of a module, without its docstrings."""
    tree = ast.parse(path.read_text())
    notes = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in notes:
            yield node.value


def codes_written_out(text: str) -> set[str]:
    """Return the codes of several words that a constant is, or that it has as SQL constants."""
    found = {text, *re.findall(r"'([a-z0-9_]+)'", text)} & CODES.keys()
    # Of bytes that are no UTF-8 a column of a batch holds too, under the same name.
    return {code for code in found if "_" in code} - {Reason.INVALID_UTF8.value}


def test_the_page_is_written_from_the_register() -> None:
    assert (ROOT / "docs" / "reasons.md").read_text().splitlines() == list(page())


@pytest.mark.parametrize("path", [path for path in SOURCES if "verification" not in path.parts], ids=str)
def test_codes_are_written_out_in_the_register_alone(path: Path) -> None:
    assert [text for text in constants(path) if codes_written_out(text)] == []


def test_a_code_that_is_written_out_is_found() -> None:
    assert codes_written_out("unknown_user") == {"unknown_user"}
    assert codes_written_out("CASE WHEN 1 THEN 'no_image' END") == {"no_image"}
    assert codes_written_out("row_number() OVER (ORDER BY no_image)") == set()


def test_sql_sets_no_reason_outside_of_the_register() -> None:
    set_by_sql = {
        word
        for path in SOURCES
        if "mappers" in path.parts
        for text in constants(path)
        if "reason" in text
        for word in re.findall(r"(?:THEN|reason =|'rejected',) '([a-z_]+)'", text)
    }
    assert "rejected" in set_by_sql
    assert set_by_sql <= WORDS


def test_what_the_checks_know_of_codes_is_in_the_register() -> None:
    for code in (cell_counts._EMPTIED, cell_counts._WITHIN, cell_counts._FILLED):
        assert describe(code)
    assert left_out(Reason.DANGLING).endswith(cell_counts._LEFT_OUT)


def test_every_code_is_used() -> None:
    sources = "\n".join(path.read_text() for path in SOURCES)
    assert [one for one in Reason if not re.search(rf"Reason\.{one.name}\b|\${one.value}\b", sources)] == []


def test_a_migration_gives_no_code_without_a_sentence(tmp_path: Path) -> None:
    outcome = run(legacy_file(tmp_path / "s.db", SCHEMA, EXAMPLE))
    given = {*outcome.fates["reason"], *outcome.warnings["rule"]}
    assert len(given) > 10
    assert given == explain(given).keys()


def test_derived_and_unknown_codes() -> None:
    assert describe(left_out(Reason.INVALID_ENUM)) == f"{Reason.INVALID_ENUM.sentence} NULL was written."
    assert describe(replaced(Reason.INVALID_ENUM)).endswith("The default was written.")
    assert explain(["no_moment", "of a later version"]) == {}
    assert all(one.sentence.endswith(".") for one in Reason)
