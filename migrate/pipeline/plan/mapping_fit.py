"""The parts of a source that do not fit the mapping: the plan lists them, and a run does not start."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from mappers.base import BoundMapping, MappingSpec, SourceTables
from mappers.declarative.derived_value import is_derived
from mappers.declarative.mapping_file import MappingFile, fits
from mappers.declarative.validate import find_misfits
from migrate.introspect.profile.names import says_minor
from migrate.pipeline.mapping import described_mapping, target_columns, target_ddl, with_places
from migrate.pipeline.plan.target_checks import Finding
from migrate.postgres.catalog import LiveSchema
from migrate.runtime.amount import amount
from migrate.runtime.config import Config
from migrate.runtime.errors import UsageError


def require_fit(spec: MappingSpec, columns: Mapping[str, Sequence[str]], source: str) -> None:
    """Raise UsageError if the mapping needs one of some tables and none is there; `source` is its label."""
    if spec.one_of and not set(spec.one_of) & columns.keys():
        *others, last = spec.one_of
        raise UsageError(
            f"{source} has no table {', '.join(others)} or {last}: it is not a {spec.kind}",
            hint="for any other database write a mapping with `migrate init --source URL --out FOLDER`; "
            "or check the source URL. Its tables: " + (", ".join(sorted(columns)) or "none"),
        )


def find_mistakes(config: Config, columns: SourceTables, live: LiveSchema) -> list[Finding]:
    """Return an error for every entry of a mapping file that does not fit the source or the target."""
    described = described_mapping(config)
    if described is None:
        return []
    hint = f"fix {config.mappers.mapping}"
    if _is_left_behind(config, described):
        hint += f"; if you edited it, make the target's files follow: {_regenerate(config)}"
    elif (ddl := target_ddl(config)) is not None:
        hint += (
            f"; or, if the target's tables are of an older {ddl.path.name} and empty, drop them:"
            " the run makes them from the file"
        )
    mistakes = find_misfits(described, columns, target_columns(live))
    return [Finding("error", mistake, hint) for mistake in with_places(config, mistakes)]


def find_drift(config: Config) -> list[Finding]:
    """Return a note if the DDL of an empty target was made for another mapping file than there is."""
    described, ddl = described_mapping(config), target_ddl(config)
    if described is None or ddl is None or not _is_left_behind(config, described):
        return []
    what = f"{ddl.path.name} was made before {config.mappers.mapping} was edited"
    return [Finding("note", f"{what}; to make it follow: {_regenerate(config)}")]


def find_doubts(config: Config) -> list[Finding]:
    """Return a note for every entry that takes cents for whole units, as it seems by the names."""
    described, doubts = described_mapping(config), list[str]()
    for name, table in sorted(described.tables.items()) if described is not None else ():
        for column, line in table.columns.items():
            plain = line.kind == "decimal" and line.to is not None and not is_derived(line)
            if plain and says_minor(column) and not says_minor(str(line.to)):
                doubts.append(
                    f"tables.{name}.columns.{column}: hundredths by the name go to {table.target}.{line.to}"
                    " as they are; if that holds units: divide = 100"
                )
    return [Finding("note", doubt) for doubt in with_places(config, doubts)]


def _is_left_behind(config: Config, described: MappingFile) -> bool:
    ddl = target_ddl(config)
    return ddl is not None and not fits(described, ddl.text)


def _regenerate(config: Config) -> str:
    """Return the command that writes the target's files anew."""
    assert config.mappers.mapping is not None
    return f"migrate init --regenerate --out {shlex.quote(str(config.mappers.mapping.parent))}"


def find_unknown(config: Config, mapping: BoundMapping, rows: Mapping[str, int]) -> list[Finding]:
    """Return an error for every table that has rows but is neither mapped nor left out."""
    if config.mappers.mapping is not None:
        return []  # its mistakes are reported already
    filled = [table for table in mapping.unknown if rows.get(table)]
    found = [
        Finding(
            "error",
            f"the source table {table} ({amount(rows[table], 'row')}) is not in the mapping",
            "if you do not want to migrate it, list it in the configuration: "
            f"[mappers] left_out = {json.dumps(filled, ensure_ascii=False)}",
        )
        for table in filled
    ]
    migrated = {account.source for account in mapping.accounts}
    found += [
        Finding(
            "error",
            f"[mappers] left_out lists {table}, but the mapping reads it",
            "remove it from the list",
        )
        for table in config.mappers.left_out
        if table in migrated
    ]
    return found
