"""What an operator can change of the mapping without touching code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Category = Literal["STUDIO", "VOICEOVER", "OTHER"]
StudioType = Literal["HOME", "RECORDING", "PODCAST", "PRODUCTION", "MOBILE"]
Service = Literal[
    "ISDN", "SOURCE_CONNECT", "SOURCE_CONNECT_NOW", "CLEANFEED", "SESSION_LINK_PRO", "ZOOM", "SKYPE", "TEAMS"
]
Key = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CategoryRule(_Section):
    """One way into a category: any of its signs is enough."""

    category: Category
    codes: tuple[Key, ...] = Field(
        default=(), description="keys whose one-digit code is set (not empty, not 0)"
    )
    texts: tuple[Key, ...] = Field(default=(), description="keys that have any value")
    flags: tuple[Key, ...] = Field(default=(), description="keys that say yes")
    coordinates: bool = Field(default=False, description="both coordinates, by the number rule")


HOMESTUDIO = ("homestudio", "homestudio2", "homestudio3", "homestudio4", "homestudio5", "homestudio6")
RATES = ("rates1", "rates2", "rates3")

CATEGORY_RULES = (
    CategoryRule(category="STUDIO", codes=HOMESTUDIO, texts=("address", "loc1"), coordinates=True),
    CategoryRule(category="VOICEOVER", texts=RATES, flags=("showrates",)),
    CategoryRule(category="STUDIO", flags=tuple(f"connection{n}" for n in range(1, 9))),
)


class ProfileSettings(_Section):
    """How profiles are read and sorted."""

    category_rules: tuple[CategoryRule, ...] = Field(
        default=CATEGORY_RULES, description="tried in order, the first that holds decides; none: OTHER"
    )
    category_key: Key = Field(
        default="profile_category", description="the user_metadata key the category goes to"
    )
    dropped_keys: tuple[Key, ...] = Field(
        default=(
            "last_login_ip",
            "session",
            "session_id",
            "session_token",
            "session_tokens",
            "remember",
            "remember_token",
            "reset_token",
            "password",
        ),
        description="keys and columns that are not carried over, not even as metadata",
    )


class TypeWords(_Section):
    """A studio type and the words of a description that speak for it."""

    studio_type: StudioType
    words: tuple[Key, ...]


class StudioSettings(_Section):
    """How studios get their type and their services."""

    type_codes: dict[str, StudioType] = Field(
        default={"1": "HOME", "2": "RECORDING", "3": "PODCAST", "4": "PRODUCTION", "5": "MOBILE"},
        description="homestudio* code -> studio type; a code that is not here is decided by words",
    )
    type_words: tuple[TypeWords, ...] = Field(
        default=(
            TypeWords(studio_type="PODCAST", words=("podcast",)),
            TypeWords(studio_type="PRODUCTION", words=("production", "commercial")),
            TypeWords(studio_type="RECORDING", words=("recording studio", "professional studio")),
            TypeWords(studio_type="MOBILE", words=("mobile", "on-location")),
        ),
        description="tried in order on the description: whole words, in any case",
    )
    type_default: StudioType = Field(default="HOME", description="if neither code nor words match")
    services: dict[str, tuple[Service, ...]] = Field(
        default={
            "connection1": ("SOURCE_CONNECT",),
            "connection2": ("SOURCE_CONNECT_NOW",),
            "connection4": ("SESSION_LINK_PRO",),
            "connection5": ("ZOOM", "TEAMS"),
            "connection6": ("CLEANFEED",),
        },
        description="connection flag -> services",
    )
    service_words: dict[str, Service] = Field(
        default={
            r"\bisdn\d*\b": "ISDN",
            r"\bskype\b": "SKYPE",
            r"\bzoom\b": "ZOOM",
            r"\b(?:ms[\s_-]*)?teams\b": "TEAMS",
            r"\bclean[\s_-]?feed\b": "CLEANFEED",
            r"\bsource[\s_-]*connect[\s_-]*now\b": "SOURCE_CONNECT_NOW",
            r"\bsource[\s_-]*connect\b": "SOURCE_CONNECT",
        },
        description="pattern in the free text of connection10 and sc (any case) -> service; tried in "
        "order, and what names one service names no other",
    )
    labels: dict[str, str] = Field(
        default={
            "connection3": "Phone Patch",
            "connection7": "Riverside",
            "connection8": "Google Hangouts",
            "connection9": "ipDTL",
            "connection11": "Zencastr",
            "connection12": "DIVA",
        },
        description="connection flag without a service of its own -> its label in services_offered",
    )
    paid_role: int = Field(default=7, description="the legacy role that makes a studio premium")


class ImageSettings(_Section):
    """Where image files without a URL are found."""

    base_url: str = Field(
        default="https://res.cloudinary.com/demo/image/upload",
        pattern=r"^https://[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?::[0-9]{1,5})?(?:/[^\s?#]*)?$",
        description="put before a bare file name",
    )


class MessageSettings(_Section):
    """Which messages are carried over."""

    keep_deleted: bool = Field(default=False, description="migrate messages that are marked deleted, too")


class ReviewSettings(_Section):
    """What the legacy comments lack."""

    rating: int = Field(default=5, ge=1, le=5, description="the rating of every migrated review")


class UserSettings(_Section):
    """Which legacy roles mean what."""

    admin_role: int = Field(default=1, description="the legacy role that becomes ADMIN")
    placeholder_status: str = Field(
        default="stub", description="rows of `users` with this status are no people"
    )
