"""Secrets and addresses are taken out of text, and our own hints are left as they are."""

from __future__ import annotations

import ast
import base64
import json
import re
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from migrate.runtime import files
from migrate.runtime.log import NAME, log, open_log
from migrate.runtime.redaction import redact, redact_value

ROOT = Path(__file__).parents[2]
#: Secrets that no other word of a sentence holds by chance, with what URLs and shells make hard.
SECRETS = st.text(alphabet="Zq7/@: ?#%&='\"\\é", min_size=1, max_size=20).map(lambda text: f"Zq{text}9Q")
WORDS = st.text(alphabet="Zq7/@:?#%=é+-", min_size=1, max_size=20).map(lambda text: f"Zq{text}9Q")


def _leaks(secret: str, shown: str) -> bool:
    """Return whether a piece of four characters of the secret is in what is shown."""
    return any(secret[at : at + 4] in shown for at in range(len(secret) - 3))


@given(SECRETS)
def test_a_password_in_a_url_is_hidden_whatever_it_holds(secret: str) -> None:
    shown = redact(f"cannot reach postgresql://ana:{secret}@db.example/live: refused")
    assert not _leaks(secret, shown)
    assert "db.example/live: refused" in shown


@given(WORDS, st.sampled_from(["Bearer", "bearer", "Basic", "Digest", "token"]))
def test_an_authorization_is_hidden(secret: str, scheme: str) -> None:
    assert not _leaks(secret, redact(f"Authorization: {scheme} {secret}"))
    assert not _leaks(secret, redact(f'{{"authorization": "{scheme} {secret}"}}'))


@given(WORDS)
def test_a_bearer_token_and_basic_credentials_are_hidden_without_their_header(secret: str) -> None:
    assert not _leaks(secret, redact(f"sent bearer {secret} to it"))
    pair = base64.b64encode(f"ana:{secret}".encode()).decode()
    assert pair not in redact(f"sent Basic {pair} to it")


@given(
    WORDS.filter(lambda text: "&" not in text and not text.startswith(("'", '"'))),
    st.sampled_from(
        [
            "secret",
            "password",
            "MIGRATE__IDS__SECRET",
            "TURSO_AUTH_TOKEN",
            "PGPASSWORD",
            "api_key",
            "authToken",
            "pwd",
        ]
    ),
    st.sampled_from(["=", " = ", "= "]),
)
def test_a_value_with_a_secret_name_is_hidden(secret: str, name: str, sign: str) -> None:
    shown = redact(f"set {name}{sign}{secret} there")
    assert not _leaks(secret, shown)
    assert shown.endswith(" there")


@given(SECRETS.filter(lambda text: not set(text) & set("'\"\\")))
def test_a_quoted_value_is_hidden_to_its_end(secret: str) -> None:
    assert redact(f"password = '{secret}' host=x") == "password = *** host=x"
    assert redact(f'{{"password": "{secret}", "rows": 3}}') == '{"password": ***, "rows": 3}'


@given(st.text(alphabet="Zq7. _+'!#$%&", min_size=4, max_size=20).map(lambda text: f"Zq{text}9Q"))
def test_a_quoted_local_part_of_an_address_is_hidden(local: str) -> None:
    assert not _leaks(local, redact(f'no such user "{local}"@example.com'))


@pytest.mark.parametrize(
    "address", ["ana@example.com", "a'b+c=d@x.example", "ana%40example.com", "ana@[192.0.2.1]"]
)
def test_an_address_is_hidden(address: str) -> None:
    assert redact(f"no user {address} there") == "no user <e-mail> there"


@given(
    st.recursive(SECRETS, lambda part: st.lists(part, max_size=3) | st.dictionaries(WORDS, part, max_size=3))
)
def test_secrets_are_hidden_at_any_depth(value: object) -> None:
    def urls(part: object) -> object:
        if isinstance(part, str):
            return f"postgresql://ana:{part}@h/d"
        if isinstance(part, dict):
            return {key: urls(one) for key, one in enumerate(part.values())}
        return [urls(one) for one in part]  # type: ignore[attr-defined]

    shown = json.dumps(redact_value(urls(value)), ensure_ascii=False)
    assert "Zq" not in shown


def test_the_log_hides_secrets_in_lists_mappings_and_objects(work: Path) -> None:
    files.make_folder(work)
    try:
        with closing(open_log(work, "run-1")):
            log().info(
                "hello",
                urls=["postgresql://u:p4ss@h/d"],
                settings={"id_secret": "s3cret", "deep": [{"token": "t0ken"}]},
                error=ValueError("password=hunter2"),
                rows=3,
            )
        text = (work / NAME).read_text()
    finally:
        structlog.reset_defaults()
    assert json.loads(text)["rows"] == 3
    assert not re.search("p4ss|s3cret|t0ken|hunter2", text)


def _texts() -> set[str]:
    """Return every text in the product's code that names a URL with a user, or a secret's name."""
    found = set()
    for package in ("migrate", "mappers", "verification", "backups"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name == "redaction.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return {text for text in found if re.search(r"://|@|(?i:bearer|basic|secret|token|password)", text)}


def test_our_own_hints_are_shown_as_they_are() -> None:
    assert redact("write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE?schema=public") == (
        "write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE?schema=public"
    )
    spoiled = {text: redact(text) for text in _texts() if " " in text and redact(text) != text}
    assert not spoiled


def test_a_hint_does_not_shield_a_password_next_to_it() -> None:
    text = "not postgresql://ana:s3cret@h but postgresql://USER:PASSWORD@HOST, as postgresql://bob:hidd3n@h"
    shown = redact(text)
    assert "USER:PASSWORD@HOST" in shown
    assert not re.search("s3cret|hidd3n", shown)
