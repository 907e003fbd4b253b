"""The section `[mappers]` of the configuration, and what other sections default to without a mapping file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from mappers.studio.settings import (
    ImageSettings,
    Key,
    MessageSettings,
    ProfileSettings,
    ReviewSettings,
    StudioSettings,
    UserSettings,
)

#: `[target] empty`: tables of the application alone. Their rows refer to rows that are replaced, so they
#: are emptied.
EMPTIED: Final = (
    "accounts",
    "sessions",
    "saved_searches",
    "notifications",
    "subscriptions",
    "pending_subscriptions",
    "refunds",
    "content_reports",
)
#: `[ids] map`: entities whose legacy ids the id map holds.
IN_ID_MAP: Final = ("users", "studios")


class MapperSettings(BaseModel):
    """The section `[mappers]` of the configuration; where `mapping` names a file, that says all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mapping: Path | None = Field(
        default=None,
        description="mapping file, for any database; none: the source is a studio directory",
    )
    left_out: tuple[Key, ...] = Field(
        default=(),
        description="source tables that you do not want to migrate; a table that is in no "
        "mapping and not here is an error",
    )
    users: UserSettings = UserSettings()
    profiles: ProfileSettings = ProfileSettings()
    studios: StudioSettings = StudioSettings()
    images: ImageSettings = ImageSettings()
    messages: MessageSettings = MessageSettings()
    reviews: ReviewSettings = ReviewSettings()
