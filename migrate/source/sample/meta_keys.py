"""The keys of the legacy profiles: every meta key, the form of its values, the people who have it.

The names are those of the mapping and of the `profile` columns, and more keys that no column of the target
takes. A key is unset ('' or 0) for the people who do not have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Key:
    """A meta key: the form of its values, the share of people that set it, and their kinds.

    `kinds` are the kinds of people that may set it (none: all of them); `weight` is how likely a row of the
    key exists at all, set or not.
    """

    name: str
    look: str
    share: float
    kinds: tuple[str, ...] = ()
    weight: float = 1.0


_STUDIO: Final = ("studio",)
_PAID: Final = ("studio", "voice")
_WIRED: Final = ("studio", "voice", "wired")
_CORE: Final = 60.0
_RARE: Final = 0.15

KEYS: Final[tuple[Key, ...]] = (
    # person and place
    Key("first_name", "first", 0.95, weight=_CORE),
    Key("last_name", "last", 0.85, weight=_CORE),
    Key("location", "city", 0.8, weight=4),
    Key("address", "street", 0.6, _STUDIO, _CORE),
    Key("loc1", "street", 0.75, _STUDIO, _CORE),
    Key("loc2", "city", 0.3),
    Key("latitude", "latitude", 0.5, _STUDIO, 4),
    Key("longitude", "longitude", 0.5, _STUDIO, 4),
    Key("loc3", "latitude", 0.7, _STUDIO, _CORE),
    Key("loc4", "longitude", 0.7, _STUDIO, _CORE),
    Key("phone", "phone", 0.7, weight=4),
    Key("url", "web", 0.6, weight=4),
    Key("about", "about", 0.85, weight=_CORE),
    Key("shortabout", "short", 0.6, weight=4),
    Key("category", "word:voiceover,studio,agency", 0.3),
    Key("gender", "word:f,m,x", 0.4),
    Key("birthday", "day", 0.2),
    # addresses on the web
    Key("facebook", "web:facebook", 0.4),
    Key("twitter", "web:twitter", 0.45),
    Key("linkedin", "web:linkedin", 0.35),
    Key("instagram", "web:instagram", 0.3),
    Key("soundcloud", "web:soundcloud", 0.3),
    Key("youtubepage", "web:youtube", 0.25),
    Key("youtube", "video", 0.15),
    Key("youtube2", "web:youtube", 0.1),
    Key("vimeopage", "web:vimeo", 0.12),
    Key("vimeo", "video", 0.1),
    Key("vimeo2", "web:vimeo", 0.05),
    Key("soundcloudlink2", "web:soundcloud", 0.1),
    Key("soundcloudlink3", "web:soundcloud", 0.07),
    Key("soundcloudlink4", "web:soundcloud", 0.05),
    Key("pinterest", "web:pinterest", 0.05),
    Key("tiktok", "handle", 0.1),
    # rates
    Key("rates1", "rate", 0.6, _PAID, _CORE),
    Key("rates2", "rate", 0.45, _PAID, 4),
    Key("rates3", "rate", 0.35, _PAID, 4),
    Key("showrates", "flag", 0.5, _PAID, _CORE),
    # coded keys of the studio, and its connections
    Key("homestudio", "code", 0.6, _STUDIO, _CORE),
    *(Key(f"homestudio{number}", "code", 0.12, _STUDIO) for number in range(2, 7)),
    *(Key(f"connection{number}", "flag", 0.3, _WIRED, 4) for number in range(1, 9)),
    Key("connection9", "flag", 0.15),
    Key("connection10", "gear", 0.2),
    *(Key(f"connection{number}", "flag", 0.1) for number in (11, 12, 13, 14, 15)),
    Key("sc", "gear", 0.15),
    # what the page shows
    *(
        Key(f"show{what}", "flag", 0.6)
        for what in ("phone", "email", "address", "map", "directions", "short")
    ),
    *(
        Key(f"{site}show", "flag", 0.4)
        for site in (
            "facebook",
            "twitter",
            "instagram",
            "linkedin",
            "youtubepage",
            "soundcloud",
            "vimeopage",
            "pinterest",
        )
    ),
    # pictures
    Key("avatar_image", "file", 0.6, weight=4),
    *(Key(f"avatar_image{number}", "file", 0.3) for number in range(2, 11)),
    Key("avatar_type", "word:upload,facebook,google,twitter", 0.4),
    Key("facebook_avatar", "picture", 0.1),
    Key("google_avatar", "picture", 0.07),
    Key("twitter_avatar", "picture", 0.05),
    # standing
    Key("verified", "flag", 0.25),
    Key("featured", "flag", 0.06),
    Key("featureddate", "date", 0.06),
    Key("spotlight", "flag", 0.04),
    Key("crb", "flag", 0.15),
    Key("von", "flag", 0.2),
    # traces of visits
    Key("lastupdated", "month", 0.7),
    Key("last_login", "date", 0.8, weight=4),
    Key("last_login_ip", "ip", 0.8),
    Key("locale", "word:en_GB,en_US,de_DE", 0.5),
    Key("timezone", "word:Europe/London,Europe/Berlin,UTC", 0.4),
    Key("session_token", "token", 0.3),
    Key("remember_token", "token", 0.2),
    # a tail that no column takes
    Key("languages", "word:English,English and German,Polish", 0.3, weight=_RARE),
    Key("accents", "word:RP,Northern,Scottish,General American", 0.3, weight=_RARE),
    Key("voice_age", "word:young adult,middle aged,senior", 0.3, weight=_RARE),
    Key("gear_list", "gear", 0.3, weight=_RARE),
    Key("notes", "short", 0.2, weight=_RARE),
    Key("newsletter", "flag", 0.5, weight=_RARE),
    Key("referrer", "word:friend,search,fair", 0.3, weight=_RARE),
    Key("agent", "word:none,own,house", 0.2, weight=_RARE),
    Key("union", "flag", 0.2, weight=_RARE),
    Key("vat_number", "word:none,GB000000000", 0.1, weight=_RARE),
    Key("profile_views", "number", 0.8, weight=_RARE),
    Key("theme", "word:dark,light", 0.2, weight=_RARE),
    Key("skype", "handle", 0.1, weight=_RARE),
    Key("demo_reel", "web:soundcloud", 0.2, weight=_RARE),
)

#: columns of `profile` other than user_id; the other keys are only in the meta rows
PROFILE: Final[tuple[str, ...]] = (
    "first_name", "last_name", "location", "address", "latitude", "longitude", "phone", "url",
    "about", "shortabout", "category", "gender", "birthday",
    "facebook", "twitter", "linkedin", "instagram", "youtubepage", "youtube2", "vimeo", "vimeo2",
    "soundcloud", "soundcloudlink2", "soundcloudlink3", "soundcloudlink4", "pinterest", "tiktok",
    "rates1", "rates2", "rates3", "showrates",
    "homestudio", "homestudio2", "homestudio3", "homestudio4", "homestudio5", "homestudio6",
    *(f"connection{number}" for number in range(1, 16)),
    "showphone", "showemail", "showaddress", "showmap", "showdirections", "showshort",
    "facebookshow", "twittershow", "instagramshow", "linkedinshow",
    "youtubepageshow", "soundcloudshow", "vimeopageshow", "pinterestshow",
    "avatar_image", "avatar_type",
    "verified", "featured", "featureddate", "crb", "von",
    "lastupdated", "locale", "last_login", "last_login_ip",
)  # fmt: skip

#: forms whose values are prose: only these may contain entities
PROSE: Final = ("city", "street", "about", "short", "rate", "gear")
