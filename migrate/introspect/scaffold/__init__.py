"""The first mapping of any source: what `migrate init` writes for an operator to review."""

from __future__ import annotations

from migrate.introspect.scaffold.draft import make_draft
from migrate.introspect.scaffold.existing.onto_existing import draft_onto
from migrate.introspect.scaffold.forecast.marks import foresee
from migrate.introspect.scaffold.model import Draft

__all__ = ["Draft", "draft_onto", "foresee", "make_draft"]
