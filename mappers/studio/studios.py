"""Studios and the services they offer: one studio per person whose category is STUDIO."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query
from mappers.reasons import Reason
from mappers.row_outcomes import Limits, within
from mappers.settings import MapperSettings
from mappers.sqlite_sql import literal, sql, typed
from mappers.studio.crosswalk.places import PLACE_COLUMNS
from mappers.studio.declared_columns import Columns, frame, keys
from mappers.studio.person_ids import as_timestamp, person_id, person_key
from mappers.studio.profile_values import (
    ADDRESS,
    LATITUDE,
    LONGITUDE,
    PLACE,
    first_code,
    first_of,
    placed,
    wide,
)
from mappers.studio.profiles import EQUIPMENT, equipment
from mappers.studio.settings import HOMESTUDIO

_PLACE_KEYS: Final = (*LATITUDE, *LONGITUDE)
_KEYS: Final = (
    *HOMESTUDIO,
    *ADDRESS,
    *_PLACE_KEYS,
    *EQUIPMENT,
    "about",
    "shortabout",
    "location",
    "url",
    "phone",
    "featured",
    "verified",
    "crb",
)
_READS: Final = """
WITH k AS (SELECT person FROM x.person WHERE studio AND person > ?1 ORDER BY person LIMIT min(?2, 4000))
SELECT p.person, p.space, p.legacy_id, p.studio_name, p.active, p.premium, p.created_at, p.updated_at,
       $place, f.key, f.value, f.source, f.source_id
FROM k JOIN x.person AS p USING (person) LEFT JOIN x.place AS pl ON pl.person = p.person
LEFT JOIN x.fact AS f ON f.person = p.person AND +f.key IN ($keys) ORDER BY p.person, f.key"""
_PERSON: Final = (
    "person",
    "space",
    "legacy_id",
    "studio_name",
    "active",
    "premium",
    "created_at",
    "updated_at",
    "several",
    "own_latitude",
    "own_longitude",
)


class Studios:
    """Writes studios and their services."""

    name = "studios"
    writes: tuple[str, ...] = ("studios", "studio_services")

    def __init__(self, settings: MapperSettings, limits: Limits) -> None:
        self._settings, self._limits = settings.studios, limits
        self.columns: Mapping[str, Columns] = {
            "studios": self._studio_columns(),
            "studio_services": self._service_columns(),
        }
        self._keys = sorted({*_KEYS, *settings.studios.services})
        self.reads = Query(
            sql=sql(_READS, keys=", ".join(literal(key) for key in self._keys), place=PLACE_COLUMNS),
            key="person",
            columns=typed(
                ("person", "legacy_id", "active", "premium", "created_at", "updated_at", "several"),
                (
                    "space",
                    "studio_name",
                    "own_latitude",
                    "own_longitude",
                    "key",
                    "value",
                    "source",
                    "source_id",
                ),
            ),
            count="SELECT count(*) FROM x.person WHERE studio",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return studios and services, and a warning for each invalid address or place."""
        people = rows.select(*_PERSON).unique("person", maintain_order=True)
        people = people.with_columns(
            person_id(people, ids).alias("owner_id"),
            person_key().alias("studio_key"),
        ).with_columns(ids.expr("studios", pl.col("studio_key")).alias("id"))
        facts = people.join(wide(rows, self._keys), on="person", how="left", maintain_order="left")
        facts = placed(facts).with_columns(first_of("about", "shortabout").alias("description"))
        return MappedBatch(
            {
                "studios": frame(facts, ids, self.columns["studios"]),
                "studio_services": frame(self._services(facts), ids, self.columns["studio_services"]),
            },
            warnings=_warnings(rows, facts),
        )

    def _studio_columns(self) -> Columns:
        status = pl.when(pl.col("active") == 1).then(pl.lit("ACTIVE")).otherwise(pl.lit("INACTIVE"))
        premium = cleaning.boolean(first_of("featured")) | (pl.col("premium") == 1)
        verified = cleaning.boolean(first_of("verified")) | cleaning.boolean(first_of("crb"))
        sources, address = ("about", "shortabout"), (*ADDRESS, "location")
        return {
            "id": ((), pl.col("id")),
            "owner_id": ((), pl.col("owner_id")),
            "name": (keys("first_name", "last_name", "location"), pl.col("studio_name")),
            "description": (keys(*sources), self._short("description", pl.col("description"))),
            "studio_type": (keys(*HOMESTUDIO, *sources), self._type()),
            "address": (keys(*address), self._short("address", first_of(*address))),
            "latitude": (keys(*LATITUDE), pl.col(PLACE[0])),
            "longitude": (keys(*LONGITUDE), pl.col(PLACE[1])),
            "website_url": (keys("url"), cleaning.url(first_of("url"))),
            "phone": (keys("phone"), self._short("phone", first_of("phone"))),
            "is_premium": (("people.role_id", "people.expiry_date", *keys("featured")), premium),
            "is_verified": (keys("verified", "crb"), verified),
            "status": (("people.status",), status),
            "created_at": ((), as_timestamp("created_at")),
            "updated_at": ((), as_timestamp("updated_at")),
        }

    def _service_columns(self) -> Columns:
        return {
            "id": (
                (),
                lambda _, ids: ids.expr("studio_services", pl.col("studio_key"), pl.col("service")),
            ),
            "studio_id": ((), pl.col("id")),
            "service": (keys(*self._settings.services, *EQUIPMENT), pl.col("service")),
        }

    def _short(self, column: str, value: pl.Expr) -> pl.Expr:
        """Return the value if its column can hold it; the person's profile or metadata has it in full."""
        return within("studios", column, self._limits, value)

    def _type(self) -> pl.Expr:
        """Return the type by the first set code, else by the words of the description."""
        words = pl.col("description").fill_null("")
        chosen = pl.lit(self._settings.type_default)
        for rule in reversed(self._settings.type_words):
            named = pl.any_horizontal(words.str.contains(_whole_word(word)) for word in rule.words)
            chosen = pl.when(named).then(pl.lit(rule.studio_type)).otherwise(chosen)
        codes = self._settings.type_codes
        by_code = first_code().replace_strict(
            list(codes), list(codes.values()), default=None, return_dtype=pl.String
        )
        return pl.coalesce(by_code, chosen)

    def _services(self, facts: pl.DataFrame) -> pl.DataFrame:
        """Return a row for each service that a flag or the free text names, once per studio."""
        said = pl.concat_str([equipment(key) for key in EQUIPMENT], separator="\n", ignore_nulls=True)
        named = [
            (cleaning.boolean(first_of(flag)), service)
            for flag, services in self._settings.services.items()
            for service in services
        ]
        for pattern, service in self._settings.service_words.items():
            named.append((said.str.contains(f"(?i){pattern}"), service))
            said = said.str.replace_all(f"(?i){pattern}", "\n")
        found = [
            facts.filter(where).select("person", "id", "studio_key", pl.lit(service).alias("service"))
            for where, service in named
        ]
        if not found:
            found = [facts.clear().select("person", "id", "studio_key", pl.lit("").alias("service"))]
        return pl.concat(found).unique(["person", "service"]).sort("person", "service")


def _whole_word(word: str) -> str:
    """Return the pattern of a word that is no part of a longer one, in any case."""
    return rf"(?i)(?:^|\W){re.escape(word)}(?:\W|$)"


def _warnings(rows: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Return warnings about a website that is not a URL and coordinates that are not a place."""
    site = first_of("url")
    nowhere = pl.col(PLACE[0]).is_null()
    odd = [("url", site.is_not_null() & cleaning.url(site).is_null(), Reason.INVALID_URL)]
    for key in _PLACE_KEYS:
        value = first_of(key)
        odd.append((key, nowhere & value.is_not_null() & ~value.str.contains(_NOUGHT), Reason.INVALID_NUMBER))
    found = pl.concat(
        facts.filter(where).select("person", pl.lit(key).alias("key"), pl.lit(rule).alias("rule"))
        for key, where, rule in odd
    )
    return found.join(rows, on=["person", "key"], how="inner", maintain_order="left").select(
        pl.col("source").alias("source_table"), "source_id", pl.col("key").alias("column"), "rule"
    )


_NOUGHT: Final = r"^[+-]?0*\.?0*$"


class StudioIds:
    """Adds to the id map which studio the owner of each legacy id has."""

    name = "studio_ids"
    writes: tuple[str, ...] = ()
    reads = Query(
        sql="WITH k AS (SELECT person FROM x.person WHERE studio AND person > ?1 ORDER BY person LIMIT ?2)"
        " SELECT p.person, p.space, p.legacy_id, a.space AS alias_space, a.legacy_id AS alias, a.via"
        " FROM k JOIN x.person AS p USING (person) JOIN x.alias AS a USING (person)"
        " ORDER BY p.person, a.position",
        key="person",
        columns=typed(("person", "legacy_id", "alias"), ("space", "alias_space", "via")),
        count="SELECT count(*) FROM x.person WHERE studio",
    )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return only rows of the id map."""
        id_map = rows.select(
            pl.lit("studios").alias("entity"),
            person_key("alias_space", "alias").alias("legacy_id"),
            ids.expr("studios", person_key()).alias("new_id"),
            "via",
        )
        return MappedBatch({}, id_map=id_map)


def studio_mappers(settings: MapperSettings, limits: Limits) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `studios`, in order."""
    return Studios(settings, limits), StudioIds()
