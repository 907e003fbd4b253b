"""People by their legacy ids: near each other or far apart, few or many, they are found the same."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.packed_ids import pack, unpack
from mappers.studio import people_lookup
from mappers.studio.people_lookup import Directory
from migrate.pipeline.ids import Ids

_IDS = Ids("a secret for the tests only")
_BIG = st.integers(-(2**63), 2**63 - 1)
_SMALL = st.integers(-3, 40)


def _people(legacy_ids: list[int]) -> pl.DataFrame:
    known = pl.Series("legacy_id", sorted(legacy_ids), dtype=pl.Int64)
    return pl.DataFrame(
        {
            "legacy_id": known,
            "id": known.to_frame().select(_IDS.expr("users", pl.col("legacy_id")))["id"],
            "created_at": pl.Series([datetime(2020, 1, 1)] * len(known), dtype=pl.Datetime("ms")),  # noqa: DTZ001
        }
    )


@pytest.mark.parametrize("as_text", [0, 100])
@given(
    known=st.one_of(st.sets(_SMALL, max_size=30), st.sets(_BIG, max_size=30)),
    asked=st.lists(st.one_of(st.none(), _SMALL, _BIG), max_size=30),
)
def test_only_known_people_are_found(as_text: int, known: set[int], asked: list[int | None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_lookup, "_AS_TEXT", as_text)
        people = Directory(_people(list(known)))
        asked += list(known)
        places = people.places(pl.Series(asked, dtype=pl.Int64))
        found = people.ids(places).to_list()
    assert found == [_IDS.derive("users", one) if one is not None and one in known else None for one in asked]
    assert people.created(places).is_null().to_list() == [one not in known for one in asked]


@given(st.lists(st.from_regex("c[0-9a-z]{24}", fullmatch=True), max_size=20))
def test_a_packed_id_is_unpacked_the_same(ids: list[str]) -> None:
    packed = pack(pl.Series(ids, dtype=pl.String))
    assert packed is not None
    assert unpack(packed).to_list() == ids


@pytest.mark.parametrize(
    "odd", ["", "c" * 24, "c" * 26, "d" + "0" * 24, "c" + "A" * 24, None, "c" + "-" * 24]
)
def test_what_is_no_derived_id_is_not_packed(odd: str | None) -> None:
    assert pack(pl.Series([_IDS.derive("users", 1), odd], dtype=pl.String)) is None
