"""Keys of every kind hold as PostgreSQL would hold them."""

from __future__ import annotations

import dataclasses

from migrate.postgres.catalog import ForeignKey, Key
from tests.verification.world import ANA, BOSS, GUS, TABLES, World


def test_nulls_are_no_duplicates(world: World) -> None:
    world.plant("UPDATE staging.users SET nickname = NULL WHERE id = %s", ANA)
    world.plant("UPDATE staging.users SET nickname = NULL WHERE id = %s", GUS)
    assert world.check("uniqueness").passed


def test_nulls_are_duplicates_where_the_index_says_so(world: World) -> None:
    _with_key(world, Key("one_null", ("nickname",), nulls_distinct=False))
    world.plant("UPDATE staging.users SET nickname = NULL WHERE id = %s", ANA)
    assert [finding.what[:8] for finding in world.check("uniqueness").findings] == ["one_null"]


def test_unique_indexes_over_expressions_and_parts_are_held(world: World) -> None:
    key = Key("lower_email", (), expressions=("lower(email)",), predicate="role <> 'ADMIN'")
    _with_key(world, key)
    world.plant("UPDATE staging.users SET email = 'ANA@example.com' WHERE id = %s", BOSS)
    assert world.check("uniqueness").passed
    world.plant("UPDATE staging.users SET email = 'Ana@example.com' WHERE id = %s", GUS)
    assert "lower_email" in world.check("uniqueness").findings[0].what


def _with_key(world: World, key: Key) -> None:
    tables = {table.name: table for table in TABLES}
    tables["users"] = dataclasses.replace(tables["users"], keys=(*tables["users"].keys, key))
    world.changes["tables"] = tables


def test_a_composite_foreign_key_holds_as_a_whole(world: World) -> None:
    key = ForeignKey("pair", "live", "user_profiles", ("user_id", "id"), "live", "users", ("id", "email"))
    world.changes["foreign_keys"] = (key,)
    assert world.check("dangling_keys").total == 2
    world.target.execute("UPDATE staging.user_profiles SET id = NULL")
    assert world.check("dangling_keys").passed


def test_a_key_into_a_table_that_stays_is_looked_up_there(world: World) -> None:
    world.changes["foreign_keys"] = (
        ForeignKey("plan", "live", "users", ("nickname",), "live", "plans", ("id",)),
    )
    assert {finding.key for finding in world.check("dangling_keys").findings} == {ANA, GUS}
    world.target.execute("INSERT INTO live.plans VALUES ('ana'), ('')")
    assert world.check("dangling_keys").passed
    world.changes["emptied"] = frozenset({"plans"})
    assert {finding.key for finding in world.check("dangling_keys").findings} == {ANA, GUS}
