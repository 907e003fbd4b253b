"""Writes a page: values from a database are only text on it, whatever they contain.

Every value is escaped. Control characters and characters that change the writing direction are made visible.
The page's content policy lets a browser run no script but the one of the page itself, if it has one, contact
no server and use no style but its own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import sys
import unicodedata
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from mappers.reasons import describe
from migrate.runtime import files
from migrate.runtime.amount import amount

_STYLE: Final = "style.css"
#: Where Unicode has a picture for each control character below the space.
_PICTURES: Final = 0x2400
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def visible(value: Any) -> Any:
    """Return text with control characters made visible; anything else, and markup, unchanged."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isprintable():
        return value
    return "".join(_sign(char) if unicodedata.category(char) in _HIDDEN else char for char in value)


def _sign(char: str) -> str:
    code = ord(char)
    if char == "\n":
        return char
    if code < 0x20:
        return chr(_PICTURES + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


class _BytecodeCache(FileSystemBytecodeCache):
    """Keeps compiled templates where Python keeps our compiled modules; not at all if it may not."""

    def __init__(self) -> None:
        self._folder = Path(cache_from_source(__file__)).parent
        super().__init__(str(self._folder), "%s.template")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the compiled template, if that is possible."""
        if not sys.dont_write_bytecode and self._folder.is_dir():
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read the compiled template, if there is one."""
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)


def environment() -> Environment:
    """Return the templates' environment: all values escaped and made visible; a missing name is an error."""
    made = Environment(
        loader=PackageLoader("migrate.report"),
        bytecode_cache=_BytecodeCache(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "amount": amount,
        "share": share,
        "seconds": seconds,
        "instant": instant,
        "sentence": describe,
    }
    return made


def number(value: int | None) -> str:
    """Return a whole number with thousands separators, nothing for none."""
    return "" if value is None else f"{value:,}"


def share(part: float, whole: float) -> str:
    """Return the percentage of `part` in `whole`: 0 only for nothing, 100 only for all."""
    if not whole or not part:
        return "0%"
    percent = 100 * part / whole
    if part == whole:
        return "100%"
    return "<0.1%" if percent < 0.1 else f"{min(percent, 99.9):.1f}%"


def seconds(value: float) -> str:
    """Return seconds in readable form: 0.31 s, 12.4 s, 3 min 20 s."""
    if value >= 90:
        return f"{int(value // 60):,} min {int(value % 60)} s"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def instant(value: str) -> str:
    """Return an ISO timestamp in UTC in readable form: 2026-01-31 17:05:09 UTC."""
    return value.replace("T", " ").replace("+00:00", " UTC")


def render(template: str, *, script: str | None = None, **shown: Any) -> str:
    """Return the page that a template makes; `script` is the file of the only script that it may run."""
    made = environment()
    assert made.loader is not None
    style = made.loader.get_source(made, _STYLE)[0]
    code = made.loader.get_source(made, script)[0] if script else ""
    return made.get_template(template).render(
        style=Markup(style),  # noqa: S704
        digest=_digest(style),
        script=Markup(code),  # noqa: S704
        script_digest=_digest(code),
        **shown,
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def write(path: Path, page: str) -> None:
    """Write a page (mode 0600), completely or not at all."""
    with files.write_atomically(path) as file:
        file.write(page.encode(errors="replace"))
