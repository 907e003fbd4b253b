"""People: one row in `users` for each person of the crosswalk."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Account, Ids, Mapped, Mapper, Query
from mappers.crosswalk.people import joined_people, of_people
from mappers.keys import moment, person_id
from mappers.legacy import PEOPLE, Legacy, literal, sql, typed
from mappers.notes import fates, warn
from mappers.settings import MapperSettings

#: Meta keys of last resort for a picture.
AVATARS: Final = ("facebook_avatar", "google_avatar", "twitter_avatar")


class Users:
    """Writes a row for each person."""

    name = "users"
    writes: tuple[str, ...] = ("users",)

    def __init__(self, legacy: Legacy, settings: MapperSettings) -> None:
        self._admin = settings.users.admin_role
        social = ", ".join(
            sql(
                "(SELECT f.value FROM x.fact f WHERE f.person = p.person AND f.key = $key) AS $name",
                key=literal(key),
                name=key,
            )
            for key in AVATARS
        )
        self.reads = Query(
            sql=sql(
                "SELECT p.person, p.space, p.legacy_id, p.email, p.username, p.display_name, p.full_name,"
                " p.active, p.role_id, p.studio, p.created_at, p.updated_at, p.avatar_url,"
                " v.url AS picture, $social, $password AS password,"
                " e.source AS password_source, e.legacy_id AS password_id"
                " FROM x.person AS p LEFT JOIN x.avatar AS v ON v.person = p.person"
                " LEFT JOIN x.legacy_user AS e ON e.seq = p.password_seq $joined"
                " WHERE p.person > ?1 ORDER BY p.person LIMIT ?2",
                social=social,
                password=of_people(legacy, "password"),
                joined=joined_people(legacy),
            ),
            key="person",
            columns=typed(_INTEGERS, (*_TEXTS, *AVATARS)),
            count="SELECT count(*) FROM x.person",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> Mapped:
        """Return the users, and a warning for each password that cannot be kept."""
        users = rows.select(
            person_id(rows, ids).alias("id"),
            "email",
            "username",
            pl.coalesce("display_name", "full_name", "username").alias("display_name"),
            pl.coalesce(
                pl.col("avatar_url"),
                pl.col("picture"),
                *(cleaning.url(cleaning.text(pl.col(key))) for key in AVATARS),
            ).alias("avatar_url"),
            pl.when((pl.col("role_id") == self._admin).fill_null(False))
            .then(pl.lit("ADMIN"))
            .when(pl.col("studio") == 1)
            .then(pl.lit("STUDIO_OWNER"))
            .otherwise(pl.lit("USER"))
            .alias("role"),
            (pl.col("active") == 1).alias("email_verified"),
            cleaning.password(pl.col("password")).alias("password"),
            moment("created_at"),
            moment("updated_at"),
        )
        lost = (cleaning.password_is_lost(pl.col("password")), "password", "password_reset_needed")
        rows = rows.drop("invalid_utf8", strict=False)
        return Mapped(
            {"users": users}, warnings=warn(rows, pl.col("password_source"), pl.col("password_id"), lost)
        )


_INTEGERS: Final = (
    "person",
    "legacy_id",
    "active",
    "role_id",
    "studio",
    "created_at",
    "updated_at",
    "password_id",
)
_TEXTS: Final = (
    "space",
    "email",
    "username",
    "display_name",
    "full_name",
    "avatar_url",
    "picture",
    "password",
    "password_source",
)


class UserRows:
    """Gives the rows of the user tables that are no person's first their fates."""

    name = "user_rows"
    writes: tuple[str, ...] = ()

    def __init__(self, legacy: Legacy) -> None:
        names = ("username", "display_name")
        self.reads = Query(
            sql=sql(
                "SELECT e.seq, e.source, e.legacy_id, e.fate, e.reason, $username AS username,"
                " $display_name AS display_name, coalesce(e.email <> p.email, 0) AS conflict,"
                " e.email IS NULL AS invalid"
                " FROM x.legacy_user AS e LEFT JOIN x.person AS p ON p.person = e.person $joined"
                " WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
                username=of_people(legacy, "username"),
                display_name=of_people(legacy, "display_name", "displayname"),
                joined=joined_people(legacy),
            ),
            key="seq",
            columns=typed(("seq", "legacy_id", "conflict", "invalid"), ("source", "fate", "reason", *names)),
            count="SELECT count(*) FROM x.legacy_user",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> Mapped:  # noqa: ARG002  the shape of a mapper
        """Return fates, and warnings about e-mails that lost or were none and about names' bytes."""
        kept = pl.col("fate").is_null() | (pl.col("fate") == "merged")
        rules = (
            (kept & (pl.col("conflict") == 1), "email", "email_conflict"),
            (kept & (pl.col("invalid") == 1), "email", "invalid_email"),
        )
        source = (pl.col("source"), pl.col("legacy_id"))
        return Mapped({}, fates=fates(rows, *source), warnings=warn(rows, *source, *rules))


class UserIds:
    """Publishes which person each legacy id has become."""

    name = "user_ids"
    writes: tuple[str, ...] = ()
    reads = Query(
        sql="WITH k AS (SELECT person FROM x.person WHERE person > ?1 ORDER BY person LIMIT ?2)"
        " SELECT p.person, p.space, p.legacy_id, a.space AS entity, a.legacy_id AS alias, a.via"
        " FROM k JOIN x.person AS p USING (person) JOIN x.alias AS a USING (person)"
        " ORDER BY p.person, a.position",
        key="person",
        columns=typed(("person", "legacy_id", "alias"), ("space", "entity", "via")),
        count="SELECT count(*) FROM x.person",
    )

    def map(self, rows: pl.DataFrame, ids: Ids) -> Mapped:
        """Return rows of the id map alone."""
        id_map = rows.select(
            "entity",
            pl.col("alias").cast(pl.String).alias("legacy_id"),
            person_id(rows, ids).alias("new_id"),
            "via",
        )
        return Mapped({}, id_map=id_map)


def user_mappers(legacy: Legacy, settings: MapperSettings) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `users`, in order."""
    return Users(legacy, settings), UserRows(legacy), UserIds()


def user_accounts(legacy: Legacy) -> tuple[Account, ...]:
    """Return how each row of the user tables is accounted for."""
    return tuple(
        Account(
            source=source,
            sql=sql(
                "SELECT CAST(legacy_id AS TEXT) AS source_id, space AS entity, CAST(legacy_id AS TEXT) AS key"
                " FROM x.legacy_user WHERE source = $source",
                source=literal(source),
            ),
            target="users",
        )
        for source in legacy.present(PEOPLE)
    )
