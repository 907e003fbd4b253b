from __future__ import annotations

import cuid2
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.pipeline.ids import BASE36, HEX, Ids, Rule, is_id, make_secret


@given(st.lists(st.one_of(st.integers(), st.text()), min_size=1), st.text(min_size=1))
@pytest.mark.parametrize("rule", [HEX, BASE36])
def test_the_column_and_the_single_derivation_agree(rule: Rule, keys: list[int | str], secret: str) -> None:
    ids = Ids(secret, rule=rule)
    frame = pl.DataFrame({"key": [str(key) for key in keys]})
    assert frame.select(ids.expr("users", pl.col("key")))["id"].to_list() == [
        ids.derive("users", key) for key in keys
    ]


@pytest.mark.parametrize(
    ("rule", "entity", "key", "known"),
    [
        (BASE36, "users", 42, "cb3c3fwps47oqp9a7vdkn1mvd"),
        (BASE36, "messages", 1_000_000, "crxd62mfp6xo0tj4dpe1t3fp6"),
        (BASE36, "user_metadata", "users:7:last_login", "cydv6x9i30fjva9baiil48fv7"),
        (HEX, "users", 42, "c7b24e72c44145a372fcb3e5b"),
        (HEX, "user_metadata", "users:7:last_login", "c0ca03c1f61db5b2df6b037c2"),
    ],
)
def test_ids_that_were_given_out_stay(rule: Rule, entity: str, key: int | str, known: str) -> None:
    ids = Ids("secret", rule=rule)
    assert ids.derive(entity, key) == known
    column = pl.DataFrame({"key": [str(key)]}).select(ids.expr(entity, pl.col("key")))
    assert column["id"].to_list() == [known]


@pytest.mark.parametrize("rule", [HEX, BASE36])
def test_an_id_has_the_shape_of_a_cuid(rule: Rule) -> None:
    frame = pl.DataFrame({"key": range(1000)}).select(id=Ids("s", rule=rule).expr("users", pl.col("key")))
    assert frame["id"].str.contains(r"^c[0-9a-z]{24}$").all()
    assert all(is_id(value) and cuid2.is_cuid(value) for value in frame["id"])
    assert frame["id"].n_unique() == 1000


def test_a_null_key_has_no_id() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    made = frame.select(id=Ids("s").expr("pairs", pl.col("a"), pl.col("b")))["id"].to_list()
    assert made == [Ids("s").derive("pairs", "1:x"), None]


def test_entity_and_secret_part_the_ids() -> None:
    made = {Ids("a").derive("users", 1), Ids("b").derive("users", 1), Ids("a").derive("studios", 1)}
    assert len(made) == 3


@given(st.text(min_size=1), st.text(min_size=1), st.integers())
def test_a_tenant_has_ids_of_its_own_but_of_what_all_share(tenant: str, entity: str, key: int) -> None:
    ids = Ids("s", tenant=tenant, shared={"plans"})
    assert ids.derive("plans", key) == Ids("s").derive("plans", key)
    frame = pl.DataFrame({"key": [key]}).select(ids.expr(entity, pl.col("key")))
    assert frame["id"].to_list() == [ids.derive(entity, key)]
    if entity != "plans":
        assert ids.derive(entity, key) != Ids("s").derive(entity, key)
    assert Ids("s", tenant="").derive(entity, key) == Ids("s").derive(entity, key)


def test_the_secret_is_never_empty_and_never_shown() -> None:
    with pytest.raises(ValueError, match="empty"):
        Ids("")
    secret = make_secret()
    assert len(secret) >= 40
    assert secret not in repr(Ids(secret))
