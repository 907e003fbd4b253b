"""The lines of mistakes in a TOML file."""

from __future__ import annotations

from migrate.runtime.toml_lines import with_lines

TEXT = """\
version = 1
# [tables.users]
[tables.users]
target = "users"

[tables.users.columns]
id = { to = "id" }
"first name" = { to = "x" }
first.to = "y"
[tables."a.b"]
"""


def test_a_mistake_has_the_line_of_its_key_or_of_the_table_that_lacks_it() -> None:
    mistakes = [
        "tables.users.target: no such table",
        "tables.users.columns.id.sql: it fails",
        "tables.users.columns.first name: no",
        "tables.users.columns.gone is missing",
        "tables.users.columns.first.to: no",
        "tables.a.b: no",
        "something else",
    ]
    found = [one.split(": ", 1)[0] for one in with_lines("mapping.toml", TEXT, mistakes)]
    lines = [4, 7, 8, 6, 9, 10]
    assert found == [*(f"mapping.toml:{line}" for line in lines), "something else"]
    assert with_lines("m", "no = [toml", ["the file is not valid TOML: x"]) == [
        "the file is not valid TOML: x"
    ]
