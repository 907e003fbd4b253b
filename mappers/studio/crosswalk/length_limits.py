"""People whose e-mail or names are longer than the target's columns hold."""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.reasons import CODES
from mappers.row_outcomes import Limits
from mappers.sqlite_sql import sql
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.legacy_tables import PEOPLE

_LENGTHS: Final = {
    "email": "length(email)",
    "username": "length(username)",
    "display_name": "length(display_name)",
}
_FATE: Final = """
UPDATE x.legacy_user SET person = NULL, fate = 'rejected', reason = $too_long
WHERE person IN (SELECT person FROM x.overlong)"""


def reject_overlong(workspace: Workspace, limits: Limits) -> None:
    """Reject whole persons before anything else refers to them: no value is ever truncated.

    `limits` is the longest text of the target's columns; only the columns of `users` count here.
    """
    tests = [
        f"{length} > {int(limits['users', column])}"
        for column, length in _LENGTHS.items()
        if ("users", column) in limits
    ]
    if not tests:
        return
    workspace.execute(
        sql(
            "CREATE TABLE x.overlong AS SELECT person FROM x.person WHERE $tests",
            tests=" OR ".join(tests),
        )
    )
    workspace.execute(sql(_FATE, **CODES))
    members = (member(space) for space in dict.fromkeys(PEOPLE.values()))
    for table in ("person", *members):
        workspace.execute(
            sql("DELETE FROM x.$table WHERE person IN (SELECT person FROM x.overlong)", table=table)
        )
