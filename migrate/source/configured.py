"""The source that the configuration names; it is opened when it is needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.config import SAMPLE, Config, source_token, source_url
from migrate.runtime.errors import UsageError
from migrate.source.model import Source
from migrate.source.open import open_source
from migrate.source.url import parse_address


@dataclass(frozen=True)
class ConfiguredSource:
    """The source: its URL and token are never shown, `label` and `named_by` are."""

    url: str = field(repr=False)
    token: str | None = field(repr=False)
    label: str
    named_by: str
    config: Config = field(repr=False)
    folder: Path
    #: called before each request; it returns if the request may be sent
    pace: Callable[[], None] = field(default=lambda: None, repr=False)

    def open(self) -> Source:
        """Open the source for reading; the built-in sample is first written to the work folder."""
        if self.url == SAMPLE:
            return open_source(str(self._make_sample()), token=None, settings=self.config.source)
        return open_source(self.url, token=self.token, settings=self.config.source, pace=self.pace)

    def _make_sample(self) -> Path:
        sample = self.config.sample
        name = f"sample-{sample.scale:g}-{sample.seed}"
        name += "" if sample.messages is None else f"-{sample.messages}"
        name += "" if sample.profiles is None else f"-of-{sample.profiles}"
        path = files.make_folder(self.folder) / f"{name}.db"
        if not path.exists():
            from migrate.source.sample.write import write_sample

            write_sample(path, **sample.model_dump())
        return path


def configured_source(
    config: Config, folder: Path, environ: Mapping[str, str] = os.environ
) -> ConfiguredSource:
    """Return the source that the configuration and the environment name.

    Raises UsageError if there is none.
    """
    url, named_by = source_url(config, environ)
    token = source_token(config, named_by, environ)
    if url == SAMPLE:
        sample = config.sample
        label = f"the built-in sample (scale {sample.scale:g}, seed {sample.seed}"
        label += "" if sample.messages is None else f", {sample.messages:,} messages"
        label += ")" if sample.profiles is None else f", {sample.profiles:,} profiles)"
    else:
        label = parse_address(url).label
    return ConfiguredSource(
        url=url, token=token, label=label, named_by=named_by, config=config, folder=folder
    )


def any_source(config: Config, folder: Path) -> ConfiguredSource:
    """Return the configured source, or one without an address, for a command that opens none."""
    try:
        return configured_source(config, folder)
    except UsageError:
        return ConfiguredSource("", None, "not configured", "nothing", config, folder)
