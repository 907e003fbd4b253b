"""The mapper stage trusts what a mapper says of itself no further than it must."""

from __future__ import annotations

import polars as pl
import pytest

from mappers.base import Ids, MappedBatch, Query
from migrate.pipeline.stages.load import require_declared
from migrate.runtime.errors import StateMismatch


class Letters:
    """A mapper that names one table."""

    name = "letters"
    writes: tuple[str, ...] = ("letter",)
    reads = Query(sql="SELECT 1 AS id", key="id", columns={"id": "integer"}, count="SELECT 1")

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:  # noqa: ARG002
        """Give rows of another one, too."""
        return MappedBatch({"letter": rows, "stamp": rows})


def test_rows_of_a_table_that_a_mapper_does_not_name_are_refused() -> None:
    mapper, rows = Letters(), pl.DataFrame({"id": [1]})
    require_declared(mapper, MappedBatch({"letter": rows}))
    with pytest.raises(StateMismatch, match="letters returns rows of stamp"):
        require_declared(mapper, mapper.map(rows, None))  # type: ignore[arg-type]
