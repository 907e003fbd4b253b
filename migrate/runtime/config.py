"""The configuration: a TOML file, overridden by the environment, checked key by key.

`MIGRATE__SECTION__KEY` overrides `[section] key`; a deeper key has one more
`__`. The source's URL and token are also taken from the variables Turso's own
tools use.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from mappers.settings import EMPTIED, IN_ID_MAP, MapperSettings
from migrate.runtime.config_mistakes import explain, refuse_unknown_variables
from migrate.runtime.errors import UsageError
from migrate.runtime.settings.fleet import FleetSettings
from migrate.runtime.settings.source import SourceSettings

PREFIX: Final = "MIGRATE__"
SAMPLE: Final = "sample"
EMBEDDED: Final = "embedded"
#: In `[ids] map`: every entity that has ids.
EVERY: Final = "*"

#: Keys whose value is a path, which in the file is relative to the folder of the file.
_PATHS: Final = (("mappers", "mapping"), ("target", "schema"))

#: Ends the names of the variables that grant no more than reading.
READ_ONLY: Final = "_RO"

Name = Annotated[str, Field(min_length=1, max_length=63)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(SourceSettings):
    """`[source]`: the legacy database."""

    url: SecretStr | None = Field(
        default=None,
        description="libsql://…, https://…, http://…, ws://…, wss://…, a SQLite file, a .sql dump, or sample",
    )
    url_env: list[str] = Field(
        default=["TURSO_DATABASE_URL", "TURSO_CONNECTION_URL", f"TURSO_DATABASE_URL{READ_ONLY}"],
        description="environment variables with the URL; the first that is set is used instead of `url`",
    )
    token_env: str | list[str] = Field(
        default=["TURSO_AUTH_TOKEN", f"TURSO_AUTH_TOKEN{READ_ONLY}"],
        description="environment variables that hold the token; the first that is set, "
        "but for a URL from a variable in …_RO that of the same ending",
    )


class Target(_Section):
    """`[target]`: the PostgreSQL that receives the data."""

    url: SecretStr = Field(
        default=SecretStr(EMBEDDED),
        description="postgresql://…, or embedded: a PostgreSQL in the work folder",
    )
    url_env: str | None = Field(
        default=None, description="environment variable with the URL; used instead of `url`"
    )
    staging_schema: Name = Field(
        default="migrate_staging", description="schema for the staged rows, created by migrate"
    )
    ledger_schema: Name = Field(
        default="migrate_ledger", description="schema for the ledger and the id map, created by migrate"
    )
    schema_file: Path | None = Field(
        default=None, alias="schema", description="file of DDL that creates the tables of an empty target"
    )
    empty: list[Name] = Field(
        default=list(EMPTIED),
        description="live tables that are emptied, never filled, because their rows hang on replaced rows; "
        "with [mappers] mapping none by default",
    )
    keep: list[Name] = Field(default=[], description="live tables that must not change")
    lock_timeout_ms: int = Field(
        default=2_000,
        ge=10,
        le=600_000,
        description="longest wait for the locks in one attempt to publish, in milliseconds",
    )
    publish_attempts: int = Field(default=30, ge=1, le=10_000, description="attempts to get the locks")


class IdSettings(_Section):
    """`[ids]`: how new ids are made."""

    secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="the id secret; if there is none, the first run makes one and stores it in the ledger",
    )
    map: list[Name] = Field(
        default=list(IN_ID_MAP),
        min_length=1,
        description='entities whose legacy ids the id map holds, merged ones included; "*" is all of them, '
        "which is the default with [mappers] mapping",
    )


class Sample(_Section):
    """`[sample]`: the built-in legacy database."""

    scale: float = Field(default=1.0, gt=0, le=10_000, description="1 is 640 users and 2,690 messages")
    seed: int = Field(default=1, ge=0, description="random seed; another seed gives other people")
    messages: int | None = Field(default=None, ge=0, description="number of messages; overrides the scale")
    profiles: int | None = Field(
        default=None, ge=1, description="number of people with a profile; default: nearly all"
    )


class Load(_Section):
    """`[load]`: batches."""

    batch_rows: int = Field(
        default=20_000, ge=1, le=1_000_000, description="source rows in a batch; more rows need more memory"
    )


Share = Annotated[float, Field(ge=0, le=1)]


class Checks(_Section):
    """`[verification]`: when a run must not be published."""

    max_reject_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="stop before publish if a larger share of a source table is rejected; rows that a rule "
        "of the mapping rejects do not count",
    )
    max_reject_rows: int = Field(
        default=10,
        ge=0,
        description="so many rejected rows of a source table never stop the run, whatever their share",
    )
    max_reject_shares: dict[str, Share] = Field(
        default={}, description="another `max_reject_share` for single source tables, by their names"
    )
    deep: bool = Field(default=False, description="map every row a second time and compare each cell")
    check_urls: bool = Field(
        default=False, description="request every image URL over HTTP and check that it answers"
    )


class Metrics(_Section):
    """`[metrics]`: for the program that collects them."""

    textfile: Path | None = Field(
        default=None,
        description="file for the textfile collector of Prometheus' node exporter, written after "
        "every stage; needs the extra `metrics`",
    )


class Notify(_Section):
    """`[notify]`: a webhook that hears how a command ended."""

    url: SecretStr | None = Field(
        default=None,
        description="address that gets a JSON object by POST if `run` or `rollback` is done, failed, stopped "
        "or waiting for an answer; if it does not answer, the command goes on",
    )


class Config(BaseSettings):
    """The whole configuration; see `config.toml` for every key with its meaning."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    source: Source = Source()
    target: Target = Target()
    ids: IdSettings = IdSettings()
    sample: Sample = Sample()
    load: Load = Load()
    verification: Checks = Checks()
    metrics: Metrics = Metrics()
    notify: Notify = Notify()
    mappers: MapperSettings = MapperSettings()
    fleet: FleetSettings = FleetSettings()
    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """Return the absolute path of the file that was read, None if there was none."""
        return self._file

    def read_from(self, path: Path | None) -> Config:
        """Return the configuration, as the one that was read from a file."""
        self._file = None if path is None else path.absolute()
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file; the content of the file arrives as init arguments."""
        return env_settings, init_settings


def load_config(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration from `path` (built-in values if it is None) and the environment.

    Raises UsageError with the file or variable, the key and what is wrong with it. The wrong value is not
    shown, because it may be a secret.
    """
    content: dict[str, Any] = {}
    if path is not None:
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UsageError(
                f"there is no configuration file {path}",
                hint="give one with --config, or copy config.toml from the repository",
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {path}: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path} is not valid TOML: {error}") from error
    refuse_unknown_variables(environ, PREFIX, Config)
    return _checked(_rooted(content, path), path)


def target_only(target: dict[str, Any], environ: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration with the keys of `[target]` alone, and the environment; see `load_config`."""
    refuse_unknown_variables(environ, PREFIX, Config)
    return _checked({"target": target}, None)


def _checked(content: dict[str, Any], path: Path | None) -> Config:
    try:
        return _with_defaults(Config(**content).read_from(path))
    except SettingsError as error:
        # `from None`, and without its text: both may contain the value.
        name = re.search(r'field "(\w+)"', str(error))
        place = f" of [{name[1]}]" if name else ""
        raise UsageError(
            f"the value of a variable{place} cannot be read: write lists and tables as JSON",
            hint="for example MIGRATE__TARGET__KEEP='[\"audit\"]'",
        ) from None
    except ValidationError as error:
        raise UsageError(
            explain(error, path, Config), hint="config.toml lists every key with its meaning"
        ) from error


def _rooted(content: dict[str, Any], path: Path | None) -> dict[str, Any]:
    """Return the file's content with its paths made relative to the folder of the file."""
    rooted = dict(content)
    for section, key in _PATHS:
        part = content.get(section)
        if path is not None and isinstance(part, dict) and isinstance(part.get(key), str):
            rooted[section] = {**part, key: path.absolute().parent / part[key]}
    return rooted


def _with_defaults(config: Config) -> Config:
    """Return the configuration with the defaults of a mapping file for the keys that are not set."""
    if config.mappers.mapping is None:
        return config
    target, ids = config.target, config.ids
    if "empty" not in target.model_fields_set:
        target = target.model_copy(update={"empty": []})
    if "map" not in ids.model_fields_set:
        ids = ids.model_copy(update={"map": [EVERY]})
    return config.model_copy(update={"target": target, "ids": ids})


def source_url(config: Config, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return the source's URL (secret) and where it was found. Raises UsageError if there is none."""
    ours = PREFIX + "SOURCE__URL"
    if ours not in environ:
        for name in config.source.url_env:
            if environ.get(name):
                return environ[name], f"${name}"
    if config.source.url is None:
        raise UsageError(
            "no source is configured",
            hint=f"give the configuration file with --config, or set {' or '.join(config.source.url_env)}; "
            "MIGRATE__SOURCE__URL=sample is the built-in sample, to try it",
        )
    return config.source.url.get_secret_value(), f"${ours}" if ours in environ else "[source] url"


def source_token(config: Config, named_by: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the token for the URL that `source_url` found in `named_by`, None if none is set."""
    listed = config.source.token_env
    names = [listed] if isinstance(listed, str) else list(listed)
    names.sort(key=lambda name: name.endswith(READ_ONLY) != named_by.endswith(READ_ONLY))
    return next((environ[name] for name in names if environ.get(name)), None)


def target_url(config: Config, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return the target's URL (secret) and where it was found."""
    name, ours = config.target.url_env, PREFIX + "TARGET__URL"
    if name and ours not in environ:
        if not environ.get(name):
            raise UsageError(f"the environment variable {name}, given in [target] url_env, is not set")
        return environ[name], f"${name}"
    return config.target.url.get_secret_value(), f"${ours}" if ours in environ else "[target] url"
