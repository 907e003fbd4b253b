"""People: one row in `users` for each person of the crosswalk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Cast, Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.reasons import Reason
from mappers.row_outcomes import fates, warn
from mappers.settings import MapperSettings
from mappers.sqlite_sql import literal, sql, typed
from mappers.studio.crosswalk.images import IMAGE_KEYS
from mappers.studio.crosswalk.merge_people import joined_people, member, of_people
from mappers.studio.declared_columns import Columns, casts, frame, keys, select_list, texts
from mappers.studio.legacy_tables import PEOPLE, Legacy
from mappers.studio.person_ids import as_timestamp, person_id

#: Meta keys that are used for an image if nothing else has one.
AVATARS: Final = ("facebook_avatar", "google_avatar", "twitter_avatar")


class Users:
    """Writes a row for each person."""

    name = "users"
    writes: tuple[str, ...] = ("users",)

    def __init__(self, legacy: Legacy, settings: MapperSettings) -> None:
        self.columns: Mapping[str, Columns] = {"users": _columns(settings.users.admin_role)}
        social = {
            # Read last, only for those who have facts, so only if nothing before it has a value.
            key: sql(
                "CASE WHEN p.profile AND p.avatar_url IS NULL AND v.url IS NULL"
                " THEN (SELECT f.value FROM x.fact f WHERE f.person = p.person AND f.key = $key) END",
                key=literal(key),
            )
            for key in AVATARS
        }
        selected: dict[str, tuple[Cast, str]] = {
            **{name: ("integer", f"p.{name}") for name in _INTEGERS},
            **texts((name, f"p.{name}") for name in _TEXTS),
            "picture": ("text", "v.url"),
            **texts(social),
            "password": ("text", of_people(legacy, "password")),
            "password_source": ("text", "e.source"),
            "password_id": ("integer", "e.legacy_id"),
        }
        self.reads = Query(
            sql=sql(
                "SELECT $selected FROM x.person AS p LEFT JOIN x.avatar AS v ON v.person = p.person"
                " LEFT JOIN x.legacy_user AS e ON e.seq = p.password_seq $joined"
                " WHERE p.person > ?1 ORDER BY p.person LIMIT ?2",
                selected=select_list(selected),
                joined=joined_people(legacy),
            ),
            key="person",
            columns=casts(selected),
            count="SELECT count(*) FROM x.person",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return the users, and a warning for each password that cannot be kept."""
        users = frame(rows, ids, self.columns["users"])
        lost = (cleaning.password_is_lost(pl.col("password")), "password", Reason.PASSWORD_RESET_NEEDED)
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
)
_TEXTS: Final = (
    "space",
    "email",
    "username",
    "display_name",
    "full_name",
    "avatar_url",
)


def _columns(admin_role: int) -> Columns:
    named = [cleaning.url(cleaning.text(pl.col(key))) for key in AVATARS]
    role = (
        pl.when((pl.col("role_id") == admin_role).fill_null(False))
        .then(pl.lit("ADMIN"))
        .when(pl.col("studio") == 1)
        .then(pl.lit("STUDIO_OWNER"))
        .otherwise(pl.lit("USER"))
    )
    picture = ("gallery.image_type", "gallery.image_filename", "gallery.cloudinary_url")
    return {
        "id": (("people.id",), person_id),
        "email": (("people.email",), pl.col("email")),
        "username": (("people.username",), pl.col("username")),
        "display_name": (
            ("people.display_name", "people.displayname", *keys("first_name", "last_name")),
            pl.coalesce("display_name", "full_name", "username"),
        ),
        "avatar_url": (
            ("people.avatar_url", *picture, *keys(IMAGE_KEYS[0], *AVATARS)),
            pl.coalesce("avatar_url", "picture", *named),
        ),
        "role": (("people.role_id",), role),
        "email_verified": (("people.status",), pl.col("active") == 1),
        "password": (("people.password",), cleaning.password(pl.col("password"))),
        "created_at": (("people.joined", "people.created_at"), as_timestamp("created_at")),
        "updated_at": (keys("last_login", "lastupdated"), as_timestamp("updated_at")),
    }


class UserRows:
    """Gives the rows of the user tables that are not a person's first their outcomes."""

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
        """Return outcomes, and warnings about dropped or invalid e-mails and about the bytes of names."""
        kept = pl.col("fate").is_null() | (pl.col("fate") == "merged")
        rules = (
            (kept & (pl.col("conflict") == 1), "email", Reason.EMAIL_CONFLICT),
            (kept & (pl.col("invalid") == 1), "email", Reason.INVALID_EMAIL),
        )
        source = (pl.col("source"), pl.col("legacy_id"))
        of_stubs = ["invalid_utf8"] if "invalid_utf8" in rows.columns else []
        rows = rows.with_columns(pl.coalesce("broken", *of_stubs).alias("invalid_utf8"))
        return MappedBatch({}, fates=fates(rows, *source), warnings=warn(rows, *source, *rules))


#: Most rows are their person's first, and have no warning.
_ROWS: Final = """
SELECT e.seq, e.source, e.legacy_id, e.fate, e.reason, coalesce(t.email <> p.email, 0) AS conflict,
       t.email IS NULL AS invalid, t.broken, $names
FROM x.legacy_user AS e LEFT JOIN x.user_rows AS t ON t.seq = e.seq
LEFT JOIN x.person AS p ON p.person = e.person
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
    """Adds to the id map which person each legacy id of a space has become."""

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
        """Return only rows of the id map."""
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
