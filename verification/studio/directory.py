"""The relations of a studio directory: categories, studios, connections, the order of images."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from verification.context import CheckContext
from verification.queries import ask, at, count, count_rows, key_of, offenders, source_count, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import fated_tables

CATEGORIES: Final = ("STUDIO", "VOICEOVER", "OTHER")
#: the key of `user_metadata` that holds a profile's category
CATEGORY_KEY: Final = "profile_category"
_CONTACTS: Final = ("shows_contacts", "community_contacts")


def _categories(context: CheckContext) -> Outcome:
    if missing := context.note_missing("users", "user_profiles", "user_metadata"):
        return Outcome.not_applicable(missing)
    outcome = Outcome()
    outcome.looked_at = count_rows(context, "user_profiles")
    profiles, held = at(context, "user_profiles"), _in_target(context)
    query = (
        "SELECT p.id::text FROM {profiles} AS p LEFT JOIN {held} AS c ON c.user_id = p.user_id WHERE {wrong}"
    )
    rules = {
        "has no category": "c.times IS NULL",
        "has more than one category": "c.times > 1",
        "has an unknown category": "c.times = 1 AND c.value IS NULL OR c.value <> ALL ({})",
    }
    for what, wrong in rules.items():
        test = sql.SQL(wrong).format(sql.Literal(list(CATEGORIES)))
        rows = sql.SQL(query).format(profiles=profiles, held=held, wrong=test)
        offenders(context, outcome, "user_profiles", rows, what)
    lone = sql.SQL(
        "SELECT c.user_id::text FROM {} AS c "
        "WHERE NOT EXISTS (SELECT FROM {} AS p WHERE p.user_id = c.user_id)"
    ).format(held, profiles)
    offenders(context, outcome, "user_metadata", lone, "a user has a category but no profile", "user_id")
    if context.tables["user_profiles"].column("category") is not None:
        unlike = sql.SQL("c.value IS DISTINCT FROM p.category::text")
        rows = sql.SQL(query).format(profiles=profiles, held=held, wrong=unlike)
        offenders(
            context, outcome, "user_profiles", rows, "has another category than its metadata", "category"
        )
    _roles(context, outcome)
    shares = sql.SQL("SELECT c.value, count(*) FROM {} AS c GROUP BY 1 ORDER BY 1").format(held)
    outcome.numbers["user_profiles"] = {
        str(value): int(str(times)) for value, times in ask(context, shares) if value in CATEGORIES
    }
    return outcome


def _in_target(context: CheckContext) -> sql.Composed:
    """Return a relation of `user_id`, `times` and `value`: the categories that users have."""
    return sql.SQL(
        "(SELECT user_id, count(*) AS times, min(value::text) AS value FROM {} "
        "WHERE key = {} GROUP BY user_id)"
    ).format(at(context, "user_metadata"), sql.Literal(CATEGORY_KEY))


def _roles(context: CheckContext, outcome: Outcome) -> None:
    query = (
        "SELECT u.id::text FROM {users} AS u LEFT JOIN {held} AS c ON c.user_id = u.id "
        "WHERE u.role::text <> 'ADMIN' "
        "AND (u.role::text = 'STUDIO_OWNER') IS DISTINCT FROM (coalesce(c.value, '') = 'STUDIO')"
    )
    rows = sql.SQL(query).format(users=at(context, "users"), held=_in_target(context))
    offenders(context, outcome, "users", rows, "the role does not fit the profile's category", "role")


def _studios(context: CheckContext) -> Outcome:
    if missing := context.note_missing("user_metadata", "studios"):
        return Outcome.not_applicable(missing)
    outcome = Outcome()
    outcome.looked_at = count_rows(context, "studios")
    owners = sql.SQL("(SELECT owner_id, count(*) AS times FROM {} GROUP BY owner_id)").format(
        at(context, "studios")
    )
    lacking_studio = sql.SQL(
        "SELECT c.user_id::text FROM {} AS c LEFT JOIN {} AS s ON s.owner_id = c.user_id "
        "WHERE c.value = 'STUDIO' AND s.times IS NULL"
    ).format(_in_target(context), owners)
    offenders(context, outcome, "user_profiles", lacking_studio, "a STUDIO has no studio", "user_id")
    several = sql.SQL("SELECT s.owner_id::text FROM {} AS s WHERE s.times > 1").format(owners)
    offenders(context, outcome, "studios", several, "an owner has more than one studio", "owner_id")
    stray = sql.SQL(
        "SELECT s.id::text FROM {} AS s LEFT JOIN {} AS c ON c.user_id = s.owner_id "
        "WHERE c.value IS DISTINCT FROM 'STUDIO'"
    ).format(at(context, "studios"), _in_target(context))
    offenders(context, outcome, "studios", stray, "the owner's category is not STUDIO", "owner_id")
    return outcome


def _connections(context: CheckContext) -> Outcome:
    if missing := context.note_missing("user_connections"):
        return Outcome.not_applicable(missing)
    outcome = Outcome()
    outcome.looked_at = count_rows(context, "user_connections")
    here, key = at(context, "user_connections"), key_of(context.tables["user_connections"], "a")
    back = sql.SQL(
        "EXISTS (SELECT FROM {} AS b "
        "WHERE b.user_id = a.connected_user_id AND b.connected_user_id = a.user_id"
    ).format(here)
    rules = {
        "joins a user with themselves": sql.SQL("a.user_id = a.connected_user_id"),
        "is accepted, but the other direction is missing or not accepted": sql.SQL(
            "a.accepted AND NOT {} AND b.accepted)"
        ).format(back),
        "is pending, but the other direction exists too": sql.SQL("NOT a.accepted AND {})").format(back),
    }
    for what, wrong in rules.items():
        rows = sql.SQL("SELECT {} FROM {} AS a WHERE {}").format(key, here, wrong)
        offenders(context, outcome, "user_connections", rows, what)
    _pairs(context, outcome)
    return outcome


def _pairs(context: CheckContext, outcome: Outcome) -> None:
    """Check that each accepted contact has two rows and each pending one has one, and no others exist."""
    sources = [table for table in _CONTACTS if table in source_tables(context)]
    if not {account.source for account in context.accounts}.issuperset(sources):
        return
    fates = fated_tables(context)
    contacts = sum(source_count(context, t) - sum(fates.get(t, {}).values()) for t in sources)
    twice = sql.SQL("SELECT 2 * count(*) - count(*) FILTER (WHERE accepted) FROM {}")
    held = count(context, twice.format(at(context, "user_connections")))
    if held != 2 * contacts:
        outcome.found("user_connections", None, f"has {held / 2:g} connections, the source {contacts}")


def _order(context: CheckContext) -> Outcome:
    if missing := context.note_missing("studio_images"):
        return Outcome.not_applicable(missing)
    outcome = Outcome()
    outcome.looked_at = count_rows(context, "studio_images")
    gaps = sql.SQL(
        "SELECT studio_id::text FROM {} GROUP BY studio_id HAVING min(sort_order) <> 0 "
        "OR max(sort_order) <> count(*) - 1 OR count(DISTINCT sort_order) <> count(*)"
    ).format(at(context, "studio_images"))
    what = "the images of this studio are not numbered 0, 1, 2 …"
    offenders(context, outcome, "studio_images", gaps, what, "sort_order")
    return outcome


PROFILE_CATEGORIES = Check(
    "categories", "Has every profile exactly one category?", _categories, of_target=True
)
STUDIOS = Check(
    "studios",
    "Has every STUDIO profile exactly one studio, and no other profile one?",
    _studios,
    of_target=True,
)
CONNECTIONS = Check(
    "connections", "Do accepted connections have both directions, and pending ones one?", _connections
)
IMAGE_ORDER = Check(
    "image_order", "Are each studio's images numbered from 0 without a gap?", _order, of_target=True
)
