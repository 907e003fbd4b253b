from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrate.postgres.url import parse_url
from migrate.runtime.errors import UsageError

BASE = "postgresql://ann:secret@db.example.com:5433/shop"


DEFAULTS = {
    "fallback_application_name": "migrate", "connect_timeout": "30", "keepalives_idle": "30",
    "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000",
}  # fmt: skip


def settings(url: str) -> dict[str, object]:
    out = dict(conninfo_to_dict(parse_url(url).conninfo))
    return {key: value for key, value in out.items() if value != DEFAULTS.get(key)}


def test_a_plain_url_is_taken_apart() -> None:
    address = parse_url(BASE)
    assert settings(BASE) == {
        "user": "ann", "password": "secret", "host": "db.example.com", "port": "5433", "dbname": "shop"
    }  # fmt: skip
    assert (address.schema, address.label) == ("public", "db.example.com:5433/shop")
    assert (address.notes, address.pooled) == ((), False)


def test_the_secret_is_in_no_printed_form() -> None:
    address = parse_url(BASE)
    assert "secret" not in repr(address) + str(address) + address.label


def test_schema_chooses_the_schema() -> None:
    assert parse_url(BASE + "?schema=Old%20Shop").schema == "Old Shop"


def test_names_and_passwords_may_be_percent_encoded() -> None:
    found = settings("postgres://a%40b:p%2F%3F%23%25%20%27%5C@h/d%20b")
    assert (found["user"], found["password"], found["dbname"]) == ("a@b", "p/?#% '\\", "d b")


def test_an_at_sign_in_the_password_need_not_be_encoded() -> None:
    assert settings("postgres://a:p@ss@h/d")["password"] == "p@ss"


def test_what_concerns_prismas_pool_is_dropped_with_a_note() -> None:
    query = "connection_limit=5&pool_timeout=3&socket_timeout=9&statement_cache_size=0&connect_timeout=7"
    address = parse_url(f"{BASE}?{query}")
    assert settings(f"{BASE}?{query}").keys() - settings(BASE).keys() == {"connect_timeout"}
    assert [note.split("'")[1] for note in address.notes] == [
        "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size"
    ]  # fmt: skip


def test_libpqs_own_parameters_pass_through() -> None:
    query = "sslmode=verify-ca&sslrootcert=/ca.pem&channel_binding=require&application_name=x"
    query += "&options=-c%20work_mem%3D1MB"
    found = settings(f"{BASE}?{query}")
    assert found["sslmode"] == "verify-ca"
    assert found["sslrootcert"] == "/ca.pem"
    assert found["channel_binding"] == "require"
    assert found["options"] == "-c work_mem=1MB"
    assert found["application_name"] == "x"


def test_an_unknown_parameter_is_dropped_with_a_note() -> None:
    assert parse_url(BASE + "?supa=base").notes == (
        "the URL parameter 'supa' is unknown to PostgreSQL and was ignored",
    )


def test_an_unknown_tls_parameter_is_never_dropped() -> None:
    with pytest.raises(UsageError, match="sslmod"):
        parse_url(BASE + "?sslmod=require")


def test_sslaccept_strict_verifies_fully_against_known_authorities() -> None:
    found = settings(BASE + "?sslmode=require&sslaccept=strict")
    assert found["sslmode"] == "verify-full"
    root = str(found["sslrootcert"])
    assert root == "system" or Path(root).exists()


def test_sslaccept_strict_keeps_a_given_authority() -> None:
    found = settings(BASE + "?sslaccept=strict&sslcert=./ca.pem")
    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "./ca.pem")
    assert "sslcert" not in found


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("sslaccept=accept_invalid_certs", "require"),
        ("sslmode=prefer&sslaccept=accept_invalid_certs", "require"),
        ("sslmode=disable&sslaccept=accept_invalid_certs", "disable"),
        ("sslmode=verify-full&sslaccept=accept_invalid_certs", "verify-full"),
        ("sslmode=no-verify", "require"),
        ("ssl=true", "require"),
        ("sslmode=verify-full&ssl=true", "verify-full"),
    ],
)
def test_tls_is_never_weaker_than_asked(query: str, mode: str) -> None:
    assert settings(f"{BASE}?{query}")["sslmode"] == mode


def test_a_client_certificate_with_its_key_is_libpqs() -> None:
    found = settings(BASE + "?sslcert=/c.pem&sslkey=/k.pem&sslpassword=x")
    assert (found["sslcert"], found["sslkey"], found["sslpassword"]) == ("/c.pem", "/k.pem", "x")


def test_a_pkcs12_identity_is_dropped_with_the_way_to_unpack_it() -> None:
    address = parse_url(BASE + "?sslidentity=client.p12&sslpassword=x")
    assert len(address.notes) == 2
    assert "openssl" in address.notes[0]
    assert "sslpassword" not in address.conninfo


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://u:p@localhost/d?host=/cloudsql/proj:region:inst", "/cloudsql/proj:region:inst"),
        ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", "/var/run/postgresql"),
        ("postgresql:///d?host=/tmp", "/tmp"),
        ("postgresql://u@[2001:db8::1]:5432/d", "2001:db8::1"),
        ("postgresql://u@a.example.com:1,b.example.com:2/d", "a.example.com,b.example.com"),
    ],
)
def test_hosts_of_every_form(url: str, host: str) -> None:
    assert settings(url)["host"] == host


@pytest.mark.parametrize(
    ("url", "pooled"),
    [
        ("postgres://u@h/d?pgbouncer=true", True),
        ("postgres://u@h/d?pgbouncer=false", False),
        ("postgres://u@ep-cool-name-123-pooler.eu-central-1.aws.example.com/d", True),
        ("postgres://u@ep-cool-name-123.eu-central-1.aws.example.com/d", False),
        ("postgres://u@aws-0-eu.pooler.supabase.com:6543/d", True),
        ("postgres://u@aws-0-eu.pooler.supabase.com:5432/d", False),
        ("postgres://u@db.abc.supabase.co:6543/d", True),
        ("postgres://u@shop.postgres.database.azure.com:6432/d", True),
        ("postgres://u@pooled.db.prisma.io:5432/d", True),
        ("postgres://u@db.prisma.io:5432/d", False),
        ("postgres://u@h:6543/d", False),
    ],
)
def test_a_transaction_pooling_endpoint_is_known_by_its_url(url: str, pooled: bool) -> None:
    assert parse_url(url).pooled is pooled


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "not a PostgreSQL URL"),
        ("mysql://u:secret@h/d", "not a PostgreSQL URL"),
        ("prisma+postgres://accelerate.example.com/?api_key=secret", "not a PostgreSQL URL"),
        ("jdbc:postgresql://h/d?password=secret", "not a PostgreSQL URL"),
        ("host=h password=secret", "not a PostgreSQL URL"),
        ("postgresql://u:secret@/d", "no host"),
        ("postgresql://u:secret@h", "no database"),
        ("postgresql://u:secret@h/", "no database"),
        ("postgresql://u:secret@h:port/d", "port"),
        ("postgresql://u:secret@h:99999/d", "port"),
        ("postgresql://u:sec#ret@h/d", "'#'"),
        ("postgresql://u:secret%@h/d", "'%'"),
        ("postgresql://u:secret%ff@h/d", "UTF-8"),
        ("postgresql://u:secret%00@h/d", "NUL"),
        ("postgresql://u:secret@h/d?sslaccept=secret", "sslaccept"),
    ],
)
def test_a_url_that_cannot_be_used_says_why_without_repeating_it(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        parse_url(url)
    assert caught.value.exit_code == 2
    assert "sec" not in str(caught.value)
    assert "secret" not in (caught.value.hint or "")
    assert caught.value.hint
