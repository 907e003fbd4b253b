"""Text, e-mails, user names, booleans, URLs, passwords: each rule against a plain reference."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import cleaning

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
NAMES = ("amp", "lt", "nbsp", "notit", "not", "copy", "pound", "bull", "rsquo", "acE", "fjlig", "AMP", "x")
REFERENCES = st.one_of(
    st.builds("&{}{}".format, st.sampled_from(NAMES), st.sampled_from(["", ";", "=", " "])),
    st.builds("&#{}{}".format, st.integers(0, 0x110010), st.sampled_from(["", ";", "x"])),
    st.builds(
        "&#{}{:x}{}".format, st.sampled_from("xX"), st.integers(0, 0x110010), st.sampled_from(["", ";"])
    ),
    st.builds("&#{};".format, st.integers(128, 159)),
)
PIECES = st.one_of(
    REFERENCES,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from([*WHITE, "\x00", "&", ";"]),
)
CELLS = st.lists(st.one_of(st.none(), st.lists(PIECES, max_size=6).map("".join)), max_size=8)


def column(rule: Callable[[pl.Expr], pl.Expr], cells: list[str | None]) -> list[object]:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(rule(pl.col("cell")).alias("out"))["out"].to_list()


@given(CELLS)
def test_entities_are_decoded_once_as_python_does(cells: list[str | None]) -> None:
    assert column(cleaning.decode_entities, cells) == [c if c is None else html.unescape(c) for c in cells]


@pytest.mark.parametrize(
    ("cell", "decoded"),
    [
        ("&amp;lt;", "&lt;"),
        ("&#146;&#x92;", "\u2019\u2019"),
        ("a&ampb &notit; &am", "a&b \xacit; &am"),
        ("&" + "a" * 40 + ";", "&" + "a" * 40 + ";"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("&#x" + "0" * 5000 + "41;", "A"),
    ],
)
def test_entities_of_every_kind(cell: str, decoded: str) -> None:
    assert column(cleaning.decode_entities, [cell, None, "plain"]) == [decoded, None, "plain"]


def plain_text(cell: str | None) -> str | None:
    if cell is None:
        return None
    cell = html.unescape(cell).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return cell.strip(WHITE) or None


@given(CELLS)
def test_text_follows_the_order_of_its_rule(cells: list[str | None]) -> None:
    assert column(cleaning.text, cells) == [plain_text(cell) for cell in cells]


def test_a_cell_of_nothing_but_space_is_null() -> None:
    assert column(cleaning.text, ["&nbsp; ", " \x00\r\n", ""]) == [None, None, None]


def plain_email(cell: str | None) -> str | None:
    clean = (cell or "").strip(WHITE).lower()
    name, at, domain = clean.partition("@")
    labels = domain.split(".")
    fine = bool(name) and bool(at) and "@" not in domain and len(labels) > 1 and all(labels)
    bad = any(c in WHITE or ord(c) < 32 or ord(c) == 127 for c in clean)
    return clean if fine and not bad and len(clean) <= 254 else None


ADDRESSES = st.lists(st.sampled_from([*"aB9.@ -_\t\x00", "\u00c9", "example.com"]), max_size=8).map("".join)


@given(st.lists(st.one_of(st.none(), ADDRESSES), max_size=8))
def test_an_email_has_one_at_and_a_dotted_domain(cells: list[str | None]) -> None:
    assert column(cleaning.email, cells) == [plain_email(cell) for cell in cells]


def test_an_email_longer_than_254_characters_is_none() -> None:
    fits, over = "a" * 242 + "@example.com", "a" * 243 + "@example.com"
    assert column(cleaning.email, [fits, over]) == [fits, None]


def plain_username(name: str | None, address: str) -> str:
    def letters(text: str) -> str:
        return re.sub(r"[^a-z0-9_-]", "", text.lower())[:30]

    kept = letters(name or "") or letters(address.split("@")[0])
    if not re.match("[a-z]", kept):
        kept = "user_" + kept
    return kept if len(kept) >= 3 else kept + "_user"


LETTERS = st.text(st.sampled_from("abZ09_-!. \u00e9"), max_size=35)


@given(st.lists(st.tuples(st.one_of(st.none(), LETTERS), LETTERS), min_size=1, max_size=8))
def test_user_names_follow_their_rule(people: list[tuple[str | None, str]]) -> None:
    frame = pl.DataFrame(
        {"name": [n for n, _ in people], "email": [f"{e}@example.com" for _, e in people]},
        schema={"name": pl.String, "email": pl.String},
    )
    given_names = frame.select(cleaning.username(pl.col("name"), pl.col("email")).alias("u"))["u"].to_list()
    assert given_names == [plain_username(n, f"{e}@example.com") for n, e in people]


@pytest.mark.parametrize(
    ("cell", "yes", "odd"),
    [
        *((word, True, False) for word in ("1", "true", "TRUE", "Yes", "on", " 1 ")),
        *((word, False, False) for word in ("0", "false", "No", "off", "", None)),
        *((word, False, True) for word in ("2", "y", "-1", "1.0")),
    ],
)
def test_booleans_are_words_and_all_else_is_false_and_odd(cell: str | None, yes: bool, odd: bool) -> None:
    assert column(cleaning.boolean, [cell]) == [yes]
    assert column(cleaning.is_odd_boolean, [cell]) == [odd]


@pytest.mark.parametrize(
    ("cell", "url"),
    [
        ("facebook.com/ana", "https://facebook.com/ana"),
        ("www.ana.example", "https://www.ana.example"),
        ("http://a.example:8080/x?y=z#w", "http://a.example:8080/x?y=z#w"),
        ("//cdn.example.com/a", "https://cdn.example.com/a"),
        ("HTTPS://A.Example", "HTTPS://A.Example"),
        ("https://10.0.0.1/x", "https://10.0.0.1/x"),
        ("no url at all", None),
        ("dQw4w9WgXcQ", None),
        ("@ana", None),
        ("ana@example.com", None),
        ("javascript:alert(1)", None),
        ("ftp://a.example/x", None),
        ("https://localhost/x", None),
        ("http://a.example:99999/", None),
        ("https://a..example", None),
        ("1.5", "https://1.5"),
        ("https://ana@a.example", None),
        ("https://a.example:x/", None),
        ("https://a.example.", None),
        ("https://my_bucket.s3.example/a|b.png", "https://my_bucket.s3.example/a|b.png"),
        ("hTTp://a.example/{x}%2<y>", "hTTp://a.example/{x}%2<y>"),
        (None, None),
    ],
)
def test_urls_get_a_scheme_and_need_a_host_with_a_dot(cell: str | None, url: str | None) -> None:
    assert column(cleaning.url, [cell]) == [url]


@given(st.lists(st.text(st.sampled_from("ab.:/@?#[]1 %\u00e9htps"), max_size=14), max_size=6))
def test_what_passes_for_a_url_parses(cells: list[str]) -> None:
    for found in column(cleaning.url, list(cells)):
        if found is not None:
            host = re.split("[/?#]", str(found).partition("://")[2], maxsplit=1)[0]
            assert re.fullmatch(r"[\w-]+(\.[\w-]+)+(:[0-9]{1,5})?", host)


def test_a_secure_url_is_taken_as_it_is() -> None:
    cells = [
        "https://res.example.com/v1/a.jpg",
        "http://res.example.com/a.jpg",
        "res.example.com/a.jpg",
        None,
    ]
    assert column(lambda c: cleaning.url(c, secure=True), cells) == [cells[0], None, None, None]


HASH = "abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


@pytest.mark.parametrize(
    ("cell", "kept", "lost"),
    [
        (f"$2y$10${HASH}", f"$2b$10${HASH}", False),
        (f"$2a$10${HASH}", f"$2a$10${HASH}", False),
        (f"$2b$31${HASH}", f"$2b$31${HASH}", False),
        ("", None, False),
        (None, None, False),
        (f"$2b$10${HASH}\n", None, True),
        (f"$2x$10${HASH}", None, True),
        (f"$2b$03${HASH}", None, True),
        (f"$2b$10${HASH}0", None, True),
        ("5f4dcc3b5aa765d61d8327deb882cf99", None, True),
        ("correct horse", None, True),
    ],
)
def test_only_bcrypt_passwords_are_kept(cell: str | None, kept: str | None, lost: bool) -> None:
    assert column(cleaning.password, [cell]) == [kept]
    assert column(cleaning.password_is_lost, [cell]) == [lost]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6))
def test_file_names_are_percent_encoded(cells: list[str]) -> None:
    assert column(cleaning.percent_encode, list(cells)) == [quote(cell, safe="/") for cell in cells]
