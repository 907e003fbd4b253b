"""User names: the set-based rounds give exactly what serving people one by one gives."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mappers.base import Query
from mappers.studio.crosswalk.usernames import assign_free_usernames
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import legacy_file

NAMES = Query(
    sql="SELECT w.person, coalesce(u.name, w.base) AS name FROM x.wanted AS w"
    " LEFT JOIN x.username AS u USING (person) WHERE w.person > ?1 ORDER BY w.person LIMIT ?2",
    key="person",
    columns={"person": "integer", "name": "text"},
    count="SELECT count(*) FROM x.wanted",
)


def settled(wanted: list[str]) -> list[str]:
    with TemporaryDirectory() as folder:
        snapshot = legacy_file(Path(folder) / "snapshot.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
        with Workspace(snapshot, Path(folder) / "crosswalk.db") as workspace:
            people = range(1, len(wanted) + 1)
            workspace.write("wanted", pl.DataFrame({"person": people, "place": people, "base": wanted}))
            assign_free_usernames(workspace)
            return pl.concat(list(workspace.read(NAMES)))["name"].to_list()


def greedy(wanted: list[str]) -> list[str]:
    """Serve the owners of distinct names first, then all others in order."""
    held, given_names = set(wanted), list(wanted)
    owned: set[str] = set()
    for place, base in enumerate(wanted):
        if base not in owned:
            owned.add(base)
            continue
        number = 1
        while f"{base}{number}" in held:
            number += 1
        given_names[place] = f"{base}{number}"
        held.add(given_names[place])
    return given_names


BASES = st.sampled_from(
    ["ann", "ann1", "ann11", "ann2", "ann01", "ann10", "bob", "user_1", "user_", "user_11"]
)


@settings(max_examples=30, deadline=None)
@given(st.lists(BASES, min_size=1, max_size=40))
@example(["ann", "ann1"] * 15)
@example(["ann1"] * 3 + ["ann"] * 14 + ["ann1"] * 3)
@example(["ann"] * 12 + ["ann11"])
def test_names_are_given_as_if_people_came_one_by_one(wanted: list[str]) -> None:
    found = settled(wanted)
    assert found == greedy(wanted)
    assert len(set(found)) == len(wanted)


def test_a_suffix_is_appended_to_a_name_of_full_length() -> None:
    assert settled(["a" * 30, "a" * 30]) == ["a" * 30, "a" * 30 + "1"]
