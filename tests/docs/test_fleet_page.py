"""The commands of docs/fleet.md, typed in their order with three tenants in files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.pipeline.fleet.world import add_tenant
from tests.tools.commands import ROOT, migrate

PAGE = (ROOT / "docs" / "fleet.md").read_text()
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_commands_do_what_the_page_says(tmp_path: Path) -> None:
    for name in ("acme", "bolt", "core"):
        add_tenant(tmp_path / "tenants", name)
    lines = [line for block in _BLOCK.findall(PAGE) for line in block.splitlines()]
    assert len(lines) == 8
    said = {line: migrate(*shlex.split(line)[1:], cwd=tmp_path).out for line in lines}
    status = next(out for line, out in said.items() if " status " in line)
    assert "3 of 3 tenants" in status
    assert "1 tenant has 0 rows now" in next(out for line, out in said.items() if " rollback " in line)
    assert (tmp_path / "work" / "fleet.html").exists()
