"""Profiles, and the metadata for what no column holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import WARNINGS, Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.reasons import Reason
from mappers.row_outcomes import Limits, within
from mappers.settings import MapperSettings
from mappers.sqlite_sql import quoted, sql, typed
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.declared_columns import Columns, frame, keys
from mappers.studio.legacy_tables import META, Legacy
from mappers.studio.person_ids import as_timestamp, person_id
from mappers.studio.profile_values import LEFT_TO_SAY, wide
from mappers.studio.unowned_rows import Orphans

TEXTS: Final[Mapping[str, str]] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "about": "about",
    "shortabout": "short_about",
    "location": "location",
    "rates1": "rate_tier_1",
    "rates2": "rate_tier_2",
    "rates3": "rate_tier_3",
}
FLAGS: Final[Mapping[str, str]] = {
    "showrates": "show_rates",
    "showemail": "show_email",
    "showphone": "show_phone",
    "showaddress": "show_address",
    "crb": "is_crb_checked",
    "featured": "is_featured",
    "spotlight": "is_spotlight",
}
VERIFIED: Final = "verified"
#: The first of the keys that holds a URL fills the column; the values of the others stay as metadata.
URLS: Final[Mapping[str, Sequence[str]]] = {
    "facebook_url": ("facebook",),
    "twitter_url": ("twitter",),
    "linkedin_url": ("linkedin",),
    "instagram_url": ("instagram",),
    "soundcloud_url": ("soundcloud",),
    "youtube_url": ("youtubepage", "youtube2"),
    "vimeo_url": ("vimeopage", "vimeo", "vimeo2"),
}
#: Free text about the equipment. A value of only 0 or 1 is a flag, not text, and stays as metadata.
EQUIPMENT: Final = ("connection10", "sc")

#: As many people as have about 40,000 facts.
_READS: Final = """
WITH RECURSIVE k (person, facts) AS (
  SELECT (SELECT min(person) FROM x.informed WHERE person > ?1), 0
  UNION ALL
  SELECT (SELECT min(i.person) FROM x.informed AS i WHERE i.person > k.person),
         k.facts + (SELECT i.facts FROM x.informed AS i WHERE i.person = k.person)
  FROM k WHERE k.person IS NOT NULL AND k.facts < 40000 LIMIT ?2
)
SELECT p.person, p.space, p.legacy_id, p.profile, p.category, p.created_at, p.updated_at,
       p.avatar_url IS NOT NULL AS pictured, f.key, f.value, f.source, f.source_id
FROM k CROSS JOIN x.person AS p USING (person)
LEFT JOIN x.fact AS f ON f.person = p.person AND $which
ORDER BY p.person, f.key"""
_KEPT: Final = {"person": pl.Int64, "key": pl.String}
_PERSON: Final = ("person", "space", "legacy_id", "profile", "category", "created_at", "updated_at")


def mapped_keys(settings: MapperSettings) -> frozenset[str]:
    """Return the keys that have a target column in `user_profiles`."""
    urls = (key for names in URLS.values() for key in names)
    return frozenset({*TEXTS, *FLAGS, VERIFIED, *urls, *EQUIPMENT, *settings.studios.labels})


def equipment(key: str) -> pl.Expr:
    """Return the free text of an equipment key, null if it is not text."""
    value = pl.col(key)
    return pl.when(~value.is_in(["0", "1"])).then(value)


_METADATA: Final[Columns] = {
    "id": ((), lambda _, ids: ids.expr("user_metadata", *map(pl.col, ("space", "legacy_id", "key")))),
    "user_id": (("meta.user_id",), pl.col("user_id")),
    "key": (("meta.meta_key",), pl.col("key")),
    "value": (("meta.meta_value",), cleaning.without_nul(pl.col("value"))),
    "created_at": ((), as_timestamp("created_at")),
    "updated_at": ((), as_timestamp("updated_at")),
}


class Profiles:
    """Writes a profile for each person that has one, and everyone's metadata."""

    name = "profiles"
    writes: tuple[str, ...] = ("user_profiles", "user_metadata")
    # Some have sixty facts and more, most have none: counting facts, too, keeps memory constant.
    reads = Query(
        sql=sql(_READS, which=LEFT_TO_SAY),
        key="person",
        columns=typed(
            ("person", "legacy_id", "profile", "created_at", "updated_at", "pictured"),
            ("space", "category", "key", "value", "source", "source_id"),
        ),
        count="SELECT count(*) FROM x.informed",
    )

    def __init__(self, settings: MapperSettings, columns: Sequence[str], limits: Limits) -> None:
        """Take the columns of the target's user_profiles, to see whether it has a `category`."""
        self._category_column = "category" in columns
        self._limits = limits
        self._category_key = settings.profiles.category_key
        self._labels = settings.studios.labels
        self.columns: Mapping[str, Columns] = {
            "user_profiles": self._profile_columns(),
            "user_metadata": _METADATA,
        }
        self._flags = (*FLAGS, VERIFIED, *settings.studios.labels, *settings.studios.services)
        self._mapped = mapped_keys(settings)

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return profiles and metadata, and a warning for each value that is kept in another form."""
        people = rows.select(*_PERSON).unique("person", maintain_order=True)
        people = people.with_columns(person_id(people, ids).alias("user_id"))
        facts = wide(rows, {*self._mapped, *self._flags})
        profiles = people.join(facts, on="person", how="left", maintain_order="left")
        kept, warned = self._exceptions(rows, facts)
        return MappedBatch(
            {
                "user_profiles": frame(
                    profiles.filter(pl.col("profile") == 1), ids, self.columns["user_profiles"]
                ),
                "user_metadata": self._metadata(rows, people, kept, ids),
            },
            warnings=warned,
        )

    def _profile_columns(self) -> Columns:
        level = pl.when(_yes(VERIFIED)).then(pl.lit("verified")).otherwise(pl.lit("none"))
        services = [pl.when(_yes(key)).then(pl.lit(label)) for key, label in self._labels.items()]
        category: Columns = {"category": ((), pl.col("category"))} if self._category_column else {}
        return {
            "id": ((), lambda _, ids: ids.expr("user_profiles", pl.col("space"), pl.col("legacy_id"))),
            "user_id": (("profile.user_id", "meta.user_id"), pl.col("user_id")),
            **{column: (keys(key), self._short(pl.col(key), column)) for key, column in TEXTS.items()},
            **{column: (keys(key), _yes(key)) for key, column in FLAGS.items()},
            **{
                column: (keys(*names), pl.coalesce(_url(key) for key in names))
                for column, names in URLS.items()
            },
            "verification_level": (keys(VERIFIED), level),
            "home_studio_description": ((), pl.lit(None, pl.String)),
            "equipment_list": (keys(*EQUIPMENT), _joined([equipment(key) for key in EQUIPMENT], "\n")),
            "services_offered": (keys(*self._labels), _joined(services, ", ")),
            "created_at": ((), as_timestamp("created_at")),
            "updated_at": ((), as_timestamp("updated_at")),
            **category,
        }

    def _metadata(
        self, rows: pl.DataFrame, people: pl.DataFrame, kept: pl.DataFrame, ids: Ids
    ) -> pl.DataFrame:
        """Return every fact without a column, unchanged, and the category of each profile."""
        facts = rows.filter(pl.col("key").is_not_null() & (pl.col("key") != self._category_key))
        unmapped = facts.filter(~_landed(self._mapped)).select("person", "key", "value")
        kept = facts.join(kept, on=["person", "key"], how="semi", maintain_order="left")
        category = people.filter(pl.col("profile") == 1).select(
            "person", pl.lit(self._category_key).alias("key"), pl.col("category").alias("value")
        )
        every = pl.concat([unmapped, kept.select("person", "key", "value"), category])
        # A key keeps its NUL characters out of the name, or has the same name as one without them.
        if every["key"].str.contains("\x00", literal=True).any():
            every = every.with_columns(cleaning.without_nul(pl.col("key")))
            every = every.unique(["person", "key"], keep="first", maintain_order=True)
        every = every.sort("person", "key").join(people, on="person", how="left", maintain_order="left")
        return frame(every, ids, self.columns["user_metadata"])

    def _short(self, value: pl.Expr, column: str) -> pl.Expr:
        """Return the value if its column of user_profiles can hold it; else it stays as metadata."""
        return within("user_profiles", column, self._limits, value)

    def _exceptions(self, rows: pl.DataFrame, facts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return (person, key) of facts that have a column but did not fit it, and the warnings."""
        extra, odd = [], []
        for names in URLS.values():
            for n, key in enumerate(names):
                there, used = pl.col(key).is_not_null(), _url(key).is_not_null()
                earlier = pl.any_horizontal(pl.lit(False), *(_url(k).is_not_null() for k in names[:n]))
                extra.append((key, there & (earlier | ~used)))
                odd.append((key, there & ~used, Reason.INVALID_URL))
        extra += [(key, pl.col(key).is_not_null() & equipment(key).is_null()) for key in EQUIPMENT]
        odd += [(key, cleaning.is_odd_boolean(pl.col(key)), Reason.INVALID_BOOLEAN) for key in self._flags]
        for key, column in TEXTS.items():
            cut = pl.col(key).is_not_null() & self._short(pl.col(key), column).is_null()
            extra.append((key, cut))
            odd.append((key, cut, Reason.TOO_LONG))
        # Computed together, because few results are true: a frame for each takes longer.
        tests = [where for _, where in extra] + [where for _, where, _ in odd]
        results = facts.select(where.fill_null(False).alias(f"{n}") for n, where in enumerate(tests))
        those = [facts["person"].filter(results[f"{n}"]) for n in range(len(tests))]
        kept = pl.concat(
            [pl.DataFrame(schema=_KEPT)]
            + [
                pl.select(people, pl.lit(key).alias("key"))
                for (key, _), people in zip(extra, those[: len(extra)], strict=True)
                if len(people)
            ]
        )
        found = pl.concat(
            [pl.DataFrame(schema={**_KEPT, "rule": pl.String})]
            + [
                pl.select(people, pl.lit(key).alias("key"), pl.lit(rule).alias("rule"))
                for (key, _, rule), people in zip(odd, those[len(extra) :], strict=True)
                if len(people)
            ]
        )
        strays = (
            (_own_avatar() & (pl.col("pictured") == 0), Reason.INVALID_URL),
            (pl.col("key") == self._category_key, Reason.RESERVED_KEY),
        )
        found = pl.concat(
            [
                found,
                *(
                    rows.filter(where).select("person", "key", pl.lit(rule).alias("rule"))
                    for where, rule in strays
                ),
            ]
        )
        named = found.join(rows, on=["person", "key"], how="inner", maintain_order="left")
        warnings = named.select(
            "source_id", pl.col("source").alias("source_table"), pl.col("key").alias("column"), "rule"
        )
        return kept, pl.concat(
            [warnings.select("source_table", "source_id", "column", "rule"), _repaired(rows)]
        )


def _repaired(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a warning for each fact whose bytes were not UTF-8, by its key."""
    if "invalid_utf8" not in rows.columns:
        return pl.DataFrame(schema=dict(WARNINGS))
    return rows.filter(pl.col("invalid_utf8").is_not_null() & pl.col("source").is_not_null()).select(
        pl.col("source").alias("source_table"),
        "source_id",
        pl.col("key").alias("column"),
        pl.lit(Reason.INVALID_UTF8).alias("rule"),
    )


def _landed(mapped: frozenset[str]) -> pl.Expr:
    """Return which facts have their own column; the users' avatar_url has one if it is a URL."""
    return pl.col("key").is_in(sorted(mapped)) | (_own_avatar() & (pl.col("pictured") == 1))


def _own_avatar() -> pl.Expr:
    return (pl.col("key") == "avatar_url") & ~pl.col("source").is_in(["profile", *META])


def _yes(key: str) -> pl.Expr:
    return cleaning.boolean(pl.col(key))


def _url(key: str) -> pl.Expr:
    return cleaning.url(pl.col(key))


def _joined(parts: Sequence[pl.Expr], separator: str) -> pl.Expr:
    joined = pl.concat_str(parts, separator=separator, ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def profile_mappers(
    legacy: Legacy, settings: MapperSettings, columns: Sequence[str], limits: Limits
) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `profiles`, in order."""
    tables = legacy.present(("profile", *META))
    return Profiles(settings, columns, limits), *(Orphans(table) for table in tables)


def profile_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each row of profile and meta tables is accounted for: by its person's profile."""
    accounts = []
    for table in legacy.present(("profile", *META)):
        rows = _PROFILE_ACCOUNT
        if table != "profile":
            rows = sql(_META_ACCOUNT, table=quoted(table), member=member(META[table]))
        accounts.append(RowAccounting(source=table, sql=rows, target="user_profiles", column="user_id"))
    return tuple(accounts)


_PROFILE_ACCOUNT: Final = """
SELECT t.source_id AS source_id, p.space AS entity, CAST(p.legacy_id AS TEXT) AS key
FROM x.profile_row AS t LEFT JOIN x.person AS p USING (person)"""
_META_ACCOUNT: Final = """
SELECT CAST(t.id AS TEXT) AS source_id, m.space AS entity, CAST(m.main_id AS TEXT) AS key
FROM $table AS t LEFT JOIN x.$member AS m ON m.legacy_id = t.user_id"""
