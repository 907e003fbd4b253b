"""The order of a studio's images, and whose avatar an image is."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.reasons import CODES
from mappers.sqlite_sql import sql, typed
from mappers.studio.legacy_tables import Legacy
from mappers.studio.profile_values import facts_of
from mappers.studio.settings import ImageSettings

#: The meta keys that replace a gallery: the avatar first.
IMAGE_KEYS: Final = ("avatar_image", *(f"avatar_image{n}" for n in range(2, 11)))

_CANDIDATE: Final = {
    "source": pl.String,
    "source_id": pl.Int64,
    "key": pl.String,
    "person": pl.Int64,
    "avatar": pl.Int64,
    "primary_first": pl.Int64,
    "display_order": pl.Int64,
    "url": pl.String,
}
#: Outcomes of the gallery's rows; the meta keys' rows have theirs as meta rows. Sorted without the URLs,
#: which are fetched again by row: 1.0 s instead of 1.8 for 190,000.
_PICTURE: Final = """
CREATE TABLE x.picture AS
WITH known AS (
  SELECT c.rowid AS row, c.source, c.source_id, c.key, c.person, c.avatar, c.primary_first, c.display_order,
         CASE WHEN c.person IS NULL THEN $unknown_user WHEN NOT p.studio AND NOT c.avatar THEN $no_studio
              WHEN c.url IS NULL THEN $no_image END AS reason
  FROM x.candidate c LEFT JOIN x.person p USING (person)
), placed AS (
  SELECT row, reason, row_number() OVER (ORDER BY source DESC, source_id, person, display_order) AS seq,
         row_number() OVER (
           PARTITION BY person, avatar, reason IS NULL ORDER BY primary_first, display_order, source_id, key
         ) - 1 AS sort_order
  FROM known
)
SELECT k.seq, c.source, c.source_id, c.key, c.person, c.avatar, c.url,
       CASE WHEN k.reason IS NOT NULL THEN 'rejected' WHEN c.avatar THEN 'merged' END AS fate,
       CASE WHEN k.reason IS NULL AND c.avatar THEN $avatar ELSE k.reason END AS reason, k.sort_order
FROM placed k CROSS JOIN x.candidate c ON c.rowid = k.row ORDER BY k.seq"""
_AVATAR: Final = """
CREATE TABLE x.avatar AS
SELECT person, url FROM x.picture WHERE avatar AND fate = 'merged' AND sort_order = 0 ORDER BY person"""


def order_images(workspace: Workspace, legacy: Legacy, settings: ImageSettings) -> None:
    """Create x.picture (the images of gallery and meta keys with their positions) and x.avatar."""
    workspace.write("candidate", pl.DataFrame(schema=_CANDIDATE))
    if legacy.has("studio_gallery", "user_id"):
        for rows in workspace.read(_gallery(legacy)):
            workspace.write("candidate", _from_gallery(rows, settings))
    workspace.execute("CREATE INDEX x.candidate_person ON candidate (person)")
    workspace.execute(
        "CREATE TABLE x.pictured AS SELECT person FROM x.person p"
        " WHERE NOT EXISTS (SELECT 1 FROM x.candidate c WHERE c.person = p.person)"
        " AND EXISTS (SELECT 1 FROM x.fact f WHERE f.person = p.person AND f.key GLOB 'avatar_image*')"
        " ORDER BY person"
    )
    for rows in workspace.read(_META):
        workspace.write("candidate", _from_meta(rows, settings))
    workspace.execute(sql(_PICTURE, **CODES))
    workspace.execute("CREATE UNIQUE INDEX x.picture_seq ON picture (seq)")
    workspace.execute(_AVATAR)
    workspace.execute("CREATE UNIQUE INDEX x.avatar_person ON avatar (person)")


def image_url(address: pl.Expr, filename: pl.Expr, settings: ImageSettings) -> pl.Expr:
    """Return the URL of an image: its own if it is https and valid, else base and file name."""
    whole = cleaning.without_dot_segments(filename).str.strip_chars_start("/")
    file = cleaning.percent_encode(pl.when(whole != "").then(whole))
    return pl.coalesce(cleaning.url(address, secure=True), pl.lit(settings.base_url.rstrip("/") + "/") + file)


def _gallery(legacy: Legacy) -> Query:
    names = ("image_type", "image_filename", "cloudinary_url", "is_primary")
    columns = ", ".join(f"{legacy.column('studio_gallery', name, of='g')} AS {name}" for name in names)
    return Query(
        sql=sql(
            "SELECT g.id AS id, m.person AS person, $columns, $place AS display_order"
            " FROM studio_gallery AS g LEFT JOIN x.member_users AS m ON m.legacy_id = g.user_id"
            " WHERE g.id > ?1 ORDER BY g.id LIMIT ?2",
            columns=columns,
            place=legacy.column("studio_gallery", "display_order", of="g"),
        ),
        key="id",
        columns=typed(("id", "person", "display_order"), names),
        count="SELECT count(*) FROM studio_gallery",
    )


def _from_gallery(rows: pl.DataFrame, settings: ImageSettings) -> pl.DataFrame:
    address, filename = cleaning.text(pl.col("cloudinary_url")), cleaning.text(pl.col("image_filename"))
    kind = cleaning.text(pl.col("image_type")).str.to_lowercase()
    return rows.select(
        pl.lit("studio_gallery").alias("source"),
        pl.col("id").alias("source_id"),
        pl.lit(None, pl.String).alias("key"),
        "person",
        (kind == "avatar").fill_null(False).cast(pl.Int64).alias("avatar"),
        (~cleaning.boolean(pl.col("is_primary"))).cast(pl.Int64).alias("primary_first"),
        pl.col("display_order").fill_null(0),
        image_url(address, filename, settings).alias("url"),
    )


_META: Final = Query(
    sql=facts_of("x.pictured", IMAGE_KEYS),
    key="person",
    columns={"person": "integer", "key": "text", "value": "text"},
    count="SELECT count(*) FROM x.pictured",
)


def _from_meta(rows: pl.DataFrame, settings: ImageSettings) -> pl.DataFrame:
    value = cleaning.text(pl.col("value"))
    number = pl.col("key").str.strip_prefix("avatar_image").cast(pl.Int64, strict=False).fill_null(1)
    return rows.filter(pl.col("key").is_not_null()).select(
        pl.lit("meta").alias("source"),
        pl.lit(None, pl.Int64).alias("source_id"),
        "key",
        "person",
        (pl.col("key") == IMAGE_KEYS[0]).cast(pl.Int64).alias("avatar"),
        pl.lit(1, pl.Int64).alias("primary_first"),
        number.alias("display_order"),
        image_url(value, value, settings).alias("url"),
    )
