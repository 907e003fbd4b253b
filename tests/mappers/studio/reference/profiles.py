"""Users, profiles and studios, as the mapping document says."""

from __future__ import annotations

import datetime as dt
import re

from tests.mappers.studio.reference import cleaning
from tests.mappers.studio.reference.people import COMMENTS, MESSAGES, SPACES, Book, Person, Row

HOME = ("homestudio", *(f"homestudio{n}" for n in range(2, 7)))
TEXTS = {
    "first_name": "first_name", "last_name": "last_name", "phone": "phone", "about": "about",
    "shortabout": "short_about", "location": "location",
    "rates1": "rate_tier_1", "rates2": "rate_tier_2", "rates3": "rate_tier_3",
}  # fmt: skip
FLAGS = {
    "showrates": "show_rates", "showemail": "show_email", "showphone": "show_phone",
    "showaddress": "show_address", "crb": "is_crb_checked", "featured": "is_featured",
    "spotlight": "is_spotlight",
}  # fmt: skip
URLS = {
    "facebook_url": ("facebook",), "twitter_url": ("twitter",), "linkedin_url": ("linkedin",),
    "instagram_url": ("instagram",), "soundcloud_url": ("soundcloud",),
    "youtube_url": ("youtubepage", "youtube2"), "vimeo_url": ("vimeopage", "vimeo", "vimeo2"),
}  # fmt: skip
LABELS = {3: "Phone Patch", 7: "Riverside", 8: "Google Hangouts", 9: "ipDTL", 11: "Zencastr", 12: "DIVA"}
SERVICES = {
    1: ["SOURCE_CONNECT"], 2: ["SOURCE_CONNECT_NOW"], 4: ["SESSION_LINK_PRO"], 5: ["ZOOM", "TEAMS"],
    6: ["CLEANFEED"],
}  # fmt: skip
#: In order: what names one names no other.
SAID = {
    r"\bisdn\d*\b": "ISDN", r"\bskype\b": "SKYPE", r"\bzoom\b": "ZOOM",
    r"\b(?:ms[\s_-]*)?teams\b": "TEAMS", r"\bclean[\s_-]?feed\b": "CLEANFEED",
    r"\bsource[\s_-]*connect[\s_-]*now\b": "SOURCE_CONNECT_NOW",
    r"\bsource[\s_-]*connect\b": "SOURCE_CONNECT",
}  # fmt: skip
TYPES = {"1": "HOME", "2": "RECORDING", "3": "PODCAST", "4": "PRODUCTION", "5": "MOBILE"}
WORDS = (
    ("PODCAST", ("podcast",)), ("PRODUCTION", ("production", "commercial")),
    ("RECORDING", ("recording studio", "professional studio")), ("MOBILE", ("mobile", "on-location")),
)  # fmt: skip


def code(person: Person, key: str) -> str | None:
    value = person.fact(key)
    return None if (value or "0").lower() in ("0", "false", "no", "off") else value


def yes(person: Person, key: str) -> bool:
    return cleaning.boolean(person.fact(key))


def users(book: Book) -> None:
    for person in book.people:
        _settle(person)
        seen = cleaning.timestamp(person.fact("last_login")) or cleaning.timestamp(person.fact("lastupdated"))
        seen = seen or cleaning.month(person.fact("lastupdated"))
        person.updated = max(person.created, seen or person.created)
        role = person.first("role_id")
        password = next((row["password"] for _, row in person.rows if row.get("password")), None)
        social = (cleaning.url(person.fact(f"{site}_avatar")) for site in ("facebook", "google", "twitter"))
        book.tables["users"].append(
            {
                "id": book.user_id(person),
                "email": person.email,
                "username": person.username,
                "display_name": person.display_name or person.full_name or person.username,
                "avatar_url": cleaning.url(person.first("avatar_url"))
                or person.avatar
                or next((found for found in social if found), None),
                "role": "ADMIN" if role == "1" else "STUDIO_OWNER" if person.studio else "USER",
                "email_verified": person.active,
                "password": cleaning.password(password),
                "created_at": person.created,
                "updated_at": person.updated,
            }
        )


def _settle(person: Person) -> None:
    if not person.profile:
        return
    if any(code(person, key) for key in HOME) or person.fact("address", "loc1") or person.place:
        person.category = "STUDIO"
    elif any(person.fact(f"rates{n}") for n in (1, 2, 3)) or yes(person, "showrates"):
        person.category = "VOICEOVER"
    elif any(yes(person, f"connection{n}") for n in range(1, 9)):
        person.category = "STUDIO"
    else:
        person.category = "OTHER"
    person.studio = person.category == "STUDIO"
    if person.full_name:
        person.studio_name = person.full_name + " Studio"
    elif person.display_name:
        person.studio_name = person.display_name
    elif person.fact("location"):
        person.studio_name = f"{person.fact('location')} Studio"
    else:
        person.studio_name = "Studio of " + person.username


def _gear(person: Person) -> list[str]:
    stored = (person.fact("connection10"), person.fact("sc"))
    return [value for value in stored if value and value not in ("0", "1")]


def profiles(book: Book) -> None:
    for person in book.people:
        landed = {*TEXTS, *FLAGS, "verified", *(f"connection{n}" for n in LABELS)}
        landed |= {key for key in ("connection10", "sc") if person.fact(key) in _gear(person)}
        found: Row = {column: person.fact(key) for key, column in TEXTS.items()}
        found |= {column: yes(person, key) for key, column in FLAGS.items()}
        for column, keys in URLS.items():
            used = next((key for key in keys if cleaning.url(person.fact(key))), None)
            found[column] = cleaning.url(person.fact(used)) if used else None
            landed |= {used} if used else set()
        dates = {"created_at": person.created, "updated_at": person.updated}
        if person.profile:
            labels = [label for n, label in LABELS.items() if yes(person, f"connection{n}")]
            book.tables["user_profiles"].append(
                {
                    "id": book.ids.derive("user_profiles", "{}:{}".format(*person.ids[0])),
                    "user_id": book.user_id(person),
                    **found,
                    "verification_level": "verified" if yes(person, "verified") else "none",
                    "home_studio_description": None,
                    "equipment_list": "\n".join(_gear(person)) or None,
                    "services_offered": ", ".join(labels) or None,
                    **dates,
                }
            )
        own = "avatar_url" in person.own and cleaning.url(person.first("avatar_url"))
        landed |= {"avatar_url"} if own else set()
        kept = {key: value for key, value in person.facts.items() if key not in landed}
        kept.pop("profile_category", None)
        if person.category:
            kept["profile_category"] = person.category
        for key, value in kept.items():
            named = key.replace("\x00", "")
            book.tables["user_metadata"].append(
                {
                    "id": book.ids.derive("user_metadata", "{}:{}:{}".format(*person.ids[0], named)),
                    "user_id": book.user_id(person),
                    "key": named,
                    "value": value.replace("\x00", ""),
                    **dates,
                }
            )


def _says(description: str | None, word: str) -> bool:
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", description or "", re.IGNORECASE)
    return found is not None


def _newest(book: Book) -> dt.datetime | None:
    stored = [row.get(c) for t in SPACES for row in book.legacy[t] for c in ("joined", "created_at")]
    stored += [row.get("created_at") for row in book.legacy["studio_gallery"]]
    stored += [row.get("date") for t in (*MESSAGES, *COMMENTS) for row in book.legacy[t]]
    stored += [row.get("updated") for t in COMMENTS for row in book.legacy[t]]
    stored += [person.fact("last_login") for person in book.people]
    return max((at for at in map(cleaning.timestamp, stored) if at), default=None)


def studios(book: Book) -> None:
    newest = _newest(book)
    for person in book.people:
        if not person.studio:
            continue
        description = person.fact("about", "shortabout")
        first = next((c for c in (code(person, key) for key in HOME) if c), None)
        by_words = next((kind for kind, ws in WORDS if any(_says(description, w) for w in ws)), "HOME")
        stored = (cleaning.timestamp(row.get("expiry_date")) for _, row in person.rows)
        expires = next((at for at in stored if at), None)
        paid = person.first("role_id") == "7" or bool(expires and newest and expires > newest)
        place = person.place or (None, None)
        book.tables["studios"].append(
            {
                "id": book.studio_id(person),
                "owner_id": book.user_id(person),
                "name": person.studio_name,
                "description": description,
                "studio_type": TYPES.get(first or "", by_words),
                "address": person.fact("address", "loc1", "location"),
                "latitude": place[0],
                "longitude": place[1],
                "website_url": cleaning.url(person.fact("url")),
                "phone": person.fact("phone"),
                "is_premium": yes(person, "featured") or paid,
                "is_verified": yes(person, "verified") or yes(person, "crb"),
                "status": "ACTIVE" if person.active else "INACTIVE",
                "created_at": person.created,
                "updated_at": person.updated,
            }
        )
        said = "\n".join(_gear(person))
        offered = {s for n, kinds in SERVICES.items() if yes(person, f"connection{n}") for s in kinds}
        for pattern, kind in SAID.items():
            said, times = re.subn(pattern, "\n", said, flags=re.IGNORECASE)
            offered |= {kind} if times else set()
        for service in offered:
            book.tables["studio_services"].append(
                {
                    "id": book.ids.derive("studio_services", f"{person.key}:{service}"),
                    "studio_id": book.studio_id(person),
                    "service": service,
                }
            )
