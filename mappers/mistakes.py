"""What is wrong in a file, in the words of a person who writes TOML, and which name was probably meant.

The wrong value itself is never shown, because it may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

#: pydantic's types of mistakes.
_WORDS: Final = {
    "missing": "this key is missing",
    "string_type": 'must be text: write "…"',
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": 'must be a list: write ["…", "…"]',
    "tuple_type": 'must be a list: write ["…", "…"]',
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a section with keys of its own",
    "model_attributes_type": "must be a section with keys of its own",
    "path_type": "must be the path of a file",
}
#: Those that have a limit.
_LIMITS: Final = {
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or fewer",
    "too_short": "is too short: at least {min_length} are needed",
    "literal_error": "must be {expected}",
}


def in_words(item: Mapping[str, Any]) -> str:
    """Return what one of pydantic's mistakes is about, to be read behind the name of its key.

    An item with its `input` gets the allowed word that it is most like.
    """
    kind = item["type"]
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "string_too_short" and item["ctx"]["min_length"] == 1:
        return "must not be empty"
    if kind in _LIMITS:
        said = _LIMITS[kind].format(**item["ctx"])
        if kind == "literal_error" and isinstance(item.get("input"), str):
            said += near(item["input"], str(item["ctx"]["expected"]).split("'")[1::2])
        return said
    return str(item["msg"]).removeprefix("Value error, ")


def near(name: str, known: Iterable[str]) -> str:
    """Return what to say after an unknown name: the known one that it is most like; nothing if none is."""
    by_case = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), by_case, n=1)
    return f"; did you mean {by_case[close[0]]}?" if close else ""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to say after an unknown name: the known one that it is most like, or all of them."""
    names = sorted(known)
    return near(name, names) or f"; known: {', '.join(names)}"
