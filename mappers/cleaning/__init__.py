"""The common cleaning rules: each takes a column of text and returns a column, null for nothing."""

from mappers.cleaning.dates import EPOCH, Newest, newest_first, timestamp
from mappers.cleaning.names import email, person_name, username, username_of_address, username_of_name
from mappers.cleaning.numbers import coordinate, place
from mappers.cleaning.text import decode_entities, text, without_nul
from mappers.cleaning.values import (
    boolean,
    is_odd_boolean,
    password,
    password_is_lost,
    percent_encode,
    url,
    without_dot_segments,
)

__all__ = [
    "EPOCH",
    "Newest",
    "boolean",
    "coordinate",
    "decode_entities",
    "email",
    "is_odd_boolean",
    "newest_first",
    "password",
    "password_is_lost",
    "percent_encode",
    "person_name",
    "place",
    "text",
    "timestamp",
    "url",
    "username",
    "username_of_address",
    "username_of_name",
    "without_dot_segments",
    "without_nul",
]
