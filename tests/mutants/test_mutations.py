"""Each change is made in its place and nowhere else, and the runner distinguishes noticed mutants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import __main__ as runner
from tests.mutants.mutations import mutants
from tests.mutants.selection import selection

SOURCE = '''
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import os
LIMIT: int | None = 7

def f(a: int, b: bool = True) -> int | None:
    """Say nothing: é."""
    if a == 1 and b:
        print("é", a)
    elif a in (2, 3):
        raise ValueError("no")
    return a if a < LIMIT else None
'''


def test_every_place_that_runs_is_changed_once() -> None:
    found = [(mutant.line, mutant.change) for mutant in mutants(SOURCE)]
    assert found == [
        (5, "8"), (7, "False"), (9, "negated"), (9, "joined by or"), (9, "compared by !="), (9, "2"),
        (10, "left out"), (11, "negated"), (11, "compared by not in"), (11, "3"), (11, "4"), (12, "left out"),
        (13, "negated"), (13, "compared by <="),
    ]  # fmt: skip


def test_what_a_class_promises_to_its_readers_alone_is_left_alone() -> None:
    assert list(mutants("@dataclass(frozen=True)\nclass A:\n    a: int\n")) == []


def test_a_mutant_differs_in_one_line_and_compiles() -> None:
    before = SOURCE.splitlines()
    for mutant in mutants(SOURCE):
        compile(mutant.text, "mutant", "exec")
        after = mutant.text.splitlines()
        assert mutant.text != SOURCE
        if len(after) == len(before):
            differing = [n for n, (one, two) in enumerate(zip(before, after, strict=True), 1) if one != two]
            assert differing == [mutant.line]


@pytest.mark.slow
def test_the_runner_names_the_mutant_that_no_test_notices(tmp_path: Path) -> None:
    (tmp_path / "signs.py").write_text("def sign(n):\n    return 1 if n > 0 else 0\n")
    (tmp_path / "test_signs.py").write_text(
        "from signs import sign\n\ndef test_it():\n    assert (sign(5), sign(-5)) == (1, 0)\n"
    )
    every = list(mutants((tmp_path / "signs.py").read_text()))
    (tmp_path / "scratch").mkdir()
    ran = selection(tmp_path, "signs.py", ["test_signs.py"], tmp_path / "scratch")
    assert ran is not None
    assert ran.tests(2, 2) == ["test_signs.py::test_it"]
    left = runner.survivors(tmp_path, "signs.py", every, ran)
    assert left is not None
    # At 0 no row was checked: `>=` in the place of `>`, and 1 in the place of 0 to compare with.
    assert [mutant.change for mutant in left] == ["compared by >=", "1"]


def test_every_file_and_its_tests_are_there() -> None:
    for file, tests in runner.HELD_BY.items():
        assert all((runner.ROOT / path).exists() for path in (file, *tests)), file
    assert set(runner.explained()) <= set(runner.HELD_BY)
