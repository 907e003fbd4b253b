"""People: one row in `users` for each person of the crosswalk."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.row_outcomes import fates, warn
from mappers.sqlite_sql import literal, sql, typed
from mappers.studio.crosswalk.merge_people import joined_people, member, of_people
from mappers.studio.legacy_tables import PEOPLE, Legacy
from mappers.studio.person_ids import moment, person_id
from mappers.studio.settings import MapperSettings

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
                # Asked for last, of those who have facts, so only where nothing before it is there.
                "CASE WHEN p.profile AND p.avatar_url IS NULL AND v.url IS NULL"
                " THEN (SELECT f.value FROM x.fact f WHERE f.person = p.person AND f.key = $key)"
                " END AS $name",
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

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
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
        return MappedBatch(
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
        names = {"username": ("username",), "display_name": ("display_name", "displayname")}
        self.reads = Query(
            sql=sql(
                _ROWS + " AND e.seq > ?1 ORDER BY e.seq LIMIT ?2",
                names=", ".join(
                    f"{_of_stubs(legacy, *columns)} AS {name}" for name, columns in names.items()
                ),
            ),
            key="seq",
            columns=typed(
                ("seq", "conflict", "invalid"), ("source", "legacy_id", "fate", "reason", "broken", *names)
            ),
            count=sql("SELECT count(*) FROM ($rows)", rows=sql(_ROWS, names="1")),
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:  # noqa: ARG002  the shape of a mapper
        """Return fates, and warnings about e-mails that lost or were none and about names' bytes."""
        kept = pl.col("fate").is_null() | (pl.col("fate") == "merged")
        rules = (
            (kept & (pl.col("conflict") == 1), "email", "email_conflict"),
            (kept & (pl.col("invalid") == 1), "email", "invalid_email"),
        )
        source = (pl.col("source"), pl.col("legacy_id"))
        of_stubs = ["invalid_utf8"] if "invalid_utf8" in rows.columns else []
        rows = rows.with_columns(pl.coalesce("broken", *of_stubs).alias("invalid_utf8"))
        return MappedBatch({}, fates=fates(rows, *source), warnings=warn(rows, *source, *rules))


#: Most rows are their person's first, and nothing is to be said about them.
_ROWS: Final = """
SELECT e.seq, e.source, e.legacy_id, e.fate, e.reason, coalesce(t.email <> p.email, 0) AS conflict,
       t.email IS NULL AS invalid, t.broken, $names
FROM x.legacy_user AS e LEFT JOIN x.told AS t ON t.seq = e.seq LEFT JOIN x.person AS p ON p.person = e.person
WHERE (e.fate IS NOT NULL OR t.broken IS NOT NULL OR t.email IS NULL OR t.email <> p.email)"""


def _of_stubs(legacy: Legacy, *names: str) -> str:
    """Return SQL for a name of a placeholder, of which the crosswalk keeps nothing."""
    column = legacy.column("users", *names, of="s")
    if column == "NULL":
        return column
    return sql(
        "(SELECT $column FROM users AS s WHERE e.fate = 'excluded' AND e.source = 'users'"
        " AND s.id = e.legacy_id)",
        column=column,
    )


class UserIds:
    """Publishes which person each legacy id of a space has become."""

    writes: tuple[str, ...] = ()

    def __init__(self, space: str) -> None:
        self.name = f"{space}_ids"
        self._space = space
        self.reads = Query(
            sql=sql(
                "SELECT m.legacy_id AS alias, m.space, m.main_id, m.via FROM x.$member AS m"
                " WHERE m.legacy_id > ?1 ORDER BY m.legacy_id LIMIT ?2",
                member=member(space),
            ),
            key="alias",
            columns=typed(("alias", "main_id"), ("space", "via")),
            count=sql("SELECT count(*) FROM x.$member", member=member(space)),
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return rows of the id map alone."""
        id_map = rows.select(
            pl.lit(self._space).alias("entity"),
            pl.col("alias").cast(pl.String).alias("legacy_id"),
            person_id(rows, ids, "space", "main_id").alias("new_id"),
            "via",
        )
        return MappedBatch({}, id_map=id_map)


def user_mappers(legacy: Legacy, settings: MapperSettings) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `users`, in order."""
    return Users(legacy, settings), UserRows(legacy), *map(UserIds, dict.fromkeys(PEOPLE.values()))


def user_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each row of the user tables is accounted for."""
    return tuple(
        RowAccounting(
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
