"""The profile of a legacy database: read from its snapshot, column by column, proven over all rows."""

from __future__ import annotations

from migrate.introspect.profile.inspect import inspect_source
from migrate.introspect.profile.inspection import Inspection

__all__ = ["Inspection", "inspect_source"]
