"""One row is called a row, on every command's way and in the files that it writes."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from migrate.runtime.amount import amount
from tests.tools.commands import migrate

#: A number one before the plural of a thing; `1 row` and `of 1,000 rows` are right.
_WRONG = re.compile(
    r"(?<![\d,.:/-])1 (?:[a-z]+ )?"
    r"(?:rows|tables|columns|checks|values|findings|tries|times|constraints|batches)\b"
)


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (1200, ("row",), "1,200 rows"),
        (1, ("try", "tries"), "1 try"),
        (2, ("table is", "tables are"), "2 tables are"),
    ],
)
def test_a_number_agrees_with_its_noun(number: int, words: tuple[str, ...], said: str) -> None:
    assert amount(number, *words) == said


def test_one_row_in_one_table_is_one_row(tmp_path: Path, database: str) -> None:
    with sqlite3.connect(tmp_path / "legacy.db") as source:
        source.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, n INTEGER CHECK (n > 0));"
            "INSERT INTO t VALUES (1, 'soon', 1); CREATE TABLE alembic_version (v TEXT);"
            "INSERT INTO alembic_version VALUES ('1');"
        )
    settings = {"DATABASE_URL": database}
    config = "--config m/config.toml"
    walk = (
        "inspect legacy.db", "init --source legacy.db --out m --target env:DATABASE_URL", f"plan {config}",
        f"verify {config}", f"run --yes {config} -v", f"status {config}", f"report {config}",
        f"verify --published {config}", "rollback --yes", "rollback --yes --undo",
    )  # fmt: skip
    for words in walk:
        done = migrate(*words.split(), cwd=tmp_path, code=None, **settings)
        assert done.code == 0, f"{words}: {done.out}{done.err}"
        assert [line for line in (done.out + done.err).splitlines() if _WRONG.search(line)] == [], words
    for page in (tmp_path / "work" / "report.html", tmp_path / "m" / "mapping.toml"):
        assert _WRONG.findall(re.sub(r"<[^>]*>", " ", page.read_text())) == [], page.name
