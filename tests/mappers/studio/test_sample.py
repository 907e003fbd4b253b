"""The built-in sample, whole: keys, uniqueness, fates, and the same content whatever the batches."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl
import pytest

from mappers.settings import MapperSettings
from mappers.studio.studio_mapping import StudioMapping
from migrate.snapshot.workspace import Workspace
from migrate.source.sample.write import write_sample
from tests.mappers.studio.runner import Outcome, run

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("mapped sample")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "snapshot.db"
    write_sample(path)
    return path


@pytest.fixture(scope="module")
def outcome(snapshot: Path) -> Outcome:
    return run(snapshot)


UNIQUE = [
    ("users", ["email"]),
    ("users", ["username"]),
    ("user_profiles", ["user_id"]),
    ("user_metadata", ["user_id", "key"]),
    ("studios", ["owner_id"]),
    ("studio_services", ["studio_id", "service"]),
    ("studio_images", ["studio_id", "sort_order"]),
    ("user_connections", ["user_id", "connected_user_id"]),
    ("review_responses", ["review_id"]),
]


@pytest.mark.parametrize(("table", "columns"), UNIQUE)
def test_nothing_unique_repeats(outcome: Outcome, table: str, columns: list[str]) -> None:
    frame = outcome.tables[table]
    assert frame.height and not frame.select(columns).is_duplicated().any()
    assert frame["id"].n_unique() == frame.height


def test_every_profile_has_a_category_and_every_studio_person_a_studio(outcome: Outcome) -> None:
    categories = outcome.tables["user_metadata"].filter(key="profile_category")
    assert set(categories["user_id"]) == set(outcome.tables["user_profiles"]["user_id"])
    studios = categories.filter(value="STUDIO")
    assert set(studios["user_id"]) == set(outcome.tables["studios"]["owner_id"])


def test_every_row_has_exactly_one_end(snapshot: Path, outcome: Outcome) -> None:
    with Workspace(snapshot, snapshot.with_name("crosswalk-1000.db")) as workspace:
        mapping = StudioMapping(MapperSettings(), workspace.tables())
    connection = sqlite3.connect(f"file:{snapshot}?mode=ro", uri=True)
    connection.execute("ATTACH ? AS x", (str(snapshot.with_name("crosswalk-1000.db")),))
    for source in {account.source for account in mapping.accounts}:
        fates = outcome.fates.filter(source_table=source)["source_id"].to_list()
        assert len(fates) == len(set(fates)), source
        proven, listed = set(), set()
        for account in (a for a in mapping.accounts if a.source == source):
            there = set(outcome.tables[account.target][account.column])
            for source_id, entity, key in connection.execute(account.sql):
                listed.add(source_id)
                if key is not None and outcome.ids.derive(entity, key) in there:
                    proven.add(source_id)
        assert listed == proven | set(fates), source
    connection.close()


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_batches_leave_no_trace(tmp_path: Path, size: int) -> None:
    write_sample(tmp_path / "snapshot.db", scale=0.05)
    outcome = run(tmp_path / "snapshot.db")
    other = run(tmp_path / "snapshot.db", batch_keys=size)
    for table, frame in outcome.tables.items():
        assert frame.equals(other.tables[table]), table
    for name in ("fates", "warnings", "id_map"):
        assert getattr(outcome, name).equals(getattr(other, name)), name


def test_another_secret_gives_other_ids_and_the_same_rows(snapshot: Path, outcome: Outcome) -> None:
    other = run(snapshot, secret="another")
    users, others = outcome.tables["users"], other.tables["users"]
    assert not set(users["id"]) & set(others["id"])
    assert users.drop("id").sort("email").equals(others.drop("id").sort("email"))


def test_text_is_clean(outcome: Outcome) -> None:
    for table, frame in outcome.tables.items():
        for column, kind in frame.schema.items():
            if kind == pl.String and table != "user_metadata":
                values = frame[column].drop_nulls()
                assert not values.str.contains("\x00", literal=True).any(), (table, column)
                assert (values == values.str.strip_chars()).all() and (values != "").all(), (table, column)
