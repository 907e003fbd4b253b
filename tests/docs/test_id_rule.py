"""The rule of the new ids, as docs/database-switch-guide.md shows it in three languages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import psycopg
import pytest

from migrate.pipeline.ids import Ids
from tests.tools.commands import ROOT

PAGE = (ROOT / "docs" / "database-switch-guide.md").read_text()
SECRETS = (
    "an id secret of the tests",
    "a secret of more than sixty-four characters, ä, which is hashed first",
)
ROWS = [("users", "1"), ("users", "42"), ("order lines", "7:2"), ("größe", "straße-9"), ("t", "x" * 90)]
ASKED = [(*row, secret) for secret in SECRETS for row in ROWS]
EXPECTED = [Ids(secret).derive(entity, legacy) for entity, legacy, secret in ASKED]


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_rule_in_python() -> None:
    scope: dict[str, Any] = {}
    exec(block("python"), scope)
    assert [scope["new_id"](*one) for one in ASKED] == EXPECTED


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_rule_in_javascript() -> None:
    ask = f"console.log(JSON.stringify({json.dumps(ASKED)}.map(one => newId(...one))))"
    done = subprocess.run(["node", "-e", block("js") + ask], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == EXPECTED


def test_the_rule_in_sql(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(block("pgsql").encode())
        ids = [connection.execute("SELECT new_id(%s, %s, %s)", one).fetchone() for one in ASKED]
    assert ids == [(one,) for one in EXPECTED]
