"""The mappers give the same as the mapping document read row by row, on thousands of small databases."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from migrate.pipeline.ids import Ids
from tests.mappers.studio.reference import reference
from tests.mappers.studio.runner import EXAMPLE, SCHEMA, legacy_file, run
from tests.mappers.studio.strategies import HOUSEHOLDS, Household, write

#: Small databases that are mapped at once, side by side in one file: each has ids and addresses of its own.
AT_ONCE = 100
QUICK, MANY = 100, 3000


def small_databases(kind: str, number: int, *, same: bool = False) -> Iterator[list[Household]]:
    """Yield lists of small databases, `number` together, as hypothesis draws them; `same`: as last time."""
    found: list[Household] = []

    @settings(
        max_examples=number, deadline=None, database=None, derandomize=same, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(HOUSEHOLDS[kind])
    def draw(household: Household) -> None:
        found.append(household)

    draw()
    assert len(found) >= number * 0.9
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def differences(path: Path) -> list[str]:
    """Map the file both ways and return what differs, table by table."""
    outcome = run(path)
    book = reference(path, Ids("secret"))
    found = []
    for table in sorted({*outcome.tables, *book.tables}):
        given = {row["id"]: _plain(row) for row in outcome.rows(table)}
        wanted = {row["id"]: _plain(row) for row in book.tables[table]}
        for key in sorted(given.keys() | wanted.keys()):
            one, other = given.get(key), wanted.get(key)
            if one is None or other is None:
                found.append(f"{table} {key}: mappers {one}, reference {other}")
            elif one != other:
                cells = {c: (one.get(c), other.get(c)) for c in one.keys() | other.keys()}
                odd = {c: pair for c, pair in cells.items() if pair[0] != pair[1]}
                found.append(f"{table} {one}: (mappers, reference) {odd}")
    fates = outcome.fate_set()
    found += [f"fate of the mappers alone: {fate}" for fate in sorted(fates - book.fates)]
    found += [f"fate of the reference alone: {fate}" for fate in sorted(book.fates - fates)]
    return found


def differing(households: list[Household]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        return differences(write(Path(folder) / "legacy.db", households))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in row.items()}


def compare(households: list[Household]) -> None:
    """Compare both on all of them at once; if they differ, name the first that differs by itself."""
    odd = differing(households)
    if not odd:
        return
    for household in households:
        if alone := differing([household]):
            pytest.fail("\n".join([*alone[:5], *household.lines()]))
    pytest.fail("\n".join(["only together:", *odd[:10]]))


def test_the_reference_gives_the_worked_example(tmp_path: Path) -> None:
    assert differences(legacy_file(tmp_path / "example.db", SCHEMA, EXAMPLE)) == []


def test_a_date_that_is_none_hides_no_earlier_one(tmp_path: Path) -> None:
    """An account expires after the newest date of the snapshot, not after the newest text."""
    dates = (
        "2019-01-01 00:00:00", "2021-01-01 00:00:00", "2021-13-01 00:00:00", "2021-01-01 99:00:00",
    )  # fmt: skip
    statements = ["INSERT INTO shows_usermeta VALUES (1, 1, 'loc1', '1 High St');"]
    for n, joined in enumerate(dates, 1):
        statements.append(
            "INSERT INTO shows_users (id, username, email, password, joined, status, role_id, expiry_date)"
            f" VALUES ({n}, 'u{n}', 'u{n}@x.example', '', '{joined}', 1, 2, '2020-06-01');"
        )
    path = legacy_file(tmp_path / "dates.db", SCHEMA, *statements)
    assert differences(path) == []
    assert [studio["is_premium"] for studio in run(path).rows("studios")] == [False]


@pytest.mark.parametrize("kind", HOUSEHOLDS)
def test_a_mapper_gives_what_the_document_says(kind: str) -> None:
    for households in small_databases(kind, QUICK, same=True):
        compare(households)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", HOUSEHOLDS)
def test_a_mapper_gives_what_the_document_says_thousands_of_times(kind: str) -> None:
    for households in small_databases(kind, MANY):
        compare(households)


def test_the_slow_tests_look_at_twenty_thousand() -> None:
    assert len(HOUSEHOLDS) * MANY >= 20_000
