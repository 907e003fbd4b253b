"""The target of each source column and each key: a column, metadata, or dropped by a rule.

It follows from what the mappers declare; listed here are only columns that no target column is made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from mappers.base import COLUMN_REPORT, Lineage, Mapper, Query, Workspace
from mappers.filled_counts import count_filled
from mappers.reasons import Reason
from mappers.settings import MapperSettings
from mappers.sqlite_sql import quoted, sql, typed
from mappers.studio.crosswalk.first_dates import dated_columns
from mappers.studio.crosswalk.profile_fields import KEPT_COLUMNS, profile_columns
from mappers.studio.declared_columns import GROUPS, KEY
from mappers.studio.legacy_tables import META, PEOPLE, Legacy
from mappers.studio.messages import DECIDING
from mappers.studio.profiles import mapped_keys

METADATA: Final = "user_metadata"
NO_TARGET: Final = f"dropped:{Reason.NO_TARGET_COLUMN}"
DROPPED_KEYS: Final = f"dropped:{Reason.DROPPED_KEYS}"
#: The category is written under this key, so a legacy value of it cannot be kept.
RESERVED: Final = f"dropped:{Reason.RESERVED_KEY}"

#: Source columns that no target column is made from, and why.
_DROPPED: Final[Mapping[str, Reason]] = {
    "people.reminder": Reason.TOKEN,
    "people.remember": Reason.TOKEN,
    "gallery.cloudinary_public_id": Reason.KEPT_IN_URL,
    "comments.upvotes": Reason.COMMENT_VOTES,
    "comments.downvotes": Reason.COMMENT_VOTES,
    "meta.id": Reason.ROW_NUMBER,
    "profile.id": Reason.ROW_NUMBER,
    **DECIDING,
}
#: Of those: columns that are read anyway, to decide about a row or to name it.
_READ: Final = ("meta.id", "profile.id", *DECIDING)
_VALUE: Final = "meta.meta_value"


class StudioLineage:
    """Returns the targets of columns and keys, from what the mappers declare."""

    def __init__(
        self, legacy: Legacy, settings: MapperSettings, left_out: Mapping[str, str], mappers: Iterable[Mapper]
    ) -> None:
        self._legacy, self._left_out = legacy, left_out
        self._dropped = frozenset(settings.profiles.dropped_keys)
        self._reserved = settings.profiles.category_key
        self._mapped = mapped_keys(settings)
        targets: dict[str, dict[str, None]] = {}
        written: set[tuple[str, str]] = set()
        for table, column, sources in _declared(mappers):
            written.add((table, column))
            for source in sources:
                targets.setdefault(source, {})[f"{table}.{column}"] = None
        self._targets = {source: ", ".join(found) for source, found in targets.items()}
        self._written = frozenset(written)

    def lineage(self) -> Lineage:
        """Return the target of every source column; keys are values, so only a report names them."""
        went_to = {
            (table, column): self._went(table, column)
            for table in self._legacy.tables
            for column in self._legacy.columns(table)
        }
        read = {(table, name) for one in _READ for table, name in self._tables_of(one)}
        # All of them are read, to find those that are kept.
        read |= {("profile", column) for column in profile_columns(self._legacy)}
        return Lineage(went_to, self._written, frozenset(read | dated_columns(self._legacy)))

    def report(self, workspace: Workspace) -> pl.DataFrame:
        """Return a frame shaped as `COLUMN_REPORT`: every source column and every meta key."""
        found = [pl.DataFrame(schema=dict(COLUMN_REPORT))]
        for table in self._legacy.tables:
            counts = count_filled(workspace, table, self._legacy.columns(table))
            for column, filled in counts.items():
                found.append(_line(table, column, None, self._went(table, column), filled))
            if table in META:
                found.extend(
                    _line(table, "meta_value", key, self._key_went(key), filled)
                    for key, filled in _keys(workspace, table).items()
                )
        return pl.concat(found)

    def _tables_of(self, source: str) -> list[tuple[str, str]]:
        group, _, name = source.partition(".")
        return [(table, name) for table in GROUPS[group] if self._legacy.has(table, name)]

    def _went(self, table: str, column: str) -> str:
        if table in self._left_out:
            return f"dropped:{self._left_out[table]}"
        if table == "profile" and column in profile_columns(self._legacy):
            return self._key_went(column)
        group = next((group for group, tables in GROUPS.items() if table in tables), "")
        source = f"{group}.{column}"
        if source == _VALUE:
            return "see each key"
        if source in _DROPPED:
            return f"dropped:{_DROPPED[source]}"
        kept = METADATA if table in PEOPLE and column in KEPT_COLUMNS else ""
        return ", ".join(filter(None, (self._targets.get(source), kept))) or NO_TARGET

    def _key_went(self, key: str) -> str:
        """Return the target of a key; a value that does not fit its column becomes metadata."""
        if key in self._dropped:
            return DROPPED_KEYS
        if key == self._reserved:
            return RESERVED
        target = self._targets.get(f"{KEY}.{key}", METADATA)
        return target if key in self._mapped or target == METADATA else f"{target}, {METADATA}"


def _declared(mappers: Iterable[Mapper]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """Yield (target table, column, sources) of what the mappers declare."""
    for mapper in mappers:
        for table, columns in getattr(mapper, "columns", {}).items():
            for column, (sources, _) in columns.items():
                yield table, column, sources


def _line(table: str, column: str, key: str | None, went: str, filled: int) -> pl.DataFrame:
    return pl.DataFrame([(table, column, key, went, filled)], schema=dict(COLUMN_REPORT), orient="row")


def _keys(workspace: Workspace, table: str) -> Mapping[str, int]:
    """Return the distinct keys of a meta table and how many of their values are not empty."""
    query = Query(
        sql=sql(
            "SELECT n, key, filled FROM (SELECT row_number() OVER (ORDER BY meta_key) AS n, meta_key AS key,"
            " count(nullif(CAST(meta_value AS TEXT), '')) AS filled FROM $table GROUP BY meta_key)"
            " WHERE n > ?1 ORDER BY n LIMIT ?2",
            table=quoted(table),
        ),
        key="n",
        columns=typed(("n", "filled"), ("key",)),
        count="SELECT 1",
    )
    found = pl.concat(
        [pl.DataFrame(schema={"key": pl.String, "filled": pl.Int64})]
        + [rows.select("key", "filled") for rows in workspace.read(query)]
    )
    return {key: filled for key, filled in found.rows() if key is not None}
