"""Names in the configuration that neither the source nor the target has: such a line would do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappers.mistakes import near
from mappers.settings import EMPTIED
from migrate.pipeline.plan.target_checks import Finding
from migrate.runtime.config import Config


def find_unknown_names(config: Config, sources: Iterable[str], live: Iterable[str]) -> Iterator[Finding]:
    """Yield an error for each table that a list of the configuration names and that is not there.

    `sources` are the tables of the source, `live` those of the target. A misspelt `keep` would not keep.
    """
    there, targets = set(sources), set(live)
    emptied = [name for name in config.target.empty if name not in EMPTIED]  # defaults may be absent
    for key, names, known, side in (
        ("[target] keep", config.target.keep, targets, "target"),
        ("[target] empty", emptied, targets, "target"),
        ("[verification] max_reject_shares", config.verification.max_reject_shares, there, "source"),
    ):
        for name in names:
            if name not in known:
                yield Finding(
                    "error", f"{key}: the {side} has no table {name}{near(name, known)}", "fix this name"
                )
