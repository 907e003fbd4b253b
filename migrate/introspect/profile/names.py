"""What the names of tables and columns suggest. Only hints: the values decide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_WORD_OF_ANY: Final = re.compile(r"[^\W\d_]+|\d+")
#: Hundredths of units of money.
_MINOR: Final = frozenset({"cent", "cents", "centimes", "centavos", "pence", "kopeks", "groszy", "ore"})
_ID_WORDS: Final = frozenset({"id", "ids", "uuid", "uid", "ref", "refs", "fk", "ид"})
#: `userid` is `user_id`; these words end so and are not about ids.
_GLUED: Final = re.compile(r"([a-z]{3,})(ids?)")
_NOT_GLUED: Final = frozenset({
    "valid", "invalid", "paid", "unpaid", "prepaid", "repaid", "grid", "android", "hybrid", "rapid",
    "solid", "liquid", "fluid", "avoid", "void", "raid", "braid", "said", "laid", "covid", "squid",
    "droid", "pyramid", "humid", "rigid", "vivid", "orchid", "steroid", "asteroid", "thyroid",
    "polaroid", "celluloid", "centroid", "ellipsoid", "geoid", "amid", "timid", "placid", "lucid",
    "morbid", "overbid", "outbid", "forbid", "guid", "ulid", "cuid", "uuid", "nanoid", "ksuid", "madrid",
    "plaid", "aids", "kids", "bids", "lids", "maid", "acid", "mermaid", "candid", "splendid", "stupid",
    "sordid", "arid", "acrid", "avid", "fetid", "plasmid", "eyelid", "rowid",
})  # fmt: skip
#: Before the name of a table, as in `id_cliente` and `fk_user`.
_ID_BEFORE: Final = frozenset({"id", "fk"})
#: Two words of a script with endings are forms of one if they begin with so many letters alike, and have
#: so many behind them at most.
_ALIKE: Final = 3
_ENDING: Final = 2

_IRREGULAR: Final = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse",
    "indice": "index", "matrice": "matrix", "criteria": "criterion", "quizze": "quiz",
}  # fmt: skip

#: Names of keys that say nothing of their table.
_ANY_KEY: Final = frozenset({
    "id", "key", "no", "nr", "num", "number", "code", "name", "pk", "uuid", "rowid", "value", "type",
    "slug", "date", "day", "seq", "index", "hash", "token", "email", "title", "at", "time", "label", "a",
    "b",
})  # fmt: skip
#: Words of a row above or before, in the same table.
UPWARDS: Final = frozenset({"parent", "previous", "prev", "next", "root", "reply", "original"})
#: Tables of people, which `created_by`, `sender_id` and similar columns mean.
PEOPLE: Final = ("user", "account", "person", "people", "member", "profile")
_ROLES: Final = frozenset({
    "admin", "approver", "assignee", "author", "buyer", "client", "creator", "customer", "editor",
    "follower", "freelancer", "manager", "member", "moderator", "owner", "participant", "receiver",
    "recipient", "referrer", "reporter", "reviewee", "reviewer", "seller", "sender", "writer", "friend",
    "host", "guest", "invitee", "inviter", "uploader", "voter", "assigner", "subscriber", "winner",
    "opponent", "whodunnit", "actor",
    "watcher", "worker", "employee", "student", "teacher", "tutor", "coach", "driver", "passenger", "patient",
    "doctor", "agent", "operator", "contributor", "collaborator", "requester", "responder", "payer", "payee",
    "donor", "speaker", "attendee", "organizer", "learner", "mentor", "mentee", "commenter",
})  # fmt: skip

_TIME: Final = frozenset({
    "at", "date", "time", "timestamp", "deadline", "expires", "expiry", "updated", "created", "deleted",
    "modified", "start", "started", "end", "ended", "until", "since", "last", "on", "when", "datetime",
})  # fmt: skip
_MONEY: Final = frozenset({
    "amount", "price", "cost", "fee", "fees", "total", "subtotal", "tax", "balance", "salary", "rate",
    "earnings", "earned", "spent", "budget", "commission", "revenue", "profit", "paid", "available",
    "pending", "escrow", "reward", "tip", "cpp", "payment", "discount",
})  # fmt: skip
_FLAG: Final = frozenset({
    "is", "has", "can", "should", "was", "allow", "allowed", "enabled", "disabled", "active", "verified",
    "approved", "read", "used", "archived", "deleted", "published", "public", "private", "visible",
    "featured", "hidden", "new", "suitable", "paid", "billable", "draft", "viewed", "flag", "requested",
})  # fmt: skip
_COUNT: Final = frozenset({
    "count", "counts", "number", "num", "quantity", "qty", "total", "score", "rating", "version", "order",
    "priority", "position", "index", "size", "level", "views", "points", "rank", "progress", "items",
    "strength", "popularity", "limit", "max", "min", "age", "pages", "slides", "problems", "ratings",
    "attempts", "tries", "retries", "visits", "clicks", "likes", "downloads", "stock", "capacity", "duration",
    "length", "width", "height", "weight",
})  # fmt: skip
_SET: Final = frozenset({
    "status", "state", "type", "kind", "role", "level", "difficulty", "category", "currency", "method",
    "tier", "action", "priority", "visibility", "mode", "stage", "plan", "frequency", "availability",
    "provider", "channel", "severity", "gender", "phase",
})  # fmt: skip
_CODE: Final = frozenset({
    "code", "barcode", "ean", "gtin", "upc", "isbn", "sku", "serial", "imei", "bits", "mask", "hash", "seq",
    "sequence", "offset", "bytes", "nonce", "seed", "snowflake", "checksum", "crc", "number", "no", "nr",
})  # fmt: skip
#: Names of columns whose values may be about a person: never shown, not even as bounds.
_PRIVATE: Final = frozenset({
    "name", "names", "first", "last", "surname", "username", "nickname", "nick", "handle", "login",
    "author", "contact", "person", "city", "town", "street", "address", "phone", "mobile", "tel", "fax",
    "email", "mail", "password", "passwd", "hash", "token", "secret", "ip", "by", "birth", "birthday",
    "birthdate", "dob", "ssn", "iban", "card", "passport", "pin", "otp", "zip", "postcode", "postal",
    "company", "employer", "user", "sender", "receiver", "recipient", "assigned", "to", "latitude",
    "longitude", "lat", "lng", "lon", "code", "bio", "title",
})  # fmt: skip


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: `assignedManagerID` and `assigned_manager_id` alike.

    Letters of any script count; accents are taken off Latin ones, so that `catégorie` is `categorie`.
    """
    if name.isascii():
        found = [word.lower() for word in _WORD.findall(name)]
        glued = _GLUED.fullmatch(found[-1]) if found else None
        if glued and not {found[-1], glued[1] + "id"} & _NOT_GLUED:
            found[-1:] = glued.groups()
        return tuple(found)
    return tuple(word.casefold() for word in _WORD_OF_ANY.findall(_marked(without_accents(name))))


def without_accents(name: str) -> str:
    """Return a name in compatible characters, Latin letters without their accents."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(unicodedata.normalize("NFKD", char)[0] if _is_latin(char) else char for char in plain)


def _is_latin(char: str) -> bool:
    return not char.isascii() and "LATIN" in unicodedata.name(char, "")


def _marked(name: str) -> str:
    """Return a name with a blank wherever one of its words ends and no other character parts it."""
    found: list[str] = []
    for at, char in enumerate(name):
        before, after = name[at - 1 : at] if at else "", name[at + 1 : at + 2]
        starts = char.isupper() and (before.islower() or (before.isupper() and after.islower()))
        cased = char.isupper() or char.islower()
        other_script = before.isalpha() and char.isalpha() and cased != (before.isupper() or before.islower())
        found.append(f" {char}" if starts or other_script else char)
    return "".join(found)


def singular(word: str) -> str:
    """Return the singular of an English word, well enough to compare names of tables."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:
        return word[:-1]
    return word


def fold(name: str) -> str:
    """Return what is the same for snake, camel, singular and plural forms of a name; a name without
    letters and digits is itself.
    """
    return "".join(singular(word) for word in words(name)) or name


def says_minor(name: str) -> bool:
    """Return whether a name says that numbers count hundredths of a unit of money."""
    return bool(_MINOR & set(words(name)))


def is_id(name: str) -> bool:
    """Return whether a column's name says that it holds ids."""
    found = words(name)
    return bool(found) and (found[-1] in _ID_WORDS or found[0] in _ID_BEFORE)


def is_id_in(table: str, column: str) -> bool:
    """Return whether a column's name says that it holds ids; so do A and B of Prisma's `_PostToTag`."""
    return is_id(column) or (column in ("A", "B") and table.startswith("_") and "To" in table)


def meant_tables(column: str, tables: Iterable[str], own: str = "", *, by_role: bool = True) -> list[str]:
    """Return the tables that a column such as `from_user_id`, `userIds` or `author` may mean.

    Without `by_role` a word such as `author` or `uid` means no table of people. `own` is the table that the
    column is in: `item_id` of `order_items` is not one of these.

    The longest end of the column's name that is a table's name wins, then the longest that a table's name
    ends with (`user_id` and `shop_users`), then roles of people. Of a script that is not Latin a name with
    another ending is a form of it (`город_id` and `города`).
    """
    folded: dict[str, list[str]] = {}
    for table in sorted(tables):
        folded.setdefault(fold(table), []).append(table)
    stem = [word for word in words(column) if not word.isdigit()]
    while stem and stem[-1] in _ID_WORDS:
        stem.pop()
    if len(stem) > 1 and stem[0] in _ID_BEFORE:
        del stem[0]
    ends = ["".join(singular(word) for word in stem[start:]) for start in range(len(stem))]
    role = (stem and (stem[-1] == "by" or singular(stem[-1]) in _ROLES)) or words(column)[-1:] == ("uid",)
    if by_role and role:
        ends += PEOPLE
    exact = next((folded[end] for end in ends if end in folded), [])
    if not exact:
        exact = next(
            (found for end in ends if (found := _inflected(folded, end) or _loosely(folded, end))), []
        )
    longer = next((found for end in ends if (found := _ending(folded, end, own))), [])
    return exact + [table for table in longer if table not in exact]


def _ending(folded: dict[str, list[str]], end: str, own: str) -> list[str]:
    return [
        table
        for tables in folded.values()
        for table in tables
        if len(words(table)) > 1 and singular(words(table)[-1]) == end and (table != own or end in PEOPLE)
    ]


def _loosely(folded: dict[str, list[str]], end: str) -> list[str]:
    """Return the tables whose names are the plural of a word by another rule than `singular` knows."""
    forms = [name for name in folded if _bare_form(name) == _bare_form(end)]
    return folded[forms[0]] if len(forms) == 1 else []


def _bare_form(word: str) -> str:
    """Return what `movie` and `movy`, `cache` and `cach`, `child` and `children` have in common."""
    word = _IRREGULAR.get(word, word)
    word = f"{word[:-2]}y" if word.endswith("ie") else word
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _inflected(folded: dict[str, list[str]], end: str) -> list[str]:
    """Return the tables whose names are forms of a word in another script; none if more than one is."""
    if end.isascii():
        return []
    forms = [name for name in folded if not name.isascii() and _is_form(name, end)]
    return folded[forms[0]] if len(forms) == 1 else []


def _is_form(one: str, other: str) -> bool:
    shortest, longest = sorted((len(one), len(other)))
    alike = next((at for at in range(shortest) if one[at] != other[at]), shortest)
    if not one[0].islower():  # a character of a script without case is as good as a syllable
        return alike == shortest >= longest - 1
    return alike >= _ALIKE and longest - alike <= _ENDING


def names_key(column: str, table: str, key: str) -> bool:
    """Return whether a column is called as the key of another table, with the table's name before it or
    without: `dept_no` for the key `no` of `dept`, `nid` for the key `nid` of `node`.
    """
    whole, bare = fold(column), fold(key)
    return whole == fold(table) + bare or (whole == bare and bare not in _ANY_KEY)


def is_upward(column: str) -> bool:
    """Return whether a column's whole name is a row above or before: `parent`, `reply_to`."""
    found = set(words(column))
    return bool(found & UPWARDS) and found <= UPWARDS | {"to"}


def is_of_people(table: str) -> bool:
    """Return whether a table's name says that its rows are people."""
    return singular(words(table)[-1] if words(table) else "") in PEOPLE


def suggests_time(name: str, declared: str) -> bool:
    """Return whether a column's name or declared type suggests a timestamp or a day."""
    return bool(_TIME & set(words(name))) or bool(re.search("date|time", declared, re.IGNORECASE))


def suggests_money(name: str, declared: str) -> bool:
    """Return whether a column's name or declared type suggests money."""
    return bool(_MONEY & set(words(name))) or bool(re.search("numeric|decimal|money", declared, re.I))


def suggests_flag(name: str, declared: str) -> bool:
    """Return whether a column's name or declared type suggests yes and no."""
    if re.search("bool", declared, re.IGNORECASE):
        return True
    found = words(name)
    if found and found[0] in {"is", "has", "can", "was", "should"}:
        return True
    return bool(_FLAG & set(found)) and not _COUNT & set(found)


def suggests_count(name: str) -> bool:
    """Return whether a column's name suggests a number of things."""
    found = words(name)
    return bool(_COUNT & {*found, *map(singular, found)})


def says_code(name: str) -> bool:
    """Return whether a column's name speaks of numbers that only name or measure something."""
    return bool(_CODE & set(words(name)))


def suggests_set(name: str) -> bool:
    """Return whether a column's name suggests one of a few words."""
    return bool(_SET & set(words(name)[-1:]))


def is_private(name: str) -> bool:
    """Return whether a column's values may be about a person, so that none may be shown."""
    found = set(words(name))
    if suggests_time(name, "") and not found & {"birth", "birthday", "birthdate", "dob"}:
        return False
    return bool(found & _PRIVATE)
