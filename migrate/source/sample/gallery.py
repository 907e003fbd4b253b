"""The gallery: `studio_gallery`, for the people who have one; the others have their images in meta keys."""

from __future__ import annotations

from typing import Final

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.people import People
from migrate.source.sample.random_columns import Chance, rows
from migrate.source.sample.size import Size

#: the share of people who have one: mostly studios
WITH_GALLERY: Final = {"studio": 0.62, "other": 0.12}
#: how the image is named: on Cloudinary (the rest), only by its file name, or not at all
FORMS: Final = {"file": 0.22, "insecure": 0.02, "nonsense": 0.01, "nothing": 0.015}
LOST: Final = 0.008

_BASE: Final = "res.cloudinary.com/demo/image/upload"
_CHANGES: Final = ["", "", "", "c_fill,w_400,h_300/", "q_auto,f_auto/"]
_FILES: Final = [
    ".jpg",
    ".jpg",
    ".png",
    " room 2.jpg",
    " über.jpg",
    " 100%.jpg",
    " #1.webp",
    "?.jpg",
    "&co.jpg",
]


def studio_gallery(people: People, size: Size, seed: int) -> pl.DataFrame:
    """Return the rows of `studio_gallery`, `size.images` in all."""
    chance = Chance(seed, "gallery")
    members = people.main.head(people.users)[: size.profiles]
    share = pl.col("kind").replace_strict(WITH_GALLERY, default=0.15, return_dtype=pl.Float64)
    owners = members.filter((Chance(seed, "gallery owners").unit("owner") < share) | (pl.col("n") == 0))["id"]
    number = pl.col("n").cast(pl.String)
    # One avatar for each owner first, then the gallery, which is larger for some people than for others.
    first = pl.col("n") < len(owners)
    skewed = (chance.unit("owner") * (0.5 + 0.5 * chance.unit("skew")) * len(owners)).floor().cast(pl.Int64)
    owner = pl.lit(owners).gather(pl.when(first).then(pl.col("n").cast(pl.Int64)).otherwise(skewed))
    frame = rows(0, size.images).with_columns(
        chance.deal("form", FORMS).alias("form"),
        (first & (chance.unit("avatar") < 0.9)).alias("avatar"),
        (pl.lit("studio") + number + chance.pick("file", _FILES)).alias("file"),
        (chance.below("version", 10**8) + 1_600_000_000).cast(pl.String).alias("version"),
    )
    form, no_person = pl.col("form"), chance.below("nobody", 50) + people.beyond
    public = pl.concat_str(pl.lit("studios/studio"), number)
    address = pl.concat_str(
        pl.lit(f"{_BASE}/"), chance.pick("change", _CHANGES), pl.lit("v"), "version", pl.lit("/"), public
    )
    return frame.select(
        (pl.col("n") + 1).cast(pl.Int64).alias("id"),
        pl.when(chance.chosen("lost", LOST)).then(no_person).otherwise(owner).alias("user_id"),
        pl.when("avatar").then(pl.lit("avatar")).otherwise(pl.lit("gallery")).alias("image_type"),
        pl.when(form == "nothing").then(pl.lit("")).otherwise("file").alias("image_filename"),
        pl.when(form == "file").then(chance.pick("no address", [None, None, ""]))
        .when(form == "insecure").then("http://" + address + ".jpg")
        .when(form == "nonsense").then(pl.lit("upload failed"))
        .when(form == "nothing").then(chance.pick("nothing", [None, ""]))
        .otherwise("https://" + address + ".jpg")
        .alias("cloudinary_url"),
        pl.when(form == "usual").then(public).otherwise(None).alias("cloudinary_public_id"),
        (chance.unit("primary") < 0.12).cast(pl.Int64).alias("is_primary"),
        chance.below("order", 10).alias("display_order"),
        dates.plain(dates.any_timestamp(chance, "created")).alias("created_at"),
    )  # fmt: skip
