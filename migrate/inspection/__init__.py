"""What is in a legacy database: read off its snapshot, column by column, proven over all rows."""

from __future__ import annotations

from migrate.inspection.document import Inspection
from migrate.inspection.survey import inspect_source

__all__ = ["Inspection", "inspect_source"]
