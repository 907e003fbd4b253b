"""Credentials and e-mail addresses are taken out of what is shown or logged.

This is the second net: the code itself puts neither into a message. In doubt, more is hidden.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "***"
#: What our own hints print for a user and a password; it is no secret and must stay readable.
_PLACEHOLDER: Final = "://USER:PASSWORD@"
_SECRET_KEY: Final = re.compile(r"pass|secret|token|auth|cookie|dsn|conninfo", re.IGNORECASE)
_NAMES: Final = (
    r"[\w.-]*(?:password|passwd|passphrase|pass|pwd|secret|token|jwt|credentials?"
    r"|(?:api|access|private)[_-]?key)"
)
_QUOTED: Final = r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """
_DOMAIN: Final = r"(?:[\w-]+(?:\.[\w-]+)+|\[[^\]\s]+\])"
_CREDENTIALS: Final = (
    # scheme://user:password@host: a password may hold anything, so up to the last @ of the line
    (re.compile(r"(?<=://)[^/@:\s?#]*:[^\n]*(?=@)"), HIDDEN),
    # a header, to the end of its line
    (re.compile(r"(?i)((?:authorization|cookie)[\"']?\s*[:=]\s*)(?=\S)[^\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(\bbearer\s+)\S+"), rf"\1{HIDDEN}"),
    # name=value, name = value, name='a value'; "name": "value"; "…" stands for a value in our hints
    (re.compile(rf"(?ix)( {_NAMES} \s* = \s* ) (?! … ) (?: {_QUOTED} | [^\s&]+ )"), rf"\1{HIDDEN}"),
    (
        re.compile(rf"(?ix)( ([\"']) {_NAMES} \2 \s* : \s* ) (?: {_QUOTED} | [^\s,}}\]]+ )"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
)
_IN_TEXT: Final = (
    *_CREDENTIALS,
    # scheme://user@host: the user may be a token
    (re.compile(r"(?<=://)[^/@:\s?#]+(?=@)"), HIDDEN),
    (re.compile(rf"(?:\"(?:[^\"\\\n]|\\.)+\"|[\w.!#$%&'+/=?^`{{|}}~-]+)(?:@|%40){_DOMAIN}"), "<e-mail>"),
)
_BASIC: Final = re.compile(r"(?i)(\bbasic\s+)([a-z0-9+/_-]{4,}={0,2})")


def redact(text: str) -> str:
    """Return `text` without credentials and e-mail addresses."""
    return _PLACEHOLDER.join(map(_redact, text.split(_PLACEHOLDER)))


def holds_credentials(text: str) -> bool:
    """Return whether a text holds a password, a token or the like."""
    return any(pattern.search(text) for pattern, _ in _CREDENTIALS)


def _redact(text: str) -> str:
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return _BASIC.sub(_hide_basic, text)


def _hide_basic(match: re.Match[str]) -> str:
    """Hide what follows the word Basic if it is a user and a password, and no other word."""
    try:
        pair = base64.b64decode(
            match[2] + "=" * (-len(match[2]) % 4), altchars=b"-_" if "-" in match[2] else None
        )
    except binascii.Error:
        return match[0]
    return match[1] + HIDDEN if b":" in pair else match[0]


def redact_value(value: Any) -> Any:
    """Return a value as JSON can hold it, every text in it redacted, at any depth.

    What a key of a mapping names as a secret is hidden whole.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            redact(str(key)): HIDDEN if _SECRET_KEY.search(str(key)) else redact_value(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(part) for part in value]
    return redact(repr(value))


def terminal_safe(text: object) -> str:
    """Return the text with control characters replaced by `?`, so that it cannot control a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in str(text))
