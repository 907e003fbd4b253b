"""A first mapping of any source: what `migrate init` writes for an operator to review."""

from __future__ import annotations

from migrate.drafting.draft import make_draft
from migrate.drafting.existing import draft_onto
from migrate.drafting.model import Draft

__all__ = ["Draft", "draft_onto", "make_draft"]
