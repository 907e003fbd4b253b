"""The integrity checker: checks of the migrated rows, each answered from the rows themselves.

Given open connections, the ids and the live schema's shape, it runs over the staging schema before publish
and over the live one after. It imports nothing from the other packages of the project.
"""

from verification.context import (
    CheckContext,
    Column,
    ForeignKey,
    Ids,
    Key,
    Limits,
    MapperColumns,
    RowAccounting,
    Table,
    UrlSettings,
)
from verification.result import Check, CheckResult, Finding, Report
from verification.runner import check_names, run_checks

__all__ = [
    "Check",
    "CheckContext",
    "CheckResult",
    "Column",
    "Finding",
    "ForeignKey",
    "Ids",
    "Key",
    "Limits",
    "MapperColumns",
    "Report",
    "RowAccounting",
    "Table",
    "UrlSettings",
    "check_names",
    "run_checks",
]
