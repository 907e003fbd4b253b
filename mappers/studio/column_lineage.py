"""Where each source column and each key went: into a column, into metadata, or dropped by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers.base import COLUMN_REPORT, Query, Workspace
from mappers.filled_counts import count_filled
from mappers.sqlite_sql import quoted, sql, typed
from mappers.studio.crosswalk.images import IMAGE_KEYS
from mappers.studio.crosswalk.profile_fields import KEPT_COLUMNS
from mappers.studio.legacy_tables import COMMENTS, CONTACTS, MESSAGES, META, PEOPLE, Legacy
from mappers.studio.profile_values import ADDRESS, LATITUDE, LONGITUDE
from mappers.studio.profiles import EQUIPMENT, FLAGS, TEXTS, URLS, VERIFIED
from mappers.studio.settings import HOMESTUDIO, MapperSettings
from mappers.studio.users import AVATARS

METADATA: Final = "user_metadata"
NO_TARGET: Final = "dropped:no_target_column"
DROPPED_KEYS: Final = "dropped:dropped_keys"
#: The category is written under this key, so that a legacy value of it has no place.
RESERVED: Final = "dropped:reserved_key"

_PEOPLE: Final[Mapping[str, str]] = {
    "id": "users.id",
    "username": "users.username",
    "email": "users.email",
    "password": "users.password",
    "display_name": "users.display_name",
    "displayname": "users.display_name",
    "joined": "users.created_at",
    "created_at": "users.created_at",
    "status": "users.email_verified, studios.status",
    "role_id": "users.role, studios.is_premium",
    "avatar_url": f"users.avatar_url, {METADATA}",
    "expiry_date": f"studios.is_premium, {METADATA}",
    "reminder": "dropped:token",
    "remember": "dropped:token",
}
_GALLERY: Final[Mapping[str, str]] = {
    "id": "studio_images.id",
    "user_id": "studio_images.studio_id",
    "image_type": "users.avatar_url, studio_images",
    "image_filename": "studio_images.image_url",
    "cloudinary_url": "studio_images.image_url",
    "cloudinary_public_id": "dropped:kept_in_url",
    "is_primary": "studio_images.sort_order",
    "display_order": "studio_images.sort_order",
}
_MESSAGES: Final[Mapping[str, str]] = {
    "id": "messages.id",
    "from_user": "messages.sender_id",
    "to_user": "messages.receiver_id",
    "message": "messages.content",
    "date": "messages.created_at",
    "read": "messages.is_read",
    "deleted": "dropped:deleted",
}
_CONTACTS: Final[Mapping[str, str]] = {
    "id": "user_connections.id",
    "user1": "user_connections.user_id",
    "user2": "user_connections.connected_user_id",
    "accepted": "user_connections.accepted",
}
_COMMENTS: Final[Mapping[str, str]] = {
    "id": "reviews.id, review_responses.id",
    "user_id": "reviews.reviewer_id, review_responses.author_id",
    "page": "reviews.studio_id, reviews.owner_id",
    "content": "reviews.content, review_responses.content",
    "date": "reviews.created_at, review_responses.created_at",
    "updated": "reviews.updated_at, review_responses.updated_at",
    "status": "reviews.status",
    "parent": "review_responses.review_id",
    "upvotes": "dropped:comment_votes",
    "downvotes": "dropped:comment_votes",
}
_META: Final[Mapping[str, str]] = {
    "id": "dropped:row_number",
    "user_id": "user_profiles.user_id",
    "meta_key": METADATA + ".key",
    "meta_value": "see each key",
}
_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(PEOPLE, _PEOPLE),
    **dict.fromkeys(META, _META),
    **dict.fromkeys(MESSAGES, _MESSAGES),
    **dict.fromkeys(CONTACTS, _CONTACTS),
    next(iter(COMMENTS)): _COMMENTS,
    "studio_gallery": _GALLERY,
}


def column_report(
    workspace: Workspace, legacy: Legacy, settings: MapperSettings, left_out: Mapping[str, str]
) -> pl.DataFrame:
    """Return a frame shaped as `COLUMN_REPORT`: every source column and every meta key.

    `filled` counts the cells that are neither NULL nor ''. `went_to` names target columns,
    `user_metadata`, or `dropped:` and the rule.
    """
    keys = key_targets(settings)
    dropped = frozenset(settings.profiles.dropped_keys)
    found = [pl.DataFrame(schema=dict(COLUMN_REPORT))]
    for table in legacy.tables:
        rule = f"dropped:{left_out[table]}" if table in left_out else None
        for column, filled in count_filled(workspace, table, legacy.columns(table)).items():
            went = rule or _went(table, column, keys, dropped)
            found.append(_line(table, column, None, went, filled))
        if table in META:
            found.extend(
                _line(table, "meta_value", key, _key_went(key, keys, dropped), filled)
                for key, filled in _keys(workspace, table).items()
            )
    return pl.concat(found)


def key_targets(settings: MapperSettings) -> Mapping[str, str]:
    """Return the target columns of each key that has any; where a value does not fit, it is metadata."""
    targets: dict[str, list[str]] = {}
    named = [(key, f"user_profiles.{column}") for key, column in {**TEXTS, **FLAGS}.items()]
    named += [(key, f"user_profiles.{column}") for column, keys in URLS.items() for key in keys]
    named += [(VERIFIED, "user_profiles.verification_level")]
    named += [(key, "user_profiles.equipment_list") for key in EQUIPMENT]
    named += [(key, "user_profiles.services_offered") for key in settings.studios.labels]
    extra = [(key, "studios.studio_type") for key in HOMESTUDIO]
    extra += [(key, "studios.address") for key in ADDRESS]
    extra += [(key, "studios.latitude") for key in LATITUDE]
    extra += [(key, "studios.longitude") for key in LONGITUDE]
    extra += [(key, "studio_services.service") for key in settings.studios.services]
    extra += [("url", "studios.website_url")]
    extra += [(key, "users.updated_at") for key in ("last_login", "lastupdated")]
    extra += [(key, "users.avatar_url") for key in (IMAGE_KEYS[0], *AVATARS)]
    extra += [(key, "studio_images.image_url") for key in IMAGE_KEYS[1:]]
    for key, target in named:
        targets.setdefault(key, []).append(target)
    for key, target in extra:
        targets.setdefault(key, []).extend((target, METADATA))
    targets[settings.profiles.category_key] = [RESERVED]
    return {key: ", ".join(dict.fromkeys(to)) for key, to in targets.items()}


def _went(table: str, column: str, keys: Mapping[str, str], dropped: frozenset[str]) -> str:
    if table == "profile":
        return "user_profiles.user_id" if column == "user_id" else _key_went(column, keys, dropped)
    if table in PEOPLE and column in KEPT_COLUMNS:
        return _PEOPLE.get(column, METADATA)
    return _TABLES.get(table, {}).get(column, NO_TARGET)


def _key_went(key: str, keys: Mapping[str, str], dropped: frozenset[str]) -> str:
    return DROPPED_KEYS if key in dropped else keys.get(key, METADATA)


def _line(table: str, column: str, key: str | None, went: str, filled: int) -> pl.DataFrame:
    return pl.DataFrame([(table, column, key, went, filled)], schema=dict(COLUMN_REPORT), orient="row")


def _keys(workspace: Workspace, table: str) -> Mapping[str, int]:
    """Return the distinct keys of a meta table and how many of their values are not empty."""
    query = Query(
        sql=sql(
            "SELECT n, key, filled FROM (SELECT row_number() OVER (ORDER BY meta_key) AS n, meta_key AS key,"
            " count(nullif(CAST(meta_value AS TEXT), '')) AS filled FROM $table GROUP BY meta_key)"
            " WHERE n > ?1 ORDER BY n LIMIT ?2",
            table=quoted(table),
        ),
        key="n",
        columns=typed(("n", "filled"), ("key",)),
        count="SELECT 1",
    )
    found = pl.concat(
        [pl.DataFrame(schema={"key": pl.String, "filled": pl.Int64})]
        + [rows.select("key", "filled") for rows in workspace.read(query)]
    )
    return {key: filled for key, filled in found.rows() if key is not None}
