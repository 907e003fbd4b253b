"""Reviews of studios, and their owners' answers."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.row_outcomes import Limits, fates, reject_too_long, warn
from mappers.sqlite_sql import sql, typed
from mappers.studio.legacy_tables import Legacy
from mappers.studio.person_ids import moment, person_id, person_key
from mappers.studio.settings import MapperSettings

_STATUS: Final = {"0": "PENDING", "1": "APPROVED", "2": "REJECTED"}
_READS: Final = """
SELECT k.id AS id, k.review, k.fate, k.reason, k.detail, $content AS content, $date AS date,
       $updated AS updated, $status AS status, a.space AS author_space, a.legacy_id AS author,
       o.space AS space, o.legacy_id AS legacy_id, max(a.created_at, o.created_at) AS earliest
FROM x.comment AS k JOIN shows_comments AS c ON c.id = k.id
LEFT JOIN x.person AS a ON a.person = k.reviewer LEFT JOIN x.person AS o ON o.person = k.owner
WHERE k.kind = '$kind' AND k.id > ?1 ORDER BY k.id LIMIT ?2"""


def _query(legacy: Legacy, kind: str) -> Query:
    names = ("content", "date", "updated", "status")
    columns = {name: legacy.column("shows_comments", name, of="c") for name in names}
    return Query(
        sql=sql(_READS, kind=kind, **columns),
        key="id",
        columns=typed(
            ("id", "review", "author", "legacy_id", "earliest"),
            ("fate", "reason", "detail", *names, "author_space", "space"),
        ),
        count=sql("SELECT count(*) FROM x.comment WHERE kind = '$kind'", kind=kind),
    )


def _cleaned(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with clean content and dates; without a date, the later of the two people's."""
    created = cleaning.timestamp(pl.col("date"))
    return rows.with_columns(
        cleaning.text(pl.col("content")).alias("content"),
        pl.coalesce(created, moment("earliest")).alias("created_at"),
        created.is_null().alias("undated"),
        cleaning.timestamp(pl.col("updated")).alias("updated_at"),
    ).with_columns(pl.coalesce("updated_at", "created_at").alias("updated_at"))


_UNDATED: Final = (pl.col("undated"), "date", "invalid_timestamp")
_SOURCE: Final = (pl.lit("shows_comments"), pl.col("id"))


class Reviews:
    """Writes the comments on people who have a studio."""

    name = "reviews"
    writes: tuple[str, ...] = ("reviews",)

    def __init__(self, legacy: Legacy, settings: MapperSettings, limits: Limits) -> None:
        self._rating, self._limits = settings.reviews.rating, limits
        self.reads = _query(legacy, "review")

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return reviews and the fates of the other comments."""
        rows = reject_too_long(_cleaned(rows), "reviews", self._limits, {"content": pl.col("content")})
        kept = rows.filter(pl.col("fate").is_null())
        status = pl.col("status").str.strip_chars()
        reviews = kept.select(
            ids.expr("shows_comments", pl.col("id")).alias("id"),
            ids.expr("studios", person_key()).alias("studio_id"),
            person_id(kept, ids, "author_space", "author").alias("reviewer_id"),
            person_id(kept, ids).alias("owner_id"),
            pl.lit(self._rating, pl.Int32).alias("rating"),
            "content",
            pl.lit(False).alias("is_anonymous"),
            status.replace_strict(list(_STATUS), list(_STATUS.values()), default="PENDING").alias("status"),
            "created_at",
            "updated_at",
        )
        odd = (~status.fill_null("").is_in(list(_STATUS)), "status", "invalid_status")
        return MappedBatch(
            {"reviews": reviews}, fates=fates(rows, *_SOURCE), warnings=warn(kept, *_SOURCE, odd, _UNDATED)
        )


class Answers:
    """Writes the earliest answer of a studio's owner to each review."""

    name = "review_responses"
    writes: tuple[str, ...] = ("review_responses",)

    def __init__(self, legacy: Legacy, limits: Limits) -> None:
        self._limits = limits
        self.reads = _query(legacy, "reply")

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return answers and the fates of the other replies."""
        rows = reject_too_long(
            _cleaned(rows), "review_responses", self._limits, {"content": pl.col("content")}
        )
        kept = rows.filter(pl.col("fate").is_null())
        answers = kept.select(
            ids.expr("shows_comments", pl.col("id")).alias("id"),
            ids.expr("shows_comments", pl.col("review")).alias("review_id"),
            person_id(kept, ids, "author_space", "author").alias("author_id"),
            "content",
            "created_at",
            "updated_at",
        )
        return MappedBatch(
            {"review_responses": answers},
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
