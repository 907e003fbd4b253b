"""Studio images, in the order that the crosswalk gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.reasons import Reason
from mappers.row_outcomes import Limits, fates, reject_too_long, warn
from mappers.sqlite_sql import sql, typed
from mappers.studio.crosswalk.images import IMAGE_KEYS
from mappers.studio.declared_columns import Columns, frame, keys
from mappers.studio.legacy_tables import Legacy
from mappers.studio.person_ids import person_key

_READS = """
SELECT i.seq, i.source, i.source_id, i.key, i.avatar, i.url, i.sort_order, i.fate, i.reason,
       p.space, p.legacy_id, p.studio, p.studio_name, $columns
FROM x.picture AS i LEFT JOIN x.person AS p ON p.person = i.person $joined
WHERE i.seq > ?1 ORDER BY i.seq LIMIT ?2"""


class Images:
    """Writes the images of gallery and meta keys; an avatar goes to its user."""

    name = "images"
    writes: tuple[str, ...] = ("studio_images",)

    def __init__(self, legacy: Legacy, limits: Limits) -> None:
        self.columns: Mapping[str, Columns] = {"studio_images": _COLUMNS}
        self._limits = limits
        gallery = legacy.has("studio_gallery", "user_id")
        names = ("cloudinary_url", "is_primary", "image_filename")
        columns = ", ".join(
            f"{legacy.column('studio_gallery', name, of='g') if gallery else 'NULL'} AS {name}"
            for name in names
        )
        joined = "LEFT JOIN studio_gallery AS g ON i.source = 'studio_gallery' AND g.id = i.source_id"
        self.reads = Query(
            sql=sql(_READS, columns=columns, joined=joined if gallery else ""),
            key="seq",
            columns=typed(
                ("seq", "source_id", "avatar", "sort_order", "legacy_id", "studio"),
                ("source", "key", "url", "fate", "reason", "space", "studio_name", *names),
            ),
            count="SELECT count(*) FROM x.picture",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return images, the outcomes of gallery rows, and a warning for each invalid URL."""
        number = (pl.col("sort_order") + 1).cast(pl.String)
        rows = rows.with_columns(
            pl.when(pl.col("sort_order") == 0)
            .then(pl.lit("Photo of ") + pl.col("studio_name"))
            .otherwise(pl.lit("Photo of ") + pl.col("studio_name") + " (" + number + ")")
            .alias("alt_text"),
        )
        values = {"image_url": pl.col("url"), "alt_text": pl.col("alt_text")}
        rows = reject_too_long(rows, "studio_images", self._limits, values)
        kept = rows.filter(pl.col("fate").is_null() & (pl.col("avatar") == 0) & (pl.col("studio") == 1))
        gallery = rows.filter(pl.col("source") == "studio_gallery")
        address = cleaning.text(pl.col("cloudinary_url"))
        broken = address.is_not_null() & cleaning.url(address, secure=True).is_null()
        rules = (
            (broken, "cloudinary_url", Reason.INVALID_URL),
            (cleaning.is_odd_boolean(pl.col("is_primary")), "is_primary", Reason.INVALID_BOOLEAN),
        )
        source = (pl.col("source"), pl.col("source_id"))
        return MappedBatch(
            {"studio_images": frame(kept, ids, _COLUMNS)},
            fates=fates(gallery, *source),
            warnings=warn(gallery, *source, *rules),
        )


def _image_id(_: pl.DataFrame, ids: Ids) -> pl.Expr:
    """Return the id from the gallery's row, or from the person and the key that replaces one."""
    of_key = ids.expr("studio_images", pl.col("space"), pl.col("legacy_id"), pl.col("key"))
    of_row = ids.expr("studio_gallery", pl.col("source_id"))
    return pl.when(pl.col("source") == "studio_gallery").then(of_row).otherwise(of_key)


_COLUMNS: Final[Columns] = {
    "id": (("gallery.id",), _image_id),
    "studio_id": (("gallery.user_id",), lambda _, ids: ids.expr("studios", person_key())),
    "image_url": (
        ("gallery.image_type", "gallery.image_filename", "gallery.cloudinary_url", *keys(*IMAGE_KEYS[1:])),
        pl.col("url"),
    ),
    "alt_text": ((), pl.col("alt_text")),
    "sort_order": (("gallery.is_primary", "gallery.display_order"), pl.col("sort_order").cast(pl.Int32)),
}


def image_mappers(legacy: Legacy, limits: Limits) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `images`."""
    return (Images(legacy, limits),)


def image_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each row of the gallery is accounted for."""
    if not legacy.has("studio_gallery", "user_id"):
        return ()
    rows = (
        "SELECT CAST(id AS TEXT) AS source_id, 'studio_gallery' AS entity, CAST(id AS TEXT) AS key"
        " FROM studio_gallery"
    )
    return (RowAccounting(source="studio_gallery", sql=rows, target="studio_images"),)
