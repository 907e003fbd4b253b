"""The checks that only a studio directory has."""

from __future__ import annotations

from verification.id_checks import IDS_MAPPED
from verification.result import Check
from verification.studio.directory import CONNECTIONS, IMAGE_ORDER, PROFILE_CATEGORIES, STUDIOS
from verification.studio.image_urls import URLS_PARSE
from verification.studio.live_ends import LIVE_ENDS
from verification.studio.message_counts import MESSAGE_COUNTS

#: in the order in which they are asked
DIRECTORY: tuple[Check, ...] = (
    IDS_MAPPED,
    PROFILE_CATEGORIES,
    STUDIOS,
    URLS_PARSE,
    IMAGE_ORDER,
    LIVE_ENDS,
    MESSAGE_COUNTS,
    CONNECTIONS,
)
