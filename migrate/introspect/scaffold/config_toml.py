"""The config.toml of a mapping: with it `migrate run` works at once."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from migrate.introspect.scaffold.mapping_toml import toml_string

_TEXT: Final = """\
# Configuration for `migrate run --config FILE`, with the mapping in the same folder.
# Every key with its meaning: config.toml of the repository.

[source]
url = {source}
# The token comes from the environment variable TURSO_AUTH_TOKEN, never from this file.

[target]
{target}
# File names are relative to this file. If the target has no tables yet, this
# file creates them, after asking.
{schema}
# Tables that are emptied and not filled, because their rows refer to replaced rows.
empty = []

[mappers]
mapping = "mapping.toml"
"""
#: The environment variable of the target's URL, unless another one is given.
VARIABLE: Final = "DATABASE_URL"
_EMBEDDED: Final = """\
# A PostgreSQL in the work folder. For your own, delete the next line, uncomment url_env and set {variable}.
url = "embedded"
#url_env = "{variable}\""""
_OWN: Final = """\
# Set {variable} to postgresql://USER:PASSWORD@HOST/DATABASE?schema=public
url_env = "{variable}\""""


_OF_FLEET: Final = """
[fleet]
# A CSV (tenant,url[,token_env]), a folder of files, or turso:ORG[/GROUP].
tenants = {tenants}
"""


def fleet_configuration(text: str, tenants: str) -> str:
    """Return a configuration for a fleet: the tenants take the place of the source."""
    head, _, rest = text.partition("[source]\n")
    _, _, rest = rest.partition("\n[target]")
    note = "# A tenant's token is in the variable that the CSV names for it, otherwise in TURSO_AUTH_TOKEN.\n"
    return f"{head}{note}\n[target]{rest}{_OF_FLEET.format(tenants=toml_string(tenants))}"


def write_configuration(source: str, *, embedded: bool, schema: bool, variable: str = VARIABLE) -> str:
    """Return the text of config.toml; it never holds a token or a password.

    `source` is the source's URL as given; `embedded` is true if the target is a PostgreSQL in the work
    folder, `schema` if there is an init.sql; `variable` is the environment variable of the target's URL.
    """
    target = _EMBEDDED if embedded else _OWN
    return _TEXT.format(
        source=toml_string(without_token(source)),
        target=target.format(variable=variable),
        schema='schema = "init.sql"' if schema else '#schema = "init.sql"',
    )


def to_set(source: str, *, embedded: bool, variable: str = VARIABLE) -> list[str]:
    """Return what must be set in the environment before a run, because no file holds it."""
    notes = []
    if without_token(source) != source:
        notes.append(
            "the token of the source URL is not written to a file: set TURSO_AUTH_TOKEN before the run"
        )
    if not embedded:
        notes.append(f"the target URL is not written to a file: set {variable} before the run")
    return notes


def without_token(url: str) -> str:
    """Return a source's URL without a token or credentials in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.scheme or not parts.netloc:
        return url
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "authToken"]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(kept)))
