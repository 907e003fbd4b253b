"""The number of rows of the sample: the counts of one real copy, times a scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

from migrate.runtime.errors import UsageError

#: the counts of the copy that the mapping was counted on
USERS: Final = 640
META: Final = 36_701
MESSAGES: Final = 2_690
CONTACTS: Final = 403
COMMENTS: Final = 25
IMAGES: Final = 1_791

#: if a number of messages is asked for: one user for each so many of them
MESSAGES_PER_USER: Final = 20
_FEWEST_USERS: Final = 12
_MOST_USERS: Final = 5_000_000


@dataclass(frozen=True)
class Size:
    """Rows per table: `users` is the number in `shows_users`; the others follow from it."""

    users: int
    meta: int
    messages: int
    contacts: int
    comments: int
    images: int
    #: only the first so many people have filled in a profile; None: nearly everyone
    profiles: int | None = None

    @classmethod
    def of(cls, scale: float = 1.0, messages: int | None = None, profiles: int | None = None) -> Self:
        """Return the size for a scale, or for a number of messages with users in proportion.

        Meta rows and images follow `profiles` instead of the users, if it is given.

        Raises UsageError if one is not a positive number, or is much too large.
        """
        if messages is not None:
            if messages < 1:
                raise UsageError(
                    f"a sample of {messages} messages cannot be made", hint="give --messages 1 or more"
                )
            scale = messages / MESSAGES_PER_USER / USERS
        if not math.isfinite(scale) or scale <= 0 or scale * USERS > _MOST_USERS:
            raise UsageError(
                f"a sample of scale {scale:g} cannot be made",
                hint=f"give a scale above 0 and up to {_MOST_USERS // USERS:,}",
            )
        users = max(_FEWEST_USERS, round(USERS * scale))
        share = users / USERS
        if profiles is not None and not 1 <= profiles <= users:
            raise UsageError(
                f"a sample of {profiles} profiles and {users} users cannot be made",
                hint=f"give --profiles from 1 to {users}",
            )
        profiled = share if profiles is None else profiles / USERS
        return cls(
            users=users,
            meta=round(META * profiled),
            messages=messages if messages is not None else round(MESSAGES * share),
            contacts=round(CONTACTS * share),
            comments=max(1, round(COMMENTS * share)),
            images=round(IMAGES * profiled),
            profiles=profiles,
        )

    def some(self, at_scale_one: int) -> int:
        """Return a count that is `at_scale_one` for 640 users, and at least 2."""
        return max(2, round(at_scale_one * self.users / USERS))
