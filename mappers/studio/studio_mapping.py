"""The flagship's whole mapping: its stages, its crosswalk, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from mappers.base import (
    Breakdown,
    Cells,
    HiddenIds,
    Lineage,
    MapperStage,
    MappingSpec,
    RowAccounting,
    Workspace,
)
from mappers.reasons import Reason
from mappers.row_outcomes import Limits
from mappers.settings import MapperSettings
from mappers.studio.column_lineage import METADATA, StudioLineage
from mappers.studio.connections import connection_accounts, connection_mappers
from mappers.studio.crosswalk.account_fields import read_account_fields
from mappers.studio.crosswalk.connections import decide_connections
from mappers.studio.crosswalk.first_dates import date_people
from mappers.studio.crosswalk.images import order_images
from mappers.studio.crosswalk.length_limits import reject_overlong
from mappers.studio.crosswalk.merge_people import map_legacy_ids, merge_people
from mappers.studio.crosswalk.person_roles import complete_people
from mappers.studio.crosswalk.profile_fields import collect_profile_fields
from mappers.studio.crosswalk.reviews import classify_comments
from mappers.studio.crosswalk.usernames import assign_usernames
from mappers.studio.images import image_accounts, image_mappers
from mappers.studio.legacy_tables import CONTACTS, MESSAGES, META, PEOPLE, Legacy
from mappers.studio.messages import message_accounts, message_mappers
from mappers.studio.profiles import profile_accounts, profile_mappers
from mappers.studio.reviews import review_accounts, review_mappers
from mappers.studio.studios import studio_mappers
from mappers.studio.users import user_accounts, user_mappers

_MIGRATED: Final = (*PEOPLE, "profile", *META, "studio_gallery", *MESSAGES, *CONTACTS, "shows_comments")
#: Tables left out by name, and by the end or the beginning of it: the name of the rule.
_RULES: Final[Mapping[str, Reason]] = {
    "shows_options": Reason.SITE_OPTIONS,
    "shows_sessions": Reason.SESSIONS,
    "community_comments": Reason.COMMENTS_ON_NO_STUDIO,
    "poi": Reason.POINTS_OF_INTEREST,
    "contacts": Reason.CONTACT_FORM,
    "_database_metadata": Reason.IMPORT_NOTES,
}
_ENDINGS: Final[Mapping[str, Reason]] = {"_commentvotes": Reason.COMMENT_VOTES, "_roles": Reason.ROLES}
_BEGINNINGS: Final[Mapping[str, Reason]] = {"faq": Reason.FAQ, "maps_": Reason.MAPS}


#: What the mapping says without a source.
SPEC: Final = MappingSpec(
    stages=("users", "profiles", "studios", "images", "messages", "connections", "reviews"),
    tables_filled=(
        "users",
        "user_profiles",
        "user_metadata",
        "studios",
        "studio_services",
        "studio_images",
        "messages",
        "user_connections",
        "reviews",
        "review_responses",
    ),
    #: one row of the profiles proves many source rows: the meta rows it is made of
    shared=("user_profiles",),
    derived=(
        "user_metadata",
        "studios",
        "studio_services",
        "studio_images",
        "user_connections",
    ),
    kind="studio directory",
    one_of=tuple(PEOPLE),
    metadata=METADATA,
    entities=(
        "users",
        "community_users",
        "studios",
        "messages",
        "community_messages",
        "studio_gallery",
        "shows_contacts",
        "community_contacts",
        "shows_comments",
    ),
    id_map=MappingProxyType(
        {"users": ("users", "community_users"), "studios": ("users", "community_users", "studios")}
    ),
    #: checks for a studio directory only
    checks=(
        "ids_mapped",
        "categories",
        "studios",
        "urls_parse",
        "image_order",
        "live_ends",
        "message_counts",
        "connections",
    ),
)


class StudioMapping:
    """Implements `mappers.base.BoundMapping` for the studio directory.

    `tables`: the snapshot's tables and their columns, of which any may be missing.
    `limits`: the longest text of target columns that have a limit, by (table, column);
    `target_columns`: the columns of target tables, to fill an optional one.
    """

    hidden: tuple[HiddenIds, ...] = ()
    #: rows are merged and combined: separate checks compare the cells
    cells: tuple[Cells, ...] = ()
    breakdown: Breakdown | None

    def __init__(
        self,
        settings: MapperSettings,
        tables: Mapping[str, Sequence[str]],
        *,
        limits: Limits | None = None,
        target_columns: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.settings = settings
        self.legacy = legacy = Legacy(tables)
        key = settings.profiles.category_key
        self.breakdown = Breakdown("Profiles", "Profiles by category", METADATA, key)
        self.limits: Limits = dict(limits or {})
        self.stages: tuple[MapperStage, ...] = (
            MapperStage("users", user_mappers(legacy, settings)),
            MapperStage(
                "profiles",
                profile_mappers(
                    legacy, settings, (target_columns or {}).get("user_profiles", ()), self.limits
                ),
            ),
            MapperStage("studios", studio_mappers(settings, self.limits)),
            MapperStage("images", image_mappers(legacy, self.limits)),
            MapperStage("messages", message_mappers(legacy, settings, self.limits)),
            MapperStage("connections", connection_mappers(legacy)),
            MapperStage("reviews", review_mappers(legacy, settings, self.limits)),
        )
        self.accounts: tuple[RowAccounting, ...] = (
            *user_accounts(legacy),
            *profile_accounts(legacy),
            *image_accounts(legacy),
            *message_accounts(legacy),
            *connection_accounts(legacy),
            *review_accounts(legacy),
        )
        rules = {table: _rule(table, settings) for table in legacy.tables if table not in _MIGRATED}
        self.chosen: Mapping[str, str] = {}
        self.left_out: Mapping[str, str] = {table: rule for table, rule in rules.items() if rule}
        self.unknown: tuple[str, ...] = tuple(table for table, rule in rules.items() if not rule)
        mappers = [mapper for stage in self.stages for mapper in stage.mappers]
        self._lineage = StudioLineage(legacy, settings, self.left_out, mappers)

    def prepare(self, workspace: Workspace) -> None:
        """Build the crosswalk again: people, their names and facts, and the order of what they own."""
        _clear(workspace)
        merge_people(workspace, self.legacy, self.settings.users)
        read_account_fields(workspace)
        newest = date_people(workspace, self.legacy)
        map_legacy_ids(workspace)
        assign_usernames(workspace)
        reject_overlong(workspace, self.limits)
        collect_profile_fields(workspace, self.legacy, self.settings.profiles.dropped_keys)
        complete_people(workspace, self.legacy, self.settings, newest)
        order_images(workspace, self.legacy, self.settings.images)
        decide_connections(workspace, self.legacy)
        classify_comments(workspace, self.legacy)

    def counted(self, workspace: Workspace) -> list[tuple[str, str, str, int]]:  # noqa: ARG002
        """Return nothing: every value that is changed has its warning."""
        return []

    def lineage(self) -> Lineage:
        """Return the target of every source column."""
        return self._lineage.lineage()

    def column_report(self, workspace: Workspace) -> pl.DataFrame:
        """Return the target of every source column and meta key."""
        return self._lineage.report(workspace)


def _rule(table: str, settings: MapperSettings) -> Reason | None:
    if table in settings.left_out:
        return Reason.CONFIG
    if table in _RULES:
        return _RULES[table]
    for ending, rule in _ENDINGS.items():
        if table.endswith(ending):
            return rule
    for beginning, rule in _BEGINNINGS.items():
        if table.startswith(beginning):
            return rule
    return None


def _clear(workspace: Workspace) -> None:
    """Drop what an earlier attempt left in the crosswalk."""
    while (
        view := workspace.scalar("SELECT name FROM x.sqlite_schema WHERE type = 'view' LIMIT 1")
    ) is not None:
        workspace.execute(f'DROP VIEW x."{view}"')
    left = "SELECT name FROM x.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT 1"
    while (table := workspace.scalar(left)) is not None:
        workspace.execute(f'DROP TABLE x."{table}"')
