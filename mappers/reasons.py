"""Every code that says why a row or value is not what it was, and the sentence that explains it.

Both mappings, the ledger, the report and `docs/reasons.md` use these codes: one code for one fault.
`python -m mappers.reasons` prints that page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType

#: What a code is used for, and the heading of each use in the docs.
_USES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rejected": "Rejected rows: they could not be migrated",
        "merged": "Merged rows: another row of the target stands for them",
        "excluded": "Excluded rows: a rule leaves them out",
        "warning": "Warnings: the row was migrated, a value of it was changed",
        "dropped": "Dropped columns and keys",
        "table": "Tables left out by rule",
    }
)
LEFT_OUT: Final = "_left_out"
REPLACED: Final = "_replaced"


#: A code that `left_out` or `replaced` made of another.
Derived = NewType("Derived", str)


class Reason(StrEnum):
    """A code, what it is used for (words of `_USES`), and its sentence."""

    uses: tuple[str, ...]
    sentence: str

    def __new__(cls, code: str, uses: str, sentence: str) -> Reason:
        """Make a member; its value is the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.uses, member.sentence = tuple(uses.split()), sentence
        return member

    UNKNOWN_USER = "unknown_user", "rejected", "It belongs to a person who was not migrated, or names one."
    INVALID_ID = "invalid_id", "rejected", "Its id is not an integer."
    INVALID_EMAIL = "invalid_email", "rejected warning", "The e-mail address is not valid."
    NO_STUDIO = "no_studio", "rejected", "The person it belongs to has no studio."
    NO_IMAGE = "no_image", "rejected", "It has neither a URL nor a file name."
    EMPTY_MESSAGE = "empty_message", "rejected", "Nothing is left of the message after cleaning."
    EMPTY_REPLY = "empty_reply", "rejected", "Nothing is left of the reply after cleaning."
    TOO_LONG = "too_long", "rejected warning", "The value is longer than its column in the target."
    REQUIRED = "required", "rejected", "The target requires a value here, and there is none."
    DANGLING = "dangling", "rejected", "It refers to a row that was not migrated."
    SAME_KEY = "same_key", "rejected merged", "An earlier row has the same key."
    NUL_IN_KEY = "nul_in_key", "rejected", "The key has a NUL character, which PostgreSQL cannot hold."
    INVALID_INTEGER = "invalid_integer", "rejected", "The value is not an integer that the column can hold."
    INVALID_BOOLEAN = "invalid_boolean", "rejected warning", "The value is neither true nor false."
    INVALID_NUMBER = (
        "invalid_number",
        "rejected warning",
        "The value is not a number that the column can hold.",
    )
    DECIMAL_OUT_OF_RANGE = (
        "decimal_out_of_range", "rejected", "The value is not a number, or has more digits than the column.",
    )  # fmt: skip
    INVALID_TIMESTAMP = "invalid_timestamp", "rejected warning", "The value is not a timestamp."
    CURRENT_TIMESTAMP_TEXT = (
        "current_timestamp_text", "rejected", "The cell holds the words CURRENT_TIMESTAMP, not a timestamp.",
    )  # fmt: skip
    INVALID_DATE = "invalid_date", "rejected", "The value is not a date without a time."
    INVALID_JSON = "invalid_json", "rejected", "The value is not JSON that PostgreSQL takes."
    INVALID_BYTES = "invalid_bytes", "rejected", "The value is a number, not bytes."
    INVALID_VECTOR = "invalid_vector", "rejected", "The value is not a vector of 32-bit floats of that size."
    INVALID_ENUM = "invalid_enum", "rejected warning", "The value is not one of those that the target knows."
    INVALID_UUID = "invalid_uuid", "rejected", "The value is not a UUID."

    EXPRESSION_FAILED = (
        "expression_failed",
        "rejected",
        "The expression (`sql`) of the column fails on the row.",
    )

    SAME_ID = "same_id", "merged", "Another row has the same id and comes first."
    SAME_EMAIL = "same_email", "merged", "Another row has the same e-mail address and comes first."
    SAME_PAIR = "same_pair", "merged", "An earlier row connects the same two people."
    SELF = "self", "merged", "It connects a person with the same person."
    AVATAR = "avatar", "merged", "The image is the avatar of its person."

    WHERE = "where", "excluded", "The mapping (`where` of its table) leaves the row out."
    STUB = "stub", "excluded", "The row is a placeholder and stands for no person."
    DELETED = "deleted", "excluded dropped", "The message is marked as deleted."
    REPLY_NOT_BY_OWNER = (
        "reply_not_by_owner", "excluded", "It is not the first reply of the studio's owner to a review.",
    )  # fmt: skip

    EMAIL_CONFLICT = (
        "email_conflict",
        "warning",
        "Two rows of one person differ in the e-mail; the first wins.",
    )
    PASSWORD_RESET_NEEDED = (
        "password_reset_needed", "warning", "The password was not stored as bcrypt and is not kept.",
    )  # fmt: skip
    INVALID_URL = "invalid_url", "warning", "The value is not a URL."
    INVALID_UTF8 = "invalid_utf8", "warning", "The bytes are not UTF-8; they were read as Windows-1252."
    EMPTY_AS_NULL = "empty_as_null", "warning", "Empty text became NULL."
    NULL_REPLACED = "null_replaced", "warning", "NULL became the default of the mapping."
    NUMBER_AS_TEXT = "number_as_text", "warning", "A number was written to a column of text."
    BYTES_AS_TEXT = "bytes_as_text", "warning", "Bytes were written to a column of text."
    NUL_REMOVED = "nul_removed", "warning", "NUL characters were removed; PostgreSQL cannot hold them."
    WRAPPED_AS_JSON_STRING = (
        "wrapped_as_json_string", "warning", "The value is not JSON and became a JSON string.",
    )  # fmt: skip
    NAME_TWICE_LAST_KEPT = (
        "name_twice_last_kept", "warning", "A JSON object has a name twice; the last value is kept.",
    )  # fmt: skip
    DANGLING_KEPT = "dangling_kept", "warning", "It refers to a row that was not migrated, and was kept."
    PLACEHOLDER = "placeholder", "warning", "The row it refers to was missing, and a placeholder was made."
    UNKNOWN_ID_KEPT = (
        "unknown_id_kept", "warning", "An id inside a document names no migrated row, and was kept.",
    )  # fmt: skip
    UNKNOWN_ID_LEFT_OUT = (
        "unknown_id_left_out", "warning", "An id inside a document names no migrated row, and was left out.",
    )  # fmt: skip
    ROUNDED_TO_SCALE = (
        "rounded_to_scale", "warning", "It has more decimals than the column, and was rounded.",
    )  # fmt: skip
    INVALID_LIST = (
        "invalid_list",
        "rejected warning",
        "The value is neither a JSON array nor a text with a separator whose parts the column can hold.",
    )
    MASKED = "masked", "warning", "The text was replaced by another one, as the mapping says (`mask`)."
    ROUNDED_TO_MILLISECONDS = (
        "rounded_to_milliseconds", "warning", "The timestamp is finer than milliseconds, and was rounded.",
    )  # fmt: skip

    NO_TARGET_COLUMN = "no_target_column", "dropped", "The target has no column for it."
    NOT_IN_THE_MAPPING = "not_in_the_mapping", "dropped", "The mapping file does not name it."
    DROPPED_KEYS = "dropped_keys", "dropped", "The configuration (`dropped_keys`) drops it."
    RESERVED_KEY = "reserved_key", "warning dropped", "The key is reserved for the category of the profile."
    TOKEN = "token", "dropped", "Login tokens are not migrated."
    KEPT_IN_URL = "kept_in_url", "dropped", "The URL of the image holds it."
    ROW_NUMBER = "row_number", "dropped", "It only numbers the rows of its table."

    COMMENT_VOTES = "comment_votes", "dropped table", "Votes on comments are not migrated."
    COMMENTS_ON_NO_STUDIO = "comments_on_no_studio", "table", "Its comments belong to no studio."
    SITE_OPTIONS = "site_options", "table", "Options of the old site are not migrated."
    SESSIONS = "sessions", "table", "Login sessions are not migrated."
    POINTS_OF_INTEREST = "points_of_interest", "table", "Points of interest are not migrated."
    CONTACT_FORM = "contact_form", "table", "Messages of the contact form are not migrated."
    IMPORT_NOTES = "import_notes", "table", "Notes of an earlier import are not migrated."
    ROLES = "roles", "table", "The names of roles are not migrated."
    FAQ = "faq", "table", "Questions and answers of the old site are not migrated."
    MAPS = "maps", "table", "Map data of the old site is not migrated."
    CONFIG = "config", "table", "The configuration (`left_out`) leaves it out."


#: Reasons by which a rule of the mapping rejects a row that is as it should be.
BY_RULE: Final = frozenset({Reason.NO_STUDIO, Reason.EMPTY_MESSAGE, Reason.EMPTY_REPLY})
#: A code of a warning.
Code = Reason | Derived
#: The codes as SQL constants, by the name of the code: parts of the mappers' SQL templates.
CODES: Final[Mapping[str, str]] = MappingProxyType({code.value: f"'{code.value}'" for code in Reason})


def left_out(reason: Reason) -> Derived:
    """Return the code of a warning that NULL was written, because of `reason`."""
    return Derived(reason.value + LEFT_OUT)


def replaced(reason: Reason) -> Derived:
    """Return the code of a warning that the default was written, because of `reason`."""
    return Derived(reason.value + REPLACED)


def describe(code: str) -> str:
    """Return the sentence of a code; '' for one that this version does not know."""
    if code in CODES:
        return next(one.sentence for one in Reason if one == code)
    for ending, what in ((LEFT_OUT, "NULL was written."), (REPLACED, "The default was written.")):
        if code.endswith(ending) and code.removesuffix(ending) in CODES:
            return f"{describe(code.removesuffix(ending))} {what}"
    return ""


def explain(codes: Iterable[str]) -> dict[str, str]:
    """Return the sentences of those of the codes that this version knows, in the order of the codes."""
    found = {code: describe(code) for code in sorted(set(codes))}
    return {code: sentence for code, sentence in found.items() if sentence}


def page() -> Iterator[str]:
    """Yield the lines of `docs/reasons.md`."""
    yield "# Reasons"
    yield ""
    yield "Written by `make reasons` from `mappers/reasons.py`; do not edit."
    for use, heading in _USES.items():
        yield from ("", f"## {heading}", "| code | meaning |", "|---|---|")
        yield from (f"| `{one.value}` | {one.sentence} |" for one in Reason if use in one.uses)
        if use == "warning":
            yield ""
            yield f"A code of a rejected row that ends in `{LEFT_OUT}` or `{REPLACED}` is a warning:"
            yield "the mapping lets the row through, and NULL or the default was written instead."


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()) + "\n")
