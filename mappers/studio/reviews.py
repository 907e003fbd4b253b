"""Reviews of studios, and their owners' answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Cast, Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.reasons import Reason
from mappers.row_outcomes import Limits, fates, reject_too_long, warn
from mappers.settings import MapperSettings
from mappers.sqlite_sql import sql
from mappers.studio.declared_columns import Columns, casts, frame, select_list, source_columns, texts
from mappers.studio.legacy_tables import Legacy
from mappers.studio.person_ids import as_timestamp, person_id, person_key

_STATUS: Final = {"0": "PENDING", "1": "APPROVED", "2": "REJECTED"}
_READS: Final = """
SELECT $selected FROM x.comment AS k JOIN shows_comments AS c ON c.id = k.id
LEFT JOIN x.person AS a ON a.person = k.reviewer LEFT JOIN x.person AS o ON o.person = k.owner
WHERE k.kind = '$kind' AND k.id > ?1 ORDER BY k.id LIMIT ?2"""


#: Source columns that the crosswalk reads.
_SETTLED: Final = ("id", "user_id", "page", "parent")


def _query(legacy: Legacy, kind: str, columns: Columns) -> Query:
    plain = [name for name in source_columns(columns, "comments") if name not in _SETTLED]
    selected: dict[str, tuple[Cast, str]] = {
        "id": ("integer", "k.id"),
        "review": ("integer", "k.review"),
        **texts((name, f"k.{name}") for name in ("fate", "reason", "detail")),
        **texts((name, legacy.column("shows_comments", name, of="c")) for name in plain),
        "author_space": ("text", "a.space"),
        "author": ("integer", "a.legacy_id"),
        "space": ("text", "o.space"),
        "legacy_id": ("integer", "o.legacy_id"),
        "earliest": ("integer", "max(a.created_at, o.created_at)"),
    }
    return Query(
        sql=sql(_READS, kind=kind, selected=select_list(selected)),
        key="id",
        columns=casts(selected),
        count=sql("SELECT count(*) FROM x.comment WHERE kind = '$kind'", kind=kind),
    )


def _cleaned(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with clean content and dates; without a date, the later of the two people's."""
    created = cleaning.timestamp(pl.col("date"))
    return rows.with_columns(
        cleaning.text(pl.col("content")).alias("content"),
        pl.coalesce(created, as_timestamp("earliest")).alias("created_at"),
        created.is_null().alias("undated"),
        cleaning.timestamp(pl.col("updated")).alias("updated_at"),
    ).with_columns(pl.coalesce("updated_at", "created_at").alias("updated_at"))


_UNDATED: Final = (pl.col("undated"), "date", Reason.INVALID_TIMESTAMP)
_SOURCE: Final = (pl.lit("shows_comments"), pl.col("id"))
#: What a review and an answer have in common.
_WRITTEN: Final[Columns] = {
    "content": (("comments.content",), pl.col("content")),
    "created_at": (("comments.date",), pl.col("created_at")),
    "updated_at": (("comments.updated",), pl.col("updated_at")),
}


def _own_id(_: pl.DataFrame, ids: Ids) -> pl.Expr:
    return ids.expr("shows_comments", pl.col("id"))


def _author(rows: pl.DataFrame, ids: Ids) -> pl.Expr:
    return person_id(rows, ids, "author_space", "author")


def _status() -> pl.Expr:
    return pl.col("status").str.strip_chars()


class Reviews:
    """Writes the comments on people who have a studio."""

    name = "reviews"
    writes: tuple[str, ...] = ("reviews",)

    def __init__(self, legacy: Legacy, settings: MapperSettings, limits: Limits) -> None:
        self._limits = limits
        status = _status().replace_strict(list(_STATUS), list(_STATUS.values()), default="PENDING")
        self.columns: Mapping[str, Columns] = {
            "reviews": {
                "id": (("comments.id",), _own_id),
                "studio_id": (("comments.page",), lambda _, ids: ids.expr("studios", person_key())),
                "reviewer_id": (("comments.user_id",), _author),
                "owner_id": (("comments.page",), person_id),
                "rating": ((), pl.lit(settings.reviews.rating, pl.Int32)),
                "is_anonymous": ((), pl.lit(False)),
                "status": (("comments.status",), status),
                **_WRITTEN,
            }
        }
        self.reads = _query(legacy, "review", self.columns["reviews"])

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return reviews and the outcomes of the other comments."""
        rows = reject_too_long(_cleaned(rows), "reviews", self._limits, {"content": pl.col("content")})
        kept = rows.filter(pl.col("fate").is_null())
        odd = (~_status().fill_null("").is_in(list(_STATUS)), "status", Reason.INVALID_ENUM)
        return MappedBatch(
            {"reviews": frame(kept, ids, self.columns["reviews"])},
            fates=fates(rows, *_SOURCE),
            warnings=warn(kept, *_SOURCE, odd, _UNDATED),
        )


class Answers:
    """Writes the earliest answer of a studio's owner to each review."""

    name = "review_responses"
    writes: tuple[str, ...] = ("review_responses",)

    def __init__(self, legacy: Legacy, limits: Limits) -> None:
        self._limits = limits
        self.columns: Mapping[str, Columns] = {
            "review_responses": {
                "id": (("comments.id",), _own_id),
                "review_id": (
                    ("comments.parent",),
                    lambda _, ids: ids.expr("shows_comments", pl.col("review")),
                ),
                "author_id": (("comments.user_id",), _author),
                **_WRITTEN,
            }
        }
        self.reads = _query(legacy, "reply", self.columns["review_responses"])

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return answers and the outcomes of the other replies."""
        rows = reject_too_long(
            _cleaned(rows), "review_responses", self._limits, {"content": pl.col("content")}
        )
        kept = rows.filter(pl.col("fate").is_null())
        return MappedBatch(
            {"review_responses": frame(kept, ids, self.columns["review_responses"])},
            fates=fates(rows, *_SOURCE),
            warnings=warn(kept, *_SOURCE, _UNDATED),
        )


def review_mappers(legacy: Legacy, settings: MapperSettings, limits: Limits) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `reviews`, in order."""
    if not legacy.has("shows_comments", "user_id"):
        return ()
    return Reviews(legacy, settings, limits), Answers(legacy, limits)


def review_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each comment is accounted for: as a review or as an answer."""
    if not legacy.has("shows_comments", "user_id"):
        return ()
    return tuple(
        RowAccounting(
            source="shows_comments",
            sql=sql(
                "SELECT CAST(s.id AS TEXT) AS source_id, 'shows_comments' AS entity,"
                " CAST(c.id AS TEXT) AS key FROM shows_comments s"
                " LEFT JOIN x.comment c ON c.id = s.id AND c.kind = '$kind'",
                kind=kind,
            ),
            target=target,
        )
        for kind, target in (("review", "reviews"), ("reply", "review_responses"))
    )
