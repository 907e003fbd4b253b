"""What a source URL means."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.runtime.errors import UsageError
from migrate.source.url import parse_address


@pytest.mark.parametrize(
    ("url", "way", "base", "label"),
    [
        ("libsql://db-org.turso.io", "http", "https://db-org.turso.io", "db-org.turso.io"),
        ("https://db-org.turso.io/", "http", "https://db-org.turso.io", "db-org.turso.io"),
        ("http://127.0.0.1:8080", "http", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("libsql://localhost:8080?tls=0", "http", "http://localhost:8080", "localhost:8080"),
        ("http://db.example.org?tls=1", "http", "https://db.example.org", "db.example.org"),
        ("https://h.example.org/base", "http", "https://h.example.org/base", "h.example.org/base"),
        ("wss://db.example.org", "ws", "wss://db.example.org", "db.example.org"),
        ("ws://localhost:8080", "ws", "ws://localhost:8080", "localhost:8080"),
        ("  libsql://db-org.turso.io\n", "http", "https://db-org.turso.io", "db-org.turso.io"),
        ("file:///data/legacy%20copy.db", "file", "/data/legacy copy.db", "/data/legacy copy.db"),
        ("file:/data/legacy.db", "file", "/data/legacy.db", "/data/legacy.db"),
        ("/data/legacy.db", "file", "/data/legacy.db", "/data/legacy.db"),
        ("/data/dump.SQL", "dump", "/data/dump.SQL", "/data/dump.SQL"),
        ("file:/data/dump.sql", "dump", "/data/dump.sql", "/data/dump.sql"),
    ],
)  # fmt: skip
def test_a_url_names_a_way_and_an_address(url: str, way: str, base: str, label: str) -> None:
    address = parse_address(url)
    assert (address.way, address.url, address.label) == (way, base, label)


def test_a_relative_path_is_made_absolute() -> None:
    assert parse_address("legacy.db").url == str(Path.cwd() / "legacy.db")
    assert parse_address("file:legacy.db").url == str(Path.cwd() / "legacy.db")


def test_the_token_in_the_url_wins_and_stays_out_of_sight() -> None:
    address = parse_address("libsql://db.example.org?authToken=abc.def", "other")
    assert address.token == "abc.def"
    assert "abc.def" not in repr(address) + address.url + address.label


def test_a_token_is_trimmed() -> None:
    assert parse_address("libsql://db.example.org", " abc\n").token == "abc"
    assert parse_address("libsql://db.example.org", "\n").token is None


@pytest.mark.parametrize(
    "url",
    [
        "", "postgresql://localhost/x", "libsql://", "libsql://localhost?tls=0", "libsql://h?tls=2",
        "libsql://h?authtoken=geheim", "https://user:geheim@h", "http://h:99999?tls=0", "libsql://h:x?tls=0",
    ],
)  # fmt: skip
def test_a_url_that_means_nothing_is_a_usage_error_without_secrets(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    assert "geheim" not in caught.value.message + str(caught.value.hint)


def test_a_token_that_cannot_be_one_is_refused_unseen() -> None:
    with pytest.raises(UsageError) as caught:
        parse_address("libsql://h", "geheim geheim")
    assert "geheim" not in caught.value.message + str(caught.value.hint)
