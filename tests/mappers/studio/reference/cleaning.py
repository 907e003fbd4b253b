"""The table `Common cleaning` of the mapping document, a value at a time."""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from urllib.parse import quote

#: Unicode's White_Space: Python's own strip() also takes U+001C to U+001F.
BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
YES = ("1", "true", "yes", "on")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip


def text(value: str | None) -> str | None:
    if value is None:
        return None
    decoded = html.unescape(value)
    plain = decoded.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return plain.strip(BLANKS) or None


def boolean(value: str | None) -> bool:
    return (value or "").strip(BLANKS).lower() in YES


def timestamp(value: str | None) -> dt.datetime | None:
    """Return the moment, naive and in UTC, rounded to milliseconds, halves up."""
    stored = (value or "").strip(BLANKS)
    if re.fullmatch(r"\d{9,14}", stored, re.ASCII):
        number = int(stored)
        milliseconds = number if number >= 10**11 else number * 1000 if number >= 10**8 else None
        if milliseconds is None:
            return None
        try:
            return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)  # noqa: DTZ001
        except OverflowError:
            return None
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:?\d\d)?)?", stored, re.ASCII
    )
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        moment = dt.datetime.strptime(f"{day} {time or '00:00:00'}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        micro = int((fraction or "0").ljust(6, "0"))
        moment += dt.timedelta(milliseconds=(micro + 500) // 1000)
        if zone and zone != "Z":
            off = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment += off if zone[0] == "-" else -off
    except (ValueError, OverflowError):
        return None
    return moment


def month(value: str | None) -> dt.datetime | None:
    found = re.fullmatch(r"([A-Z][a-z]+)\s+(\d{4})", (value or "").strip(BLANKS))
    if found is None:
        return None
    for number, name in enumerate(MONTHS, 1):
        if found[1] in (name, name[:3]):
            return dt.datetime(int(found[2]), number, 1)  # noqa: DTZ001
    return None


def url(value: str | None, *, secure: bool = False) -> str | None:
    stored = text(value)
    if stored is None:
        return None
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", stored):
        if secure:
            return None
        stored = "https://" + stored.removeprefix("//")
    scheme, _, rest = stored.partition("://")
    host, _, port = re.split("[/?#]", rest, maxsplit=1)[0].partition(":")
    if scheme.lower() not in (("https",) if secure else ("http", "https")) or set(stored) & set(BLANKS):
        return None
    ported = ":" not in re.split("[/?#]", rest, maxsplit=1)[0] or (
        re.fullmatch("[0-9]{1,5}", port) is not None and int(port) <= 65535
    )
    return stored if ported and re.fullmatch(r"[\w-]+(\.[\w-]+)+", host) else None


def email(value: str | None) -> str | None:
    stored = (value or "").strip(BLANKS).lower()
    fits = re.fullmatch(r"[^@\s\x00-\x1f]+@[^@\s.\x00-\x1f]+(\.[^@\s.\x00-\x1f]+)+", stored)
    return stored if fits and len(stored) <= 254 else None


def coordinate(value: str | None, limit: int) -> Decimal | None:
    try:
        number = Decimal(text(value) or "")
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > limit:
        return None
    return number.quantize(Decimal("1e-8"), ROUND_HALF_EVEN) + 0  # no negative nought


def place(latitude: str | None, longitude: str | None) -> tuple[Decimal, Decimal] | None:
    one, other = coordinate(latitude, 90), coordinate(longitude, 180)
    return (one, other) if one is not None and other is not None and (one or other) else None


def username(name: str | None, address: str) -> str:
    kept = re.sub("[^a-z0-9_-]", "", (name or "").lower())[:30]
    kept = kept or re.sub("[^a-z0-9_-]", "", address.partition("@")[0].lower())[:30]
    if not re.match("[a-z]", kept):
        kept = "user_" + kept
    return kept if len(kept) >= 3 else kept + "_user"


def password(value: str | None) -> str | None:
    if not re.fullmatch(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", value or "", re.ASCII):
        return None
    return re.sub(r"^\$2y", "$2b", value or "")


def image_url(address: str | None, file: str | None, base: str) -> str | None:
    own = url(address, secure=True)
    if own:
        return own
    name = "/".join(part for part in (text(file) or "").split("/") if part not in (".", ".."))
    return base.rstrip("/") + "/" + quote(name.lstrip("/"), safe="/~") if name.lstrip("/") else None
