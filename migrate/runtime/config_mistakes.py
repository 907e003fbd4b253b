"""Says what is wrong with a configuration: the key, the mistake, and the key that was probably meant.

The wrong value is never shown, because it may be a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from migrate.runtime.errors import UsageError

#: pydantic's types of mistakes, in the words of a person who writes TOML.
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
    "dict_type": "must be a table",
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


def explain(error: ValidationError, path: Path | None, model: type[BaseModel]) -> str:
    """Return a line for each mistake in the configuration from `path` and the environment."""
    lines = [f"the configuration ({path or 'built-in values and the environment'}) has mistakes:"]
    for item in error.errors(include_url=False, include_input=False):
        place = [str(part) for part in item["loc"]]
        key = f"[{'.'.join(place[:-1])}] {place[-1]}" if len(place) > 1 else f"[{place[0]}]"
        if item["type"] == "extra_forbidden":
            lines.append(f"  {key}: unknown key{suggest(place[-1], _known_keys(model, place[:-1]))}")
        else:
            lines.append(f"  {key}: {_in_words(item)}")
    return "\n".join(lines)


def _in_words(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _LIMITS:
        return _LIMITS[kind].format(**item["ctx"])
    return str(item["msg"]).removeprefix("Value error, ")


def _known_keys(model: Any, place: Sequence[str]) -> list[str]:
    for part in place:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else None
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


def suggest(word: str, known: Sequence[str]) -> str:
    """Return what to say after an unknown word: the known one that it is most like, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"


def refuse_unknown_variables(environ: Mapping[str, str], prefix: str, model: type[BaseModel]) -> None:
    """Raise UsageError for a variable that begins like ours and matches no section of the configuration."""
    for name in environ:
        if name.upper().startswith(prefix):
            section = name[len(prefix) :].split("__")[0].lower()
            if section not in model.model_fields:
                raise UsageError(
                    f"the environment variable {name} matches no section of the configuration"
                    f"{suggest(section, list(model.model_fields))}"
                )
