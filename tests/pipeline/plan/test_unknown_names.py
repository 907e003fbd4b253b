"""A list of the configuration that names a table which is not there."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.pipeline.plan.unknown_names import find_unknown_names
from migrate.runtime.config import Config

SOURCES, TARGETS = ("posts", "users"), ("Account", "Session")


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        (
            "target",
            {"keep": ["Sesion"]},
            "[target] keep: the target has no table Sesion; did you mean Session?",
        ),
        (
            "target",
            {"empty": ["account"]},
            "[target] empty: the target has no table account; did you mean Account?",
        ),
        (
            "verification",
            {"max_reject_shares": {"zzz": 1}},
            "[verification] max_reject_shares: the source has no table zzz",
        ),
        ("target", {"keep": ["Session"], "empty": ["Account", "refunds"]}, None),
        ("verification", {"max_reject_shares": {"posts": 0.5}}, None),
    ],
)  # fmt: skip
def test_it_is_an_error_with_the_name_that_was_meant(
    section: str, values: dict[str, Any], said: str | None
) -> None:
    found = list(find_unknown_names(Config(**{section: values}), SOURCES, TARGETS))
    assert [one.message for one in found] == ([said] if said else [])
    assert all(one.level == "error" for one in found)
