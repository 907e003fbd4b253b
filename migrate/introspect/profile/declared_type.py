"""What a declared type says: SQLite keeps any words there, and tools write those of every database."""

from __future__ import annotations

import re
from typing import Final, Literal

#: '' where the type says nothing, or several things, so that the values alone decide.
Family = Literal["boolean", "json", "timestamp", "date", "decimal", "real", "integer", "text", "bytes", ""]

#: The first that is found counts, so DATETIME is no DATE and TINYINT(1) no integer.
_FAMILIES: Final[tuple[tuple[str, Family], ...]] = (
    (r"BOOL|\bTINYINT\s*\(\s*1\s*\)|^BIT(\s*\(\s*1\s*\))?$", "boolean"),
    (r"JSON", "json"),
    (r"DATETIME|TIMESTAMP", "timestamp"),
    (r"^DATE$", "date"),
    (r"DECIMAL|NUMERIC|MONEY|^DEC\b|^NUMBER", "decimal"),
    (r"REAL|FLOA|DOUB", "real"),
    (r"INT|SERIAL", "integer"),
    (r"CHAR|TEXT|CLOB|STRING|UUID", "text"),
    (r"BLOB|BYTEA|BINARY", "bytes"),
)
_BOTH: Final = re.compile(r"INT.*(TEXT|CHAR|CLOB)|(TEXT|CHAR|CLOB).*INT")
#: libSQL's types of vectors, such as F32_BLOB(3), and those of 32-bit floats, which pgvector has.
_VECTOR: Final = re.compile(
    r"(?:F(?:LOAT)?(?:1|1BIT|8|16|B16|32|64)|VECTOR\w*)_?BLOB\s*\(|FLOAT\d+\s*\(", re.IGNORECASE
)
_SINGLE: Final = re.compile(r"(?:F32_BLOB|FLOAT32)\s*\(", re.IGNORECASE)
_SIZE: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


def family(declared: str) -> Family:
    """Return the kind of values that a declared type is meant for."""
    words = declared.upper()
    if _BOTH.search(words):
        return ""
    return next((found for pattern, found in _FAMILIES if re.search(pattern, words)), "")


def size(declared: str) -> tuple[int, int] | None:
    """Return digits and scale of a declared type such as DECIMAL(12, 2), None if it has none."""
    found = _SIZE.search(declared)
    return (int(found[1]), int(found[2] or 0)) if found else None


def is_vector(declared: str) -> bool:
    """Return whether a declared type is one of libSQL's vectors."""
    return _VECTOR.match(declared) is not None


def vector_size(declared: str) -> int | None:
    """Return how many 32-bit floats a vector of a declared type has, None if it is no such vector."""
    found = size(declared) if _SINGLE.match(declared) else None
    return found[0] if found else None
