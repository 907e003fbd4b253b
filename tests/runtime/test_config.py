from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mappers.settings import EMPTIED
from migrate.runtime.config import (
    EMBEDDED,
    SAMPLE,
    Config,
    load_config,
    source_token,
    source_url,
    target_url,
)
from migrate.runtime.config_reference import keys
from migrate.runtime.errors import UsageError
from tests.tools.commands import migrate

SHIPPED = Path(__file__).parents[2] / "config.toml"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURSO_DATABASE_URL", "TURSO_CONNECTION_URL", "TURSO_DATABASE_URL_RO"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_runs_the_sample_on_embedded_servers() -> None:
    config = load_config(SHIPPED)
    assert source_url(config) == (SAMPLE, "[source] url")
    assert target_url(config) == (EMBEDDED, "[target] url")
    assert tuple(config.target.empty) == EMPTIED


def test_both_ends_say_which_of_our_variables_named_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATE__SOURCE__URL", "old.db")
    monkeypatch.setenv("MIGRATE__TARGET__URL", "postgresql://host/app")
    config = load_config(SHIPPED)
    assert source_url(config) == ("old.db", "$MIGRATE__SOURCE__URL")
    assert target_url(config) == ("postgresql://host/app", "$MIGRATE__TARGET__URL")


#: Keys whose value in the shipped file is an example, since no default applies.
EXAMPLES = (
    'url_env = "DATABASE_URL"', "messages", "profiles", "secret",
    "max_rows_read", "max_bytes", "ca_file", "gzip", "textfile", "schema = ", "mapping = ",
    'url = "https://hooks', "tenants = ", "scheduler = ", "requests_per_second",
)  # fmt: skip


def shown_settings() -> str:
    """Return the shipped file with its commented settings in force; `# prose` has a blank behind the #."""
    lines = (re.sub(r"^#(?! \S)", "", line) for line in SHIPPED.read_text().splitlines())
    return "\n".join(line for line in lines if not line.startswith(("# ", *EXAMPLES)))


def test_what_the_shipped_file_shows_is_what_holds_where_nothing_is_said(tmp_path: Path) -> None:
    shown = load_config(write(tmp_path, shown_settings()))
    assert shown.model_dump() == load_config(SHIPPED).model_dump()


def test_the_shipped_file_shows_every_key() -> None:
    def keys(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[str]:
        for name, field in model.model_fields.items():
            part = field.annotation
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from keys(part, (*place, name))
            else:
                yield ".".join((*place, field.alias or name))

    def shown(table: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[str]:
        for name, value in table.items():
            if isinstance(value, dict) and place in ((), ("mappers",)):
                yield from shown(value, (*place, name))
            else:
                yield ".".join((*place, name))

    examples = {
        "target.url_env", "target.schema", "mappers.mapping",
        "sample.messages", "sample.profiles", "ids.secret",
        "source.max_rows_read", "source.max_bytes", "source.ca_file", "source.gzip", "metrics.textfile",
        "notify.url", "fleet.tenants", "fleet.scheduler", "fleet.requests_per_second", "fleet.max_rows_read",
    }  # fmt: skip
    assert set(shown(tomllib.loads(shown_settings()))) | examples == set(keys(Config))


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, '[source]\nurl = "a.db"\n[target]\nurl = "embedded"\n[load]\nbatch_rows = 7\n')
    monkeypatch.setenv("MIGRATE__TARGET__URL", "postgresql://u:p@db.example/x")
    monkeypatch.setenv("MIGRATE__LOAD__BATCH_ROWS", "9")
    monkeypatch.setenv("TURSO_CONNECTION_URL", "libsql://old.example")
    config = load_config(path)
    assert config.load.batch_rows == 9
    assert target_url(config)[0] == "postgresql://u:p@db.example/x"
    assert source_url(config) == ("libsql://old.example", "$TURSO_CONNECTION_URL")
    monkeypatch.setenv("TURSO_DATABASE_URL", "libsql://first.example")
    assert source_url(config)[0] == "libsql://first.example"
    monkeypatch.setenv("MIGRATE__SOURCE__URL", "b.db")
    assert source_url(load_config(path)) == ("b.db", "$MIGRATE__SOURCE__URL")


def test_a_read_only_url_comes_with_its_read_only_token() -> None:
    config, both = Config(), {"TURSO_AUTH_TOKEN": "all", "TURSO_AUTH_TOKEN_RO": "reading"}
    url, named_by = source_url(config, {"TURSO_DATABASE_URL_RO": "libsql://a.example?tls=1"})
    assert url == "libsql://a.example?tls=1"
    assert source_token(config, named_by, both) == "reading"
    assert source_token(config, named_by, {"TURSO_AUTH_TOKEN": "all"}) == "all"
    assert source_token(config, "[source] url", both) == "all"
    assert source_token(config, "[source] url", {"TURSO_AUTH_TOKEN_RO": "reading"}) == "reading"
    assert source_token(config, named_by, {"TURSO_AUTH_TOKEN_RO": ""}) is None


def test_token_env_is_one_name_or_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(write(tmp_path, '[source]\ntoken_env = "SHOP_TOKEN"\n'))
    assert source_token(config, "[source] url", {"SHOP_TOKEN": "t", "TURSO_AUTH_TOKEN": "u"}) == "t"
    monkeypatch.setenv("MIGRATE__SOURCE__TOKEN_ENV", "OTHER_TOKEN")
    assert source_token(load_config(None), "[source] url", {"OTHER_TOKEN": "o"}) == "o"


def test_url_env_names_another_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(write(tmp_path, '[target]\nurl_env = "SHOP_DB"\n[source]\nurl_env = ["SHOP_OLD"]\n'))
    with pytest.raises(UsageError, match="SHOP_DB"):
        target_url(config)
    with pytest.raises(UsageError, match="no source") as caught:
        source_url(config)
    assert "SHOP_OLD" in str(caught.value.hint)
    monkeypatch.setenv("SHOP_DB", "postgresql://u@h/d")
    monkeypatch.setenv("SHOP_OLD", "old.db")
    assert target_url(config) == ("postgresql://u@h/d", "$SHOP_DB")
    assert source_url(config) == ("old.db", "$SHOP_OLD")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[source]\nulr = 'x'\n", "did you mean url"),
        ("[sorce]\nurl = 'x'\n", "did you mean source"),
        ("[load]\nbatch_rows = 0\n", "must be 1 or more"),
        ("[load]\nbatch_rows = 'many'\n", "must be a whole number"),
        ("[ids]\nsecret = 'short'\n", "at least 16 are needed"),
        ("[verification]\nmax_reject_share = 2\n", "must be 1 or less"),
        ("[mappers.images]\nbase = 'x'\n", "did you mean base_url"),
        ("[source\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_config(write(tmp_path, text))


def test_a_mistaken_value_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, "[ids]\nsecret = 'hunter2'\n"))
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_a_mistaken_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"MIGRATE__SORCE__URL.*did you mean source"):
        load_config(None, {"MIGRATE__SORCE__URL": "x"})
    monkeypatch.setenv("MIGRATE__SOURCE__ULR", "x")
    with pytest.raises(UsageError, match="did you mean url"):
        load_config(None)


def test_a_missing_file_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no configuration file"):
        load_config(tmp_path / "none.toml")


def test_the_reference_page_is_what_the_command_prints() -> None:
    assert (SHIPPED.parent / "docs/configuration.md").read_text() == migrate("config", "--reference").out


def test_every_key_of_the_reference_says_what_it_means() -> None:
    assert [key.name for key in keys() if not key.meaning] == []


def test_the_configuration_in_force_is_shown_without_secrets(tmp_path: Path) -> None:
    path = write(tmp_path, '[target]\nurl = "postgresql://u:hunter2@db.example.com/x"\n')
    shown = migrate("config", "--config", str(path), MIGRATE__LOAD__BATCH_ROWS="77")
    assert "batch_rows = 77" in shown.out
    assert "hunter2" not in shown.out
    assert tomllib.loads(shown.out)["load"] == {"batch_rows": 77}
    assert migrate("config", "--config", str(path), "--json").json()["load"]["batch_rows"] == 20_000
