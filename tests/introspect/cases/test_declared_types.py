"""Declared types decide, values confirm: what columns become, and that no value is lost unseen."""

from __future__ import annotations

from tests.introspect.cases.conftest import MakeCase


def test_a_case_goes_all_the_way(migrated: MakeCase) -> None:
    done = migrated("types/g1_boolean_t_f.sql")
    assert (done.init.code, done.run.code) == (0, 0)
    assert len(done.rows("post", "id")) == 3
