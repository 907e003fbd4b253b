"""A mapping and a DDL that version 0.1.0 drafted are run by this one, not a letter changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated

OLD = Path(__file__).parent / "version_0_1"


@pytest.fixture(scope="module")
def done(migrated: MakeCase) -> Migrated:
    source, mapping, ddl = ((OLD / name).read_text() for name in ("source.sql", "mapping.toml", "init.sql"))
    found = migrated(script=source, mapping=mapping.replace("version = 1\n", ""), ddl=ddl)
    assert found.run.code == 0, found.run.err
    return found


def test_the_rows_are_those_of_then(done: Migrated) -> None:
    assert done.rows("users", "email", "is_admin", "balance") == [
        ("ann@example.org", True, 12.5), ("bob@example.org", False, None)
    ]  # fmt: skip
    followed = done.query(
        "SELECT c.body, p.title, u.email, l.email FROM comments c LEFT JOIN posts p ON p.id = c.subject_id"
        " LEFT JOIN users u ON u.id = c.subject_id LEFT JOIN users l ON l.id = c.liked_by ORDER BY c.body"
    )
    assert followed == [
        ("hello", None, "bob@example.org", "bob@example.org"),
        ("nice", "First", None, None),
        (None, "Second", None, None),
    ]
    assert done.query("SELECT count(*) FROM post_tags JOIN posts ON posts.id = post_id") == [(3,)]


def test_all_checks_hold(done: Migrated) -> None:
    assert done.verify().code == 0
