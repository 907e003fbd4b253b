"""What each cast should give, written row by row over Python's own values."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from decimal import Decimal
from typing import Any

#: what a cast says of a value that does not fit
MISFIT = object()
BLANKS = " \t\n\r\x0b\x0c"
WORDS = {"1": True, "1.0": True, "0": False, "0.0": False, "-0.0": False} | {
    **dict.fromkeys(("true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off"), False),
}
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def printed(value: Any) -> str:
    """Return a number as SQLite prints it, if these digits are the same number, else in 17 digits."""
    if not isinstance(value, float):
        return str(value)
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    value = value or 0.0  # SQLite prints minus zero without its sign
    short = f"{value:.15g}"
    text = short if float(short) == value else f"{value:.17g}"
    mantissa, _, power = text.partition("e")
    mantissa = mantissa if "." in mantissa else mantissa + ".0"
    return mantissa + (f"e{power}" if power else "")


def integer(value: Any, low: int, high: int) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]+", value) or str(int(value)) != value:
            return MISFIT
        value = int(value)
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value == int(value) else None
    return value if isinstance(value, int) and low <= value <= high else MISFIT


def boolean(value: Any) -> Any:
    return MISFIT if isinstance(value, bytes) else WORDS.get(printed(value).strip(BLANKS).lower(), MISFIT)


def real(value: Any) -> Any:
    if isinstance(value, int):
        return float(value) if int(float(value)) == value else MISFIT
    if isinstance(value, str):
        value = float(value.strip(BLANKS)) if NUMBER.fullmatch(value.strip(BLANKS)) else math.inf
    return value if isinstance(value, float) and math.isfinite(value) else MISFIT


def decimal(value: Any, scale: int) -> Any:
    text = f"{value:.15g}" if isinstance(value, float) else value if isinstance(value, str) else str(value)
    text = text.strip(BLANKS)
    if isinstance(value, bytes) or not NUMBER.fullmatch(text):
        return MISFIT
    number = Decimal(text)
    if number and abs(number.adjusted()) > 400:
        return MISFIT
    digits = format(number, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    places = len(digits.partition(".")[2])
    plain = digits.lstrip("-").lstrip("0")
    plain = plain if plain and not plain.startswith(".") else "0" + plain
    return ("-" if number < 0 else "") + plain if places <= scale else MISFIT


def moment(value: Any) -> Any:
    """Return moments of the forms that the strategy draws; numbers by their size."""
    if isinstance(value, bytes):
        return MISFIT
    stored = printed(value).strip(BLANKS)
    if found := re.fullmatch(r"([+-]?)([0-9]{1,14})(?:\.([0-9]{1,18}))?", stored):
        number, part = int(found[2]), int((found[3] or "0").ljust(9, "0")[:9])
        if number >= 10**11:
            since = number + (part >= 500_000_000)
        elif number >= 10**8:
            since = number * 1000 + (part + 500_000) // 1_000_000
        else:
            return MISFIT
        since = -since if found[1] == "-" else since
        try:
            return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=since)  # noqa: DTZ001
        except OverflowError:
            return MISFIT
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::([0-5]\d)(?:[.,](\d{1,9})\d*)?)?"
        r" ?(?:[Zz]|([+-])(\d\d):?([0-5]\d)?)?)?",
        stored,
        re.ASCII,
    )
    if found is None:
        return MISFIT
    day, time, second, fraction, sign, hours, minutes = found.groups()
    try:
        at = dt.datetime.strptime(f"{day} {time or '00:00'}:{second or '00'}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        at += dt.timedelta(milliseconds=(int((fraction or "0").ljust(9, "0")) + 500_000) // 1_000_000)
        off = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return at + off if sign == "-" else at - off
    except (ValueError, OverflowError):
        return MISFIT


def document(value: Any) -> Any:
    """Return the text of what jsonb takes."""
    text = printed(value)
    if isinstance(value, bytes):
        return MISFIT

    def no_constant(_: str) -> None:
        raise ValueError

    try:
        found = json.loads(text, parse_constant=no_constant)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, UnicodeEncodeError):
        return MISFIT
    return MISFIT if "\0" in str(_strings(found)) or any("\0" in s for s in _strings(found)) else text


def _strings(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    if isinstance(found, list):
        return [s for one in found for s in _strings(one)]
    if isinstance(found, dict):
        return [*found, *(s for one in found.values() for s in _strings(one))]
    return []


def text(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode().replace("\0", "")
        except UnicodeDecodeError:
            return value.decode("cp1252", errors="replace").replace("\0", "")
    return printed(value).replace("\0", "")


def raw(value: Any) -> Any:
    return value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else MISFIT
