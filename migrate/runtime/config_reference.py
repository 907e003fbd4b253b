"""The reference of the configuration, generated from its models: each key, its type, default and meaning."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import orjson
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from migrate.runtime.config import PREFIX, Config

_HEAD: Final = """# Configuration

This page is the output of `migrate config --reference`.

`migrate` reads `config.toml` in the current folder, or the file given with
`--config`. Every key can also be set by the environment variable in its row,
which overrides the file; write lists and tables as JSON there. Unknown keys and
variables are errors. The `config.toml` of the repository shows the same keys
with examples.
"""
_WORDS: Final = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "text, secret",
}


@dataclass(frozen=True)
class Key:
    """One key: its section, name, type in words, default as TOML or JSON shows it, and meaning."""

    section: str
    name: str
    kind: str
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return PREFIX + "__".join([*self.section.split("."), self.name]).upper()


def keys(model: type[BaseModel] = Config, section: str = "") -> Iterator[Key]:
    """Yield every key of the configuration in the order of its models."""
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from keys(part, f"{section}.{name}" if section else name)
        else:
            yield Key(section, name, _kind(part), _default(field), field.description or "")


def write_reference() -> str:
    """Return the page docs/configuration.md."""
    lines = [_HEAD]
    section = None
    for key in keys():
        if key.section != section:
            section = key.section
            lines.append(
                f"## [{section}]\n\n| key | type | default | meaning | variable |\n|---|---|---|---|---|"
            )
        cells = (f"`{key.name}`", key.kind, f"`{key.default}`", key.meaning, f"`{key.variable}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    text = "\n".join(lines)
    return text.replace(" |\n## ", " |\n\n## ") + "\n"


def _kind(part: Any) -> str:
    origin, inner = get_origin(part), get_args(part)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return " or ".join(str(value) for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(arm) for arm in inner if arm is not type(None))
    if origin in (list, tuple):
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"table of {_kind(inner[1])}"
    if isinstance(part, type) and issubclass(part, BaseModel):
        return f"{{ {', '.join(part.model_fields)} }}"
    return _WORDS.get(part, getattr(part, "__name__", str(part)).lower())


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(part) for name, part in value if part not in ((), [], None, False)}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
