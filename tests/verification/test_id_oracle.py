"""The code that derives some ids again agrees with the mappers' for every key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.pipeline.ids import BASE36, HEX, Ids, Rule
from tests.verification.planted import MESSAGE
from tests.verification.world import World, new
from verification.id_oracle import derived_id


@given(st.text(min_size=1), st.text(min_size=1), st.text(), st.text(max_size=2))
@pytest.mark.parametrize("rule", [HEX, BASE36])
def test_both_derive_the_same_id(rule: Rule, secret: str, entity: str, key: str, tenant: str) -> None:
    ids = Ids(secret, tenant=tenant, shared={"plans"}, rule=rule)
    for one in (entity, "plans"):
        assert derived_id(ids.rule, one, key) == ids.derive(one, key)
    assert derived_id(ids.rule, "", key) == key


def test_a_row_under_another_id_is_named(world: World) -> None:
    assert world.check("ids_derived").passed
    world.plant("UPDATE staging.messages SET id = %s WHERE id = %s", new("messages", 8), MESSAGE)
    (finding,) = world.check("ids_derived").findings
    assert (finding.table, finding.key, finding.column) == ("shows_messages", "1", "id")


def test_of_many_rows_a_part_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.check("ids_derived").looked_at
    monkeypatch.setattr("verification.id_oracle.SAMPLE", 2)
    part = world.check("ids_derived")
    assert part.passed
    assert 0 < part.looked_at < whole
