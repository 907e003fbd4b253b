"""Moments and coordinates against a plain reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import cleaning
from mappers.cleaning.dates import month


def naive(*parts: int) -> datetime:
    """A moment as the target's columns hold it: UTC, without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def moments(cells: list[str | None]) -> list[datetime | None]:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(cleaning.timestamp(pl.col("cell")).alias("at"))["at"].to_list()


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2014-08-06 16:44:27", naive(2014, 8, 6, 16, 44, 27)),
        ("2014-08-06T16:44:27Z", naive(2014, 8, 6, 16, 44, 27)),
        ("2014-08-06T16:44:27.123456+02:00", naive(2014, 8, 6, 14, 44, 27, 123000)),
        ("2014-08-06 16:44:27 -0530", naive(2014, 8, 6, 22, 14, 27)),
        ("2014-08-06T16:44", naive(2014, 8, 6, 16, 44)),
        ("2014-08-06", naive(2014, 8, 6)),
        ("2014-08-06 16:44:27.9996", naive(2014, 8, 6, 16, 44, 28)),
        ("2014-08-06 16:44:27.0005", naive(2014, 8, 6, 16, 44, 27, 1000)),
        (" 2014-08-06 ", naive(2014, 8, 6)),
        ("1407343467", naive(2014, 8, 6, 16, 44, 27)),
        ("1407343467.25", naive(2014, 8, 6, 16, 44, 27, 250000)),
        ("1407343467123", naive(2014, 8, 6, 16, 44, 27, 123000)),
        ("0000-00-00 00:00:00", None),
        ("2021-02-29 00:00:00", None),
        ("2021-13-01", None),
        ("2021-01-01 24:00:00", None),
        ("2021-01-01 00:00:61", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("2020", None),
        ("0", None),
        ("", None),
        (None, None),
    ],
)
def test_every_form_of_a_moment(cell: str | None, at: datetime | None) -> None:
    assert moments([cell]) == [at]
    assert moments(["2000-01-01 00:00:00", cell]) == [naive(2000, 1, 1), at]


WHEN = st.datetimes(naive(1990, 1, 1), naive(2100, 1, 1))


@given(st.lists(WHEN, min_size=1, max_size=8), st.integers(-840, 840))
def test_a_moment_is_the_same_in_every_form(times: list[datetime], offset: int) -> None:
    rounded = [_to_milliseconds(at) for at in times]
    sign, minutes = "-" if offset < 0 else "+", abs(offset)
    zone = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    local = [at + timedelta(minutes=offset) for at in times]
    assert moments([at.isoformat(" ") for at in times]) == rounded
    assert moments([at.isoformat() + "Z" for at in times]) == rounded
    assert moments([at.isoformat() + zone for at in local]) == rounded
    whole = [at.replace(microsecond=at.microsecond // 1000 * 1000) for at in times]
    millis = [str(round(at.replace(tzinfo=UTC).timestamp() * 1000)) for at in whole]
    assert moments(millis) == whole


def _to_milliseconds(at: datetime) -> datetime:
    part = timedelta(microseconds=(at.microsecond + 500) // 1000 * 1000)
    return at.replace(microsecond=0) + part


def test_a_month_is_its_first_day() -> None:
    cells = ["Jul 2020", "July 2020", "sep  1999", "2020", "Foo 2020", None]
    frame = pl.DataFrame({"cell": cells})
    found = frame.select(month(pl.col("cell")).alias("at"))["at"].to_list()
    assert found == [naive(2020, 7, 1), naive(2020, 7, 1), naive(1999, 9, 1), None, None, None]


def numbers(cells: list[str | None], limit: int) -> list[Decimal | None]:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(cleaning.coordinate(pl.col("cell"), limit).alias("n"))["n"].to_list()


DECIMALS = st.decimals(-200, 200, allow_nan=False, allow_infinity=False, places=None).map(lambda d: f"{d:f}")
TIES = st.builds(
    "{}{}.{:08}5{}".format,
    st.sampled_from(["", "-"]),
    st.integers(0, 95),
    st.integers(0, 10**8 - 1),
    st.sampled_from(["", "0", "001"]),
)


@given(st.lists(st.one_of(DECIMALS, TIES), max_size=8), st.sampled_from([90, 180]))
def test_coordinates_are_rounded_half_to_even(cells: list[str], limit: int) -> None:
    def plain(cell: str) -> Decimal | None:
        whole, _, _ = cell.lstrip("-").partition(".")
        if len(whole) > 3 or abs(Decimal(cell)) > limit:
            return None
        return Decimal(cell).quantize(Decimal(1).scaleb(-8), ROUND_HALF_EVEN)

    assert numbers(list(cells), limit) == [plain(cell) for cell in cells]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1e-05", Decimal("0.00001")),
        ("-1.549e-05", Decimal("-0.00001549")),
        ("90", Decimal(90)),
        ("90.000000001", None),
        ("91.5", None),
        ("51,5", None),
        ("north", None),
        ("", None),
        (None, None),
    ],
)
def test_odd_numbers(cell: str | None, number: Decimal | None) -> None:
    assert numbers([cell], 90) == [number]


@pytest.mark.parametrize(
    ("latitude", "longitude", "there"),
    [("51.5", "-0.1", True), ("0", "0", False), ("0", "5", True), ("51.5", None, False), ("91", "5", False)],
)
def test_a_place_has_both_coordinates_or_neither(latitude: str, longitude: str | None, there: bool) -> None:
    series = (pl.Series([text], dtype=pl.String) for text in (latitude, longitude))
    found = [part.to_list() for part in cleaning.place(*series)]
    assert [part != [None] for part in found] == [there, there]
