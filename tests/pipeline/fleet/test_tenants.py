"""Who the tenants are: a CSV, a folder, an organization of Turso."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.pipeline.fleet.platform_api import list_databases
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.fleet.tenants import read_tenants
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError, SourceError, SourceUnavailable, UsageError
from migrate.runtime.settings.fleet import FleetSettings
from tests.pipeline.fleet.platform import TOKEN, Platform, platform

ORGANIZATION = [("acme", "eu"), ("bolt", "us"), ("core", "schema"), ("dune", "eu"), ("echo", "eu")]


def of_csv(folder: Path, text: str) -> list[Tenant]:
    (folder / "tenants.csv").write_text(text)
    return read_tenants(Config(), "tenants.csv", folder)


def test_a_csv_names_tenants_urls_and_variables(tmp_path: Path) -> None:
    text = "tenant,url,token_env\nbolt,libsql://bolt-org.turso.io,BOLT\nacme, data/a.db ,\n"
    acme, bolt = of_csv(tmp_path, text)
    assert acme == Tenant("acme", str(tmp_path / "data/a.db"))
    assert bolt == Tenant("bolt", "libsql://bolt-org.turso.io", "BOLT")
    assert (acme.host, bolt.host) == ("", "bolt-org.turso.io")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,url\na,b\n", "the first line must name the columns tenant, url, token_env, not name, url"),
        ("tenant,url\na\n", "line 2 has another number of columns"),
        ("tenant,url\na,b,c\n", "line 2 has another number of columns"),
        ("tenant,url\na,x.db\na,y.db\n", "names the same tenant twice: a"),
        ("tenant,url\na\x07b,x.db\n", r"'a\x07b' cannot be the name of a tenant"),
        ("tenant,url\n,x.db\n", "'' cannot be the name of a tenant"),
        ("tenant,url\na,ftp://x\n", "line 2: the source URL has an unknown scheme: ftp"),
        ("tenant,url\na,libsql://h?authToken=s3cret\n", "line 2: the URL holds a token"),
        ("tenant,url\n", "names no tenant"),
    ],
)
def test_a_wrong_line_is_named_and_no_token_is_shown(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        of_csv(tmp_path, text)
    assert said in raised.value.message
    assert "s3cret" not in f"{raised.value.message} {raised.value.hint}"


def test_each_database_of_a_folder_is_a_tenant(tmp_path: Path) -> None:
    for name in ("b.db", "a.sqlite", "c.SQL", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.db").mkdir()
    assert [one.name for one in read_tenants(Config(), str(tmp_path))] == ["a", "b", "c"]
    assert [one.host for one in read_tenants(Config(), str(tmp_path))] == ["", "", ""]


def test_no_tenants_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tenants are named"):
        read_tenants(Config())
    with pytest.raises(UsageError, match="there is no file of tenants"):
        read_tenants(Config(), str(tmp_path / "none.csv"))


def listed(api: Platform, named: str, token: str = TOKEN) -> list[Tenant]:
    return list_databases(FleetSettings(api_url=api.url), named, {"TURSO_API_TOKEN": token})


def test_an_organization_is_read_page_by_page_through_limits_and_failures() -> None:
    with platform(Platform(ORGANIZATION, answers=[429, 200, 503, 500])) as api:
        found = listed(api, "org")
        assert found == [
            Tenant(name, f"libsql://{name}-org.turso.io") for name in ("acme", "bolt", "dune", "echo")
        ]
        assert len(api.asked) == 6
        assert api.asked[0] == "/v1/organizations/org/databases"
        assert [one.name for one in listed(api, "org/eu")] == ["acme", "dune", "echo"]
        assert api.asked[-2].endswith("/databases?group=eu")


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        (Platform(ORGANIZATION, answers=[500] * 5), SourceUnavailable, "in 5 attempts: HTTP 500"),
        (Platform(ORGANIZATION, answers=[404]), SourceError, "does not list the databases (HTTP 404)"),
        (Platform(ORGANIZATION, body=b"<html>"), SourceError, "is not a list of databases"),
        (Platform(ORGANIZATION, body=b'{"databases": [{"Name": 1}]}'), SourceError, "is not a list"),
        (Platform(ORGANIZATION, next_page="http://127.0.0.2/more"), SourceError, "is not its own"),
        (Platform(ORGANIZATION, next_page="/v1/more"), SourceError, "is not its own"),
    ],
)
def test_a_list_that_cannot_be_had_is_an_error(
    state: Platform, kind: type[MigrateError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrate.pipeline.fleet.platform_api._wait", lambda _state: 0.0)
    with platform(state) as api, pytest.raises(kind) as raised:
        listed(api, "org")
    assert said in raised.value.message


def test_the_token_of_the_api_is_needed_and_never_shown() -> None:
    with platform(Platform(ORGANIZATION)) as api:
        with pytest.raises(UsageError, match="TURSO_API_TOKEN holds no token"):
            listed(api, "org", "")
        with pytest.raises(SourceError, match="refuses the token") as raised:
            listed(api, "org", "another-one")
    assert "another-one" not in f"{raised.value.message} {raised.value.hint}"
