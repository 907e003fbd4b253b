"""URLs as arguments of a command: every user of the machine sees them, so they must not hold secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from migrate.runtime.config import Config

_VARIABLE: Final = "env:"


def read_url(text: str, option: str, environ: Mapping[str, str] = os.environ) -> tuple[str, str | None]:
    """Return the URL that an argument gives, and the environment variable that holds it, if one does.

    `env:NAME` stands for the URL in the variable NAME. Raises UsageError, which does not show the
    argument, if it holds a password or a token, and if the variable is not set.
    """
    from migrate.runtime.errors import UsageError
    from migrate.runtime.redaction import holds_credentials

    if text.startswith(_VARIABLE):
        name = text.removeprefix(_VARIABLE)
        if not environ.get(name):
            raise UsageError(f"the environment variable {name}, given in {option}, is not set")
        return environ[name], name
    if holds_credentials(text):
        raise UsageError(
            f"{option} holds a password or a token, and every user of this machine can see arguments",
            hint=f"set an environment variable to the URL and give its name: {option} {_VARIABLE}NAME",
        )
    return text, None


def choose_source(config: Config, source: str | None, option: str) -> tuple[Config, dict[str, str]]:
    """Return configuration and environment in which the source that `option` gives is the configured one.

    It takes precedence over the variables of Turso's own tools; without one nothing changes.
    """
    from pydantic import SecretStr

    from migrate.runtime.config import PREFIX

    environ = dict(os.environ)
    if not source:
        return config, environ
    url, _ = read_url(source, option)
    environ[f"{PREFIX}SOURCE__URL"] = url
    chosen = config.source.model_copy(update={"url": SecretStr(url)})
    return config.model_copy(update={"source": chosen}), environ
