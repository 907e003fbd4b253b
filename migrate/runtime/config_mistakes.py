"""Says what is wrong with a configuration: the key, the mistake, and the key that was probably meant.

The wrong value is never shown, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mappers.mistakes import in_words, suggest
from migrate.runtime.errors import UsageError


def explain(error: ValidationError, path: Path | None, model: type[BaseModel]) -> str:
    """Return a line for each mistake in the configuration from `path` and the environment."""
    lines = [f"the configuration ({path or 'built-in values and the environment'}) has mistakes:"]
    for item in error.errors(include_url=False, include_input=False):
        place = [str(part) for part in item["loc"]]
        key = f"[{'.'.join(place[:-1])}] {place[-1]}" if len(place) > 1 else f"[{place[0]}]"
        if item["type"] == "extra_forbidden":
            lines.append(f"  {key}: unknown key{suggest(place[-1], _known_keys(model, place[:-1]))}")
        else:
            lines.append(f"  {key}: {in_words(item)}")
    return "\n".join(lines)


def _known_keys(model: Any, place: Sequence[str]) -> list[str]:
    for part in place:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else None
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


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
